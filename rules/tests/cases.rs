//! Diagnostics, each in a file of its own beside the program that earns it.
//!
//! `tests/cases/*.rules` hold a program; what the compiler says of it follows in comments behind the line `//~`. `UPDATE_EXPECT=1` rewrites
//! them. A case that says `//~ ok` compiles without a word.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use vitalog_rules::Code;

use crate::support::compiled;

const MARK: &str = "//~";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder()).expect("the cases").map(|e| e.expect("an entry").path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "rules"));
    files.sort();
    files
}

/// The program of a case, and what is said of it so far.
fn split(text: &str) -> (&str, &str) {
    match text.find(&format!("\n{MARK}")) {
        Some(at) => (&text[..=at], &text[at + 1..]),
        None => (text, ""),
    }
}

fn said(program: &str) -> String {
    let compiled = compiled(program);
    if compiled.diagnostics.is_empty() {
        return format!("{MARK} ok\n");
    }
    assert_eq!(compiled.library.is_none(), compiled.has_errors(), "a library exists exactly where there is no error");
    compiled.render(false).lines().map(|line| format!("{MARK} {line}").trim_end().to_owned() + "\n").collect()
}

#[test]
fn each_program_earns_its_diagnostics() {
    let update = env::var_os("UPDATE_EXPECT").is_some();
    let files = files();
    assert!(files.len() >= 30, "the cases are gone");
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a case");
        let (program, expected) = split(&text);
        let found = said(program);
        if found == expected {
            continue;
        }
        if update {
            let gap = if program.ends_with('\n') { "" } else { "\n" };
            fs::write(&file, format!("{program}{gap}{found}")).expect("the case rewritten");
        } else {
            wrong.push(format!("{}\nexpected:\n{expected}\nfound:\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\n(UPDATE_EXPECT=1 rewrites them)", wrong.join("\n"));
}

#[test]
fn every_code_has_a_case() {
    // Told of whole files or of bytes that no text file can hold; each has a test elsewhere.
    let elsewhere = [Code::TOO_LARGE, Code::TOO_DEEP, Code::STREAM_CHANGED, Code::PROFILE_CHANGED, Code::TOO_MANY];
    let mut seen = BTreeSet::new();
    for file in files() {
        let text = fs::read_to_string(&file).expect("a case");
        seen.extend(compiled(split(&text).0).diagnostics.iter().map(|d| d.code));
    }
    let missing: Vec<&str> =
        Code::ALL.iter().map(|(c, _)| c).filter(|c| !seen.contains(c) && !elsewhere.contains(c)).map(|c| c.0).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn codes_are_unique_and_in_order() {
    let codes: Vec<&str> = Code::ALL.iter().map(|(c, _)| c.0).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
}

#[test]
fn json_is_one_line_with_stable_names() {
    let compiled = compiled("use health\nrule r { severity warning when bg.value < 54 mmHg }\n");
    let line = compiled.diagnostics[0].to_json(&compiled.sources);
    assert!(!line.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    expect_test::expect![[r#"
        {
          "code": "E0301",
          "severity": "error",
          "message": "pressure is compared with glucose",
          "labels": [
            {
              "file": "test.rules",
              "line": 2,
              "column": 43,
              "end_line": 2,
              "end_column": 50,
              "start": 53,
              "end": 60,
              "primary": true,
              "message": "this is pressure, in mmHg"
            },
            {
              "file": "test.rules",
              "line": 2,
              "column": 32,
              "end_line": 2,
              "end_column": 40,
              "start": 42,
              "end": 50,
              "primary": false,
              "message": "this is glucose, in mg/dL"
            }
          ],
          "notes": [
            "glucose and pressure do not convert into each other"
          ],
          "help": [],
          "file": "test.rules",
          "line": 2,
          "column": 43,
          "end_line": 2,
          "end_column": 50
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&value).expect("JSON"));
}
