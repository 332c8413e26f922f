//! `vitalog sql` without a statement: a prompt in a terminal (a real one, with somebody who types), and statements on standard input.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::need::{need, python};
use crate::support::server::{Server, root, run, vitalog};
use crate::support::story::ndjson;

const PROMPT: &str = "vitalog> $";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const UP: &str = "\u{1b}[A";

/// Thirty readings, so that all of them are more than a screen.
fn filled(data: &Path) -> Server {
    let server = Server::start(data, &[]);
    let one = |n| json!({"subject": "p-1", "stream": "bg", "at": format!("2026-03-10T08:{n:02}:00Z"), "value": 100 + n, "id": format!("g{n}")});
    server.readings(&ndjson(&(0..30).map(one).collect::<Vec<_>>())).ok();
    server.sql("select 1 as one");
    server
}

/// Somebody types each word when what is before it has come.
fn typed(python: &Path, server: &Server, history: &Path, pager: &str, steps: &[(&str, &str)]) -> (String, i64) {
    let mut command = Command::new(python);
    command.arg(root().join("tests/support/terminal.py")).arg(json!(steps).to_string());
    command.arg(env!("CARGO_BIN_EXE_vitalog")).args(["sql", "--url", &server.url]);
    command.env("VITALOG_HISTORY", history).env("PAGER", pager).env_remove("VITALOG_TOKEN");
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(0), "{out}{err}");
    let told: Value = serde_json::from_str(&out).expect("JSON");
    (told["shown"].as_str().expect("a text").replace('\r', ""), told["status"].as_i64().expect("a status"))
}

#[test]
fn statements_are_typed_completed_kept_paged_and_ended() {
    let Some(python) = need("Python", python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = filled(&dir.path().join("data"));
    let history = dir.path().join("history");
    let paged = dir.path().join("paged");
    let pager = format!("cat > {}", paged.display());
    let (shown, status) = typed(
        &python,
        &server,
        &history,
        &pager,
        &[
            (PROMPT, "select count(*) as n\r"),
            // A statement goes on until its semicolon.
            (r"count\(\*\) as n\n?", "from bg;\r"),
            (r"(?s)n\n──\n30\n1 row\n\d+ ms.*vitalog> $", "select val\t from bg where id = 'g7';\r"),
            // Without a table nobody knows columns; what was typed stands, and is refused with its place.
            (r"(?s)No field named val.*\^\^\^.*vitalog> $", "selec 1;\r"),
            (r"(?s)Expected.*\^.*help: .*vitalog> $", "\\d car\t\r"),
            (r"(?s)as_sent.*vitalog> $", "\\df time_in\t\r"),
            (r"(?s)time_in_range\n1 row.*vitalog> $", "\\x\r"),
            (PROMPT, "select max(value) as highest, 'a;b' as text from b\tg;\r"),
            (r"(?s)highest  129.0\ntext     a;b\n1 row.*vitalog> $", "\\x\r"),
            (PROMPT, "select id from bg order by id;\r"),
            // Longer than the terminal: it goes to the pager, and nothing of it here.
            (r"(?s)order by id;\s+\d+ ms\s+vitalog> $", "\\p\r"),
            (PROMPT, "select id from bg order by id;\r"),
            (r"(?s)g9\n30 rows.*vitalog> $", "\\f json\r"),
            (PROMPT, "select 1 as one; select 2 as two;\r"),
            (r#"(?s)\{"one":1\}.*\{"two":2\}.*vitalog> $"#, "select 1 as forgotten"),
            // A line that is given up, and one that is not kept.
            ("forgotten$", CTRL_C),
            (PROMPT, " select 'secret' as said;\r"),
            (r#"(?s)\{"said":"secret"\}.*vitalog> $"#, "\\nonsense\r"),
            (r"(?s)there is no .nonsense.*vitalog> $", "\\f table\r"),
            (PROMPT, "select sum(a.value + f.value) from bg a, bg b, bg c, bg d, bg e, bg f;\r"),
            ("bg f;", CTRL_C),
            (r"(?s)ended by Ctrl-C.*vitalog> $", CTRL_D),
        ],
    );
    assert_eq!(status, 0, "{shown}");
    let rows = std::fs::read_to_string(&paged).expect("the pager was begun");
    assert!(rows.contains("g0") && rows.contains("30 rows"), "{rows}");
    // Kept for the next time, by its owner alone.
    let kept = std::fs::read_to_string(&history).expect("a history");
    assert!(kept.contains("max(value)") && !kept.contains("secret") && !kept.contains("forgotten"), "{kept}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&history).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    // Another time: the last statements come back by an arrow.
    let up = [(PROMPT, UP), ("bg f;", UP), (r"\\f table", UP), (r"\\nonsense", "\u{15}\\q\r")];
    let (shown, status) = typed(&python, &server, &history, &pager, &up);
    assert_eq!(status, 0, "{shown}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn statements_come_in_on_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let server = filled(&dir.path().join("data"));
    let ask = |text: &str, more: &[&str]| {
        let mut command = vitalog();
        command
            .args(["sql", "--url", &server.url])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().expect("the binary starts");
        process.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("written");
        let ended = process.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ended.status.code(), text(&ended.stdout), text(&ended.stderr))
    };
    let (status, out, err) = ask("select 1 as one; -- a remark; and more\nselect 'a;b' as two\n;\n", &["--format", "csv"]);
    assert_eq!((status, out.as_str()), (Some(0), "one\n1\ntwo\na;b\n"), "{err}");
    // Those behind one that fails are not asked.
    let (status, out, err) = ask("select 1 as one; selec 2; select 3 as three;", &["--format", "csv"]);
    assert_eq!((status, out.as_str()), (Some(1), "one\n1\n"), "{err}");
    assert!(err.contains("  | selec 2") || err.contains("selec"), "{err}");
    assert_eq!(ask("", &[]), (Some(0), String::new(), String::new()));
    // An answer that is cut off says so.
    let (status, out, err) = ask("select a.value from bg a, bg b, bg c, bg d;", &["--format", "csv"]);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(out.lines().count(), 100_001);
    assert!(err.contains("the answer was cut off"), "{err}");
    assert_eq!(server.stop(), Some(0));
}
