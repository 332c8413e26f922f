//! The first promise, from outside: however readings arrive, the same findings stand, and a backtest over the resulting lake says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use serde_json::Value;

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{Numbers, ndjson, readings};

/// Rule, onset and end of what stands, with all that a person is told of it.
type Standing = BTreeMap<String, Value>;

const COMPARED: [&str; 11] =
    ["rule", "subject", "kind", "state", "severity", "onset", "at", "end", "resolved_at", "evidence", "text"];

fn standing<'a>(findings: impl IntoIterator<Item = &'a Value>) -> Standing {
    let mut all = Standing::new();
    for finding in findings {
        if finding["state"] == "rescinded" {
            continue;
        }
        let mut compared: BTreeMap<&str, Value> = COMPARED.iter().map(|k| (*k, finding[k].clone())).collect();
        if let Some(Value::Array(evidence)) = compared.get_mut("evidence") {
            evidence.sort_by_key(ToString::to_string);
        }
        let key = format!("{} {} {}", finding["subject"], finding["rule"], finding["onset"]);
        let former = all.insert(key.clone(), serde_json::to_value(compared).unwrap());
        assert!(former.is_none(), "two findings stand for {key}");
    }
    all
}

fn recommendations(server: &Server, subject: &str, position: &str) -> Standing {
    let path = format!("/v1/subjects/{subject}/recommendations?limit=1000");
    let answer = server.try_send("GET", &path, &[("vitalog-position", position)], "").expect("the server answers").ok().json();
    standing(answer["recommendations"].as_array().expect("a list"))
}

fn backtest(data: &std::path::Path) -> Standing {
    backtest_over(&[OsStr::new("lake"), OsStr::new("--data"), data.as_os_str()])
}

fn backtest_over(input: &[&OsStr]) -> Standing {
    // The clock of the servers: rules that look at the calendar go on after the last reading.
    let now = jiff::Timestamp::now().to_string();
    let mut command = vitalog();
    command.args(["backtest", "--format", "json", "--now", &now, "--input"]).args(input);
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(0), "{err}");
    let lines: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    standing(&lines)
}

#[test]
fn the_order_of_arrival_decides_nothing() {
    let subject = "p-001";
    let (originals, corrections) = readings(subject, 42);
    let both: Vec<Value> = originals.iter().chain(&corrections).cloned().collect();
    let corrected_first: Vec<Value> = corrections.iter().chain(&originals).cloned().collect();
    let mut shuffled = both.clone();
    Numbers(7).shuffle(&mut shuffled);
    let twice: Vec<Value> = shuffled.iter().chain(&both).cloned().collect();
    let arrivals = [
        ("in order", both.clone()),
        ("in reverse", both.iter().rev().cloned().collect()),
        ("shuffled", shuffled),
        ("twice", twice),
        ("corrections before their originals", corrected_first),
    ];
    let mut expected: Option<Standing> = None;
    for (how, arrival) in arrivals {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path(), &[]);
        let mut position = String::new();
        for part in arrival.chunks(97) {
            let answer = server.readings(&ndjson(part)).ok();
            position = answer.headers["vitalog-position"].to_str().unwrap().to_owned();
            let receipts = answer.json();
            let rejected: Vec<&Value> =
                receipts["receipts"].as_array().expect("receipts").iter().filter(|r| r["status"] == "rejected").collect();
            assert!(rejected.is_empty(), "{how}: {rejected:?}");
        }
        let seen = recommendations(&server, subject, &position);
        assert_eq!(server.stop(), Some(0));
        assert!(seen.len() >= 8, "{how}: a story in which little is found proves little: {}", seen.len());
        assert_eq!(seen, backtest(data.path()), "{how}: live (left) and backtest (right) differ");
        let first = expected.get_or_insert_with(|| seen.clone());
        assert_eq!(*first, seen, "{how} differs from in order");
    }
}

/// A finding that opens and is overturned within one request was there for nobody: it leaves no trace, live and after every view was made again.
/// In two requests it was there, and its record stays.
#[test]
fn what_was_there_for_nobody_leaves_no_trace() {
    let data = tempfile::tempdir().unwrap();
    let line = |subject: &str, rev: u32, value: u32| {
        let at = "2026-03-10T08:00:00Z";
        format!("{{\"id\":\"a\",\"subject\":\"{subject}\",\"stream\":\"bg\",\"at\":\"{at}\",\"value\":{value},\"rev\":{rev}}}\n")
    };
    let server = Server::start(data.path(), &[]);
    server.readings(&(line("together", 1, 45) + &line("together", 2, 110))).ok();
    server.readings(&line("apart", 1, 45)).ok();
    let last = server.readings(&line("apart", 2, 110)).ok();
    let position = last.headers["vitalog-position"].to_str().unwrap().to_owned();
    let seen = |server: &Server| {
        ["together", "apart"].map(|subject| {
            let path = format!("/v1/subjects/{subject}/recommendations?limit=1000");
            let answer = server.try_send("GET", &path, &[("vitalog-position", &position)], "").expect("an answer").ok().json();
            answer["recommendations"].as_array().expect("a list").clone()
        })
    };
    let [together, apart] = seen(&server);
    assert_eq!(together, Vec::<Value>::new());
    assert!(!apart.is_empty() && apart.iter().all(|r| r["state"] == "rescinded"), "{apart:?}");
    server.kill_now();
    drop(server);
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(data.path().join(file));
    }
    let server = Server::start(data.path(), &[]);
    assert_eq!(seen(&server), [together, apart], "views made again");
    assert_eq!(server.stop(), Some(0));
}

/// The readings as a table with one column per name.
fn csv(readings: &[Value]) -> String {
    let names: BTreeSet<&String> = readings.iter().flat_map(|r| r.as_object().expect("an object").keys()).collect();
    let cell = |value: &Value| {
        value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
    };
    let row = |r: &Value| names.iter().map(|name| cell(&r[name.as_str()])).collect::<Vec<_>>().join(",");
    let header = names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(",");
    std::iter::once(header).chain(readings.iter().map(row)).map(|line| line + "\n").collect()
}

#[test]
fn a_backtest_says_the_same_over_the_lake_and_over_files_of_any_form() {
    let dir = tempfile::tempdir().unwrap();
    let (originals, corrections) = readings("p-003", 11);
    let mut all: Vec<Value> = originals.into_iter().chain(corrections).collect();
    Numbers(3).shuffle(&mut all);
    let data = dir.path().join("data");
    let server = Server::start(&data, &[]);
    server.readings(&ndjson(&all)).ok();
    assert_eq!(server.stop(), Some(0));
    let lake = backtest(&data);
    assert!(lake.len() >= 8, "{}", lake.len());
    let (lines, table, packed) = (dir.path().join("a.ndjson"), dir.path().join("b.csv"), dir.path().join("c.csv.gz"));
    std::fs::write(&lines, ndjson(&all)).unwrap();
    std::fs::write(&table, csv(&all)).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, csv(&all).as_bytes()).unwrap();
    encoder.finish().unwrap();
    for file in [&lines, &table, &packed] {
        assert_eq!(backtest_over(&[file.as_os_str()]), lake, "{}", file.display());
    }
    // Twice the same is the same.
    assert_eq!(backtest_over(&[lines.as_os_str(), table.as_os_str()]), lake);
}
