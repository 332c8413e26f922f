//! Admission: every bad reading refused with its code, its field and a remedy; good ones taken exactly.

use vitalog_elog::{Amount, Dimension, Reading, ReadingId, Refusal, Time, Unit, Value, When};
use vitalog_ingest::admit::dead_letter;
use vitalog_ingest::decode::json;

use super::fixture::{admission, health, now};

fn admit(text: &str) -> Result<Reading, Refusal> {
    let raw = json::object(text.as_bytes())?;
    admission().admit(&raw, now())
}

fn refused(text: &str) -> Refusal {
    admit(text).err().unwrap_or_else(|| panic!("accepted: {text:.200}"))
}

/// A reading of `bg` with a part of it exchanged.
fn bg(part: &str) -> String {
    let mut members =
        vec![("subject", "\"p-001\""), ("stream", "\"bg\""), ("at", "\"2026-11-20T07:55:00Z\""), ("value", "\"6.1 mmol/L\"")];
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    members.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        members.push((name, value));
    }
    let members: Vec<String> = members.into_iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn bad_readings_of_one_value() {
    let megabyte = format!("id=\"{}\"", "x".repeat(1 << 20));
    let text = |s: &str| format!("source=\"{s}\"");
    let table: Vec<(String, &str, &str, &str)> = [
        // the value
        ("value=\"5.4 mg/dL\"", "unit_mistake", "value", "5.4 mmol/L"),
        ("value=\"110 mmol/L\"", "unit_mistake", "value", "110 mg/dL"),
        ("value=5.4", "unit_mistake", "value", "\"5.4 mmol/L\""),
        ("value=\"0.1 mmol/L\"", "out_of_range", "value", "measure again"),
        ("value=2000", "out_of_range", "value", "measure again"),
        ("value=-0.0", "out_of_range", "value", "measure again"),
        ("value=1e400", "out_of_range", "value", "between 20 mg/dL and 1000 mg/dL"),
        ("value=1e-400", "out_of_range", "value", "between"),
        ("value=1e17", "out_of_range", "value", "between"),
        ("value=6.1000000000000000000000001", "out_of_range", "value", "what was measured"),
        ("value=\"NaN\"", "not_a_number", "value", "decimal number"),
        ("value=\"Low\"", "not_a_number", "value", "bg_limit"),
        ("value=\"6,1 mmol/L\"", "not_a_number", "value", "decimal point"),
        ("value=\"6.1.2 mmol/L\"", "not_a_number", "value", "decimal number"),
        ("value=\"\"", "not_a_number", "value", "decimal number"),
        ("value=\"110\"", "no_unit", "value", "mg/dL, mmol/L"),
        ("value=\"110 mmHg\"", "wrong_dimension", "value", "mg/dL"),
        ("value=\"110 mg\"", "wrong_dimension", "value", "mg/dL"),
        ("value=\"110 furlongs\"", "unknown_unit", "value", "mg/dL"),
        ("value=\"6.1 MMOL/L\"", "unknown_unit", "value", "mmol/L"),
        ("value=true", "wrong_type", "value", "a number"),
        ("value=[6.1]", "wrong_type", "value", "a number"),
        ("value={\"a\":1}", "wrong_type", "value", "a number"),
        ("value", "missing", "value", "every reading of bg"),
        ("value=null", "missing", "value", "every reading of bg"),
        // the time
        ("at", "missing", "at", "\"at\""),
        ("at=\"2026-11-20T07:55:00\"", "no_zone", "at", "+01:00"),
        ("at=\"2026-11-20 07:55\"", "no_zone", "at", "offset"),
        ("at=\"2026-11-20\"", "malformed_time", "at", "RFC 3339"),
        ("at=\"20/11/2026 07:55\"", "malformed_time", "at", "RFC 3339"),
        ("at=\"2026-02-30T07:55:00Z\"", "malformed_time", "at", "RFC 3339"),
        ("at=1763625300", "wrong_type", "at", "RFC 3339"),
        ("at=\"1970-01-01T00:00:00Z\"", "too_early", "at", "clock"),
        ("at=\"1980-01-06T00:00:00Z\"", "too_early", "at", "clock"),
        ("at=\"2026-11-20T08:10:00.000001Z\"", "in_the_future", "at", "clock"),
        ("at=\"2026-11-21T08:00:00Z\"", "in_the_future", "at", "clock"),
        ("at=\"2106-02-07T06:28:16Z\"", "in_the_future", "at", "clock"),
        ("start=\"2026-11-20T07:00:00Z\"", "wrong_time", "start", "say at"),
        // names
        ("subject", "missing", "subject", "whom"),
        ("subject=7", "wrong_type", "subject", "quotes"),
        ("subject=\"\"", "bad_subject", "subject", "1 to 64"),
        ("subject=\"../p-001\"", "bad_subject", "subject", "letters"),
        ("subject=\"p\\u0000\"", "bad_subject", "subject", "letters"),
        ("subject=\"p\\r\\nx\"", "bad_subject", "subject", "letters"),
        ("subject=\"p 001\"", "bad_subject", "subject", "letters"),
        ("subject=\"pé\"", "bad_subject", "subject", "letters"),
        ("id=\"a/..\"", "bad_id", "id", "letters"),
        ("id=\"..\"", "bad_id", "id", "letters"),
        ("id=\"a\\u0000b\"", "bad_id", "id", "letters"),
        ("id=\"a\\r\\nSet-Cookie: x\"", "bad_id", "id", "letters"),
        ("id=true", "wrong_type", "id", "quotes"),
        ("stream", "missing", "stream", "bg"),
        ("stream=\"bgg\"", "unknown_stream", "stream", "did you mean \"bg\"?"),
        ("stream=\"weight\"", "unknown_stream", "stream", "the streams are bg, bp"),
        ("stream=5", "wrong_type", "stream", "quotes"),
        ("valeu=3", "unknown_field", "valeu", "did you mean \"value\"?"),
        ("=3", "unknown_field", "", "fields of bg"),
        ("seq=-1", "wrong_type", "seq", "from 0"),
        ("seq=1.0", "wrong_type", "seq", "from 0"),
        ("seq=18446744073709551616", "out_of_range", "seq", "at most"),
        // revisions
        ("rev=0", "bad_rev", "rev", "revision 1"),
        ("rev=1.5", "wrong_type", "rev", "whole number"),
        ("rev=\"2\"", "wrong_type", "rev", "whole number"),
        ("rev=4294967296", "bad_rev", "rev", "up to"),
        ("removed=\"yes\"", "wrong_type", "removed", "true or false"),
    ]
    .into_iter()
    .map(|(part, code, field, remedy)| (part.to_owned(), code, field, remedy))
    .chain([
        (megabyte, "bad_id", "id", "letters"),
        (text(""), "bad_source", "source", "1 to 128"),
        (text("a\\tb"), "bad_source", "source", "control"),
        (text(&"x".repeat(129)), "bad_source", "source", "1 to 128"),
    ])
    .collect();
    for (part, code, field, remedy) in table {
        let refusal = refused(&bg(&part));
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), (code, Some(field)), "{part:.80}: {refusal}");
        assert!(refusal.remedy.contains(remedy), "{part:.80}: {refusal}");
        assert!(refusal.message.starts_with(|c: char| !c.is_uppercase()), "{refusal}");
        assert!(refusal.to_string().len() < 600 && !refusal.to_string().contains('\0'), "{refusal}");
    }
    let refusal = refused(&bg("rev=2"));
    assert_eq!((refusal.code.as_str(), refusal.field), ("missing", None), "a revision needs an id");
}

#[test]
fn good_readings_are_taken_exactly() {
    let schema = health();
    let mmol = Unit::named(Dimension::Glucose, "mmol/L").expect("a unit");
    let mg = Unit::named(Dimension::Glucose, "mg/dL").expect("a unit");
    for (part, digits, scale, unit) in [
        ("value=\"6.10 mmol/L\"", 610, 2, mmol),
        ("value=\"6.1mmol/L\"", 61, 1, mmol),
        ("value=\" 6.1  mmol/L \"", 61, 1, mmol),
        ("value=110", 110, 0, mg),
        ("value=1.1e2", 110, 0, mg),
        ("value=20", 20, 0, mg),
        ("value=1000", 1000, 0, mg),
        ("value=\"110 mg/dl\"", 110, 0, mg),
    ] {
        let reading = admit(&bg(part)).unwrap_or_else(|r| panic!("{part}: {r}"));
        let content = reading.content.expect("content");
        assert_eq!(content.values[0], Some(Value::Quantity(Amount { digits, scale, unit })), "{part}");
        assert_eq!((content.stream, reading.rev), (schema.stream("bg").expect("declared"), 1));
    }
    let at = |part: &str| admit(&bg(part)).expect("good").content.expect("content").when;
    let told = When::At(Time::parse("2026-11-20T07:55:00Z").expect("a time"));
    for zone in ["2026-11-20T08:55:00+01:00", "2026-11-19T19:55:00-12:00", "2026-11-20T07:55:00.000000Z"] {
        assert_eq!(at(&format!("at=\"{zone}\"")), told, "{zone}");
    }
    // The fold of daylight saving is no riddle where the offset is said: these are an hour apart.
    let fold = |offset: &str| at(&format!("at=\"2026-10-25T02:30:00{offset}\"")).start();
    assert_eq!(fold("+01:00").since(fold("+02:00")).micros(), 3_600_000_000);
    assert!(admit(&bg("at=\"2026-11-20T08:10:00Z\"")).is_ok(), "ten minutes ahead are allowed");
}

#[test]
fn a_field_is_said_by_its_own_name_or_behind_its_streams() {
    let limit =
        |fields: &str| format!("{{\"subject\":\"p-001\",\"stream\":\"bg_limit\",\"at\":\"2026-11-20T07:55:00Z\"{fields}}}");
    let shown = |text: &str| {
        let reading = admit(text).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
        let content = reading.content.expect("it is there");
        (content.source.clone(), content.values.to_vec())
    };
    // A meter that shows LO says no more than that.
    let (source, values) = shown(&limit(",\"shown\":\"low\",\"source\":\"m1\""));
    assert_eq!((source.as_deref(), values), (Some("m1"), vec![Some(Value::Enum(0)), None]));
    let (source, values) = shown(&limit(",\"bg_limit.shown\":\"high\",\"bg_limit.source\":\"sensor\""));
    assert_eq!((source, values), (None, vec![Some(Value::Enum(1)), Some(Value::Enum(1))]));
    let twice = refused(&limit(",\"shown\":\"low\",\"bg_limit.shown\":\"high\""));
    assert_eq!((&*twice.code, twice.field.as_deref()), ("duplicate_key", Some("bg_limit.shown")));
    for field in ["bp.source", "bg_limit.bg_limit.source", "bg_limit.", "bg_limitsource", ".source"] {
        assert_eq!(refused(&limit(&format!(",\"shown\":\"low\",\"{field}\":\"meter\""))).code, "unknown_field", "{field}");
    }
    for (word, shown) in [("LO", "low"), (" Low ", "low"), ("HI", "high"), ("high", "high")] {
        let refusal = refused(&bg(&format!("value=\"{word}\"")));
        assert_eq!(refusal.code, "not_a_number", "{word}");
        assert!(refusal.remedy.contains(&format!("\"stream\":\"bg_limit\",\"shown\":\"{shown}\"")), "{word}: {}", refusal.remedy);
    }
    // Of a pressure there is no such stream.
    let pressure = r#"{"subject":"p-001","stream":"bp","at":"2026-11-20T07:55:00Z","systolic":"HI","diastolic":80}"#;
    assert!(refused(pressure).remedy.contains("decimal number"));
}

#[test]
fn ids_are_given_or_derived() {
    let first = admit(&bg("seq=1")).expect("good");
    assert_eq!(first.id, admit(&bg("seq=2")).expect("good").id, "a sequence number counts sendings");
    assert_ne!(first.id, admit(&bg("value=\"6.2 mmol/L\"")).expect("good").id);
    assert_ne!(first.id, admit(&bg("source=\"other\"")).expect("good").id);
    let named = admit(&bg("id=\"a1\"")).expect("good");
    assert_eq!((named.id, named.given.as_deref()), (ReadingId::given("a1"), Some("a1")));
    assert_eq!(admit(&bg("id=1234")).expect("a count is a name").given.as_deref(), Some("1234"));
    let printed = admit(&bg(&format!("id=\"{}\"", first.id))).expect("good");
    assert_eq!(printed.id, first.id, "the name that a receipt told is the reading itself");
}

#[test]
fn removals() {
    let removal = |rest: &str| format!("{{\"subject\":\"p-001\"{rest}}}");
    let reading = admit(&removal(",\"id\":\"a1\",\"rev\":3,\"removed\":true")).expect("good");
    assert!(reading.content.is_none() && reading.rev == 3 && reading.id == ReadingId::given("a1"));
    for (rest, code, field) in [
        (",\"rev\":3,\"removed\":true", "missing", "id"),
        (",\"id\":\"a1\",\"removed\":true", "missing", "rev"),
        (",\"id\":\"a1\",\"rev\":1,\"removed\":true", "bad_rev", "rev"),
        (",\"id\":\"a1\",\"rev\":3,\"removed\":true,\"value\":6.1", "removal_with_content", "value"),
        (",\"id\":\"a1\",\"rev\":3,\"removed\":true,\"at\":\"2026-11-20T07:55:00Z\"", "removal_with_content", "at"),
        (",\"id\":\"a1\",\"rev\":3,\"removed\":1", "wrong_type", "removed"),
    ] {
        let refusal = refused(&removal(rest));
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), (code, Some(field)), "{rest}");
    }
    assert!(admit(&bg("removed=false")).expect("good").content.is_some());
}

#[test]
fn declared_checks_shapes_and_kinds() {
    let of = |stream: &str, rest: &str| format!("{{\"subject\":\"p\",\"stream\":\"{stream}\",{rest}}}");
    let at = "\"at\":\"2026-11-20T07:00:00Z\"";
    for (stream, rest, code, field) in [
        ("bp", format!("{at},\"systolic\":80,\"diastolic\":120"), "out_of_order", "systolic"),
        ("bp", format!("{at},\"systolic\":120,\"diastolic\":\"120 mmHg\""), "out_of_order", "systolic"),
        ("bp", format!("{at},\"systolic\":\"10 kPa\",\"diastolic\":\"80 mmHg\""), "out_of_order", "systolic"),
        ("bp", format!("{at},\"systolic\":120"), "missing", "diastolic"),
        ("sleep", format!("{at},\"deep\":60"), "wrong_time", "at"),
        ("sleep", "\"deep\":60".to_owned(), "missing", "start"),
        ("sleep", "\"start\":\"2026-11-20T06:00:00Z\",\"end\":\"2026-11-20T05:59:59Z\"".to_owned(), "end_before_start", "end"),
        ("sleep", "\"start\":\"2024-11-20T06:00:00Z\",\"end\":\"2026-11-20T05:59:59Z\"".to_owned(), "out_of_range", "end"),
        ("sleep", "\"start\":\"2026-11-20T06:00:00Z\",\"end\":\"2026-11-20T09:00:00Z\"".to_owned(), "in_the_future", "end"),
        ("exercise", "\"start\":\"2026-11-20T06:00:00Z\",\"intensity\":\"Vigorous\"".to_owned(), "unknown_word", "intensity"),
        ("exercise", "\"start\":\"2026-11-20T06:00:00Z\",\"intensity\":2".to_owned(), "wrong_type", "intensity"),
        ("device", format!("{at},\"charging\":\"true\""), "wrong_type", "charging"),
        ("device", format!("{at},\"battery\":\"110 %\""), "out_of_range", "battery"),
        ("carbs", format!("{at},\"amount\":\"5000 g\""), "unit_mistake", "amount"),
        ("carbs", format!("{at},\"amount\":40,\"note\":\"a\\u0000b\""), "control_character", "note"),
        ("carbs", format!("{at},\"amount\":40,\"note\":\"a\\r\\nb\""), "control_character", "note"),
        ("carbs", format!("{at},\"amount\":40,\"note\":\"{}\"", "x".repeat(5_000)), "too_long", "note"),
    ] {
        let refusal = refused(&of(stream, &rest));
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), (code, Some(field)), "{stream} {rest:.90}: {refusal}");
    }
    let told = refused(&of("bp", &format!("{at},\"systolic\":80,\"diastolic\":120")));
    assert_eq!(told.message, "systolic must be above diastolic, which is 120 mmHg");
    assert!(
        refused(&of("exercise", "\"start\":\"2026-11-20T06:00:00Z\",\"intensity\":\"Vigorous\"")).remedy.contains("\"vigorous\"")
    );

    let open = admit(&of("sleep", "\"start\":\"2026-11-20T06:00:00Z\",\"end\":null")).expect("still asleep");
    assert!(matches!(open.content.expect("content").when, When::During { end: None, .. }));
    let formula = admit(&of("carbs", &format!("{at},\"amount\":40,\"note\":\"=1+1|cmd\""))).expect("text is text");
    assert!(formula.content.expect("content").values.contains(&Some(Value::Text("=1+1|cmd".into()))));
}

#[test]
fn cells_of_tables_are_read_by_their_field() {
    let body = "subject,stream,at,value,start,charging,id,rev,removed\n\
                p,bg,2026-11-20T07:55:00Z,110,,,,,\n\
                p,bg,2026-11-20T07:55:00Z,6.1 mmol/L,,,,,false\n\
                p,device,2026-11-20T07:55:00Z,,,true,,,\n\
                p,,,,,,a1,2,true\n";
    let admitted: Vec<_> = vitalog_ingest::decode::csv_rows(body.as_bytes())
        .expect("a table")
        .map(|item| admission().admit(&item.reading.expect("a row"), now()))
        .collect();
    assert!(admitted.iter().all(Result::is_ok), "{admitted:?}");
    assert!(admitted[3].as_ref().is_ok_and(|r| r.content.is_none()));
}

#[test]
fn dead_letters_keep_what_came_up_to_their_limit() {
    let text = bg("value=2000");
    let raw = json::object(text.as_bytes()).expect("read");
    let refusal = refused(&text);
    let letter = dead_letter(&refusal, Some(&raw), text.as_bytes(), "token-1");
    assert_eq!(letter.subject.as_ref().map(|s| s.as_str()), Some("p-001"));
    assert_eq!(
        (&*letter.code, letter.field.as_deref(), &*letter.raw, &*letter.sender),
        ("out_of_range", Some("value"), text.as_bytes(), "token-1")
    );
    let long = dead_letter(&refusal, None, &vec![b'x'; 1 << 20], "token-1");
    assert_eq!((long.raw.len(), long.subject), (64 * 1024, None));
}
