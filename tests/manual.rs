//! The examples of the manual and the README are run: what a reader copies works.
//!
//! `rules` fences are compiled, and their tests run; `sql` fences are asked of a server that holds a story; `sh` fences are run by a shell that finds the
//! server in `VITALOG_URL`; `python` fences that find it in `VITALOG_FLIGHT` are run, too. What starts something or only shows a form is fenced otherwise (`console`, `json`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::need::{need, program, python_with};
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
    let server = Server::start(data, &["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0"]);
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
    // An example asks how things stood at the last whole second: the story must have been there by then.
    std::thread::sleep(Duration::from_millis(1_100));
    let binary = PathBuf::from(vitalog().get_program());
    let folder = binary.parent().expect("the binary lies in a folder").to_owned();
    let path =
        std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())))
            .unwrap();
    for example in examples("sh") {
        if example.text.contains("psql ") && need("psql", program("psql")).is_none() {
            continue;
        }
        let script = format!("set -euo pipefail\n{}", example.text.replace("curl -sS", "curl -sS --fail-with-body"));
        let mut shell = Command::new("bash");
        shell
            .arg("-c")
            .arg(&script)
            .env("PATH", &path)
            .env("VITALOG_URL", &server.url)
            .env("VITALOG_PG", server.pg.as_deref().expect("it takes clients of PostgreSQL"))
            .env("VITALOG_TOKEN", "none-is-asked-for")
            .current_dir(data.path());
        let (status, out, err) = run(&mut shell);
        assert_eq!(status, Some(0), "{}:\n{out}{err}", example.place);
        assert!(!out.contains("\"status\":\"rejected\""), "{}: a reading of the example was rejected:\n{out}", example.place);
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn programs_work() {
    let packages = "adbc_driver_flightsql.dbapi, pyarrow";
    let Some(python) = need("a Python with ADBC's driver of Flight SQL", python_with(packages)) else { return };
    let data = tempfile::tempdir().unwrap();
    let server = server_with_a_story(data.path());
    let mut run_ones = 0;
    for example in examples("python").into_iter().filter(|example| example.text.contains("VITALOG_FLIGHT")) {
        let mut command = Command::new(&python);
        command.arg("-c").arg(&example.text).env("VITALOG_TOKEN", "none-is-asked-for");
        command.env("VITALOG_FLIGHT", server.flight.as_deref().expect("it takes clients of Arrow Flight SQL"));
        let (status, out, err) = run(&mut command);
        assert_eq!(status, Some(0), "{}:\n{out}{err}", example.place);
        assert!(out.contains("p-001") && out.contains("mg/dL"), "{}: {out}", example.place);
        run_ones += 1;
    }
    assert!(run_ones > 0, "no example in Python is run");
    assert_eq!(server.stop(), Some(0));
}

/// The rows of the manual's tables of columns, by their mark: name and type.
fn documented_columns() -> std::collections::BTreeMap<String, Vec<(String, String)>> {
    let page = std::fs::read_to_string(root().join("docs/sql.md")).expect("the page");
    let mut tables = std::collections::BTreeMap::new();
    let mut open: Option<(String, Vec<(String, String)>)> = None;
    for line in page.lines() {
        if let Some(mark) = line.strip_prefix("<!-- columns: ").and_then(|l| l.strip_suffix(" -->")) {
            match open.take() {
                Some((name, rows)) if mark == "end" => drop(tables.insert(name, rows)),
                _ => open = Some((mark.to_owned(), Vec::new())),
            }
        } else if let (Some((_, rows)), Some(cells)) = (&mut open, line.strip_prefix("| `")) {
            let mut cells = cells.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
            rows.push((cells.next().unwrap_or_default(), cells.next().unwrap_or_default()));
        }
    }
    tables
}

/// A type as the manual calls it.
fn type_called(arrow: &str) -> &'static str {
    match arrow {
        "Utf8" | "Utf8View" | "LargeUtf8" => "text",
        "Int64" => "bigint",
        "Float64" => "double",
        "Boolean" => "boolean",
        "Binary" | "BinaryView" => "binary",
        t if t.starts_with("Timestamp") => "timestamp (µs, UTC)",
        t if t.starts_with("List") => "list of text",
        _ => "something else",
    }
}

#[test]
fn tables_have_the_columns_that_the_manual_names() {
    let data = tempfile::tempdir().unwrap();
    let server = server_with_a_story(data.path());
    let documented = documented_columns();
    for (mark, table) in [
        ("reading_columns", "readings"),
        ("history_columns", "readings_history"),
        ("finding_columns", "matches"),
        ("finding_columns", "recommendations"),
        ("letter_columns", "dead_letters"),
    ] {
        let query = format!("select column_name, data_type from information_schema.columns where table_name = '{table}'");
        let answer = server.sql(&query);
        let found: Vec<(String, String)> = answer
            .as_array()
            .expect("rows")
            .iter()
            .map(|r| (r["column_name"].as_str().unwrap().to_owned(), type_called(r["data_type"].as_str().unwrap()).to_owned()))
            .collect();
        assert!(!documented[mark].is_empty(), "{mark}");
        for column in &documented[mark] {
            assert!(found.contains(column), "{table} has no {column:?}: {found:?}");
        }
        // Readings have a column for each field besides; the other tables have what is named and no more.
        if mark != "reading_columns" && mark != "history_columns" {
            assert_eq!(found.len(), documented[mark].len(), "{table}: {found:?}");
        }
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_webhook_configuration_is_one_that_the_server_takes() {
    let page = std::fs::read_to_string(root().join("docs/webhooks.md")).expect("the page");
    let config = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("webhooks.json");
    std::fs::write(&file, config).unwrap();
    let server = Server::start(&dir.path().join("data"), &["--webhooks", file.to_str().unwrap()]);
    assert_eq!(server.stop(), Some(0));
    std::fs::write(&file, config.replace("whsec_", "whsek_")).unwrap();
    let mut command = vitalog();
    command
        .args(["serve", "--open", "--listen", "127.0.0.1:0", "--webhooks"])
        .arg(&file)
        .arg("--data")
        .arg(dir.path().join("other"));
    let (status, _, err) = run(&mut command);
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("ward-3") && err.contains("whsec_"), "{err}");
}
