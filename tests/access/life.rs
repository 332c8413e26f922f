//! An account's life: made, logged in, assigned, shut out; each change holds while the server runs.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{LOW, ask, audit, serve, told};
use crate::support::server::{Server, run, vitalog};

fn log_in(server: &Server, account: &str, password: &str) -> (u16, String) {
    let body = json!({"account": account, "password": password}).to_string();
    let answer = server.try_send("POST", "/v1/session", &[("content-type", "application/json")], body).expect("an answer");
    let cookie = answer.headers.get("set-cookie").and_then(|c| c.to_str().ok()).unwrap_or_default();
    (answer.status, cookie.split(';').next().unwrap_or_default().to_owned())
}

fn with(server: &Server, cookie: &str, method: &str, path: &str, body: &str) -> u16 {
    let headers = [("cookie", cookie), ("origin", server.url.as_str()), ("content-type", "application/json")];
    server.try_send(method, path, &headers, body).expect("an answer").status
}

#[test]
fn changes_of_accounts_hold_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let device = told(data, "token", &["add", "device", "--scopes", "write"]);
    let server = serve(data, &[]);
    ask(&server, &device, "POST", "/v1/readings", LOW).ok();
    assert_eq!(log_in(&server, "lee", "anything at all, it is not known").0, 401);
    let password = told(data, "user", &["add", "lee", "--roles", "caretaker"]);
    let (status, cookie) = log_in(&server, "lee", &password);
    assert_eq!(status, 204);
    let summary = || with(&server, &cookie, "GET", "/v1/subjects/p-1/summary", "");
    assert_eq!(summary(), 403);
    told(data, "user", &["assign", "lee", "p-1"]);
    assert_eq!(summary(), 200);
    told(data, "user", &["unassign", "lee", "p-1"]);
    assert_eq!(summary(), 403);
    let root = an_emergency(&server, data, &cookie);
    // Who one is, and another password.
    let me = server.try_send("GET", "/v1/me", &[("cookie", &cookie)], "").expect("an answer").ok().json();
    assert_eq!(
        (&me["account"], &me["roles"], &me["idle_seconds"]),
        (&json!("lee"), &json!(["caretaker"]), &json!(1_800)),
        "{me}"
    );
    let change = |former: &str, new: &str| {
        with(&server, &cookie, "POST", "/v1/me/password", &json!({"former": former, "password": new}).to_string())
    };
    assert_eq!(change("not it", "five words that are long"), 401);
    assert_eq!(change(&password, "short"), 422);
    assert_eq!(change(&password, "five words that are long"), 204);
    assert_eq!(summary(), 401, "its sessions are over");
    assert_eq!(log_in(&server, "lee", &password).0, 401);
    let (status, cookie) = log_in(&server, "lee", "five words that are long");
    assert_eq!(status, 204);
    told(data, "user", &["disable", "lee"]);
    assert_eq!(with(&server, &cookie, "GET", "/v1/me", ""), 401);
    assert_eq!(log_in(&server, "lee", "five words that are long").0, 401);
    told(data, "token", &["revoke", "device"]);
    assert_eq!(ask(&server, &device, "POST", "/v1/readings", LOW).status, 401);
    assert_eq!(server.stop(), Some(0));
    assert_logged(data, &[&password, &device, &root, "five words", "unconscious", "anything at all", ":41,"]);
}

/// In an emergency: a reason, an hour, and everybody is told. Gives a program's token.
fn an_emergency(server: &Server, data: &Path, cookie: &str) -> String {
    let summary = || with(server, cookie, "GET", "/v1/subjects/p-1/summary", "");
    let short = json!({"subject": "p-1", "reason": "quick"}).to_string();
    assert_eq!(with(server, cookie, "POST", "/v1/emergencies", &short), 422);
    assert_eq!(summary(), 403);
    let emergency = json!({"subject": "p-1", "reason": "unconscious in the ward"}).to_string();
    assert_eq!(with(server, cookie, "POST", "/v1/emergencies", &emergency), 201);
    assert_eq!(summary(), 200);
    let root = told(data, "token", &["add", "root"]);
    let listed = ask(server, &root, "GET", "/v1/emergencies", "").ok().json();
    assert_eq!(
        (&listed["emergencies"][0]["account"], &listed["emergencies"][0]["seen_by"]),
        (&json!("lee"), &json!(null)),
        "{listed}"
    );
    told(data, "user", &["add", "p-1", "--roles", "patient", "--subject", "p-1", "--no-password"]);
    let patient = told(data, "token", &["add", "phone", "--account", "p-1"]);
    let noticed = ask(server, &patient, "GET", "/v1/subjects/p-1/emergencies", "").ok().json();
    assert_eq!(noticed["emergencies"][0]["reason"], "unconscious in the ward");
    let number = noticed["emergencies"][0]["number"].to_string();
    assert_eq!(ask(server, &root, "POST", &format!("/v1/emergencies/{number}/seen"), "").status, 204);
    let listed = ask(server, &root, "GET", "/v1/emergencies", "").ok().json();
    assert_eq!(listed["emergencies"][0]["seen_by"], "root");
    root
}

/// All of that is in the log, and none of it says what was seen, typed or shown.
fn assert_logged(data: &Path, secrets: &[&str]) {
    let (status, about, summary) = audit(data, &["--subject", "p-1"]);
    assert_eq!((status, &summary["sound"]), (Some(0), &json!(true)), "{summary}");
    let said = |who: &str, wish: &str, allowed: bool| {
        about.iter().any(|line| {
            line["entry"]["who"] == who
                && line["entry"]["asked"].as_array().expect("a list").contains(&json!([wish, "p-1", allowed]))
        })
    };
    for (who, wish, allowed) in [
        ("device", "write", true),
        ("lee", "read", false),
        ("lee", "read", true),
        ("lee", "break_glass", true),
        ("p-1", "read", true),
    ] {
        assert!(said(who, wish, allowed), "{who} {wish} {allowed}: {about:?}");
    }
    let files: String = std::fs::read_dir(data.join("access"))
        .expect("a folder")
        .map(|f| std::fs::read_to_string(f.expect("a file").path()).expect("text"))
        .collect();
    assert!(files.contains("POST /v1/session") && files.contains("\"status\":401"));
    for secret in secrets {
        assert!(!files.contains(secret), "{secret}");
    }
}

#[test]
fn a_stream_ends_when_its_listener_is_shut_out() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "user", &["add", "lee", "--roles", "caretaker", "--no-password"]);
    told(data, "user", &["assign", "lee", "p-1"]);
    let (lee, device) =
        (told(data, "token", &["add", "lee", "--account", "lee"]), told(data, "token", &["add", "device", "--scopes", "write"]));
    let server = serve(data, &[]);
    let address = server.url.strip_prefix("http://").expect("in the clear");
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(40))).expect("set");
    write!(stream, "GET /v1/stream?subject=p-1 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {lee}\r\n\r\n")
        .expect("sent");
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.next().expect("a line").expect("read").contains("200"));
    ask(&server, &device, "POST", "/v1/readings", LOW).ok();
    assert!(
        lines.by_ref().map_while(Result::ok).any(|line| line.contains("\"g1\"") || line.contains("event: reading")),
        "the first is heard"
    );
    told(data, "user", &["disable", "lee"]);
    let begun = Instant::now();
    ask(&server, &device, "POST", "/v1/readings", &LOW.replace("g1", "g2").replace("08:00", "08:05").replace("41", "141")).ok();
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(begun.elapsed() < Duration::from_secs(30), "it did not end");
    // As a point and in words: by themselves the digits may stand in any id or instant.
    assert!(!rest.iter().any(|line| line.contains("[141.0") || line.contains("141 mg/dL")), "{rest:?}");
}

#[test]
fn who_is_too_fast_waits_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let (slow, fast) = (told(data, "token", &["add", "slow", "--rate", "2"]), told(data, "token", &["add", "fast"]));
    let server = serve(data, &[]);
    let first = ask(&server, &slow, "GET", "/v1/subjects", "");
    let said = |answer: &crate::support::http::Answer, name: &str| {
        answer.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
    };
    assert_eq!(
        (first.status, said(&first, "ratelimit-policy").as_str(), said(&first, "ratelimit").as_str()),
        (200, "\"token\";q=2;w=1", "\"token\";r=1;t=1")
    );
    let refused =
        (0..50).map(|_| ask(&server, &slow, "GET", "/v1/subjects", "")).find(|answer| answer.status != 200).expect("too fast");
    assert_eq!((refused.status, said(&refused, "retry-after").as_str()), (429, "1"));
    assert_eq!(refused.json()["code"], "too_many_requests");
    for _ in 0..20 {
        assert_eq!(ask(&server, &fast, "GET", "/v1/subjects", "").status, 200);
    }
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(ask(&server, &slow, "GET", "/v1/subjects", "").status, 200);
}

#[test]
fn what_the_command_line_is_told_wrongly_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "user", &["add", "lee", "--roles", "caretaker", "--no-password"]);
    for (command, args, says) in [
        ("user", &["add", "lee", "--roles", "caretaker"][..], "already"),
        ("user", &["add", "kim", "--roles", "doctor"], "\"doctor\" is no role"),
        ("user", &["add", "kim", "--roles", "patient"], "say which"),
        ("user", &["add", "k m", "--roles", "operator"], "can't be an id"),
        ("user", &["assign", "kim", "p-1"], "no account kim"),
        ("user", &["assign", "lee", "../p"], "can't be the name of a subject"),
        ("token", &["add", "t", "--account", "kim"], "no account kim"),
        ("token", &["add", "t", "--scopes", "reed"], "\"reed\" is no scope"),
        ("token", &["revoke", "t"], "no token t"),
    ] {
        let (status, _, err) = run(vitalog().args([command, "--data"]).arg(data).args(args));
        assert_eq!(status, Some(2), "{command} {args:?}: {err}");
        assert!(err.contains(says), "{command} {args:?}: {err}");
    }
    let policies = data.join("policies");
    std::fs::create_dir(&policies).expect("made");
    std::fs::write(policies.join("house.cedar"), "permit (principal, action == Action::\"reed\", resource);").expect("written");
    let (status, _, err) =
        run(vitalog().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg("--policies").arg(&policies));
    assert!(status == Some(2) && err.contains("house.cedar") && err.contains("reed"), "{err}");
    let empty = tempfile::tempdir().unwrap();
    let (status, _, err) = run(vitalog().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(empty.path()));
    assert!(status == Some(2) && err.contains("nobody could be let in") && err.contains("vitalog token add"), "{err}");
}
