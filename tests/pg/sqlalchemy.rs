//! SQLAlchemy with psycopg: its inspector, typed parameters, binary values, cursors of the server (`tests/support/pg_client.py`).

use std::process::Command;

use super::{listening, place};
use crate::support::need::{need, python_with};
use crate::support::server::{root, run};

#[test]
fn sqlalchemy_reflects_and_asks() {
    let Some(python) = need("a Python with SQLAlchemy and psycopg", python_with("sqlalchemy, psycopg")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let (host, port) = place(&server);
    let mut command = Command::new(python);
    command.arg(root().join("tests/support/pg_client.py")).args([host, port, "root"]).env("PGPASSWORD", token);
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("sound"), "{out}");
}
