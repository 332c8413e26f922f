//! Upgrading: a journal that an older program wrote goes on, from outside, with all that it holds.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::server::{Server, root, run, vitalog};
use crate::support::story::ndjson;

/// The rules of the time: one low, the streams of health.
const RULES: &str = "use health\nrule low \"Low\" { severity warning when bg.value < 70 mg/dL for 15 min say \"low\" }\n";

/// The journal of format 1 in `tests/data`, written by the program of its time: readings of p-1 and p-2, corrections, something refused, an acknowledgement, a profile.
fn laid(dir: &Path) -> (PathBuf, PathBuf) {
    let (data, rules) = (dir.join("data"), dir.join("rules"));
    std::fs::create_dir_all(&data).expect("made");
    std::fs::create_dir_all(&rules).expect("made");
    std::fs::write(rules.join("low.rules"), RULES).expect("written");
    for name in ["journal.db", "journal.db.mark"] {
        std::fs::copy(root().join("tests/data/format-1").join(name), data.join(name)).expect("copied");
    }
    (data, rules)
}

fn known(server: &Server) -> (Value, Value, Value) {
    let readings = "select subject, id, rev, bg_value from readings where stream <> 'contact' order by subject, id";
    let found = server.recommendations("p-1");
    let low = found.iter().find(|f| f["rule"] == "low").cloned().unwrap_or_default();
    let letters = server.sql("select code, subject from dead_letters");
    (server.sql(readings), json!([low["state"], low["onset"], low["end"], low["acknowledged"].is_null()]), letters)
}

#[test]
fn a_journal_of_format_1_goes_on_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let (data, rules) = laid(dir.path());
    let rules = ["--rules", rules.to_str().expect("a path")];
    let row =
        |subject: &str, id: &str, rev: u32, value: f64| json!({"subject": subject, "id": id, "rev": rev, "bg_value": value});
    let readings = json!([
        row("p-1", "a", 1, 65.0),
        row("p-1", "b", 1, 64.0),
        row("p-1", "c", 1, 61.2544),
        row("p-1", "d", 2, 95.0),
        row("p-2", "a", 1, 120.0)
    ]);
    let low = json!(["resolved", "2026-03-10T08:00:00Z", "2026-03-10T08:30:00Z", false]);
    let letters = json!([{"code": "out_of_range", "subject": "p-1"}]);
    let expected = (readings, low, letters);
    let server = Server::start(&data, &rules);
    assert_eq!(known(&server), expected);
    let profile = server.get("/v1/subjects/p-1/profile").ok().body;
    assert!(profile.contains("75 mg/dL"), "{profile}");
    let more = json!({"id": "z", "subject": "p-3", "stream": "bg", "at": "2026-03-10T08:00:00Z", "value": 100});
    server.readings(&ndjson(&[more])).ok();
    assert_eq!(server.stop(), Some(0));

    let (status, out, err) = run(vitalog().args(["audit", "journal", "--format", "json", "--data"]).arg(&data));
    let audit: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((status, &audit["format"], &audit["in_clear"]), (Some(0), &json!(6), &json!(6)), "{out}{err}");
    // Only what was sealed can be erased by destroying a key, and the command says so before it does anything.
    let erase = |subject: &str| run(vitalog().args(["erase", "--subject", subject, "--data"]).arg(&data));
    let refused = || {
        let (status, _, err) = erase("p-1");
        assert!(status == Some(1) && err.contains("names the subject in clear") && err.contains("new data directory"), "{err}");
    };
    refused();
    let (status, _, err) = erase("p-3");
    assert_eq!(status, Some(0), "{err}");
    let server = Server::start(&data, &rules);
    assert_eq!(known(&server), expected, "made again from the journal");
    let more = json!({"id": "y", "subject": "p-1", "stream": "bg", "at": "2026-03-10T09:00:00Z", "value": 101});
    server.readings(&ndjson(&[more])).ok();
    assert_eq!(server.stop(), Some(0));
    refused();
}
