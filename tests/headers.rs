//! Headers that keep browsers from guessing, framing, telling and keeping: on every answer, whichever door gives it and whatever it says.

use crate::access::{LOW, ask, serve, told};
use crate::support::http::Answer;
use crate::support::server::Server;

const SQL: &str = r#"{"sql":"select 1 as one"}"#;

/// Whether a token is shown, method, path, body, the status, and what is said of keeping the answer. A page may be kept as long as it is asked for whether it is still good.
const DOORS: [(bool, &str, &str, &str, u16, &str); 22] = [
    (true, "POST", "/v1/readings", LOW, 200, "no-store"),
    (true, "POST", "/v1/readings", "{", 400, "no-store"),
    (false, "POST", "/v1/readings", LOW, 401, "no-store"),
    (true, "POST", "/v1/sql", SQL, 200, "no-store"),
    (true, "POST", "/v1/sql", r#"{"sql":"drop table bg"}"#, 403, "no-store"),
    (true, "POST", "/v1/export?format=csv", SQL, 200, "no-store"),
    (true, "GET", "/v1/rules", "", 200, "no-store"),
    (true, "GET", "/v1/rules/nothing.rules", "", 404, "no-store"),
    (true, "GET", "/v1/subjects", "", 200, "no-store"),
    (false, "GET", "/v1/subjects", "", 401, "no-store"),
    (true, "GET", "/v1/me", "", 200, "no-store"),
    (true, "GET", "/metrics", "", 200, "no-store"),
    (false, "GET", "/metrics", "", 401, "no-store"),
    (false, "GET", "/livez", "", 200, "no-store"),
    (false, "GET", "/readyz", "", 200, "no-store"),
    (false, "GET", "/openapi.json", "", 200, "no-store"),
    (true, "GET", "/", "", 200, "no-cache"),
    (false, "GET", "/login", "", 200, "no-cache"),
    (false, "GET", "/assets/base.css", "", 200, "no-cache"),
    (true, "GET", "/nothing/here", "", 404, "no-store"),
    (false, "GET", "/assets/nothing.js", "", 404, "no-store"),
    (true, "PATCH", "/v1/readings", "", 405, "no-store"),
];

/// The one value of a header; `None`: it is not there.
fn said<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut all = answer.headers.get_all(name).iter().map(|value| value.to_str().expect("text"));
    let first = all.next();
    assert_eq!(all.next(), None, "{name} is said twice");
    first
}

/// Asks every door, and holds each answer against what it must say.
fn each_says(server: &Server, token: &str, hsts: Option<&str>) {
    for (is_known, method, path, body, status, kept) in DOORS {
        let answer = if is_known {
            ask(server, token, method, path, body)
        } else {
            server.try_send(method, path, &[("content-type", "application/json")], body).expect("the server answers")
        };
        let door = format!("{method} {path}, {}", if is_known { "known" } else { "unknown" });
        assert_eq!(answer.status, status, "{door}: {}", answer.body);
        for (name, value) in [
            ("x-content-type-options", Some("nosniff")),
            ("referrer-policy", Some("no-referrer")),
            ("x-frame-options", Some("DENY")),
            ("cache-control", Some(kept)),
            ("strict-transport-security", hsts),
        ] {
            assert_eq!(said(&answer, name), value, "{door}: {name}");
        }
        // What is sniffed is guessed; so the kind must be said.
        assert!(answer.body.is_empty() || said(&answer, "content-type").is_some(), "{door}: no content-type");
    }
}

#[test]
fn every_answer_has_the_headers_that_keep_browsers_in_check() {
    let dir = tempfile::tempdir().unwrap();
    let token = told(dir.path(), "token", &["add", "root"]);
    let server = serve(dir.path(), &[]);
    each_says(&server, &token, None);
    // Whoever is sent to the login page.
    let head = "GET / HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nconnection: close\r\n\r\n";
    let redirected = raw(&server, head).to_ascii_lowercase();
    assert!(redirected.starts_with("http/1.1 303 ") && redirected.contains("location: /login"), "{redirected}");
    for header in
        ["x-content-type-options: nosniff", "referrer-policy: no-referrer", "x-frame-options: deny", "cache-control: no-store"]
    {
        assert!(redirected.contains(header), "{header}: {redirected}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn whoever_is_reached_over_tls_says_that_it_always_is() {
    let dir = tempfile::tempdir().unwrap();
    let token = told(dir.path(), "token", &["add", "root"]);
    let server = serve(dir.path(), &["--behind-proxy"]);
    each_says(&server, &token, Some("max-age=63072000"));
    assert_eq!(server.stop(), Some(0));
}

/// All that is answered: the client of the other tests goes where it is sent.
fn raw(server: &Server, head: &str) -> String {
    use std::io::{Read, Write};
    let address = server.url.strip_prefix("http://").expect("in the clear");
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("set");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
