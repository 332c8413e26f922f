//! The second promise, from outside: what was acknowledged is there after any kill, once, in every sink, and the findings are those of a
//! history that was never interrupted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{Numbers, at, ndjson, readings};

const KILLS: u64 = 20;
/// Each start has another number of them.
const WORKERS: [&str; 3] = ["1", "2", "4"];
/// Readings of a request.
const BATCH: u64 = 200;

/// Sends batches until the server dies; gives back how many readings were acknowledged. Those of a round are numbered from 0 without a hole.
fn load(server: &Server, round: u64, dead: &AtomicBool) -> u64 {
    for batch in 0.. {
        let lines: Vec<Value> = (0..BATCH)
            .map(|i| {
                let n = batch * BATCH + i;
                json!({"id": format!("r{round}-{n}"), "subject": format!("s-{}", n % 17), "stream": "bg",
                    "at": at(round * 60 + n % 55), "value": 50 + (n * 7 + round) % 300})
            })
            .collect();
        let headers = [("content-type", "application/x-ndjson")];
        let answer = server.try_send("POST", "/v1/readings", &headers, ndjson(&lines)).filter(|a| a.status == 200);
        let Some(answer) = answer else { return batch * BATCH };
        for (i, receipt) in answer.json()["receipts"].as_array().expect("receipts").iter().enumerate() {
            assert_eq!(receipt["status"], "accepted", "{receipt}");
            assert_eq!(receipt["id"], format!("r{round}-{}", batch * BATCH + i as u64));
        }
        if dead.load(Ordering::Acquire) {
            return (batch + 1) * BATCH;
        }
    }
    unreachable!("batches have no end")
}

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(2026);
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        // Landing every second, so that kills fall into landings too.
        let server = Server::start(data.path(), &["--land-every", "1", "--workers", WORKERS[(round % 3) as usize]]);
        let dead = AtomicBool::new(false);
        let pause = Duration::from_millis(150 + numbers.below(2_000));
        acknowledged.push(std::thread::scope(|scope| {
            let sender = scope.spawn(|| load(&server, round, &dead));
            std::thread::sleep(pause);
            server.kill_now();
            dead.store(true, Ordering::Release);
            sender.join().expect("the sender ends")
        }));
    }
    let total: u64 = acknowledged.iter().sum();
    assert!(total > 10_000, "too little was sent to prove anything: {acknowledged:?}");
    println!("{total} readings acknowledged over {KILLS} kills");
    let server = Server::start(data.path(), &[]);
    let held = server.sql(
        "select split_part(id, '-', 1) as round, count(*) as n, count(distinct id) as ids,
                max(cast(split_part(id, '-', 2) as bigint)) as last
         from readings where stream != 'contact' group by 1",
    );
    // What the server wrote down of its own, besides what was sent.
    let contacts = server.sql("select count(*) as n from readings where stream = 'contact'")[0]["n"].as_u64().expect("a count");
    let number = |row: &Value, name: &str| row[name].as_u64().expect("a number");
    let mut in_lake = 0;
    for (round, kept) in acknowledged.iter().enumerate() {
        let row = held.as_array().expect("rows").iter().find(|row| row["round"] == format!("r{round}"));
        let (n, ids, last) = row.map_or((0, 0, None), |r| (number(r, "n"), number(r, "ids"), Some(number(r, "last"))));
        assert_eq!(n, ids, "round {round}: a reading is in the lake more than once");
        // As many different numbers as that, the greatest being one less: exactly those from 0 on.
        assert_eq!(n, last.map_or(0, |l| l + 1), "round {round}: a reading is missing in the lake");
        assert!(n >= *kept, "round {round}: {kept} were acknowledged, {n} are in the lake");
        assert!(n <= kept + BATCH, "round {round}: {kept} were acknowledged, and {n} are in the lake");
        in_lake += n;
    }

    let in_views: u64 = server.get("/v1/subjects?limit=200").ok().json()["subjects"]
        .as_array()
        .expect("subjects")
        .iter()
        .map(|s| s["readings"].as_u64().expect("a count of readings"))
        .sum();
    assert_eq!(in_views, in_lake + contacts, "views and lake hold the same readings");

    let mut shown = BTreeMap::new();
    for subject in (0..17).map(|n| format!("s-{n}")) {
        for r in server.recommendations(&subject) {
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

#[test]
fn any_number_of_workers_makes_the_same_of_a_journal() {
    let first = tempfile::tempdir().unwrap();
    let server = Server::start(first.path(), &["--workers", "3"]);
    for person in 0..12 {
        let (originals, corrections) = readings(&format!("p-{person}"), 2);
        server.readings(&ndjson(&originals)).ok();
        server.readings(&ndjson(&corrections)).ok();
    }
    assert_eq!(server.stop(), Some(0));
    let made = WORKERS.map(|workers| {
        let again = tempfile::tempdir().unwrap();
        for name in ["journal.db", "keys.db", "kek"] {
            std::fs::copy(first.path().join(name), again.path().join(name)).expect("a stopped server's journal and its keys");
        }
        let server = Server::start(again.path(), &["--workers", workers]);
        let position = server.get("/readyz").ok().json()["position"].to_string();
        let changes = server.sql("select * from matches order by id, revision");
        let views: Vec<Value> = (0..12)
            .flat_map(|person| {
                let path = format!("/v1/subjects/p-{person}/recommendations?limit=1000");
                let answer =
                    server.try_send("GET", &path, &[("vitalog-position", &position)], "").expect("an answer").ok().json();
                answer["recommendations"].as_array().expect("a list").clone()
            })
            .collect();
        assert_eq!(server.stop(), Some(0));
        (changes, views)
    });
    assert!(made[0].1.len() > 100, "too little was found to prove anything: {}", made[0].1.len());
    assert_eq!(made[0], made[1], "one worker (left) and two (right)");
    assert_eq!(made[0], made[2], "one worker (left) and four (right)");
}
