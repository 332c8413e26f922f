//! What a device, a spreadsheet or an attacker may send to the real server: each is refused with field, value and remedy, and costs nothing else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::Server;

/// What is sent (the fields beside subject and stream), the code, the field that is named, and a part of the value shown.
pub const READINGS: [(&str, &str, &str, &str); 27] = [
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":5.4"#, "unit_mistake", "value", "5.4"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":"5.4 mg/dL""#, "unit_mistake", "value", "5.4 mg/dL"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":1e400"#, "out_of_range", "value", "1e400"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":-0.0"#, "out_of_range", "value", "0"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":"NaN""#, "not_a_number", "value", "NaN"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":"110""#, "no_unit", "value", "110"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":"110 mmHg""#, "wrong_dimension", "value", "mmHg"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":"6 mool/L""#, "unknown_unit", "value", "mool/L"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":[110]"#, "wrong_type", "value", "array"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":true"#, "wrong_type", "value", "true"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z""#, "missing", "value", ""),
    (r#""stream":"bg","value":110"#, "missing", "at", ""),
    (r#""stream":"bp","at":"2026-03-10T08:00:00Z","systolic":80,"diastolic":120"#, "out_of_order", "systolic", "80"),
    (r#""stream":"bg","at":"1970-01-01T00:00:00Z","value":110"#, "too_early", "at", "1970"),
    (r#""stream":"bg","at":"2106-02-07T06:28:16Z","value":110"#, "in_the_future", "at", "2106"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00","value":110"#, "no_zone", "at", "2026-03-10T08:00:00"),
    (r#""stream":"bg","at":"2026-03-29T02:30:00 Europe/Berlin","value":110"#, "malformed_time", "at", "Berlin"),
    (r#""stream":"bg","at":"yesterday","value":110"#, "malformed_time", "at", "yesterday"),
    (r#""stream":"bgg","at":"2026-03-10T08:00:00Z","value":110"#, "unknown_stream", "stream", "bgg"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":110,"vlaue":110"#, "unknown_field", "vlaue", ""),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":110,"value":120"#, "duplicate_key", "value", ""),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":110,"id":"../etc""#, "bad_id", "id", "../etc"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":110,"id":"a\r\nb""#, "bad_id", "id", "a"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":110,"id":"a\u0000""#, "bad_id", "id", "a"),
    (r#""stream":"bg","at":"2026-03-10T08:00:00Z","value":110,"rev":0"#, "bad_rev", "rev", "0"),
    (r#""stream":"sleep","start":"2026-03-10T08:00:00Z","end":"2026-03-10T07:00:00Z""#, "end_before_start", "end", "07:00"),
    (r#""stream":"carbs","at":"2026-03-10T08:00:00Z","amount":"600 g""#, "unit_mistake", "amount", "600 g"),
];

#[test]
fn each_bad_reading_is_named_with_field_value_and_remedy_and_kept_as_a_dead_letter() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let good = r#"{"subject":"p-1","stream":"bg","at":"2026-03-10T07:59:00Z","value":110,"id":"good"}"#;
    let mut body = format!("{good}\n");
    for (fields, ..) in READINGS {
        body.push_str(&format!("{{\"subject\":\"p-1\",{fields}}}\n"));
    }
    let answer = server.readings(&body).ok().json();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(READINGS.len())), "{answer}");
    for ((fields, code, field, value), receipt) in READINGS.iter().zip(&answer["receipts"].as_array().expect("receipts")[1..]) {
        let said = |name: &str| receipt[name].as_str().unwrap_or_default();
        assert_eq!((said("code"), said("field")), (*code, *field), "{fields}: {receipt}");
        assert!(said("value").contains(value), "{fields}: {receipt}");
        assert!(said("message").len() > 10 && said("remedy").len() > 5, "{fields}: {receipt}");
    }
    // Once the views have seen them.
    server.recommendations("p-1");
    let letters = server.get("/v1/dead-letters?limit=100").ok().json();
    assert_eq!(letters["dead_letters"].as_array().map(Vec::len), Some(READINGS.len()), "{letters}");
    let codes = server.sql("select count(*) as n from dead_letters");
    assert_eq!(codes[0]["n"], READINGS.len());
    assert_eq!(server.sql("select count(*) as n from readings where stream != 'contact'")[0]["n"], 1);
    assert_eq!(server.stop(), Some(0));
}

/// Content type, body, status and code of what can't be read as a whole.
pub fn bodies() -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let many = b"{}\n".repeat(100_001);
    vec![
        ("application/json", Vec::new(), 400, "empty_body"),
        ("application/json", b"   \n".to_vec(), 400, "empty_body"),
        ("application/json", b"{\"subject\":\"p-1\"".to_vec(), 400, "malformed_json"),
        ("application/json", b"[".repeat(100_000), 400, "malformed_json"),
        ("application/json", b"{\"a\":".repeat(100_000), 400, "malformed_json"),
        ("application/json", b"\xff\xfe{}".to_vec(), 400, "malformed_json"),
        ("application/x-ndjson", many, 413, "too_many"),
        ("text/html", b"<p>110</p>".to_vec(), 415, "unsupported_media_type"),
        ("text/csv", b"subject,stream,at,vlaue\np-1,bg,2026-03-10T08:00:00Z,6\n".to_vec(), 422, "unknown_field"),
    ]
}

#[test]
fn bodies_that_cannot_be_read_are_problems_and_leave_the_server_up() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    for (media_type, body, status, code) in bodies() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = server.try_send("POST", "/v1/readings", &[("content-type", media_type)], body).expect("an answer");
        assert_eq!(answer.status, status, "{media_type} {shown}: {}", answer.body);
        let told = answer.json();
        let refusal = if told["receipts"].is_array() { &told["receipts"][0] } else { &told };
        assert_eq!(refusal["code"], code, "{media_type} {shown}: {told}");
        assert!(refusal["remedy"].as_str().is_some_and(|r| !r.is_empty()), "{told}");
    }
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.sql("select count(*) as n from readings where stream != 'contact'")[0]["n"], 0);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn text_that_a_spreadsheet_would_run_is_kept_as_text() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let formula = "=HYPERLINK(\"http://127.0.0.1/\";\"x\")";
    let reading = json!({"subject": "p-1", "stream": "carbs", "at": "2026-03-10T08:00:00Z", "amount": "30 g", "note": formula});
    server.readings(&format!("{reading}\n")).ok();
    assert_eq!(server.sql("select note from carbs")[0]["note"], formula);
    // In CSV it is one cell, as it was sent: what reads a table must not take texts for formulas.
    let body = json!({"sql": "select note, amount from carbs"}).to_string();
    let csv =
        server.try_send("POST", "/v1/sql?format=csv", &[("content-type", "application/json")], body).expect("an answer").ok();
    assert_eq!(csv.body, "note,amount\n\"=HYPERLINK(\"\"http://127.0.0.1/\"\";\"\"x\"\")\",30.0\n");
    assert_eq!(server.stop(), Some(0));
}

/// Hands in two readings of one id one after the other: what the second was to the first, and what stands then.
fn settled(readings: [&str; 2]) -> (String, Value) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let outcomes = readings.map(|reading| {
        let answer = server.readings(reading).ok().json();
        assert_eq!(answer["accepted"], 1, "{answer}");
        answer["receipts"][0]["outcome"].as_str().expect("an outcome").to_owned()
    });
    assert_eq!(outcomes[0], "new");
    let stands = server.sql("select subject, id, rev, value from bg");
    assert_eq!(server.stop(), Some(0));
    (outcomes[1].clone(), stands)
}

#[test]
fn one_id_with_another_content_is_settled_the_same_way_in_any_order() {
    let values = [110, 120];
    let [a, b] = values.map(|v| {
        format!("{{\"subject\":\"p-1\",\"stream\":\"bg\",\"at\":\"2026-03-10T08:00:00Z\",\"value\":{v},\"id\":\"a\"}}\n")
    });
    let ((there, stands), (back, again)) = (settled([&a, &b]), settled([&b, &a]));
    // Which of them it is hangs on their contents alone: whoever comes second replaces the other, or is outdated by it.
    let winner = match (there.as_str(), back.as_str()) {
        ("superseded", "outdated") => values[1],
        ("outdated", "superseded") => values[0],
        both => panic!("one of them stands, whichever comes first: {both:?}"),
    };
    let [row] = stands.as_array().expect("rows").as_slice() else { panic!("one reading stands: {stands}") };
    assert_eq!((&row["subject"], &row["id"], &row["rev"]), (&json!("p-1"), &json!("a"), &json!(1)), "{stands}");
    assert_eq!(row["value"].as_f64(), Some(f64::from(winner)), "{stands}");
    assert_eq!(stands, again);
}

/// Two hundred thousand, or as many as VITALOG_CASES says, by the hundred thousand: `tests/run --long duplicates` has the million.
#[test]
fn duplicates_by_the_hundred_thousand_are_one_reading() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let line = "{\"subject\":\"p-1\",\"stream\":\"bg\",\"at\":\"2026-03-10T08:00:00Z\",\"value\":110}\n";
    let body = line.repeat(100_000);
    let mut duplicates = 0;
    let cases = std::env::var("VITALOG_CASES").ok().and_then(|n| n.parse::<u64>().ok()).unwrap_or(200_000);
    let posts = cases.div_ceil(100_000).max(1);
    for _ in 0..posts {
        let headers = [("content-type", "application/x-ndjson")];
        let answer = server.try_send("POST", "/v1/readings?receipts=summary", &headers, body.clone()).expect("an answer").ok();
        duplicates += answer.json()["duplicate"].as_u64().expect("a count");
    }
    assert_eq!(duplicates, posts * 100_000 - 1);
    assert_eq!(server.sql("select count(*) as n from readings where stream != 'contact'")[0]["n"], 1);
    println!("{} times the same reading: {duplicates} duplicates", posts * 100_000);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--head-time", "2"]);
    let host = server.url.strip_prefix("http://").expect("an address");
    let began = Instant::now();
    for sent in ["", "POST /v1/readings HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(host).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket option");
        stream.write_all(sent.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        // It may be told that it was too slow; then the connection is over.
        stream.read_to_end(&mut answer).expect("the server ends the connection");
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.stop(), Some(0));
}

/// The status and body of a request line that no client library would send.
fn asked_raw(server: &Server, line: &str, body: &str) -> (u16, String) {
    let address = server.url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let head = format!("{line} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer.get(9..12).and_then(|status| status.parse().ok()).expect("a status"), answer)
}

#[test]
fn paths_that_climb_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let (data, outside) = (dir.path().join("data"), dir.path().join("outside.rules"));
    std::fs::write(dir.path().join("secret"), "nobody reads this").expect("written");
    let server = Server::start(&data, &[]);
    for up in ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..%252f", ".%00./", "....//"] {
        for front in [
            "/",
            "/assets/",
            "/v1/rules/",
            "/v1/subjects/",
            "/v1/subjects/p-1/readings/",
            "/v1/recommendations/",
            "/v1/rules/versions/",
        ] {
            for (times, file) in [(1, "secret"), (2, "secret"), (4, "etc/passwd"), (8, "etc/passwd")] {
                let line = format!("GET {front}{}{file}", up.repeat(times));
                let (status, answer) = asked_raw(&server, &line, "");
                assert!((400..500).contains(&status), "{line}: {answer}");
                assert!(!answer.contains("nobody reads this") && !answer.contains("root:"), "{line}: {answer}");
            }
        }
        let line = format!("PUT /v1/rules/{up}outside.rules");
        let (status, answer) = asked_raw(&server, &line, "rule calm when bg < 1 mg/dL { say \"x\" }");
        assert!((400..500).contains(&status), "{line}: {answer}");
        assert!(!outside.exists(), "{line} wrote a file");
    }
    let (status, _) = asked_raw(&server, "GET /livez", "");
    assert_eq!(status, 200);
}
