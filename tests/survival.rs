//! The second promise, from outside: what was acknowledged is there after any kill, once, in every sink, and the findings are those of a
//! history that was never interrupted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{Numbers, at, ndjson, readings};

const KILLS: u64 = 20;

/// Sends batches until the server dies; gives back the ids that were acknowledged.
fn load(server: &Server, round: u64, dead: &AtomicBool) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    for batch in 0.. {
        let lines: Vec<Value> = (0..200)
            .map(|i| {
                let n = batch * 200 + i;
                json!({"id": format!("r{round}-{n}"), "subject": format!("s-{}", n % 17), "stream": "bg",
                    "at": at(round * 60 + n % 55), "value": 50 + (n * 7 + round) % 300})
            })
            .collect();
        let headers = [("content-type", "application/x-ndjson")];
        let Some(answer) = server.try_send("POST", "/v1/readings", &headers, ndjson(&lines)) else { break };
        if answer.status != 200 {
            break;
        }
        for receipt in answer.json()["receipts"].as_array().expect("receipts") {
            assert_eq!(receipt["status"], "accepted", "{receipt}");
            kept.insert(receipt["id"].as_str().expect("an id").to_owned());
        }
        if dead.load(Ordering::Acquire) {
            break;
        }
    }
    kept
}

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(2026);
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        // Landing every second, so that kills fall into landings too.
        let server = Server::start(data.path(), &["--land-every", "1"]);
        let dead = AtomicBool::new(false);
        let pause = Duration::from_millis(150 + numbers.below(2_000));
        let kept = std::thread::scope(|scope| {
            let sender = scope.spawn(|| load(&server, round, &dead));
            std::thread::sleep(pause);
            server.kill_now();
            dead.store(true, Ordering::Release);
            sender.join().expect("the sender ends")
        });
        acknowledged.extend(kept);
    }
    assert!(acknowledged.len() > 2_000, "too little was sent to prove anything: {}", acknowledged.len());

    let server = Server::start(data.path(), &[]);
    let mut lake = BTreeMap::new();
    for (round, subject) in (0..KILLS).flat_map(|round| (0..17).map(move |subject| (round, subject))) {
        let query =
            format!("select id, count(*) as n from readings where subject = 's-{subject}' and id like 'r{round}-%' group by id");
        for row in server.sql(&query).as_array().expect("rows") {
            lake.insert(row["id"].as_str().expect("an id").to_owned(), row["n"].as_u64().expect("a count"));
        }
    }
    let lost: Vec<_> = acknowledged.iter().filter(|id| !lake.contains_key(*id)).take(5).collect();
    let counts = (acknowledged.len(), lake.len());
    assert!(lost.is_empty(), "acknowledged, and not in the lake: {lost:?} ({counts:?} acknowledged and in the lake)");
    let doubled: Vec<_> = lake.iter().filter(|(_, n)| **n != 1).take(5).collect();
    assert!(doubled.is_empty(), "in the lake more than once: {doubled:?}");

    let in_views: u64 = server.get("/v1/subjects?limit=1000").ok().json()["subjects"]
        .as_array()
        .expect("subjects")
        .iter()
        .map(|s| s["readings"].as_u64().expect("a count of readings"))
        .sum();
    assert_eq!(in_views, lake.len() as u64, "views and lake hold the same readings");

    let mut shown = BTreeMap::new();
    for subject in (0..17).map(|n| format!("s-{n}")) {
        let answer = server.get(&format!("/v1/subjects/{subject}/recommendations?limit=1000")).ok().json();
        for r in answer["recommendations"].as_array().expect("a list") {
            if r["state"] != "rescinded" {
                let key = format!("{} {} {}", r["subject"], r["rule"], r["onset"]);
                assert!(shown.insert(key, (r["state"].clone(), r["end"].clone())).is_none(), "doubled: {r}");
            }
        }
    }
    assert_eq!(server.stop(), Some(0));
    let mut command = vitalog();
    command.args(["backtest", "--input", "lake", "--format", "json", "--now", "2026-03-20T00:00:00Z", "--data"]).arg(data.path());
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(0), "{err}");
    let mut expected = BTreeMap::new();
    for line in out.lines() {
        let r: Value = serde_json::from_str(line).expect("a finding");
        expected.insert(format!("{} {} {}", r["subject"], r["rule"], r["onset"]), (r["state"].clone(), r["end"].clone()));
    }
    assert_eq!(shown, expected, "views (left) and a history that was never interrupted (right) differ");
}

#[test]
fn a_clean_stop_lands_everything_and_the_next_start_replays_nothing_away() {
    let data = tempfile::tempdir().unwrap();
    let (originals, corrections) = readings("p-9", 3);
    let server = Server::start(data.path(), &[]);
    server.readings(&ndjson(&originals)).ok();
    let answer = server.readings(&ndjson(&corrections)).ok();
    let position = answer.headers["vitalog-position"].to_str().expect("a number");
    let path = "/v1/subjects/p-9/recommendations?limit=1000";
    let before = server.try_send("GET", path, &[("vitalog-position", position)], "").expect("an answer").ok().json();
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(data.path(), &[]);
    let after = server.get(path).ok().json();
    assert_eq!(before["recommendations"], after["recommendations"]);
    assert_eq!(server.stop(), Some(0));
}
