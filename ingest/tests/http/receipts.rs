//! `POST /v1/readings`: a receipt for each reading, and everything in the journal that a receipt speaks of.

use std::sync::atomic::Ordering;

use vitalog_elog::{Input, ReadingId};

use super::{CLOSING, OVERLOADED, Server, TAKES, bg, gzip};

#[test]
fn each_reading_has_a_receipt_in_every_form() {
    let server = Server::open();
    let bad = bg(2, "0.1");
    let ndjson = format!("{}\n\n{bad}\nnonsense\n{}\n{}\n", bg(1, "6.1"), bg(3, "6.2"), bg(1, "6.1"));
    let reply = server.post("application/x-ndjson", &ndjson);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/json");
    let json = reply.json();
    assert_eq!((&json["accepted"], &json["duplicate"], &json["rejected"]), (&2.into(), &1.into(), &2.into()));
    assert_eq!(reply.header("vitalog-position"), "5");
    assert_eq!(json["position"], 5);
    let told: Vec<_> = json["receipts"]
        .as_array()
        .expect("receipts")
        .iter()
        .map(|r| {
            (
                r["index"].as_u64(),
                r["line"].as_u64(),
                r["status"].as_str(),
                r["offset"].as_u64(),
                r["code"].as_str(),
                r["outcome"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(0), Some(1), Some("accepted"), Some(0), None, Some("new")),
            (Some(1), Some(3), Some("rejected"), Some(1), Some("out_of_range"), None),
            (Some(2), Some(4), Some("rejected"), Some(2), Some("malformed_json"), None),
            (Some(3), Some(5), Some("accepted"), Some(3), None, Some("new")),
            (Some(4), Some(6), Some("duplicate"), Some(4), None, None),
        ]
    );
    let rejected = &json["receipts"][1];
    assert_eq!((rejected["field"].as_str(), rejected["value"].as_str()), (Some("value"), Some("0.1 mmol/L")));
    assert!(rejected["remedy"].as_str().is_some_and(|r| r.contains("measure again")));

    let array = server.post("application/json; charset=utf-8", format!("[{},{}]", bg(4, "6.1"), bg(1, "6.1")));
    assert_eq!((array.json()["accepted"].as_u64(), array.json()["duplicate"].as_u64()), (Some(1), Some(1)));
    let csv = server.post("text/csv", "subject,stream,at,value\np-001,bg,2026-11-20T07:05:00Z,6.1 mmol/L\n");
    assert_eq!(csv.json()["accepted"], 1);
    let packed = server.send(
        "POST",
        "/v1/readings?receipts=summary",
        &[("content-type", "application/x-ndjson"), ("content-encoding", "gzip")],
        gzip(format!("{}\n{bad}", bg(6, "6.1")).as_bytes()),
    );
    let json = packed.json();
    assert_eq!((json["accepted"].as_u64(), json["rejected"].as_u64()), (Some(1), Some(1)));
    assert_eq!(json["receipts"].as_array().map(Vec::len), Some(1), "a summary has the rejected ones only");

    let journaled = server.journaled();
    assert_eq!(journaled.len(), 10);
    let Input::DeadLetter(letter) = &journaled[1] else { panic!("{:?}", journaled[1]) };
    assert_eq!((&*letter.raw, &*letter.code, &*letter.sender), (bad.as_bytes(), "out_of_range", "local"));
    assert!(matches!(&journaled[2], Input::DeadLetter(l) if &*l.raw == b"nonsense" && l.subject.is_none()));
}

#[test]
fn a_receipt_tells_the_name_by_which_a_reading_can_be_amended() {
    let server = Server::open();
    let receipt = server.post("application/json", bg(1, "6.1")).json()["receipts"][0].clone();
    let id = receipt["id"].as_str().expect("an id").to_owned();
    assert!(ReadingId::from_printed(&id).is_some(), "{id}");
    let amended = bg(1, "6.4").replacen('{', &format!("{{\"id\":\"{id}\",\"rev\":2,"), 1);
    let again = server.post("application/json", amended).json()["receipts"][0].clone();
    assert_eq!((again["outcome"].as_str(), again["id"].as_str()), (Some("superseded"), Some(&*id)));
    let late = bg(1, "6.1").replacen('{', &format!("{{\"id\":\"{id}\",\"rev\":1,"), 1);
    let late = server.post("application/json", late).json()["receipts"][0].clone();
    assert_eq!((late["outcome"].as_str(), late["status"].as_str()), (Some("outdated"), Some("accepted")));
}

#[test]
fn where_nothing_is_kept_the_answer_is_a_problem_with_the_receipts() {
    let server = Server::open();
    let reply = server.post("application/json", format!("[{},{}]", bg(1, "0.1"), bg(2, "6.1").replace("\"bg\"", "\"bgg\"")));
    let json = reply.assert_problem(422, "out_of_range");
    assert_eq!(json["field"], "value");
    assert_eq!(json["receipts"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["receipts"][1]["remedy"], "did you mean \"bg\"?");
    assert_eq!(server.journaled().len(), 2, "both are kept as dead letters");
}

#[test]
fn bodies_that_can_not_be_read_are_refused_and_kept() {
    let server = Server::open();
    for (kind, body, status, code) in [
        ("application/json", &b""[..], 400, "empty_body"),
        ("application/json", b"[]", 400, "empty_body"),
        ("application/x-ndjson", b"\n\n", 400, "empty_body"),
        ("text/csv", b"subject,stream\n", 400, "empty_body"),
        ("application/json", b"[{\"subject\":\"p\"},", 400, "malformed_json"),
        ("application/json", b"[{\"value\":NaN}]", 400, "malformed_json"),
        ("application/json", b"\xff\xfe", 400, "malformed_json"),
        ("text/csv", b"a,b\n1,2\n", 400, "malformed_header"),
        ("text/plain", b"{}", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", b"{}", 415, "unsupported_media_type"),
        ("application/json; charset=latin1", b"{}", 415, "unsupported_media_type"),
        ("", b"{}", 415, "unsupported_media_type"),
    ] {
        let reply = server.post(kind, body);
        let json = reply.assert_problem(status, code);
        let is_kept = code.starts_with("malformed");
        assert_eq!(json["offset"].is_u64(), is_kept, "{json}");
        assert_eq!(!reply.header("vitalog-position").is_empty(), is_kept);
    }
    let deep = "[".repeat(100_000);
    server.post("application/json", &deep).assert_problem(400, "malformed_json");
    let reply = server.send("POST", "/v1/readings", &[("content-type", "application/json"), ("content-encoding", "br")], "{}");
    reply.assert_problem(415, "unsupported_encoding");
    assert_eq!(reply.header("accept-encoding"), "gzip, zstd");
    let reply = server.send("POST", "/v1/readings", &[("content-type", "application/json"), ("content-encoding", "gzip")], "{}");
    reply.assert_problem(400, "malformed_gzip");
    server
        .send("POST", "/v1/readings?recipes=all", &[("content-type", "application/json")], "{}")
        .assert_problem(400, "bad_query");
    let letters = server.journaled();
    assert_eq!(letters.len(), 5);
    assert!(letters.iter().all(|l| matches!(l, Input::DeadLetter(_))));
    assert!(matches!(&letters[4], Input::DeadLetter(l) if l.raw.len() == 64 * 1024), "cut at the limit");
}

#[test]
fn one_bad_line_in_a_hundred_thousand() {
    let server = Server::open();
    let mut body = String::new();
    for i in 0..100_000 {
        let value = if i == 54_321 { "0.1" } else { "6.1" };
        let (subject, hour, minute, second) = (i / 14_400, i / 3600 % 4, i / 60 % 60, i % 60);
        body.push_str(&format!(
            "{{\"subject\":\"p-{subject}\",\"stream\":\"bg\",\"at\":\"2026-11-20T0{hour}:{minute:02}:{second:02}Z\",\"value\":\"{value} mmol/L\"}}\n"
        ));
    }
    let reply = server.send(
        "POST",
        "/v1/readings?receipts=summary",
        &[("content-type", "application/x-ndjson"), ("content-encoding", "gzip")],
        gzip(body.as_bytes()),
    );
    let json = reply.json();
    assert_eq!(
        (json["accepted"].as_u64(), json["rejected"].as_u64(), json["position"].as_u64()),
        (Some(99_999), Some(1), Some(100_000))
    );
    let receipt = &json["receipts"][0];
    assert_eq!(
        (receipt["index"].as_u64(), receipt["line"].as_u64(), receipt["offset"].as_u64()),
        (Some(54_321), Some(54_322), Some(54_321))
    );
    body.push_str(&bg(0, "6.1"));
    server.post("application/x-ndjson", &body).assert_problem(413, "too_many");
    assert_eq!(server.journaled().len(), 100_000);
}

#[test]
fn what_can_not_be_kept_is_not_acknowledged() {
    let server = Server::open();
    for (mode, code, after) in [(OVERLOADED, "overloaded", "1"), (CLOSING, "closing", "5")] {
        server.mode.store(mode, Ordering::Relaxed);
        let reply = server.post("application/json", bg(1, "6.1"));
        reply.assert_problem(503, code);
        assert_eq!(reply.header("retry-after"), after);
    }
    server.mode.store(TAKES, Ordering::Relaxed);
    assert_eq!(server.post("application/json", bg(1, "6.1")).json()["receipts"][0]["outcome"], "new");
    assert_eq!(server.journaled().len(), 1);
}

#[test]
fn unknown_paths_and_methods_are_problems_too() {
    let server = Server::open();
    server.send("GET", "/v1/nothing", &[], "").assert_problem(404, "not_found");
    let reply = server.send("GET", "/v1/readings", &[], "");
    reply.assert_problem(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "POST");
    server.send("PATCH", "/v1/subjects/p/readings/a", &[], "").assert_problem(405, "method_not_allowed");
    assert_eq!(
        server.send("GET", "/v1/subjects/p/readings/a", &[], "").body,
        b"a reading",
        "another edge's method on the same path"
    );
}

#[test]
fn what_is_unusual_is_taken_and_flagged() {
    let server = Server::open();
    let body = format!("[{},{},{}]", bg(1, "6.1"), bg(2, "1.5"), bg(3, "1.5").replace("1.5 mmol/L", "25 mg/dL"));
    let post = |body: &str| {
        let reply = server.send("POST", "/v1/readings", &[("content-type", "application/json"), ("idempotency-key", "k")], body);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    };
    let told = post(&body);
    assert_eq!((told["accepted"].as_u64(), told["flagged"].as_u64()), (Some(3), Some(2)), "{told}");
    assert!(told["receipts"][0].get("flags").is_none());
    assert_eq!(told["receipts"][1]["status"], "accepted");
    let flag = &told["receipts"][1]["flags"][0];
    assert_eq!((&flag["code"], &flag["field"], &flag["value"]), (&"unusual".into(), &"value".into(), &"1.5 mmol/L".into()));
    assert_eq!(flag["message"], "1.5 mmol/L is not usual: it is between 34 mg/dL and 600 mg/dL as a rule");
    assert!(flag["remedy"].as_str().is_some_and(|text| text.contains("counts like any other")), "{flag}");
    let mixed = &told["receipts"][2]["flags"][0]["remedy"];
    assert!(mixed.as_str().is_some_and(|text| text.starts_with("if 25 mmol/L was meant, amend it")), "{mixed}");
    assert_eq!(post(&body), told, "a repeat is told the same");
    let path = "/v1/subjects/p-001/readings/x";
    let body = r#"{"stream":"bg","at":"2026-11-20T07:00:00Z","value":601}"#;
    let put = server.send("PUT", path, &[("content-type", "application/json")], body);
    assert_eq!((put.status, &put.json()["flags"][0]["value"]), (201, &"601 mg/dL".into()));
    let edge = server.send("PUT", path, &[("content-type", "application/json")], body.replace("601", "600"));
    assert!(edge.status == 200 && edge.json().get("flags").is_none(), "both ends are usual");
    // Refused, it has a refusal and no flag.
    let refused = server.post("application/json", bg(4, "0.5"));
    assert_eq!((refused.status, &refused.json()["flagged"]), (422, &0.into()));
    let summary = server.send("POST", "/v1/readings?receipts=summary", &[("content-type", "application/json")], bg(5, "1.2"));
    assert_eq!(summary.json()["flagged"], 1);
}
