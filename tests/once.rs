//! Requests that bear a key, from outside: killed between the sync and the answer, started anew, with views made again and backups put back, they have one effect and one answer.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::rounds;
use crate::support::server::{Server, run, vitalog};
use crate::support::story::Numbers;

const NDJSON: &str = "application/x-ndjson";

fn try_send(server: &Server, method: &str, path: &str, key: &str, kind: &str, body: &str) -> Option<Answer> {
    server.try_send(method, path, &[("idempotency-key", key), ("content-type", kind)], body)
}

/// All of an answer that a caller may go by.
fn said(answer: &Answer) -> (u16, Option<String>, String) {
    let position = answer.headers.get("vitalog-position").map(|p| p.to_str().expect("a number").to_owned());
    (answer.status, position, answer.body.clone())
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|said| said == "true")
}

/// How many inputs of a kind the journal of a stopped server has.
fn journaled(data: &Path, kind: &str) -> u64 {
    let (status, out, err) = run(vitalog().args(["audit", "journal", "--format", "json", "--data"]).arg(data));
    assert_eq!(status, Some(0), "{err}");
    let audit: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(audit["sound"], true, "{audit}");
    audit["kinds"][kind].as_u64().unwrap_or_else(|| panic!("no {kind}: {audit}"))
}

const BATCH: u64 = 200;

/// The group is synced, and the engine has much to do before anybody is answered: there the process is killed.
#[test]
fn killed_between_the_sync_and_the_answer_it_is_done_once() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("journal.db-wal");
    let size = || std::fs::metadata(&log).map_or(0, |file| file.len());
    let mut replayed = 0;
    for round in 0..3 {
        let server = Server::start(data.path(), &[]);
        let body = rounds::batch(round, 0, 6_000);
        let before = size();
        let sent = std::thread::scope(|scope| {
            let sender = scope.spawn(|| try_send(&server, "POST", "/v1/readings", &format!("k{round}"), NDJSON, &body));
            let begun = Instant::now();
            while size() == before && begun.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(60));
            server.kill_now();
            sender.join().expect("the sender ends")
        });
        drop(server);
        let server = Server::start(data.path(), &[]);
        let again = try_send(&server, "POST", "/v1/readings", &format!("k{round}"), NDJSON, &body).expect("an answer").ok();
        assert_eq!(again.json()["accepted"], 6_000, "what was kept is told as it was taken, not as a duplicate");
        assert_eq!(again.json()["receipts"][5_999]["id"], format!("r{round}-5999"));
        replayed += u32::from(sent.is_none() && is_replayed(&again));
        let twice = try_send(&server, "POST", "/v1/readings", &format!("k{round}"), NDJSON, &body).expect("an answer");
        assert_eq!((said(&twice), is_replayed(&twice)), (said(&again), true));
        assert_eq!(server.stop(), Some(0));
    }
    assert!(replayed > 0, "no kill came between the sync and the answer, so nothing is proven");
    assert_eq!(journaled(data.path(), "once"), 3);
}

/// Whoever loses an answer sends the same again until there is one.
#[test]
fn kills_at_random_neither_lose_nor_double_what_is_sent_again_under_its_key() {
    let data = tempfile::tempdir().unwrap();
    let (mut numbers, mut next, mut replayed) = (Numbers(56), 0_u64, 0_u64);
    for round in 0..6 {
        let server = Server::start(data.path(), &["--land-every", "1"]);
        let until = Instant::now() + Duration::from_millis(200 + numbers.below(900));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                server.kill_now();
            });
            // One of each batch can't be taken, and is kept once.
            while let Some(answer) = {
                let all = format!("{}{{\"subject\":\"s-1\",\"stream\":\"bg\",\"n\":{next}}}\n", rounds::batch(0, next, BATCH));
                try_send(&server, "POST", "/v1/readings", &format!("batch-{next}"), NDJSON, &all).filter(|a| a.status == 200)
            } {
                let json = answer.json();
                assert_eq!((&json["accepted"], &json["rejected"], &json["duplicate"]), (&json!(BATCH), &json!(1), &json!(0)));
                (next, replayed) = (next + 1, replayed + u64::from(is_replayed(&answer)));
            }
        });
        println!("round {round}: {next} batches, {replayed} of them answered again");
    }
    let server = Server::start(data.path(), &[]);
    // The last may be there without its answer.
    let held = server.sql("select count(*) as n, count(distinct id) as ids from readings where stream = 'bg'")[0].clone();
    assert_eq!(held["n"], held["ids"]);
    let in_lake = held["n"].as_u64().expect("a number") / BATCH;
    assert!(in_lake == next || in_lake == next + 1, "{next} were acknowledged, and {in_lake} are in the lake");
    assert_eq!(server.stop(), Some(0));
    assert!(next > 5, "too little was sent to prove anything: {next}");
    // What was said of the one who was refused stands under a key of her own.
    assert_eq!((journaled(data.path(), "once"), journaled(data.path(), "dead_letter")), (2 * in_lake, in_lake));
}

const RULES: &str = "stream heat { value count }\nrule hot { severity info when heat.value > 30 count }\n";

/// Requests of every kind, in their order: method, path, content type, body.
fn doors() -> Vec<(&'static str, &'static str, &'static str, String)> {
    let reading = |value: &str| format!("{{\"stream\":\"bg\",\"at\":\"2026-03-10T08:00:00Z\",\"value\":{value}}}");
    let of = |subject: &str, value: &str| reading(value).replace('{', &format!("{{\"subject\":\"{subject}\","));
    vec![
        (
            "POST",
            "/v1/readings",
            "application/json",
            format!("[{},{},{}]", of("p-1", "100"), of("p-2", "9999"), of("p-2", "101")),
        ),
        ("PUT", "/v1/subjects/p-1/readings/a1", "application/json", reading("110")),
        ("PUT", "/v1/subjects/p-1/readings/a1", "application/json", reading("111")),
        ("DELETE", "/v1/subjects/p-1/readings/a1", "application/json", String::new()),
        ("PUT", "/v1/subjects/p-1/profile", "application/json", "{\"bg_low\":\"4.0 mmol/L\"}".to_owned()),
        ("POST", "/v1/dead-letters/replay", "application/json", "{}".to_owned()),
        ("PUT", "/v1/rules/own.rules", "text/plain", RULES.to_owned()),
        ("PUT", "/v1/rules/own.rules", "text/plain", RULES.to_owned()),
        ("POST", "/v1/rules/rollback", "application/json", "{\"to\":1}".to_owned()),
    ]
}

fn sent(server: &Server) -> Vec<Answer> {
    let send = |(n, (method, path, kind, body)): (usize, (&str, &str, &str, String))| {
        try_send(server, method, path, &format!("\"door-{n}\""), kind, &body).expect("an answer").ok()
    };
    doors().into_iter().enumerate().map(send).collect()
}

#[track_caller]
fn assert_again(server: &Server, first: &[Answer]) {
    for (n, (first, again)) in first.iter().zip(sent(server)).enumerate() {
        assert_eq!((said(&again), is_replayed(&again)), (said(first), true), "request {n}");
    }
}

#[test]
fn every_door_answers_again_after_a_start_with_views_made_anew_and_from_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup, keys, restored) =
        (dir.path().join("data"), dir.path().join("backup"), dir.path().join("keys"), dir.path().join("restored"));
    let server = Server::start(&data, &[]);
    let first = sent(&server);
    assert!(first.iter().all(|answer| !is_replayed(answer)));
    assert_eq!(first[6].json()["changed"], true);
    assert_eq!((&first[7].json()["changed"], said(&first[7]).1), (&json!(false), None), "the same rules again change nothing");
    assert_again(&server, &first);
    // What was under a key is not undone by somebody who comes late with it.
    let other = "stream heat { value count }\n";
    try_send(&server, "PUT", "/v1/rules/own.rules", "another", "text/plain", other).expect("an answer").ok();
    assert_again(&server, &first);
    assert_eq!(server.get("/v1/rules/own.rules").ok().body, other);
    let wrong = try_send(&server, "PUT", "/v1/rules/own.rules", "\"door-6\"", "text/plain", other).expect("an answer");
    assert_eq!((wrong.status, &wrong.json()["code"]), (422, &json!("idempotency_key_reused")));
    let accounts = server.get("/v1/accounting").ok().json();
    assert_eq!(accounts["equal"], true, "{accounts}");
    assert_eq!(server.stop(), Some(0));
    let kept = doors().len() as u64 + 1;
    assert_eq!(journaled(&data, "once"), kept + 1, "and the part of one who was refused among several");

    for name in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let server = Server::start(&data, &[]);
    assert_again(&server, &first);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(journaled(&data, "once"), kept + 1, "repeats leave nothing behind");

    let take = run(vitalog().args(["backup", "--data"]).arg(&data).arg("--to").arg(&backup).arg("--keys").arg(&keys));
    assert_eq!(take.0, Some(0), "{}", take.2);
    let put = run(vitalog().args(["restore", "--from"]).arg(&backup).arg("--keys").arg(&keys).arg("--to").arg(&restored));
    assert_eq!(put.0, Some(0), "{}", put.2);
    let server = Server::start(&restored, &[]);
    assert_again(&server, &first);
    assert_eq!(server.stop(), Some(0));
}

/// The caller is gone before there is an answer, and comes back for it: what was submitted is found out by something journaled behind it.
#[test]
fn who_hangs_up_in_the_midst_gets_the_answer_later() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let body = rounds::batch(0, 0, 4_000);
    let address = server.url.trim_start_matches("http://").to_owned();
    let head = format!(
        "POST /v1/readings HTTP/1.1\r\nhost: {address}\r\ncontent-type: {NDJSON}\r\nidempotency-key: k\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut gone = TcpStream::connect(&address).expect("connected");
    gone.write_all(head.as_bytes()).and_then(|()| gone.write_all(body.as_bytes())).expect("sent");
    std::thread::sleep(Duration::from_millis(300));
    drop(gone);
    let answer = (0..1_200).find_map(|_| {
        let answer = try_send(&server, "POST", "/v1/readings", "k", NDJSON, &body).expect("an answer");
        std::thread::sleep(Duration::from_millis(20));
        (!matches!(answer.status, 409 | 503)).then_some(answer)
    });
    let answer = answer.expect("it is over some time").ok();
    assert_eq!((&answer.json()["accepted"], &answer.json()["duplicate"]), (&json!(4_000), &json!(0)));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(journaled(data.path(), "once"), 1);
}

/// What a key costs, told and not judged: `cargo test --test system -- --ignored --nocapture what_a_key_costs`.
#[test]
#[ignore = "measures"]
fn what_a_key_costs() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let mut round = 0;
    let mut measure = |what: &str, times: u64, size: u64, with_key: bool| {
        round += 1;
        let mut took: Vec<Duration> = (0..times)
            .map(|n| {
                let (body, key) = (rounds::batch(round, n, size), format!("{round}-{n}"));
                let begun = Instant::now();
                let answer = match with_key {
                    true => try_send(&server, "POST", "/v1/readings", &key, NDJSON, &body),
                    false => server.try_send("POST", "/v1/readings", &[("content-type", NDJSON)], body),
                };
                answer.expect("an answer").ok();
                begun.elapsed()
            })
            .collect();
        took.sort_unstable();
        let bytes = std::fs::metadata(data.path().join("journal.db-wal")).map_or(0, |file| file.len());
        println!(
            "{what}, {}: median {:?}, nine in ten within {:?}; log {bytes}",
            if with_key { "with a key" } else { "without" },
            took[took.len() / 2],
            took[took.len() * 9 / 10]
        );
    };
    for _ in 0..2 {
        for with_key in [false, true] {
            measure("one reading", 200, 1, with_key);
            measure("a batch of 200", 60, 200, with_key);
        }
    }
    assert_eq!(server.stop(), Some(0));
}
