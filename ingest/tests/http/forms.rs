//! Every form and packing that a body may have, and what is said to one that is none of them.

use std::sync::Arc;

use arrow_array::{Float64Array, StringArray};
use vitalog_elog::Input;
use vitalog_ingest::io::BodyLimits;

use super::{Server, bg, gzip};
use crate::arrow::{batch, stream};

const ARROW: &str = "application/vnd.apache.arrow.stream";

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("packed")
}

fn table(values: Vec<Option<f64>>) -> Vec<u8> {
    let texts = |text: &str| Arc::new(StringArray::from(vec![text; values.len()]));
    let at: Vec<String> = (0..values.len()).map(|i| format!("2026-11-20T07:{i:02}:00Z")).collect();
    stream(&[batch(vec![
        ("subject", texts("p-1")),
        ("stream", texts("bg")),
        ("at", Arc::new(StringArray::from(at))),
        ("value", Arc::new(Float64Array::from(values.clone()))),
    ])])
}

#[test]
fn columns_have_a_receipt_for_each_row() {
    let server = Server::open();
    let json = server.post(ARROW, table(vec![Some(110.0), Some(5.4), None, Some(110.5)])).json();
    assert_eq!((&json["accepted"], &json["rejected"]), (&2.into(), &2.into()), "{json}");
    let told: Vec<_> = (0..4).map(|i| (json["receipts"][i]["line"].as_u64(), json["receipts"][i]["code"].as_str())).collect();
    assert_eq!(told, [(Some(1), None), (Some(2), Some("unit_mistake")), (Some(3), Some("missing")), (Some(4), None)]);
    server.post(ARROW, &table(vec![Some(110.0)])[..200]).assert_problem(400, "malformed_arrow");
    server.post(ARROW, table(vec![])).assert_problem(400, "empty_body");
    let journaled = server.journaled();
    let Input::DeadLetter(letter) = &journaled[1] else { panic!("{:?}", journaled[1]) };
    let kept = br#"{"subject":"p-1","stream":"bg","at":"2026-11-20T07:01:00Z","value":5.4}"#;
    assert_eq!((&*letter.raw, letter.subject.as_ref().map(|s| s.as_str())), (&kept[..], Some("p-1")));
}

#[test]
fn every_form_comes_in_every_packing() {
    let server = Server::open();
    let csv = |value: &str| format!("subject,stream,at,value\np-1,bg,2026-11-20T07:50:00Z,{value}\n").into_bytes();
    let forms = [
        ("application/json", bg(1, "6.1").into_bytes(), bg(2, "6.1").into_bytes()),
        ("application/x-ndjson", bg(3, "6.1").into_bytes(), bg(4, "6.1").into_bytes()),
        ("text/csv", csv("110"), csv("111")),
        (ARROW, table(vec![Some(112.0)]), table(vec![Some(113.0)])),
    ];
    for (form, one, other) in forms {
        for (packing, body) in [("gzip", gzip(&one)), ("zstd", zstd(&other))] {
            let headers = [("content-type", form), ("content-encoding", packing)];
            let reply = server.send("POST", "/v1/readings", &headers, body);
            assert_eq!(reply.json()["accepted"], 1, "{form} {packing}: {}", reply.json());
        }
    }
}

#[test]
fn zstd_has_the_same_limits_as_gzip() {
    let server = Server::limited(BodyLimits { unpacked_bytes: 256 * 1024, ..BodyLimits::default() });
    let send = |body: &[u8]| {
        server.send("POST", "/v1/readings", &[("content-type", "application/x-ndjson"), ("content-encoding", "zstd")], body)
    };
    let bomb = zstd(&vec![b'\n'; 64 << 20]);
    assert!(bomb.len() < 64 * 1024);
    send(&bomb).assert_problem(413, "too_large");
    let sound = zstd(bg(1, "6.1").as_bytes());
    for end in 1..sound.len() {
        send(&sound[..end]).assert_problem(400, "malformed_zstd");
    }
    send(b"{}").assert_problem(400, "malformed_zstd");
    send(&[&sound[..], b"x"].concat()).assert_problem(400, "malformed_zstd");
    // A frame that wants a window of a gigabyte, of which nothing has come yet.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    encoder.window_log(30).expect("allowed");
    std::io::Write::write_all(&mut encoder, bg(1, "6.1").as_bytes()).expect("packed");
    let wide = encoder.finish().expect("ended");
    send(&wide).assert_problem(400, "malformed_zstd");
    assert!(server.journaled().is_empty());
}

#[test]
fn what_is_not_taken_is_told_what_is() {
    let server = Server::open();
    let reply = server.post("application/vnd.apache.arrow.file", "ARROW1");
    let json = reply.assert_problem(415, "unsupported_media_type");
    assert_eq!(
        (json["field"].as_str(), json["value"].as_str()),
        (Some("content-type"), Some("application/vnd.apache.arrow.file"))
    );
    assert!(json["remedy"].as_str().is_some_and(|r| r.contains(ARROW) && r.contains("text/csv")), "{json}");
    assert_eq!(reply.header("accept-post"), format!("application/json, application/x-ndjson, text/csv, {ARROW}"));
    for packing in ["br", "gzip, gzip", "deflate", "zstd, gzip"] {
        let reply =
            server.send("POST", "/v1/readings", &[("content-type", "application/json"), ("content-encoding", packing)], "{}");
        let json = reply.assert_problem(415, "unsupported_encoding");
        assert_eq!(json["value"], packing);
        assert_eq!(reply.header("accept-encoding"), "gzip, zstd");
    }
    assert!(server.journaled().is_empty());
}

/// The body with `caf#` as a program of western Europe may write it (Latin-1): with a byte that is no UTF-8.
fn latin(mut body: Vec<u8>) -> Vec<u8> {
    let places: Vec<usize> = (0..body.len()).filter(|at| body[*at..].starts_with(b"caf#")).collect();
    assert_eq!(places.len(), 1, "it is there once");
    body[places[0] + 3] = 0xe9;
    body
}

#[test]
fn a_cell_that_is_no_utf_8_is_refused_by_its_column_and_its_neighbours_kept() {
    const NOTES: [&str; 3] = ["tea", "caf# au lait", "caf\u{e9} au lait"];
    let texts = |text: &str| Arc::new(StringArray::from(vec![text; 3]));
    let at = ["2026-11-20T07:00:00Z", "2026-11-20T07:01:00Z", "2026-11-20T07:02:00Z"];
    let table = stream(&[batch(vec![
        ("subject", texts("p-1")),
        ("stream", texts("carbs")),
        ("at", Arc::new(StringArray::from(at.to_vec()))),
        ("amount", Arc::new(Float64Array::from(vec![30.0; 3]))),
        ("note", Arc::new(StringArray::from(NOTES.to_vec()))),
    ])]);
    let rows: String = at.iter().zip(NOTES).map(|(at, note)| format!("p-1,carbs,{at},30,{note}\n")).collect();
    let csv = format!("subject,stream,at,amount,note\n{rows}").into_bytes();
    for (form, body) in [("text/csv", latin(csv)), (ARROW, latin(table))] {
        let server = Server::open();
        let json = server.post(form, body).json();
        assert_eq!((&json["accepted"], &json["rejected"]), (&2.into(), &1.into()), "{form}: {json}");
        let refused = &json["receipts"][1];
        for (member, said) in [("status", "rejected"), ("code", "not_utf8"), ("field", "note"), ("value", "caf\u{fffd} au lait")]
        {
            assert_eq!(refused[member], said, "{form}: {json}");
        }
        assert!(refused["remedy"].as_str().is_some_and(|remedy| remedy.contains("UTF-8")), "{form}: {json}");
        let journaled = server.journaled();
        let Input::DeadLetter(letter) = &journaled[1] else { panic!("{form}: {:?}", journaled[1]) };
        assert!(letter.raw.windows(4).any(|bytes| bytes == b"caf\xe9"), "{form}: not as it came: {letter:?}");
    }
}

#[test]
fn a_header_that_is_no_utf_8_is_refused_whole() {
    let server = Server::open();
    let csv = latin(b"subject,stream,at,value,caf#\np-1,bg,2026-11-20T07:00:00Z,110,x\n".to_vec());
    let refused = server.post("text/csv", csv).assert_problem(400, "malformed_header");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("UTF-8")), "{refused}");
}
