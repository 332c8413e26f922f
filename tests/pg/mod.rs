//! Clients of PostgreSQL: psql, SQLAlchemy, the questions that tools ask of the catalogue, and a client of our own for what none of them would say.

mod access;
mod catalogue;
pub mod psql;
pub mod raw;
mod sqlalchemy;

use std::path::Path;
use std::time::Duration;

use crate::access::{ask, serve, told};
use crate::support::server::Server;

/// Readings of two subjects, an hour of each.
const READINGS: usize = 12;

/// A server that takes clients of PostgreSQL, and the token of a program.
fn listening(data: &Path, more: &[&str]) -> (Server, String) {
    let token = told(data, "token", &["add", "root"]);
    let server = serve(data, &[&["--pg", "127.0.0.1:0"][..], more].concat());
    let reading = |subject: &str, minute: usize| {
        format!(
            r#"{{"subject":"{subject}","stream":"bg","at":"2026-03-10T08:{minute:02}:00Z","value":{},"id":"{subject}-{minute}"}}"#,
            100 + minute
        )
    };
    let all: Vec<String> =
        ["p-1", "p-2"].iter().flat_map(|subject| (0..READINGS).map(move |n| reading(subject, 5 * n))).collect();
    ask(&server, &token, "POST", "/v1/readings", &format!("[{}]", all.join(","))).ok();
    seen(&server, &token, 2 * READINGS);
    (server, token)
}

/// Waits until SQL sees so many readings.
fn seen(server: &Server, token: &str, count: usize) {
    let sql = r#"{"sql":"select count(*) as n from bg"}"#;
    for _ in 0..100 {
        if ask(server, token, "POST", "/v1/sql", sql).ok().json()[0]["n"] == count {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the readings are not seen");
}

/// Host and port.
fn place(server: &Server) -> (&str, &str) {
    server.pg.as_deref().and_then(|pg| pg.split_once(':')).expect("it takes clients of PostgreSQL")
}
