//! The way of backup that the manual names: a copy of a stopped directory.

use std::path::Path;
use std::process::Command;

use crate::support::server::{Server, run};
use crate::support::story::{ndjson, readings};

fn copy(from: &Path, to: &Path) {
    let (status, _, err) = run(Command::new("cp").arg("-a").arg(from).arg(to));
    assert_eq!(status, Some(0), "{err}");
}

fn recommendations(server: &Server, subject: &str) -> Vec<serde_json::Value> {
    // What SQL has seen, the views have not necessarily: ask for the position that SQL stands at.
    let position = server.get("/readyz").ok().json()["position"].to_string();
    let path = format!("/v1/subjects/{subject}/recommendations?limit=1000");
    let answer = server.try_send("GET", &path, &[("vitalog-position", &position)], "").expect("an answer").ok().json();
    answer["recommendations"].as_array().expect("a list").clone()
}

#[test]
fn a_copy_of_a_stopped_directory_is_the_same_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copied) = (dir.path().join("data"), dir.path().join("copy"));
    let (originals, corrections) = readings("p-1", 5);
    let server = Server::start(&data, &[]);
    server.readings(&ndjson(&originals)).ok();
    server.readings(&ndjson(&corrections)).ok();
    let count = server.sql("select count(*) as n from readings");
    assert_eq!(server.stop(), Some(0));
    copy(&data, &copied);
    let (one, other) = (Server::start(&data, &[]), Server::start(&copied, &[]));
    assert_eq!(one.sql("select count(*) as n from readings"), count);
    assert_eq!(other.sql("select count(*) as n from readings"), count);
    assert_eq!(recommendations(&one, "p-1"), recommendations(&other, "p-1"));
    assert_eq!((one.stop(), other.stop()), (Some(0), Some(0)));
}
