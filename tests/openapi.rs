//! The description of the HTTP API, held against the server by schemathesis: what it sends by the description is answered as the description says, and what goes
//! against it is refused.

use std::process::Command;

use crate::access::{ask, bearer, serve, told};
use crate::support::http::send;
use crate::support::need::{need, python_with};
use crate::support::server::run;

/// A meal and what came of it, so that there is something under the names of the description's examples.
const HISTORY: &str = r#"[
    {"subject": "p-001", "stream": "bg", "at": "2026-03-10T08:00:00Z", "value": 41, "id": "a1"},
    {"subject": "p-001", "stream": "bg", "at": "2026-03-10T08:20:00Z", "value": 42},
    {"subject": "p-001", "stream": "carbs", "at": "2026-03-10T08:25:00Z", "amount": 30}
]"#;

/// Left alone: what never ends, what would shut the caller out, and backups, for which this server has no place.
const LEFT_ALONE: [&str; 4] = ["/v1/stream", "/v1/session", "/v1/me/password", "/v1/backups"];

#[test]
fn the_server_does_as_its_description_says() {
    let Some(python) = need("schemathesis", python_with("schemathesis")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let token = told(dir.path(), "token", &["add", "root", "--rate", "100000"]);
    let server = serve(dir.path(), &[]);
    ask(&server, &token, "POST", "/v1/readings", HISTORY).ok();
    let description = send("GET", &format!("{}/openapi.json", server.url), &[], Vec::new()).expect("an answer").ok();
    assert_eq!(description.json()["openapi"], "3.1.0");

    let seed = std::env::var("VITALOG_SEED").unwrap_or_else(|_| "1".to_owned());
    let cases = std::env::var("VITALOG_CASES").unwrap_or_else(|_| "8".to_owned());
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command.current_dir(dir.path()).args(["run", &format!("{}/openapi.json", server.url)]);
    command.args(["--header", &format!("Authorization: {}", bearer(&token))]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", &cases, "--seed", &seed, "--no-color"]);
    // Which reading a stream takes, and which statement is one, no schema says: that each good one is taken is for other tests.
    command.args(["--exclude-checks", "positive_data_acceptance", "--continue-on-failure"]);
    for path in LEFT_ALONE {
        command.args(["--exclude-path", path]);
    }
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(0), "seed {seed}\n{out}\n{err}");
    assert_eq!(server.stop(), Some(0));
}
