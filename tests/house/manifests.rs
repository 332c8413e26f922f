//! Manifests and the tree's top: lints everywhere, one test binary per crate, one set of versions, nothing unexpected.

use super::{CRATES, files, none, read};

/// What may lie at the top. `target` and the like are not files of the project.
const TOP: [&str; 25] = [
    ".cargo",
    ".ci",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "build.rs",
    "cep",
    "dashboards",
    "docs",
    "elog",
    "ingest",
    "lakehouse",
    "notify",
    "rules",
    "rustfmt.toml",
    "src",
    "tests",
];

#[test]
fn only_these_lie_at_the_top() {
    let mut wrong: Vec<String> = files().iter().filter_map(|file| file.split('/').next().map(str::to_owned)).collect();
    wrong.sort();
    wrong.dedup();
    let missing: Vec<String> =
        TOP.iter().filter(|name| !wrong.iter().any(|found| found == *name)).map(|name| format!("{name} is missing")).collect();
    wrong.retain(|name| !TOP.contains(&name.as_str()));
    wrong.extend(missing);
    none("at the top lie", wrong);
}

#[test]
fn every_crate_has_the_houses_lints() {
    let mut wrong = Vec::new();
    for home in CRATES.into_iter().chain(["."]) {
        if !read(&format!("{home}/Cargo.toml")).contains("\n[lints]\nworkspace = true\n") {
            wrong.push(format!("{home}/Cargo.toml lacks `[lints] workspace = true`"));
        }
    }
    let root = read("Cargo.toml");
    for lint in ["unsafe_code = \"forbid\"", "disallowed_methods = \"deny\"", "disallowed_types = \"deny\""] {
        if !root.contains(lint) {
            wrong.push(format!("Cargo.toml lacks {lint}"));
        }
    }
    none("lints", wrong);
}

#[test]
fn one_test_binary_per_crate() {
    let mut wrong = Vec::new();
    for home in CRATES.into_iter().chain(["."]) {
        let manifest = read(&format!("{home}/Cargo.toml"));
        if !manifest.contains("\nautotests = false\n") {
            wrong.push(format!("{home}: autotests is not off, so each file of tests/ is a binary"));
        }
        let binaries = manifest.matches("\n[[test]]\n").count();
        if binaries != 1 {
            wrong.push(format!("{home}: {binaries} test binaries"));
        }
        if home != "." && !manifest.contains(&format!("[[test]]\nname = \"{home}\"\npath = \"tests/main.rs\"\n")) {
            wrong.push(format!("{home}: its test binary is not `{home}` in tests/main.rs"));
        }
    }
    none("test binaries", wrong);
}

#[test]
fn versions_are_the_workspaces() {
    let mut wrong = Vec::new();
    for home in CRATES {
        let manifest = read(&format!("{home}/Cargo.toml"));
        let sections =
            manifest.split("\n[").filter(|part| part.split(']').next().is_some_and(|name| name.ends_with("dependencies")));
        for line in
            sections.flat_map(|part| part.lines().skip(1)).filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        {
            if !line.contains("workspace = true") {
                wrong.push(format!("{home}: {line}"));
            } else if line.contains("features") {
                wrong.push(format!("{home}: its own features build the world twice: {line}"));
            }
        }
    }
    none("every dependency is one of the workspace's, with its features", wrong);
}

/// A first look at the demo does not wait for a C library of Kafka's.
#[test]
fn kafka_is_built_only_where_it_is_asked_for() {
    let mut wrong = Vec::new();
    if !read("ingest/Cargo.toml").contains("\nrdkafka = { workspace = true, optional = true }\n") {
        wrong.push("ingest depends on rdkafka without the feature".to_owned());
    }
    for home in CRATES.into_iter().chain(["."]) {
        let manifest = read(&format!("{home}/Cargo.toml"));
        let features = manifest.split("\n[").find(|part| part.starts_with("features]")).unwrap_or_default();
        if features.lines().any(|line| line.starts_with("default")) {
            wrong.push(format!("{home}: a feature is on by default"));
        }
    }
    none("Kafka is a feature that is off", wrong);
}

#[test]
fn the_runners_can_be_run() {
    for runner in ["tests/run", ".ci/run"] {
        assert!(read(runner).starts_with("#!/usr/bin/env bash\n"), "{runner} names its shell");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(super::root().join(runner)).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{runner} is executable");
        }
    }
}

#[test]
fn every_suite_has_a_budget() {
    let budget = read("tests/BUDGET");
    let line = |suite: &str| budget.lines().find(|line| line.split_whitespace().next() == Some(suite));
    let mut wrong = Vec::new();
    for suite in CRATES.into_iter().chain(["system"]) {
        match line(suite).and_then(|line| line.split_whitespace().nth(1)).map(str::parse::<u32>) {
            Some(Ok(1..)) => {}
            _ => wrong.push(format!("{suite} has no seconds in tests/BUDGET")),
        }
    }
    none("budgets", wrong);
}
