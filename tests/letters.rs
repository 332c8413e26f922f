//! Dead letters from outside: listed, mended and replayed over HTTP and at the command line; what became of them is the same when the views are made anew.

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::server::{Server, run, vitalog};

const MOOD: &str = "stream mood {\n    value count in count from 0 count to 10 count\n}\n";

fn mood(minute: u32, value: u32) -> String {
    format!("{{\"subject\":\"p-1\",\"stream\":\"mood\",\"at\":\"2026-03-10T08:{minute:02}:00Z\",\"value\":{value}}}")
}

fn send(server: &Server, method: &str, path: &str, position: &str, body: &str) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    if !position.is_empty() {
        headers.push(("vitalog-position", position));
    }
    server.try_send(method, path, &headers, body).expect("the server answers")
}

fn position(answer: &Answer) -> String {
    answer.headers["vitalog-position"].to_str().expect("a number").to_owned()
}

/// `vitalog letters …`: its status and output.
fn letters(server: &Server, args: &[&str]) -> (Option<i32>, String, String) {
    run(vitalog().arg("letters").args(args).args(["--url", &server.url]))
}

fn offsets(page: &Value) -> Vec<u64> {
    page["dead_letters"].as_array().expect("a list").iter().filter_map(|l| l["record"].as_u64()).collect()
}

#[test]
fn what_was_refused_is_mended_and_stays_so() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let sent = server.readings(&format!("{}\n{}\nnonsense\n{}\n", mood(0, 3), mood(1, 4), mood(2, 99)));
    assert_eq!(sent.status, 422, "{}", sent.body);
    let refused: Vec<u64> =
        sent.json()["receipts"].as_array().expect("receipts").iter().filter_map(|r| r["offset"].as_u64()).collect();
    let [first, second, nonsense, beyond] = refused[..] else { panic!("{}", sent.body) };
    let again = send(&server, "POST", &format!("/v1/dead-letters/{first}/replay"), "", "");
    assert_eq!((again.status, again.json()["code"].as_str()), (422, Some("unknown_stream")), "{}", again.body);

    // The stream is declared, and what was refused for want of it is taken: each once, however often it is asked for.
    send(&server, "PUT", "/v1/rules/mood.rules", "", MOOD).ok();
    let (status, out, err) = letters(&server, &["replay", "--code", "unknown_stream", "--format", "json"]);
    assert_eq!(status, Some(1), "{out}{err}");
    let sum: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(sum, json!({"tried": 3, "accepted": 2, "duplicate": 0, "rejected": 1, "denied": 0}));
    assert!(err.contains("1 of 3 letters stay what they are"), "{err}");
    let (status, out, _) = letters(&server, &["replay", "--code", "unknown_stream", "--subject", "p-2"]);
    assert_eq!((status, out.starts_with("0 tried")), (Some(0), true), "{out}");

    let mended = data.path().join("mended.json");
    std::fs::write(&mended, mood(3, 5)).unwrap();
    let (status, out, err) = letters(&server, &["replay", &nonsense.to_string(), "--body", mended.to_str().unwrap()]);
    assert_eq!((status, out.starts_with("it is the reading ")), (Some(0), true), "{out}{err}");
    let (status, _, err) = letters(&server, &["replay", &nonsense.to_string()]);
    assert_eq!((status, err.contains("it has become the reading at offset")), (Some(1), true), "{err}");
    let last = send(&server, "POST", &format!("/v1/dead-letters/{beyond}/replay"), "", &mood(0, 3)).ok();
    assert_eq!(last.json()["status"], "duplicate", "mended into what was there already: {}", last.body);

    let after = position(&last);
    let body = json!({"sql": "select count(*) as n, sum(value) as sum from mood"}).to_string();
    assert_eq!(send(&server, "POST", "/v1/sql", &after, &body).ok().json(), json!([{"n": 3, "sum": 12.0}]));
    let open = send(&server, "GET", "/v1/dead-letters?mended=false", &after, "").ok().json();
    assert_eq!((&open["total"], offsets(&open)), (&json!(0), vec![]));
    let all = send(&server, "GET", "/v1/dead-letters?mended=true&subject=p-1", &after, "").ok().json();
    assert_eq!(offsets(&all), [beyond, second, first], "the newest first");
    let shown =
        |server: &Server| [first, second, nonsense, beyond].map(|o| server.get(&format!("/v1/dead-letters/{o}")).ok().json());
    let before = shown(&server);
    let told: Vec<_> = before[0]["history"].as_array().expect("a history").iter().map(|m| m["outcome"].clone()).collect();
    assert_eq!(told, ["refused", "taken"]);
    assert_eq!((&before[2]["history"][0]["mended"], &before[2]["history"][0]["by"]), (&json!(true), &json!("local")));
    let (_, out, _) = letters(&server, &["show", &first.to_string()]);
    for part in
        ["unknown_stream (stream): ", "tried it as it came: refused: unknown_stream", "tried it as it came: became ", &mood(0, 3)]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (_, out, _) = letters(&server, &["list", "--limit", "2"]);
    assert!(out.contains("reading at ") && out.contains("… and 2 more"), "{out}");
    assert_eq!(server.stop(), Some(0));

    // The views are made anew from the journal.
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(data.path().join(file));
    }
    let server = Server::start(data.path(), &[]);
    assert_eq!(shown(&server), before);
    let twice = send(&server, "POST", &format!("/v1/dead-letters/{first}/replay"), "", "");
    assert_eq!((twice.status, twice.json()["code"].as_str()), (409, Some("already_mended")));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_command_that_means_no_letter_says_so() {
    let (status, _, err) = run(vitalog().args(["letters", "replay"]));
    assert_eq!((status, err.contains("which letters are meant?")), (Some(2), true), "{err}");
    let (status, _, err) = run(vitalog().args(["letters", "list", "--from", "yesterday"]));
    assert_eq!((status, err.contains("is no instant")), (Some(2), true), "{err}");
}
