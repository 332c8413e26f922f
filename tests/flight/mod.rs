//! Clients of Arrow Flight SQL: ADBC, JDBC, pyarrow for what these do not say, and a client of our own for what none of them would.

mod access;
mod adbc;
mod jdbc;
pub mod raw;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::access::{ask, serve, told};
use crate::support::need::{need, python_with};
use crate::support::server::{Server, root, run};

/// Readings of two subjects, an hour of each.
const READINGS: usize = 12;

/// A server that takes clients of Arrow Flight SQL, and the token of a program.
fn listening(data: &Path, more: &[&str]) -> (Server, String) {
    let token = told(data, "token", &["add", "root"]);
    let server = serve(data, &[&["--flight", "127.0.0.1:0"][..], more].concat());
    filled(&server, &token);
    (server, token)
}

/// Sends the readings, and waits until SQL sees them.
fn filled(server: &Server, token: &str) {
    let reading = |subject: &str, minute: usize| {
        format!(
            r#"{{"subject":"{subject}","stream":"bg","at":"2026-03-10T08:{minute:02}:00Z","value":{},"id":"{subject}-{minute}"}}"#,
            100 + minute
        )
    };
    let all: Vec<String> =
        ["p-1", "p-2"].iter().flat_map(|subject| (0..READINGS).map(move |n| reading(subject, 5 * n))).collect();
    ask(server, token, "POST", "/v1/readings", &format!("[{}]", all.join(","))).ok();
    let sql = r#"{"sql":"select count(*) as n from bg"}"#;
    for _ in 0..100 {
        if ask(server, token, "POST", "/v1/sql", sql).ok().json()[0]["n"] == 2 * READINGS {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the readings are not seen");
}

/// The access log, as it stands.
fn log_of(data: &Path) -> String {
    let files = std::fs::read_dir(data.join("access")).expect("the log");
    files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text")).collect()
}

/// Where it takes them.
fn place(server: &Server) -> &str {
    server.flight.as_deref().expect("it takes clients of Arrow Flight SQL")
}

/// A part of `tests/support/flight_client.py`; `None`: its packages are missing.
fn python(part: &str, args: &[&str], tokens: [&str; 2]) -> Option<(Option<i32>, String, String)> {
    let packages = "adbc_driver_flightsql.dbapi, pyarrow.flight";
    let python = need("a Python with ADBC's driver of Flight SQL (VITALOG_PYTHON)", python_with(packages))?;
    let mut command = Command::new(python);
    command.arg(root().join("tests/support/flight_client.py")).arg(part).args(args);
    Some(run(command.env("TOKEN", tokens[0]).env("OTHER", tokens[1])))
}

/// Plays a part to its end.
fn sound(part: &str, args: &[&str], tokens: [&str; 2]) {
    let Some((status, out, err)) = python(part, args, tokens) else { return };
    assert!(status == Some(0) && out.trim_end().ends_with("sound"), "{part}: {out}{err}");
    eprint!("{err}");
}
