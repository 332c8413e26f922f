//! The examples of the manual and the README are run: what a reader copies works.
//!
//! `rules` fences are compiled, and their tests run; `sql` fences are asked of a server that holds a story; `sh` fences are run by a shell that finds the
//! server in `VITALOG_URL`. What starts something or only shows a form is fenced otherwise (`console`, `json`).

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::server::{Server, root, run, vitalog};
use crate::support::story::{ndjson, readings};

/// A fenced example and where it stands.
struct Example {
    place: String,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs")).expect("the manual is there");
    let mut pages: Vec<PathBuf> =
        docs.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// All examples fenced as `language`.
fn examples(language: &str) -> Vec<Example> {
    let mut all = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page");
        let mut open: Option<(bool, Example)> = None;
        for (line, number) in text.lines().zip(1..) {
            match (line.strip_prefix("```"), &mut open) {
                (Some(_), Some(_)) => all.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, example)| example)),
                (Some(fence), None) => {
                    let place = format!("{}:{number}", page.file_name().unwrap_or_default().to_string_lossy());
                    open = Some((fence == language, Example { place, text: String::new() }));
                }
                (None, Some((_, example))) => {
                    example.text.push_str(line);
                    example.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", page.display());
    }
    assert!(!all.is_empty(), "the manual has no examples in {language}");
    all
}

fn server_with_a_story(data: &Path) -> Server {
    let server = Server::start(data, &[]);
    let (originals, corrections) = readings("p-001", 42);
    server.readings(&ndjson(&originals)).ok();
    server.readings(&ndjson(&corrections)).ok();
    server
}

#[test]
fn rules_compile_and_pass_their_tests() {
    let dir = tempfile::tempdir().unwrap();
    for example in examples("rules") {
        let file = dir.path().join("example.rules");
        std::fs::write(&file, &example.text).unwrap();
        let (status, out, err) = run(vitalog().arg("check").arg(&file));
        assert_eq!(status, Some(0), "{}:\n{out}{err}", example.place);
        let (status, out, err) = run(vitalog().arg("test").arg(&file));
        assert_eq!(status, Some(0), "{}:\n{out}{err}", example.place);
    }
}

#[test]
fn the_shipped_rules_pass_their_tests() {
    let packs = root().join("rules/packs");
    let (status, out, err) = run(vitalog().arg("check").arg(&packs));
    assert_eq!(status, Some(0), "{out}{err}");
    let (status, out, err) = run(vitalog().arg("test").arg(&packs));
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains(", 0 failed"), "{out}");
}

#[test]
fn queries_answer() {
    let data = tempfile::tempdir().unwrap();
    let server = server_with_a_story(data.path());
    for example in examples("sql") {
        let body = serde_json::json!({ "sql": example.text }).to_string();
        let answer =
            server.try_send("POST", "/v1/sql", &[("content-type", "application/json")], body).expect("the server answers");
        assert_eq!(answer.status, 200, "{}:\n{}", example.place, answer.body);
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn commands_work() {
    let data = tempfile::tempdir().unwrap();
    let server = server_with_a_story(data.path());
    let binary = PathBuf::from(vitalog().get_program());
    let folder = binary.parent().expect("the binary lies in a folder").to_owned();
    let path =
        std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())))
            .unwrap();
    for example in examples("sh") {
        let script = format!("set -euo pipefail\n{}", example.text.replace("curl -sS", "curl -sS --fail-with-body"));
        let mut shell = Command::new("bash");
        shell
            .arg("-c")
            .arg(&script)
            .env("PATH", &path)
            .env("VITALOG_URL", &server.url)
            .env("VITALOG_TOKEN", "none-is-asked-for")
            .current_dir(data.path());
        let (status, out, err) = run(&mut shell);
        assert_eq!(status, Some(0), "{}:\n{out}{err}", example.place);
        assert!(!out.contains("\"status\":\"rejected\""), "{}: a reading of the example was rejected:\n{out}", example.place);
    }
    assert_eq!(server.stop(), Some(0));
}
