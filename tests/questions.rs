//! The ten questions of docs/questions.md: each query runs, its figures are those that polars computes from the same table (`tests/support/questions.py`),
//! and the page shows what the shipped selection answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::need::{need, python, sampled, whole_data_sets};
use crate::support::server::{Server, root, run, vitalog};

const PAGE: &str = "docs/questions.md";

/// The page in pieces: prose, and between them each query with the answer that is shown below it, if one is.
fn queries(page: &str) -> Vec<String> {
    page.split("```sql\n").skip(1).map(|rest| rest.split_once("```").expect("the fence ends").0.trim().to_owned()).collect()
}

/// The page with these answers below its queries.
fn with_answers(page: &str, answers: &[String]) -> String {
    let mut pieces = page.split("```sql\n");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for (piece, answer) in pieces.zip(answers) {
        let (query, rest) = piece.split_once("```\n").expect("the fence ends");
        let rest = match rest.trim_start().strip_prefix("```text\n") {
            Some(shown) => shown.split_once("```\n").expect("the fence ends").1,
            None => rest,
        };
        let rest = rest.trim_start();
        out.push_str(&format!("```sql\n{query}```\n\n```text\n{answer}```\n"));
        if !rest.is_empty() {
            out.push_str(&format!("\n{rest}"));
        }
    }
    out
}

fn answered(server: &Server, queries: &[String]) -> Vec<Value> {
    queries.iter().map(|query| server.sql(query)).collect()
}

fn held_against_polars(python: &Path, data: &Path, answers: Vec<Value>) {
    let file = data.join("answers.json");
    std::fs::write(&file, Value::from(answers).to_string()).expect("it is written");
    let script = root().join("tests/support/questions.py");
    let (status, out, err) = run(Command::new(python).arg(script).arg(data.join("lake/readings")).arg(&file));
    assert_eq!(status, Some(0), "{out}{err}");
    eprintln!("{}", out.trim());
}

/// The files of the folder and the folders in it.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is readable") {
            let path = entry.expect("an entry").path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".csv") || name.ends_with(".csv.gz") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn ingested(files: &[PathBuf]) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let (status, out, err) = run(vitalog().args(["ingest", "--to"]).arg(data.path()).args(files));
    assert!(matches!(status, Some(0 | 1)), "{out}{err}");
    data
}

/// Whose file it is: the four digits in its name.
fn participant(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.chars().filter(char::is_ascii_digit).take(4).collect()
}

fn peer() -> Option<PathBuf> {
    need("a Python with polars and deltalake (VITALOG_PYTHON)", python())
}

#[test]
fn the_shipped_selection_answers_as_the_page_says_and_as_polars_does() {
    let Some(python) = peer() else { return };
    let page = std::fs::read_to_string(root().join(PAGE)).expect("the page");
    let queries = queries(&page);
    assert_eq!(queries.len(), 10);
    let data = ingested(&files_of(&root().join("tests/data/t1d-uom")));
    let server = Server::start(data.path(), &[]);
    let answers = answered(&server, &queries);
    let shown: Vec<String> = queries
        .iter()
        .map(|query| {
            let (status, out, err) = run(vitalog().args(["sql", "--url", &server.url, query]));
            assert_eq!(status, Some(0), "{query}\n{err}");
            out
        })
        .collect();
    assert_eq!(server.stop(), Some(0));
    held_against_polars(&python, data.path(), answers);
    let should = with_answers(&page, &shown);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(root().join(PAGE), &should).expect("the page can be written");
    } else {
        assert!(page == should, "{PAGE} does not show what the queries answer; UPDATE_EXPECT=1 writes it anew:\n{should}");
    }
}

/// By itself one participant of four; `tests/run --long data` has all of them.
#[test]
fn the_whole_data_set_answers_as_polars_does() {
    let (Some(python), Some(folder)) = (peer(), whole_data_sets()) else { return };
    let page = std::fs::read_to_string(root().join(PAGE)).expect("the page");
    // A few at a time: a question has 30 seconds, also of a build that is not optimised.
    let files = files_of(&folder.join("t1d-uom"));
    let people: BTreeSet<String> = files.iter().map(|file| participant(file)).collect();
    for some in sampled(people, 4).chunks(4) {
        let theirs: Vec<PathBuf> = files.iter().filter(|file| some.contains(&participant(file))).cloned().collect();
        let data = ingested(&theirs);
        let server = Server::start(data.path(), &[]);
        let answers = answered(&server, &queries(&page));
        assert_eq!(server.stop(), Some(0));
        held_against_polars(&python, data.path(), answers);
    }
}
