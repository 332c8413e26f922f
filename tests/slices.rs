//! What falls due for many at one instant, from outside: told a few subjects at a time, soon, each once; also where the server is stopped or killed in the midst of it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{Numbers, ndjson};

/// So many subjects fall silent at one instant.
const MANY: usize = 600;
/// After so many seconds.
const SPAN: i64 = 4;
/// How many may be decided in one group: two of each partition.
const SLICE: i64 = 32;

const RULES: &str = "
stream pulse { value count }
rule still \"Not heard of\" { severity info when no pulse for 4 s }
";

fn start(data: &Path) -> Server {
    let rules = data.with_extension("rules");
    std::fs::write(&rules, RULES).expect("written");
    Server::start(data, &["--rules", rules.to_str().expect("a path"), "--land-every", "1"])
}

/// All of them are heard of now, once more; the instant at which all of them have been silent.
fn heard(server: &Server, round: u64) -> jiff::Timestamp {
    let now = jiff::Timestamp::from_microsecond(jiff::Timestamp::now().as_microsecond()).expect("an instant");
    let line = |n: usize| json!({"subject": format!("s-{n}"), "stream": "pulse", "at": now.to_string(), "value": 1, "id": format!("r{round}-{n}")});
    server.readings(&ndjson(&(0..MANY).map(line).collect::<Vec<_>>())).ok();
    now + jiff::SignedDuration::from_secs(SPAN)
}

fn sleep_until(then: jiff::Timestamp) {
    std::thread::sleep(then.duration_since(jiff::Timestamp::now()).try_into().unwrap_or_default());
}

/// How many silences were found at an instant.
fn found(server: &Server, at: jiff::Timestamp) -> Vec<Value> {
    let sql = format!(
        "select \"offset\", count(*) as n from matches where change = 'opened' and at = timestamp '{at}' group by 1 order by 1"
    );
    server.sql(&sql).as_array().expect("rows").clone()
}

fn number(rows: &[Value]) -> i64 {
    rows.iter().map(|row| row["n"].as_i64().expect("a number")).sum()
}

/// Waits until all silences were found that began then: by which inputs.
fn all_found(server: &Server, at: jiff::Timestamp) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let rows = found(server, at);
        if number(&rows) >= MANY as i64 {
            return rows;
        }
        assert!(Instant::now() < deadline, "of {MANY} silences {} were found", number(&rows));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Each was found once, by lake and views.
fn found_once(server: &Server, rounds: &[jiff::Timestamp]) {
    server.catch_up();
    let sql = "select subject, at, count(*) as n from matches where change = 'opened' group by subject, at having count(*) <> 1";
    assert_eq!(server.sql(sql), json!([]), "found more than once");
    for at in rounds {
        assert_eq!(number(&found(server, *at)), MANY as i64, "at {at}");
    }
    for n in [0, 1, MANY / 2, MANY - 1] {
        let shown = server.recommendations(&format!("s-{n}"));
        assert_eq!(shown.len(), rounds.len(), "of s-{n}: {shown:?}");
    }
}

#[test]
fn it_is_told_a_few_at_a_time_and_soon() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir.path().join("data"));
    let due = heard(&server, 1);
    sleep_until(due);
    let began = Instant::now();
    // Whoever sends meanwhile is answered.
    let other = json!({"subject": "other", "stream": "pulse", "at": due.to_string(), "value": 1});
    server.readings(&ndjson(&[other])).ok();
    let answered = began.elapsed();
    let rows = all_found(&server, due);
    println!(
        "{MANY} silences at one instant were found by {} inputs, {:?} after; a reading was answered after {answered:?}",
        rows.len(),
        began.elapsed()
    );
    let most = rows.iter().map(|row| row["n"].as_i64().expect("a number")).max().unwrap_or(0);
    assert!(most <= SLICE, "{most} were decided at once");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    found_once(&server, &[due]);
    // When nothing is owed any more nobody ticks: the other one's silence is the last.
    sleep_until(due + jiff::SignedDuration::from_secs(SPAN + 2));
    let rest = server.journal_end();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(server.journal_end(), rest, "somebody ticks for nothing");
    assert!(rest < MANY as i64 + 200, "{rest} inputs: too many ticks");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_server_that_is_stopped_meanwhile_owes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = start(&data);
    let due = heard(&server, 1);
    sleep_until(due + jiff::SignedDuration::from_millis(20));
    assert_eq!(server.stop(), Some(0));
    // So one of them can be erased, and nobody else is touched.
    let (status, out, err) = run(vitalog().args(["erase", "--subject", "s-7", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{out}{err}");
    let server = start(&data);
    assert_eq!(number(&found(&server, due)), MANY as i64 - 1);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn killed_meanwhile_nothing_is_lost_or_told_twice() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut numbers = Numbers(63);
    let mut rounds = Vec::new();
    for round in 0..4 {
        let server = start(&data);
        rounds.iter().for_each(|at| drop(all_found(&server, *at)));
        let due = heard(&server, round);
        rounds.push(due);
        sleep_until(due + jiff::SignedDuration::from_millis(numbers.below(120) as i64));
        server.kill_now();
        drop(server);
    }
    // What the others are owed is not known: nobody is erased.
    let (status, _, err) = run(vitalog().args(["erase", "--subject", "s-7", "--data"]).arg(&data));
    assert!(status == Some(1) && err.contains("stop it in order"), "{status:?} {err}");
    let server = start(&data);
    rounds.iter().for_each(|at| drop(all_found(&server, *at)));
    found_once(&server, &rounds);
    assert_eq!(server.stop(), Some(0));
    let (status, out, err) = run(vitalog().args(["erase", "--subject", "s-7", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{out}{err}");
}

#[test]
fn a_stop_in_order_leaves_a_snapshot_of_the_journals_end() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = start(&data);
    heard(&server, 0);
    server.kill_now();
    server.wait();
    let erase = || run(vitalog().args(["erase", "--subject", "s-1", "--data"]).arg(&data));
    let (status, _, err) = erase();
    assert!(status == Some(1) && err.contains("start the server and stop it in order"), "{status:?} {err}");
    // Nothing comes meanwhile: what the start has decided again is all there is to write down.
    assert_eq!(start(&data).stop(), Some(0));
    let (status, out, err) = erase();
    assert_eq!(status, Some(0), "{out}{err}");
}
