//! DuckDB asks the same of the same files, in a process of its own with as many threads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ask::{FORTNIGHTS, QUESTIONS, TIMES, since};
use crate::life::name;

/// The files that the newest version of a Delta table names, by its log. No checkpoint is needed as long as nothing cleans the log.
pub fn newest_files(table: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir(table.join("_delta_log"))
        .expect("a log")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    versions.sort();
    let mut named = BTreeSet::new();
    for version in versions {
        for line in std::fs::read_to_string(version).expect("readable").lines() {
            let action: serde_json::Value = serde_json::from_str(line).expect("an action a line");
            let path = |kind: &str| action[kind]["path"].as_str().map(str::to_owned);
            if let Some(path) = path("remove") {
                named.remove(&path);
            }
            if let Some(path) = path("add") {
                named.insert(path);
            }
        }
    }
    named.iter().map(|path| table.join(path)).collect()
}

/// Asks everything, and prints how long it took.
pub fn ask(lake: &Path, subjects: u32, readings: u32) {
    let Ok(python) = std::env::var("VITALOG_PYTHON") else {
        println!("duckdb: left out, since VITALOG_PYTHON names no Python that has it");
        return;
    };
    let fortnights: Vec<String> = (0..FORTNIGHTS)
        .map(|n| {
            format!(
                "select \"at\", bg_value from {{readings}} where stream = 'bg' and subject = '{}' and \"at\" >= '{}' order by \"at\"",
                name(n * 7_919 % subjects),
                since(readings)
            )
        })
        .collect();
    let wanted = serde_json::json!({
        "files": newest_files(&lake.join("readings")),
        "times": TIMES,
        "fortnights": fortnights,
        "questions": QUESTIONS.map(|(what, _, sql)| [what, sql]),
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/lake/duck.py");
    let status = Command::new(python).arg(script).arg(wanted.to_string()).status().expect("python starts");
    assert!(status.success(), "DuckDB did not answer");
}
