//! Bodies that drip in: every door that takes one lets go of whoever takes too long, and of nobody who is slow and in time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::access::{serve, told};
use crate::support::server::Server;

/// Method, address and form of a body.
type Door = (&'static str, &'static str, &'static str);

/// However a door reads its body: by the gateway's own means, or by those of the library.
const DOORS: [Door; 10] = [
    ("POST", "/v1/readings", "application/x-ndjson"),
    ("PUT", "/v1/subjects/p-1/readings/a1", "application/json"),
    ("PUT", "/v1/subjects/p-1/profile", "application/json"),
    ("POST", "/v1/dead-letters/replay", "application/json"),
    ("POST", "/v1/sql", "application/json"),
    ("POST", "/v1/export", "application/json"),
    ("PUT", "/v1/rules/x.rules", "text/plain"),
    ("POST", "/v1/rules/check", "application/json"),
    ("POST", "/v1/rules/rollback", "application/json"),
    ("POST", "/v1/erasures", "application/json"),
];

/// Sends the head of a request and then its body, piece by piece with a pause before each, as far as the server lets it; what it answers, and after how long.
fn dripped(server: &Server, (method, path, form): Door, pieces: &[&str], pause: Duration) -> (String, Duration) {
    let address = server.url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {form}\r\ncontent-length: {length}\r\n\r\n");
    let began = Instant::now();
    stream.write_all(head.as_bytes()).expect("sent");
    let mut drip = stream.try_clone().expect("another handle");
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            for piece in pieces {
                std::thread::sleep(pause);
                if drip.write_all(piece.as_bytes()).is_err() {
                    return;
                }
            }
        });
        answered(&mut stream)
    });
    (answer, began.elapsed())
}

/// An answer up to the end of what its head announces.
fn answered(stream: &mut TcpStream) -> String {
    let (mut answer, mut piece) = (Vec::new(), [0_u8; 4096]);
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => answer.extend_from_slice(&piece[..count]),
            ended => panic!("the answer breaks off ({ended:?}): {text}"),
        }
    }
}

#[test]
fn a_body_that_drips_in_is_cut_at_every_door() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--body-time", "2"]);
    std::thread::scope(|scope| {
        let server = &server;
        for door in DOORS {
            scope.spawn(move || {
                let (answer, took) = dripped(server, door, &[" "; 40], Duration::from_millis(250));
                assert!(answer.starts_with("HTTP/1.1 408 "), "{door:?}: {answer}");
                let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
                for said in ["content-type: application/problem+json", "connection: close"] {
                    assert!(head.to_ascii_lowercase().contains(said), "{door:?}: no {said} in {head}");
                }
                let problem: Value = serde_json::from_str(body).expect("JSON");
                let told = (&problem["code"], &problem["type"], &problem["status"]);
                assert_eq!(told, (&json!("too_slow"), &json!("urn:vitalog:problem:too_slow"), &json!(408)), "{door:?}");
                assert!(took > Duration::from_millis(1_900), "{door:?}: cut after {took:?}");
            });
        }
    });
    assert_eq!(server.get("/v1/rules/x.rules").status, 404, "nothing was put in force");
    assert_eq!(server.stop(), Some(0));
}

/// Where one logs in nobody is known yet, so it is the door that anybody could hold up.
#[test]
fn who_is_not_known_is_cut_as_well() {
    let data = tempfile::tempdir().unwrap();
    told(data.path(), "token", &["add", "root"]);
    let server = serve(data.path(), &["--body-time", "1"]);
    let (answer, _) = dripped(&server, ("POST", "/v1/session", "application/json"), &[" "; 40], Duration::from_millis(200));
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"too_slow\""), "{answer}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_body_that_comes_slowly_and_in_time_is_answered() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    for (door, pieces) in [
        (("POST", "/v1/sql", "application/json"), ["{\"sql\":", "\"select 1", " as one\"}"]),
        (("POST", "/v1/rules/check", "application/json"), ["{\"files\"", ": [", "]}"]),
    ] {
        let (answer, took) = dripped(&server, door, &pieces, Duration::from_millis(200));
        assert!(answer.starts_with("HTTP/1.1 200 ") && took > Duration::from_millis(600), "{door:?}, {took:?}: {answer}");
    }
    assert_eq!(server.stop(), Some(0));
}
