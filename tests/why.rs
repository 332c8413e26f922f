//! `vitalog why` from outside: over files, over the journal of a stopped server with what was taken back, and asked of a running one.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::server::{Server, run, vitalog};

const RULES: &str =
    "use health\nrule low \"Low\" {\n    severity warning\n    when bg.value < 70 mg/dL for 15 min gap 20 min\n}\n";

const READINGS: &str = r#"{"id": "a", "subject": "p-1", "stream": "bg", "at": "2026-03-10T02:00:00Z", "value": 68}
{"id": "b", "subject": "p-1", "stream": "bg", "at": "2026-03-10T02:10:00Z", "value": 66}
{"id": "c", "subject": "p-1", "stream": "bg", "at": "2026-03-10T02:15:00Z", "value": 62}
{"id": "d", "subject": "p-1", "stream": "bg", "at": "2026-03-10T02:40:00Z", "value": 90}
"#;

const CORRECTION: &str = r#"{"id": "c", "subject": "p-1", "rev": 2, "stream": "bg", "at": "2026-03-10T02:15:00Z", "value": 95}"#;

/// A folder with the rules, and the readings in a file.
fn folder(dir: &Path) -> (PathBuf, PathBuf) {
    let (rules, input) = (dir.join("rules"), dir.join("history.ndjson"));
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("mine.rules"), RULES).unwrap();
    std::fs::write(&input, READINGS).unwrap();
    (rules, input)
}

fn why(rule: &str, subject: &str, at: &str) -> Command {
    let mut command = vitalog();
    command.args(["why", "--rule", rule, "--subject", subject, "--at", at]);
    command
}

fn json(command: &mut Command) -> Value {
    let (status, out, err) = run(command.args(["--format", "json"]));
    assert_eq!(status, Some(0), "{err}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

#[test]
fn files_are_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (rules, input) = folder(dir.path());
    let over = |command: &mut Command| {
        command.arg("--rules").arg(&rules).arg("--input").arg(&input);
    };
    let asked = |at: &str| {
        let mut command = why("low", "p-1", at);
        over(&mut command);
        json(&mut command)
    };
    let fired = asked("2026-03-10T02:15:00Z");
    assert_eq!((&fired["verdict"], &fired["finding"]["onset"]), (&"fired".into(), &"2026-03-10T02:00:00Z".into()), "{fired}");
    assert_eq!(fired["told"], Value::Null);
    let when = &fired["asked"][0]["clause"];
    assert_eq!((&when["text"], &when["is"]), (&"bg.value < 70 mg/dL".into(), &"true".into()), "{fired}");
    assert_eq!((&when["parts"][0]["text"], &when["parts"][0]["value"]), (&"bg.value".into(), &"62 mg/dL".into()), "{fired}");
    let early = asked("2026-03-10T02:10:00Z");
    assert_eq!(
        (&early["verdict"], &early["lack"]["part"], &early["lack"]["needs"]),
        (&"pending".into(), &"for".into(), &"15 min".into())
    );
    assert_eq!(asked("2026-03-10T01:00:00Z")["lack"]["part"], "driver");
    let mut text = why("low", "p-1", "2026-03-10T02:40:00Z");
    over(&mut text);
    let (status, out, err) = run(&mut text);
    assert_eq!(status, Some(0), "{err}");
    assert!(
        out.contains("resolved: low from 2026-03-10T02:00:00Z until 2026-03-10T02:40:00Z") && out.contains("bg.value = 90 mg/dL"),
        "{out}"
    );
    for (rule, subject, at, status, says) in [
        ("lwo", "p-1", "2026-03-10T02:15:00Z", 1, "there is no rule `lwo`"),
        ("low", "p-2", "2026-03-10T02:15:00Z", 1, "the subject `p-2`"),
        ("low", "p-1", "yesterday", 2, "is no instant"),
    ] {
        let mut command = why(rule, subject, at);
        over(&mut command);
        let (is, _, err) = run(&mut command);
        assert!(is == Some(status) && err.contains(says), "{err}");
    }
    let (status, _, err) = run(&mut why("low", "p-1", "2026-03-10T02:15:00Z"));
    assert!(status == Some(2) && err.contains("of what?"), "{err}");
}

#[test]
fn a_server_is_asked_and_its_journal_knows_what_was_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let (rules, _) = folder(dir.path());
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--rules", rules.to_str().unwrap()]);
    server.readings(READINGS).ok();
    let ask = |at: &str| json(why("low", "p-1", at).args(["--url", &server.url]));
    assert_eq!(ask("2026-03-10T02:20:00Z")["verdict"], "quiet");
    server.readings(CORRECTION).ok();
    let now = ask("2026-03-10T02:20:00Z");
    assert_eq!((&now["verdict"], &now["lack"]["part"]), (&"silent".into(), &"when".into()), "{now}");
    for (path, status, code) in [
        ("/v1/subjects/p-1/why?rule=lwo", 404, "unknown_rule"),
        ("/v1/subjects/p-2/why?rule=low", 404, "unknown_subject"),
        ("/v1/subjects/p-1/why", 400, "malformed"),
        ("/v1/subjects/p-1/why?rule=low&at=noon", 400, "malformed"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, &answer.json()["code"]), (status, &code.into()), "{path}");
    }
    let (status, _, err) = run(why("lwo", "p-1", "2026-03-10T02:20:00Z").args(["--url", &server.url]));
    assert!(status == Some(1) && err.contains("there is no rule of this name"), "{err}");
    let (status, _, err) = run(why("low", "p-1", "2026-03-10T02:20:00Z").arg("--data").arg(&data));
    assert!(status == Some(1) && err.contains("held by another process"), "{err}");
    assert_eq!(server.stop(), Some(0));

    let past = json(why("low", "p-1", "2026-03-10T02:20:00Z").arg("--data").arg(&data));
    assert_eq!((&past["verdict"], &past["now"]), (&"rescinded".into(), &"silent".into()), "{past}");
    let told = past["told"].as_array().expect("what was said");
    let last = told.last().expect("something");
    assert_eq!(
        (&last["change"], &last["by"]["given"], &last["by"]["rev"]),
        (&"rescinded".into(), &"c".into(), &2.into()),
        "{past}"
    );
    let (status, out, err) = run(why("low", "p-1", "2026-03-10T02:20:00Z").arg("--data").arg(&data));
    assert_eq!(status, Some(0), "{err}");
    assert!(out.starts_with("rescinded: ") && out.contains("by reading c (revision 2)"), "{out}");
    // To look changes nothing: it starts as it stood.
    let again = Server::start(&data, &["--rules", rules.to_str().unwrap()]);
    assert_eq!(json(why("low", "p-1", "2026-03-10T02:20:00Z").args(["--url", &again.url]))["verdict"], "silent");
    assert_eq!(again.stop(), Some(0));
}
