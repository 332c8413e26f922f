//! The second promise, from outside: what was acknowledged is there after any kill, once, in every sink, and the findings are those of a
//! history that was never interrupted; and whoever is to be told of one is told, as of one thing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::accounting::audit;
use crate::support::hooks::{Hooks, config};
use crate::support::rounds;
use crate::support::server::{Server, run, vitalog};
use crate::support::story::{Numbers, at, ndjson, readings};

/// Kills in the life of one data directory, and in the sample that every run of the suites takes.
const KILLS: u64 = 20;
const SAMPLE: u64 = 5;
/// Each start has another number of them.
const WORKERS: [&str; 3] = ["1", "2", "4"];
/// Readings of a request.
const BATCH: u64 = 200;

/// Batches of a round in front of which somebody's pressure is low, right now: of that others are told.
const LOWS: [u64; 4] = [0, 3, 6, 9];

fn low(subject: &str) -> String {
    let at = jiff::Timestamp::now().to_string();
    json!({"id": "low", "subject": subject, "stream": "bp", "at": at, "systolic": 76, "diastolic": 50}).to_string()
}

/// Sends batches until the server dies; gives back how many readings were acknowledged, those of a round being numbered from 0 without a hole; and whose low pressure was.
fn load(server: &Server, round: u64, dead: &AtomicBool) -> (u64, Vec<String>) {
    let mut lows = Vec::new();
    for batch in 0.. {
        if LOWS.contains(&batch) {
            let subject = format!("t-{round}-{batch}");
            if server.try_readings(&low(&subject)).is_none_or(|answer| answer.status != 200) {
                return (batch * BATCH, lows);
            }
            lows.push(subject);
        }
        let answer = server.try_readings(&rounds::batch(round, batch, BATCH)).filter(|a| a.status == 200);
        let Some(answer) = answer else { return (batch * BATCH, lows) };
        for (i, receipt) in answer.json()["receipts"].as_array().expect("receipts").iter().enumerate() {
            assert_eq!(receipt["status"], "accepted", "{receipt}");
            assert_eq!(receipt["id"], format!("r{round}-{}", batch * BATCH + i as u64));
        }
        if dead.load(Ordering::Acquire) {
            return ((batch + 1) * BATCH, lows);
        }
    }
    unreachable!("batches have no end")
}

/// What is shown of subjects: which findings there are, and how each stands.
type Shown = BTreeMap<String, (Value, Value)>;

fn shown(server: &Server, subjects: impl Iterator<Item = String>) -> Shown {
    let all = subjects.flat_map(|subject| server.recommendations(&subject)).filter(|r| r["state"] != "rescinded");
    let mut shown = Shown::new();
    for r in all {
        let key = format!("{} {} {}", r["subject"], r["rule"], r["onset"]);
        assert!(shown.insert(key, (r["state"].clone(), r["end"].clone())).is_none(), "doubled: {r}");
    }
    shown
}

/// What is found in the lake's readings by one engine from beginning to end.
fn recounted(data: &Path) -> Shown {
    let mut command = vitalog();
    command.args(["backtest", "--input", "lake", "--format", "json", "--now", "2026-04-20T00:00:00Z", "--data"]).arg(data);
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(0), "{err}");
    let findings = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a finding"));
    findings.map(|r| (format!("{} {} {}", r["subject"], r["rule"], r["onset"]), (r["state"].clone(), r["end"].clone()))).collect()
}

/// Whoever's pressure is low has a finding that stands; and of whatever stands and is not quiet a message came, however often its sender was killed. What came under one id is one thing.
fn told(server: &Server, hooks: &Hooks, lows: &[String], seed: u64) {
    let mut standing = BTreeMap::new();
    for subject in (0..17).map(|n| format!("s-{n}")).chain(lows.iter().cloned()) {
        let found = server.recommendations(&subject);
        let is_low = found.iter().any(|r| r["rule"] == "low_bp" && r["state"] == "open" && r["quiet"].is_null());
        assert_eq!(is_low, subject.starts_with("t-"), "seed {seed}: {subject}: {found:?}");
        let stands = found.into_iter().filter(|r| r["state"] == "open" && r["quiet"].is_null());
        standing.extend(stands.map(|r| (r["id"].as_str().expect("an id").to_owned(), r)));
    }
    let until = Instant::now() + Duration::from_secs(60);
    let messages = loop {
        let messages = hooks.messages();
        let opened = messages.iter().filter(|(_, body)| body.contains("\"finding.opened\""));
        let told: Vec<Value> = opened.map(|(_, body)| serde_json::from_str(body).expect("JSON")).collect();
        let is_told = |id: &str| told.iter().any(|message| message["data"]["finding"] == id);
        let missing: Vec<&Value> = standing.iter().filter(|(id, _)| !is_told(id)).map(|(_, finding)| finding).collect();
        if missing.is_empty() {
            break messages;
        }
        assert!(Instant::now() < until, "seed {seed}: nobody is told of {} findings: {missing:?}", missing.len());
        std::thread::sleep(Duration::from_millis(100));
    };
    let (mut by_id, mut opened) = (BTreeMap::new(), BTreeMap::new());
    for (id, body) in &messages {
        let first = by_id.entry(id).or_insert(body);
        assert_eq!(*first, body, "seed {seed}: two things under the id {id}");
        let message: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(message["id"], id.as_str(), "seed {seed}: the header says another id");
        if message["type"] == "finding.opened" {
            let finding = message["data"]["finding"].as_str().expect("a finding").to_owned();
            assert_eq!(*opened.entry(finding).or_insert(id), id, "seed {seed}: opened under two ids: {body}");
        }
    }
    println!(
        "seed {seed}: {} messages, {} of them again; {} findings stand",
        messages.len(),
        messages.len() - by_id.len(),
        standing.len()
    );
}

/// What lake and views hold is what was sent, each reading as it was.
fn held(server: &Server, acknowledged: &[u64], seed: u64) {
    let lake = rounds::in_lake(server, acknowledged, BATCH);
    assert!(rounds::held_in_views(server) == lake, "seed {seed}: views and lake hold the same readings");
    let lows = rounds::number(&server.sql("select count(*) as n from bp")[0], "n");
    let all = lake.count() + lows + rounds::contacts(server);
    assert_eq!(rounds::in_views(server), all, "seed {seed}: of whatever stream, views and lake hold as many");
}

/// One data directory whose server is killed so many times under load. Gives back how many readings were acknowledged.
fn life_of_kills(seed: u64, kills: u64) -> u64 {
    let (data, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (hooks, url) = Hooks::failing(5);
    let webhooks = beside.path().join("webhooks.json");
    config(&webhooks, &url);
    let webhooks = webhooks.to_str().expect("a path");
    let mut numbers = Numbers(seed);
    let (mut acknowledged, mut lows) = (Vec::new(), Vec::new());
    for round in 0..kills {
        // Landing every second, so that kills fall into landings too.
        let workers = WORKERS[((seed + round) % 3) as usize];
        let server = Server::start(data.path(), &["--land-every", "1", "--workers", workers, "--webhooks", webhooks]);
        let dead = AtomicBool::new(false);
        let pause = Duration::from_millis(150 + numbers.below(2_000));
        let (kept, low) = std::thread::scope(|scope| {
            let sender = scope.spawn(|| load(&server, round, &dead));
            std::thread::sleep(pause);
            server.kill_now();
            dead.store(true, Ordering::Release);
            sender.join().expect("the sender ends")
        });
        acknowledged.push(kept);
        lows.extend(low);
    }
    let total: u64 = acknowledged.iter().sum();
    assert!(total > 500 * kills, "seed {seed}: too little was sent to prove anything: {acknowledged:?}");
    assert!(lows.len() as u64 >= kills / 2, "seed {seed}: too few lows to prove anything: {lows:?}");
    let server = Server::start(data.path(), &["--webhooks", webhooks]);
    held(&server, &acknowledged, seed);
    told(&server, &hooks, &lows, seed);

    let shown = shown(&server, (0..17).map(|n| format!("s-{n}")));
    assert_eq!(server.stop(), Some(0));
    let mut expected = recounted(data.path());
    expected.retain(|finding, _| finding.starts_with("\"s-"));
    assert_eq!(shown, expected, "seed {seed}: views (left) and a history that was never interrupted (right) differ");
    let (status, answer) = audit(data.path(), &[]);
    let stages = answer["stages"].as_array().expect("stages");
    let is_equal = stages.iter().all(|stage| stage["stage"] == "journal" || stage["equal"] == true);
    assert!(status == Some(0) && answer["equal"] == true && stages.len() == 4 && is_equal, "seed {seed}: {answer}");
    let counted = stages.iter().map(|stage| rounds::number(&stage["current"], "count"));
    assert!(counted.min() > Some(total), "seed {seed}: all that was acknowledged is in the sums: {answer}");
    total
}

/// Five kills, or as many as VITALOG_CASES says, twenty to a directory: `tests/run --long survival` has a thousand of them, in fifty directories.
#[test]
fn kills_lose_nothing_and_double_nothing() {
    let read = |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (first, mut left) = (read("VITALOG_SEED", 2026), read("VITALOG_CASES", SAMPLE));
    for seed in first.. {
        let kills = left.min(KILLS);
        let total = life_of_kills(seed, kills);
        println!("seed {seed}: {total} readings acknowledged over {kills} kills");
        left -= kills;
        if left == 0 {
            break;
        }
    }
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

/// A snapshot is taken after an input that follows a landing: this one again and again.
fn send_until_a_snapshot(server: &Server, data: &Path, reading: &Value) {
    for _ in 0..600 {
        server.readings(&ndjson(std::slice::from_ref(reading))).ok();
        let files = std::fs::read_dir(data.join("snapshots")).expect("a folder");
        if files.map(|f| f.expect("an entry").path()).any(|path| path.extension().is_some_and(|e| e == "snapshot")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no snapshot was written");
}

#[test]
fn another_number_of_partitions_than_before_finds_the_same() {
    let data = tempfile::tempdir().unwrap();
    let people = || (0..9).map(|person| format!("p-{person}"));
    let server = Server::start(data.path(), &["--land-every", "1", "--horizon", "1"]);
    for (seed, person) in people().enumerate() {
        server.readings(&ndjson(&readings(&person, seed as u64).0)).ok();
    }
    send_until_a_snapshot(&server, data.path(), &readings("p-0", 0).0[0]);
    assert_eq!(server.stop(), Some(0));
    let file = data.path().join("partitions");
    assert_eq!(std::fs::read_to_string(&file).expect("a number"), "16\n");

    // A file that holds none is refused, and nothing is touched.
    std::fs::write(&file, "99999\n").expect("written");
    let mut command = vitalog();
    command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let (status, _, err) = run(&mut command);
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains(&file.display().to_string()) && err.contains("99999") && err.contains("backup"), "{err}");

    // Fewer, and more, than the snapshots have: they are passed over, and the journal is replayed.
    for number in ["3\n", "40\n"] {
        std::fs::write(&file, number).expect("written");
        let server = Server::start(data.path(), &["--land-every", "1", "--horizon", "1"]);
        for (seed, person) in people().enumerate() {
            let corrections = readings(&person, seed as u64).1;
            let (early, late) = corrections.split_at(corrections.len() / 2);
            server.readings(&ndjson(if number == "3\n" { early } else { late })).ok();
        }
        // Until the views have all of it.
        server.sql("select count(*) from matches");
        assert_eq!(server.stop(), Some(0));
    }
    let server = Server::start(data.path(), &[]);
    let shown = shown(&server, people());
    assert_eq!(server.stop(), Some(0));
    assert!(shown.len() > 100, "too little was found to prove anything: {}", shown.len());
    assert_eq!(shown, recounted(data.path()), "after other numbers of partitions (left) and in one piece (right)");
}

/// What lies beyond an engine's horizon is taken from under a running server: the worker that needs it can't go on, and neither does the process.
#[test]
fn a_worker_that_cannot_go_on_ends_the_process_and_the_next_start_has_all_that_was_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    // Rules that look at no more than the reading at hand, so that old ones are needed for late ones only.
    let rules = tempfile::tempdir().unwrap();
    let text = "stream level every 5 min { value count }\nrule low { severity warning when level.value < 70 count }\n";
    std::fs::write(rules.path().join("level.rules"), text).expect("written");
    let rules = rules.path().to_str().expect("a path");
    let server = Server::start(data.path(), &["--land-every", "1", "--horizon", "1", "--workers", "2", "--rules", rules]);
    let reading =
        |n: u64, value: u64| json!({"id": format!("g{n}"), "subject": "p-1", "stream": "level", "at": at(n * 5), "value": value});
    // Ten days with nothing in them.
    let quiet: Vec<Value> = (0..2_880).map(|n| reading(2 * n, 100 + n % 7)).collect();
    server.readings(&ndjson(&quiet)).ok();
    // Of somebody else: one of hers would have the engine take back what it gave away.
    let other = json!({"id": "o", "subject": "p-2", "stream": "level", "at": at(0), "value": 100});
    send_until_a_snapshot(&server, data.path(), &other);
    // The engine has come to the end of it.
    assert_eq!(server.sql("select count(*) as n from readings where subject = 'p-1'")[0]["n"], 2_880);
    let cold = std::fs::read_dir(data.path().join("cold")).expect("a folder").map(|f| f.expect("an entry").path());
    let taken = cold.filter(|path| path.extension().is_some_and(|e| e == "db")).map(|path| {
        let db = rusqlite::Connection::open(path).expect("SQLite's");
        db.execute("DELETE FROM layers WHERE united IS NULL", []).expect("it is deleted")
    });
    assert!(taken.sum::<usize>() > 0, "nothing was cut off");

    // Lows of the first day, late: they are acknowledged once they are journaled, whatever becomes of the engine then.
    let lows: Vec<Value> = (0..6).map(|n| reading(2 * n + 101, 45)).collect();
    let headers = [("content-type", "application/x-ndjson")];
    let _ = server.try_send("POST", "/v1/readings", &headers, ndjson(&lows));
    let answers = |server: &Server| server.try_send("GET", "/readyz", &[], "").is_some();
    for _ in 0..600 {
        if !answers(&server) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!answers(&server), "it goes on without what it needs");
    assert_eq!(server.wait(), None, "it is ended by a signal");

    let server = Server::start(data.path(), &["--horizon", "1", "--rules", rules]);
    let held = server.sql("select count(*) as n, count(distinct id) as ids from readings where subject = 'p-1'");
    assert_eq!(held[0], json!({"n": 2_886, "ids": 2_886}));
    let shown = shown(&server, std::iter::once("p-1".to_owned()));
    assert_eq!(server.stop(), Some(0));
    // Each between two that are none.
    let expected: Vec<String> = (0..6).map(|n| format!("\"p-1\" \"low\" \"{}\"", at((2 * n + 101) * 5))).collect();
    assert_eq!(shown.into_keys().collect::<Vec<_>>(), expected);
}
