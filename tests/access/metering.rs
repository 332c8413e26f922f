//! Who used how much: what was sent is counted exactly, whatever kills the server; the rest is there after a moment; and nobody sees it of others.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, serve, told};
use crate::pg::raw as pg;
use crate::support::server::{Server, run, vitalog};

fn reading(subject: &str, id: &str) -> String {
    format!(r#"{{"subject":"{subject}","stream":"bg","at":"2026-03-10T08:00:00Z","value":110,"id":"{id}"}}"#)
}

fn metering(server: &Server, token: &str, query: &str) -> Vec<Value> {
    let answer = ask(server, token, "GET", &format!("/v1/metering{query}"), "").ok().json();
    answer["usage"].as_array().expect("a list").clone()
}

fn sum(usage: &[Value], what: &str) -> u64 {
    usage.iter().map(|one| one[what].as_u64().expect("a number")).sum()
}

/// How many inputs of a kind the journal has.
fn journaled(data: &Path, kind: &str) -> u64 {
    let (status, out, err) = run(vitalog().args(["audit", "journal", "--format", "json", "--data"]).arg(data));
    assert_eq!(status, Some(0), "{out}{err}");
    serde_json::from_str::<Value>(&out).expect("JSON")["kinds"][kind].as_u64().expect("a count")
}

#[test]
fn killed_at_any_moment_each_reading_is_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a"]);
    told(data, "tenant", &["add", "b"]);
    let tokens = ["a", "b"].map(|id| told(data, "token", &["add", &format!("program-{id}"), "--tenant", id]));
    let root = told(data, "token", &["add", "root"]);
    let mut acknowledged = 0;
    for round in 0..4_u64 {
        let server = serve(data, &[]);
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..2)
                .map(|sender| {
                    let (server, token) = (&server, &tokens[sender]);
                    scope.spawn(move || {
                        let mut taken = 0;
                        for n in 0.. {
                            let subject = format!("{}:{}", ["a", "b"][sender], n % 7);
                            let all: Vec<String> = (0..5).map(|i| reading(&subject, &format!("r{round}-{n}-{i}"))).collect();
                            let auth = super::bearer(token);
                            // Some under a key: what was answered stands between the readings and whom they are put down to.
                            let key = format!("\"k{round}-{sender}-{n}\"");
                            let mut headers = vec![("authorization", auth.as_str()), ("content-type", "application/json")];
                            headers.extend((n % 2 == 0).then_some(("idempotency-key", key.as_str())));
                            match server.try_send("POST", "/v1/readings", &headers, format!("[{}]", all.join(","))) {
                                Some(answer) if answer.status == 200 => taken += 5,
                                Some(_) => {}
                                None => break,
                            }
                        }
                        taken
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(250 + 190 * round));
            server.kill_now();
            acknowledged += senders.into_iter().map(|sender| sender.join().expect("no panic")).sum::<u64>();
        });
        server.wait();
    }
    // Each request had five, all or none of them; nobody sent anything twice.
    let readings = 5 * journaled(data, "sent");
    assert!(acknowledged > 20 && readings >= acknowledged, "{acknowledged} {readings}");
    let server = serve(data, &[]);
    let count =
        || ask(&server, &root, "POST", "/v1/sql", r#"{"sql":"select count(*) as n from bg"}"#).ok().json()[0]["n"].clone();
    let landed = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        count() == readings
    });
    assert!(landed, "{readings} and {}", count());
    let usage = metering(&server, &root, "");
    assert_eq!(sum(&usage, "readings"), readings, "{usage:?}");
    for (id, token) in ["a", "b"].iter().zip(&tokens) {
        let own = metering(&server, token, "");
        assert!(sum(&own, "readings") > 0 && own.iter().all(|one| one["tenant"] == **id), "{own:?}");
    }
    // Made again from the journal it is the same; and what is erased was sent all the same.
    assert_eq!(server.stop(), Some(0));
    let (status, out, err) = run(vitalog().args(["erase", "--subject", "a:1", "--data"]).arg(data));
    assert_eq!(status, Some(0), "{out}{err}");
    for name in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let server = serve(data, &[]);
    let again = metering(&server, &root, "");
    assert_eq!((sum(&again, "readings"), sum(&again, "refused")), (readings, 0));
}

#[test]
fn what_is_used_is_put_down_to_who_used_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a"]);
    told(data, "tenant", &["add", "b"]);
    told(data, "user", &["add", "dev", "--roles", "device", "--subject", "a:1", "--no-password", "--tenant", "a"]);
    told(data, "user", &["add", "ops", "--roles", "operator", "--no-password", "--tenant", "a"]);
    told(data, "user", &["add", "care", "--roles", "caretaker", "--no-password", "--tenant", "a"]);
    let [dev, ops, care] = ["dev", "ops", "care"].map(|id| told(data, "token", &["add", &format!("t-{id}"), "--account", id]));
    let other = told(data, "token", &["add", "other", "--tenant", "b"]);
    let program = told(data, "token", &["add", "program", "--tenant", "a"]);
    let root = told(data, "token", &["add", "root"]);
    let server = serve(data, &["--pg", "127.0.0.1:0"]);
    let body = format!("[{},{},{}]", reading("a:1", "1"), reading("a:1", "2"), reading("a:1", "3").replace("110", "99999"));
    ask(&server, &dev, "POST", "/v1/readings", &body).ok();
    ask(&server, &dev, "POST", "/v1/readings", &reading("a:1", "1")).ok();
    ask(&server, &other, "POST", "/v1/readings", &reading("b:1", "1")).ok();
    ask(&server, &root, "POST", "/v1/readings", &reading("p-1", "1")).ok();
    let rows = || ask(&server, &program, "POST", "/v1/sql", r#"{"sql":"select id from bg"}"#).ok().json();
    let seen = (0..200).find(|_| {
        std::thread::sleep(Duration::from_millis(20));
        rows().as_array().is_some_and(|rows| rows.len() == 2)
    });
    let asked = seen.expect("the readings are seen") + 1;
    let (mut raw, _) = pg::Raw::session(&server, "program", &program);
    assert_eq!(pg::state(&raw.ask("select id from bg")), "");
    let usage = metering(&server, &ops, "");
    let of = |account: &str| usage.iter().find(|one| one["account"] == account).unwrap_or_else(|| panic!("{usage:?}")).clone();
    let one = of("dev");
    for (what, n) in [("readings", 3), ("refused", 1), ("duplicates", 1), ("requests", 2), ("statements", 0), ("rows", 0)] {
        assert_eq!(one[what], n, "{what}: {one}");
    }
    assert_eq!((&one["tenant"], &one["token"]), (&json!("a"), &json!("t-dev")));
    assert_eq!(one["bytes_in"], body.len() + reading("a:1", "1").len());
    assert!(one["bytes_out"].as_u64() > Some(200), "{one}");
    let one = of("program");
    assert_eq!((&one["statements"], one["rows"].as_u64() >= Some(4)), (&json!(asked + 1), true), "{one}");
    // Nobody else's, and nobody's name.
    assert!(usage.iter().all(|one| one["tenant"] == "a"), "{usage:?}");
    let whole = ask(&server, &root, "GET", "/v1/metering", "").ok();
    assert!(!whole.body.contains("a:1") && !whole.body.contains("p-1"), "{}", whole.body);
    let usage = whole.json()["usage"].as_array().expect("a list").clone();
    assert!(usage.iter().any(|one| one["tenant"] == "b") && usage.iter().any(|one| one["tenant"] == Value::Null), "{usage:?}");
    for token in [&dev, &care] {
        assert_eq!(ask(&server, token, "GET", "/v1/metering", "").status, 403);
    }
    by_period(&server, &root, &usage);
    let (readings, requests) = (sum(&usage, "readings"), sum(&usage, "requests"));
    let (status, out, err) = run(vitalog().args(["metering", "--by", "month", "--url", &server.url, "--token", &root]));
    assert_eq!(status, Some(0), "{err}");
    assert!(out.starts_with("period") && out.contains("t-dev") && out.lines().count() > 5, "{out}");
    // What nobody has asked about is written down when the server ends.
    for _ in 0..30 {
        ask(&server, &root, "GET", "/v1/subjects", "").ok();
    }
    assert_eq!(server.stop(), Some(0));
    let server = serve(data, &[]);
    let usage = metering(&server, &root, "");
    assert_eq!(sum(&usage, "readings"), readings);
    assert!(sum(&usage, "requests") >= requests + 30, "what was counted before is there: {usage:?}");
}

fn by_period(server: &Server, root: &str, usage: &[Value]) {
    let month = metering(server, root, "?by=month");
    assert_eq!(sum(&month, "readings"), sum(usage, "readings"));
    let day = usage[0]["period"].as_str().expect("a day").to_owned();
    assert_eq!((day.len(), month[0]["period"].as_str().expect("a month")), (10, &day[..7]));
    assert_eq!(metering(server, root, "?from=2020-01-01&to=2020-02-01"), Vec::<Value>::new());
    assert_eq!(sum(&metering(server, root, &format!("?from={day}&to={day}")), "readings"), sum(usage, "readings"));
    for (query, says) in [
        ("?from=yesterday", "`from` is no day: \\\"yesterday\\\""),
        ("?from=2026-02-30", "`from` is no day"),
        ("?to=2026-1-1", "`to` is no day"),
        ("?from=2026-02-02&to=2026-02-01", "`from` is after `to`"),
        ("?from=2000-01-01", "more than 731 days"),
        ("?by=year", "`by` is no period"),
        ("?subject=a:1", "unknown field"),
    ] {
        let answer = ask(server, root, "GET", &format!("/v1/metering{query}"), "");
        assert!(answer.status == 400 && answer.body.contains(says), "{query}: {}", answer.body);
    }
}

#[test]
fn without_tenants_nothing_is_put_down_to_anybody() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let root = told(data, "token", &["add", "root"]);
    let server = serve(data, &[]);
    ask(&server, &root, "POST", "/v1/readings", &reading("p-1", "1")).ok();
    assert_eq!(metering(&server, &root, ""), Vec::<Value>::new());
    assert_eq!(server.stop(), Some(0));
    assert_eq!(journaled(data, "sent"), 0);
}
