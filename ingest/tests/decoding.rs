//! The decoders: what they read, on which line, and what they refuse without taking the rest along.

use std::io::Write;

use vitalog_elog::Refusal;
use vitalog_ingest::decode::{Format, Item, Packing, RawReading, Scalar, decode};

fn items<'a>(format: &Format, body: &'a [u8]) -> Vec<Item<'a>> {
    decode(format, body).unwrap_or_else(|r| panic!("{r}: {:?}", String::from_utf8_lossy(body))).collect()
}

fn refused(format: &Format, body: &[u8]) -> Refusal {
    decode(format, body).err().unwrap_or_else(|| panic!("accepted: {:?}", String::from_utf8_lossy(&body[..body.len().min(99)])))
}

fn value<'a>(reading: &'a RawReading<'_>, name: &str) -> &'a Scalar<'a> {
    &reading.fields.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}")).1
}

#[test]
fn numbers_are_kept_digit_for_digit() {
    for number in ["6.10", "0.1000000000000000055511151231257827", "1e400", "-0.0", "123456789012345678901234567890", "1E-7"] {
        let body = format!("{{\"subject\":\"p\",\"value\":{number}}}");
        let items = items(&Format::Json, body.as_bytes());
        let reading = items[0].reading.as_ref().expect("read");
        assert_eq!(value(reading, "value"), &Scalar::Number(number.into()));
        assert_eq!(reading.to_json(), body);
    }
}

#[test]
fn a_document_is_an_array_or_one_reading() {
    let body = b" [\n {\"subject\":\"a\"},\n\n {\"subject\":\"b\", \"note\":\"\\u00e9\\n\"} ] \n";
    let read = items(&Format::Json, body);
    assert_eq!(read.iter().map(|i| (i.index, i.line)).collect::<Vec<_>>(), [(0, 2), (1, 4)]);
    assert_eq!(read[1].bytes, b"{\"subject\":\"b\", \"note\":\"\\u00e9\\n\"}");
    assert_eq!(value(read[1].reading.as_ref().expect("read"), "note"), &Scalar::Text("é\n".into()));
    assert_eq!(items(&Format::Json, b"{\"subject\":\"a\"}").len(), 1);
    assert!(items(&Format::Json, b"[]").is_empty());
}

#[test]
fn null_says_nothing_and_twice_is_once_too_often() {
    let read = items(&Format::Json, b"{\"subject\":\"a\",\"end\":null,\"pulse\":null}");
    let reading = read[0].reading.as_ref().expect("read");
    assert!(reading.end.is_none() && reading.fields.is_empty());
    for twice in ["\"subject\":\"b\"", "\"subject\":null", "\"s\\u0075bject\":\"a\"", "\"value\":1,\"value\":1"] {
        let body = format!("{{\"subject\":\"a\",{twice}}}");
        let read = items(&Format::Json, body.as_bytes());
        assert_eq!(read[0].reading.as_ref().expect_err(twice).code, "duplicate_key");
    }
}

#[test]
fn malformed_documents_are_refused_whole_with_a_place() {
    let deep = "[".repeat(100_000);
    let closed = format!("{}{}", deep, "]".repeat(100_000));
    for (body, code) in [
        ("", "empty_body"),
        (" \n\t ", "empty_body"),
        ("[{\"subject\":\"a\"}", "malformed_json"),
        ("[{\"subject\":\"a\"},]", "malformed_json"),
        ("[{\"value\":NaN}]", "malformed_json"),
        ("[{\"value\":Infinity}]", "malformed_json"),
        ("[{\"value\":01}]", "malformed_json"),
        ("{\"subject\":\"a\"}\n{\"subject\":\"b\"}", "malformed_json"),
        (&deep, "malformed_json"),
        ("{\"a\":\"\u{1}\"}", "malformed_json"),
    ] {
        let refusal = refused(&Format::Json, body.as_bytes());
        assert_eq!(refusal.code, code, "{body:.40}: {refusal}");
    }
    let told = refused(&Format::Json, b"[\n{\"value\":NaN}]");
    assert!(told.message.contains("line 2, column"), "{told}");
    assert!(refused(&Format::Json, b"{}\n{}").remedy.contains("application/x-ndjson"));
    assert_eq!(refused(&Format::Json, b"[\"\xff\"]").code, "malformed_json");
    // Depth is skipped, not followed: the element is there, and is no reading.
    let items = items(&Format::Json, closed.as_bytes());
    assert_eq!(items[0].reading.as_ref().expect_err("no object").code, "malformed_json");
}

#[test]
fn a_nested_value_is_seen_as_such_however_deep() {
    let body = format!("{{\"subject\":\"a\",\"value\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let read = items(&Format::Ndjson, body.as_bytes());
    assert_eq!(read.len(), 1);
    match &read[0].reading {
        Ok(reading) => assert_eq!(value(reading, "value"), &Scalar::Nested),
        Err(refusal) => assert_eq!(refusal.code, "malformed_json"),
    }
}

#[test]
fn a_bad_line_is_refused_alone() {
    let mut body = Vec::new();
    for i in 0..100_000 {
        if i == 77_777 {
            body.extend_from_slice(b"{\"subject\":\"\xff\"}\r\n");
        } else {
            writeln!(body, "{{\"subject\":\"p\",\"value\":{i}}}").expect("written");
        }
    }
    let read = items(&Format::Ndjson, &body);
    assert_eq!(read.len(), 100_000);
    let bad: Vec<_> = read.iter().filter(|i| i.reading.is_err()).collect();
    assert_eq!(bad.len(), 1);
    assert_eq!((bad[0].index, bad[0].line, bad[0].bytes), (77_777, 77_778, &b"{\"subject\":\"\xff\"}"[..]));
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let read = items(&Format::Ndjson, b"\xef\xbb\xbf{}\r\n\r\n  \n{}\nnot json\n{}");
    assert_eq!(
        read.iter().map(|i| (i.index, i.line, i.reading.is_ok())).collect::<Vec<_>>(),
        [(0, 1, true), (1, 4, true), (2, 5, false), (3, 6, true)]
    );
    let long = format!("{{\"id\":\"{}\"}}\n{{}}", "x".repeat(1 << 20));
    let read = items(&Format::Ndjson, long.as_bytes());
    assert_eq!(read[0].reading.as_ref().expect_err("too long").code, "line_too_long");
    assert!(read[1].reading.is_ok());
    assert_eq!(refused(&Format::Ndjson, b"\n \n").code, "empty_body");
}

#[test]
fn native_tables() {
    let body = "\u{feff}subject,stream,at,value,note\r\np,bg,2026-11-20T08:00:00Z,6.1,\np,bg,x,\"5,4\",\"a \"\"quoted\"\"\nnote\"\n\np,bg\np,b\"g,x,1,\np,bg,x,7,\"open\np,bg,x,8,";
    let read = items(&Format::Csv, body.as_bytes());
    let told: Vec<_> = read
        .iter()
        .map(|i| (i.index, i.line, i.reading.as_ref().map_err(|r| r.code.as_str()).map(|r| value(r, "value").clone())))
        .collect();
    let cell = |text: &'static str| Ok(Scalar::Cell(text.into()));
    assert_eq!(
        told,
        [
            (0, 2, cell("6.1")),
            (1, 3, cell("5,4")),
            (2, 6, Err("malformed_row")),
            (3, 7, Err("malformed_row")),
            (4, 8, Err("malformed_row")),
            (5, 9, cell("8")),
        ]
    );
    assert_eq!(value(read[1].reading.as_ref().expect("read"), "note"), &Scalar::Cell("a \"quoted\"\nnote".into()));
    assert_eq!(read[4].bytes, b"p,bg,x,7,\"open");
}

#[test]
fn a_stray_quote_does_not_swallow_the_file() {
    let mut body = "subject,value\n".to_owned();
    for i in 0..50_000 {
        body.push_str(if i % 1_000 == 500 { "\"p,1\n" } else { "p,1\n" });
    }
    let read = items(&Format::Csv, body.as_bytes());
    assert_eq!(read.len(), 50_000);
    assert_eq!(read.iter().filter(|i| i.reading.is_err()).count(), 50);
}

#[test]
fn headers_that_say_too_little_or_too_much() {
    for (header, why) in [
        ("", "empty"),
        ("a,b", "no column \"subject\""),
        ("subject;stream;at", "semicolons"),
        ("subject,value,value", "twice"),
        ("subject,,value", "no name"),
        ("\"subject,value", "not closed"),
    ] {
        let refusal = refused(&Format::Csv, header.as_bytes());
        assert!(refusal.message.contains(why), "{header}: {refusal}");
    }
    assert_eq!(refused(&Format::Csv, b"subject,\xff\n").code, "malformed_header");
    let wide = format!("subject,{}", (0..500).map(|i| format!("f{i}")).collect::<Vec<_>>().join(","));
    assert!(refused(&Format::Csv, wide.as_bytes()).message.contains("columns"));
    let names = (0..500).map(|i| format!("\"f{i}\":1")).collect::<Vec<_>>().join(",");
    assert_eq!(
        items(&Format::Json, format!("{{{names}}}").as_bytes())[0].reading.as_ref().expect_err("too many").code,
        "too_many_fields"
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("packed")
}

#[test]
fn packed_bodies_have_an_end() {
    assert_eq!(Packing::Gzip.unpack(&gzip(b"hello"), 5).expect("fits"), b"hello");
    assert_eq!(Packing::Gzip.unpack(&gzip(b"hello"), 4).expect_err("one too many").code, "too_large");
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    assert_eq!(Packing::Gzip.unpack(&bomb, 1 << 20).expect_err("a bomb").code, "too_large");
    let twice = [gzip(b"one\n"), gzip(b"two\n")].concat();
    assert_eq!(Packing::Gzip.unpack(&twice, 100).expect("members follow each other"), b"one\ntwo\n");
    for broken in [&b"not gzip"[..], &gzip(b"hello")[..20], b""] {
        assert_eq!(Packing::Gzip.unpack(broken, 100).expect_err("broken").code, "malformed_gzip");
    }
}

#[test]
fn forms_by_their_names() {
    use vitalog_ingest::decode::aim94;
    use vitalog_ingest::decode::t1d_uom::{File, Kind};
    let uom = |kind, person: &str| Some(Format::T1dUom(File { kind, person: person.to_owned() }));
    let diary = |person: &str| Some(Format::Aim94(aim94::File { person: person.to_owned() }));
    for (name, head, form) in [
        ("a/b/readings.ndjson", "", Some(Format::Ndjson)),
        ("x.JSON", "", Some(Format::Json)),
        ("x.csv.gz", "", Some(Format::Csv)),
        ("x.ndjson.zst", "", Some(Format::Ndjson)),
        ("x.arrows", "", Some(Format::Arrow)),
        ("data", " [{", Some(Format::Json)),
        ("data", "{", Some(Format::Ndjson)),
        ("data.xml", "<x>", None),
        ("UoMGlucose2301.csv", "", uom(Kind::Glucose, "2301")),
        ("Insulin Data/Basal Data/UoMBasal2301.csv", "", uom(Kind::Basal, "2301")),
        ("UoM2301sleeptime.csv", "", uom(Kind::SleepTime, "2301")),
        ("UoMsleep2301.csv", "", uom(Kind::Wearable, "2301")),
        ("uci/data-07", "04-21-1991\t9:09\t58\t100\n", diary("07")),
        ("data-07.gz", "\n\t138\t33\t3A\r\n", diary("07")),
        ("data-07", "04-21-1991,9:09,58,100\n", None),
        ("data-07", "", None),
        ("data-x", "04-21-1991\t9:09\t58\t100\n", None),
        ("UoMGlucose.csv", "", Some(Format::Csv)),
        ("UoMGlucose../2301.csv", "", Some(Format::Csv)),
    ] {
        assert_eq!(Format::of_file(name, head.as_bytes()), form, "{name}");
    }
}
