//! The language server as an editor has it: the real binary, driven over its pipes by another project's client (pygls).

use std::process::Command;

use serde_json::{Value, json};

use crate::support::need::{need, python};
use crate::support::server::{root, run, vitalog};

const MINE: &str = "rule heavy {\nseverity info   when scale.weigth > 120 kg\n}\n";
const STREAMS: &str = "stream scale {\n    /// What it showed.\n    weight mass in kg from 2 kg to 400 kg\n}\n";

#[test]
fn an_editor_is_served() {
    let Some(python) = need("a Python with pygls (VITALOG_PYTHON)", python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.rules"), MINE).unwrap();
    std::fs::write(dir.path().join("streams.rules"), STREAMS).unwrap();
    let client = root().join("tests/support/lsp_client.py");
    let mut command = Command::new(python);
    command.arg(client).arg(vitalog().get_program()).arg(dir.path());
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(0), "{out}{err}");
    let seen: Value = serde_json::from_str(out.trim()).unwrap_or_else(|e| panic!("{e}: {out}"));
    let expected = json!({
        "encoding": "utf-16",
        "server": "vitalog",
        "wrong": "`scale` has no field `weigth`: no such field",
        "actions": ["did you mean `weight`?"],
        "hover": "**scale.weight**: mass in kg; plausible from 2 kg to 400 kg\n\nWhat it showed.",
        "definition": ["streams.rules"],
        "completion": ["at", "weight"],
        "references": 2,
        "rename": {"mine.rules": 1, "streams.rules": 1},
        "formatted": "rule heavy {\n    severity info\n    when   scale.weight > 120 kg\n}\n",
        "symbols": ["heavy"],
        "tokens": 10,
        "registered": ["workspace/didChangeWatchedFiles"],
        "status": 0,
    });
    assert_eq!(seen, expected, "{seen:#}");
}

/// Bytes that are no message end nothing: an answer says so, and the session goes on.
#[test]
fn garbage_is_answered() {
    use std::io::Write as _;
    let mut child = vitalog()
        .arg("lsp")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for body in ["{", r#"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#, r#"{"jsonrpc":"2.0","method":"exit"}"#] {
        write!(input, "Content-Length: {}\r\nX: y\r\n\r\n{body}", body.len()).unwrap();
    }
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains("-32700") && said.contains("-32002"), "{said}");
    assert_eq!(out.status.code(), Some(1), "gone without `shutdown`, for there was no `initialize`");
}
