//! Analysts study: over no door does a byte of a name leave, in an answer, a refusal or a header; nor what rests on too few.

use std::time::Duration;

use super::{ask, serve, told};
use crate::flight::raw as flight;
use crate::pg::raw as pg;
use crate::support::server::{Server, run, vitalog};

/// Of each of these there is a trace in each name that was sent.
const TRACES: [&str; 3] = ["p-secret", "sent-secret", "meter-secret"];
const SUBJECTS: usize = 12;

/// What an analyst would ask who looks for somebody; whether it leaves with a floor of 11, and with one of 1.
const ASKED: [(&str, bool, bool); 14] = [
    ("select count(*) as n, avg(value) as v from bg", true, true),
    ("select stream, count(*) as n from readings group by stream", true, true),
    ("select value, count(*) as n from bg group by value", true, true),
    ("select * from bg", false, true),
    ("select * from readings", false, true),
    ("select * from recommendations", false, true),
    ("select * from matches", false, true),
    ("select * from readings where subject = 'p-secret-3'", false, true),
    ("select subject, id, source, count(*) as n from bg group by 1, 2, 3", false, true),
    ("select max(subject) as s, min(id) as i from bg", false, true),
    ("select cast(subject as bigint) as n from bg", false, false),
    ("select * from dead_letters", false, false),
    ("explain select * from bg", false, false),
    ("explain analyze verbose select * from bg where subject = 'p-secret-3'", false, false),
];

fn filled(server: &Server, root: &str) {
    let reading = |n: usize, minute: usize, value: usize| {
        format!(
            r#"{{"subject":"p-secret-{n}","stream":"bg","at":"2026-03-10T08:{minute:02}:00Z","value":{value},"id":"sent-secret-{minute}","source":"meter-secret-{n}"}}"#
        )
    };
    // Lows of which something is found, and one that is refused.
    let all: Vec<String> = (0..SUBJECTS).flat_map(|n| [reading(n, 0, 110 + n), reading(n, 20, 45), reading(n, 40, 44)]).collect();
    ask(server, root, "POST", "/v1/readings", &format!("[{}]", all.join(","))).ok();
    ask(server, root, "POST", "/v1/readings", &reading(1, 50, 99_999));
    for _ in 0..200 {
        let sql = r#"{"sql":"select count(*) as n from bg"}"#;
        if ask(server, root, "POST", "/v1/sql", sql).ok().json()[0]["n"] == 3 * SUBJECTS {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the readings are not seen");
}

fn is_clean(what: &str, said: &str, sql: &str) {
    for trace in TRACES {
        // What was asked may be told again, as it was asked.
        assert!(!said.replace(sql, "").contains(trace), "{what}: {sql}: {said}");
    }
}

/// The first value of a field of a message, as bytes.
fn field(message: &[u8], number: u8) -> Vec<u8> {
    let mut rest = message;
    while let [tag, tail @ ..] = rest {
        let (mut value, mut shift, mut tail) = (0_usize, 0, tail);
        while let [byte, more @ ..] = tail {
            value |= usize::from(byte & 127) << shift;
            shift += 7;
            tail = more;
            if byte & 128 == 0 {
                break;
            }
        }
        if tag & 7 == 0 {
            rest = tail;
            continue;
        }
        if tag >> 3 == number {
            return tail[..value].to_vec();
        }
        rest = &tail[value..];
    }
    Vec::new()
}

/// Whether it was answered, and all that was said.
pub fn over_flight(server: &Server, token: &str, sql: &str) -> (bool, String) {
    let mut raw = flight::Raw::connect(server);
    let told = raw.call("GetFlightInfo", token, &flight::statement(sql));
    let Some(info) = told.said.first() else { return (false, told.message) };
    let ticket = field(&field(&field(info, 3), 1), 1);
    let got = raw.call("DoGet", token, &flight::part(1, &ticket));
    let said: Vec<u8> = told.said.iter().chain(&got.said).flat_map(|bytes| bytes.to_vec()).collect();
    (got.status == 0, format!("{}{}", got.message, String::from_utf8_lossy(&said)))
}

fn each_door(server: &Server, token: &str, floor: usize) {
    for (sql, of_many, of_one) in ASKED {
        let leaves = if floor == 1 { of_one } else { of_many };
        let body = serde_json::json!({ "sql": sql }).to_string();
        for path in ["/v1/sql", "/v1/sql?format=csv", "/v1/export?format=csv"] {
            let answer = ask(server, token, "POST", path, &body);
            is_clean(path, &format!("{:?} {}", answer.headers, answer.body), sql);
            assert_eq!(answer.status == 200, leaves, "{path} {sql}: {} {}", answer.status, answer.body);
        }
        let (mut raw, _) = pg::Raw::session(server, "ana", token);
        let said = raw.ask(sql);
        is_clean("PostgreSQL", &pg::told(&said), sql);
        assert_eq!(pg::state(&said).is_empty(), leaves, "{sql}: {}", pg::told(&said));
        let (is_answered, said) = over_flight(server, token, sql);
        is_clean("Flight", &said, sql);
        assert_eq!(is_answered, leaves, "{sql}: {said}");
        let mut prompt = vitalog();
        prompt.args(["sql", "--url", &server.url, "--format", "csv", sql]).env("VITALOG_TOKEN", token);
        let (status, out, err) = run(&mut prompt);
        is_clean("vitalog sql", &format!("{out}{err}"), sql);
        assert_eq!(status == Some(0), leaves, "{sql}: {err}");
    }
}

#[test]
fn no_name_leaves_by_any_door() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let root = told(data, "token", &["add", "root"]);
    told(data, "user", &["add", "ana", "--roles", "analyst", "--no-password"]);
    let token = told(data, "token", &["add", "ana-t", "--account", "ana"]);
    let doors = ["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0"];
    let server = serve(data, &doors);
    filled(&server, &root);
    each_door(&server, &token, 11);
    let mean = ask(&server, &token, "POST", "/v1/sql", r#"{"sql":"select count(*) as n from bg"}"#).ok().json();
    assert_eq!(mean[0]["n"], 3 * SUBJECTS);
    let values =
        ask(&server, &token, "POST", "/v1/sql", r#"{"sql":"select value from bg group by value order by 1"}"#).ok().json();
    assert_eq!(values, serde_json::json!([{"value": 44.0}, {"value": 45.0}]), "what one subject has alone is left out");
    // A program sees what it saw.
    let all = ask(&server, &root, "POST", "/v1/sql", r#"{"sql":"select distinct subject from bg"}"#).ok().json();
    assert_eq!(all.as_array().map(Vec::len), Some(SUBJECTS));
    assert_eq!(server.stop(), Some(0));
    // Rows leave where the operator says so, under the same pseudonyms after every start.
    let pseudonyms = |server: &Server| {
        let sql = r#"{"sql":"select distinct subject from readings order by 1"}"#;
        ask(server, &token, "POST", "/v1/sql", sql).ok().body
    };
    let server = serve(data, &[&doors[..], &["--study-floor", "1"]].concat());
    each_door(&server, &token, 1);
    let before = pseudonyms(&server);
    assert_eq!(before.matches("\"s-").count(), SUBJECTS, "{before}");
    assert_eq!(server.stop(), Some(0));
    let server = serve(data, &["--study-floor", "1"]);
    assert_eq!(pseudonyms(&server), before);
    assert_eq!(server.stop(), Some(0));
    std::fs::remove_file(data.join("pseudonym.key")).expect("it is there");
    let server = serve(data, &["--study-floor", "1"]);
    assert_ne!(pseudonyms(&server), before, "a new key makes others");
    assert_eq!(server.stop(), Some(0));
    let files = std::fs::read_dir(data.join("access")).expect("the log");
    let log: String = files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text")).collect();
    let studied = log.lines().filter(|line| line.contains("\"who\":\"ana\"") && line.contains("study")).count();
    assert!(studied > 100 && !log.contains("select"), "{studied} lines say that she studied");
}

#[test]
fn a_floor_of_nobody_and_a_key_that_is_none_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let start =
        |more: &[&str]| run(vitalog().args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path()).args(more));
    for floor in ["0", "-1", "many", "4294967296"] {
        let (status, _, err) = start(&[&format!("--study-floor={floor}")]);
        assert!(status == Some(2) && err.contains("--study-floor") && err.contains(floor) && err.contains("from 1 on"), "{err}");
    }
    std::fs::write(dir.path().join("pseudonym.key"), "no key").expect("written");
    let (status, _, err) = start(&[]);
    assert!(status == Some(1) && err.contains("pseudonym.key") && err.contains("remove it"), "{status:?} {err}");
}
