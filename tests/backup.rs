//! The two ways of backup that the manual names: a copy of a stopped directory, and one taken while readings come in.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::need::{need, python};
use crate::support::server::{Server, run};
use crate::support::story::{ndjson, readings};

fn copy(from: &Path, to: &Path) {
    let (status, _, err) = run(Command::new("cp").arg("-a").arg(from).arg(to));
    assert_eq!(status, Some(0), "{err}");
}

fn recommendations(server: &Server, subject: &str) -> Vec<serde_json::Value> {
    // What SQL has seen, the views have not necessarily: ask for the position that SQL stands at.
    let position = server.get("/readyz").ok().json()["position"].to_string();
    let path = format!("/v1/subjects/{subject}/recommendations?limit=1000");
    let answer = server.try_send("GET", &path, &[("vitalog-position", &position)], "").expect("an answer").ok().json();
    answer["recommendations"].as_array().expect("a list").clone()
}

#[test]
fn a_copy_of_a_stopped_directory_is_the_same_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copied) = (dir.path().join("data"), dir.path().join("copy"));
    let (originals, corrections) = readings("p-1", 5);
    let server = Server::start(&data, &[]);
    server.readings(&ndjson(&originals)).ok();
    server.readings(&ndjson(&corrections)).ok();
    let count = server.sql("select count(*) as n from readings");
    assert_eq!(server.stop(), Some(0));
    copy(&data, &copied);
    let (one, other) = (Server::start(&data, &[]), Server::start(&copied, &[]));
    assert_eq!(one.sql("select count(*) as n from readings"), count);
    assert_eq!(other.sql("select count(*) as n from readings"), count);
    assert_eq!(recommendations(&one, "p-1"), recommendations(&other, "p-1"));
    assert_eq!((one.stop(), other.stop()), (Some(0), Some(0)));
}

const BACKUP: &str = "
import sqlite3, sys
source, target = sqlite3.connect(sys.argv[1]), sqlite3.connect(sys.argv[2])
source.backup(target)
target.close()
";

#[test]
fn a_copy_taken_while_readings_come_in_starts_and_has_all_that_was_acknowledged_before() {
    let Some(python) = need("a Python (VITALOG_PYTHON)", python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, copied) = (dir.path().join("data"), dir.path().join("copy"));
    let server = Server::start(&data, &["--land-every", "1"]);
    let done = AtomicBool::new(false);
    let send = |from: u64| {
        let lines: Vec<_> = (from..from + 50)
            .map(|n| {
                json!({"subject": format!("p-{}", n % 5), "stream": "bg", "at": crate::support::story::at(n % 5_000),
                "value": 60 + n % 90, "id": format!("n{n}")})
            })
            .collect();
        server.readings(&ndjson(&lines)).ok();
    };
    send(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut from = 50;
            while !done.load(Ordering::Acquire) {
                send(from);
                from += 50;
            }
        });
        std::thread::sleep(std::time::Duration::from_millis(2_500));
        // Sinks before the journal: a sink must never be ahead of it.
        std::fs::create_dir(&copied).unwrap();
        for part in ["lake", "views.db", "views.db-wal", "outbox.db", "outbox.db-wal", "snapshots"] {
            if data.join(part).exists() {
                copy(&data.join(part), &copied.join(part));
            }
        }
        let (status, _, err) =
            run(Command::new(&python).args(["-c", BACKUP]).arg(data.join("journal.db")).arg(copied.join("journal.db")));
        assert_eq!(status, Some(0), "{err}");
        done.store(true, Ordering::Release);
    });
    let restored = Server::start(&copied, &[]);
    let held =
        restored.sql("select count(*) as n, count(distinct id) as ids, max(cast(substr(id, 2) as bigint)) as last from readings");
    let number = |name: &str| held[0][name].as_u64().expect("a number");
    assert!(number("n") > 50, "{held}");
    assert_eq!((number("n"), number("n")), (number("ids"), number("last") + 1), "whole and once");
    assert_eq!((server.stop(), restored.stop()), (Some(0), Some(0)));
}
