//! The law of imports: they only point down, and siblings never meet.

use super::source::words;
use super::{CRATES, none, read, sources};

/// What each crate may import of ours, as ARCHITECTURE.md says.
const MAY: [(&str, &[&str]); 7] = [
    ("elog", &[]),
    ("cep", &["elog"]),
    ("rules", &["elog", "cep"]),
    ("ingest", &["elog"]),
    ("lakehouse", &["elog"]),
    ("notify", &["elog"]),
    ("dashboards", &["elog"]),
];

/// What a pure crate must not even depend on: clocks, randomness, I/O, waiting.
const PURE: [&str; 3] = ["elog", "cep", "rules"];
const IMPURE: [&str; 14] = [
    "tokio",
    "futures",
    "axum",
    "reqwest",
    "rusqlite",
    "getrandom",
    "rand",
    "deltalake",
    "datafusion",
    "object_store",
    "tokio-stream",
    "tracing-subscriber",
    "tempfile",
    "clap",
];

fn may(home: &str) -> &'static [&'static str] {
    MAY.iter()
        .find(|(name, _)| *name == home)
        .map(|(_, may)| *may)
        .unwrap_or_else(|| panic!("{home} has no place in the law of imports"))
}

/// The names under `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<String> {
    let section = manifest.split("\n[").find(|part| part.starts_with("dependencies]")).unwrap_or("");
    section
        .lines()
        .skip(1)
        .filter_map(|line| Some(line.split(['.', '=', ' ']).next()?.trim().to_owned()))
        .filter(|d| !d.is_empty())
        .collect()
}

#[test]
fn manifests_import_only_what_lies_below() {
    let mut wrong = Vec::new();
    for home in CRATES {
        for dependency in dependencies(&read(&format!("{home}/Cargo.toml"))) {
            if let Some(ours) = dependency.strip_prefix("vitalog-")
                && !may(home).contains(&ours)
            {
                wrong.push(format!("{home} depends on {ours}"));
            }
            if PURE.contains(&home) && IMPURE.contains(&dependency.as_str()) {
                wrong.push(format!("{home} is pure, and depends on {dependency}"));
            }
        }
    }
    none("imports only point down", wrong);
}

#[test]
fn sources_import_only_what_lies_below() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.home() != "." && !s.is_test()) {
        for ours in CRATES.into_iter().filter(|ours| *ours != source.home() && !may(source.home()).contains(ours)) {
            if words(&source.code, &format!("vitalog_{ours}")).next().is_some() {
                wrong.push(format!("{} names vitalog_{ours}", source.path));
            }
        }
    }
    none("imports only point down", wrong);
}

#[test]
fn of_the_engine_only_plans_and_answers_are_known_to_the_language() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.home() == "rules" && !s.is_test()) {
        wrong.extend(source.find(|line| {
            line.match_indices("vitalog_cep::").any(|(i, m)| {
                let rest = &line[i + m.len()..];
                !["plan", "why"].iter().any(|known| rest.starts_with(known))
            })
        }));
    }
    none("rules imports cep's plan and its answers to why, and nothing else of it", wrong);
}

#[test]
fn the_map_names_every_crate() {
    let map = read("ARCHITECTURE.md");
    let missing = CRATES.into_iter().filter(|home| !map.contains(&format!("| `{home}` |"))).map(str::to_owned).collect();
    none("ARCHITECTURE.md has a row for each crate", missing);
}

#[test]
fn dependencies_are_read_from_a_manifest() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nvitalog-elog.workspace = true\nserde = { version = \"1\" }\n\n[dev-dependencies]\ntokio = \"1\"\n";
    assert_eq!(dependencies(manifest), ["vitalog-elog", "serde"]);
}
