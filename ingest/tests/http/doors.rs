//! Who is let in: tokens, scopes, sessions, other sites' pages, other names of this machine.

use std::sync::Arc;

use vitalog_elog::Input;
use vitalog_ingest::access::log::{Signer, Writer};
use vitalog_ingest::io::{AccessLog, Clock as PortClock};

use super::super::access::{Clock, accounts, token};
use super::{Server, bg};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A server, and a token of each of these scopes.
fn guarded<const N: usize>(scopes: [&str; N]) -> (Server, [String; N]) {
    let accounts = accounts(&Clock::default());
    let tokens = scopes.map(|words| token(&accounts, &format!("t{}", words.len()), words));
    (Server::guarded(&accounts), tokens)
}

#[test]
fn without_a_token_nothing_opens() {
    let (server, [writer]) = guarded(["write"]);
    for (path, method) in [
        ("/v1/readings", "POST"),
        ("/v1/subjects/p/readings/a", "PUT"),
        ("/v1/nothing", "GET"),
        ("/", "GET"),
        ("/v1/subjects/p/profile", "PUT"),
    ] {
        for headers in [
            vec![],
            vec![("authorization", "Bearer wrong")],
            vec![("authorization", "Basic eDp5")],
            vec![("cookie", "vitalog_session=guess")],
        ] {
            let reply = server.send(method, path, &headers, "");
            reply.assert_problem(401, "not_authenticated");
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
        }
    }
    let page = server.send("GET", "/", &[("accept", "text/html,*/*")], "");
    assert_eq!((page.status, page.header("location")), (303, "/login"), "a person is sent to where one logs in");
    let page = server.send("GET", "/subjects/p%201&x", &[("accept", "text/html,*/*")], "");
    assert_eq!((page.status, page.header("location")), (303, "/login?next=/subjects/p%25201%26x"), "and knows the way back");
    let bearer = format!("bearer {}", writer);
    assert_eq!(server.send("POST", "/v1/readings", &[JSON, ("authorization", &bearer)], bg(1, "6.1")).status, 200);
    let journaled = server.journaled();
    assert_eq!(journaled.len(), 1, "strangers leave nothing behind");
}

#[test]
fn a_device_writes_its_own_subject_only() {
    let (server, [pump, reader]) = guarded(["write@p-001", "read,list"]);
    let auth = format!("Bearer {}", pump);
    let post = |body: &str| server.send("POST", "/v1/readings", &[JSON, ("authorization", &auth)], body);
    let (own, other) = (bg(1, "6.1"), bg(1, "6.1").replace("p-001", "p-002"));
    let json = post(&format!("[{own},{other},{}]", other.replace("6.1", "0.1"))).json();
    assert_eq!((json["accepted"].as_u64(), json["rejected"].as_u64()), (Some(1), Some(2)));
    for denied in [1, 2] {
        assert_eq!(
            (json["receipts"][denied]["code"].as_str(), json["receipts"][denied]["field"].as_str()),
            (Some("not_permitted"), Some("subject"))
        );
        assert!(json["receipts"][denied]["offset"].is_null(), "what nobody may send is not kept");
    }
    post(&other).assert_problem(403, "not_permitted");
    server
        .send("PUT", "/v1/subjects/p-002/readings/a", &[JSON, ("authorization", &auth)], "{}")
        .assert_problem(403, "not_permitted");
    server.send("DELETE", "/v1/subjects/p-002/readings/a", &[("authorization", &auth)], "").assert_problem(403, "not_permitted");
    server
        .send("PUT", "/v1/subjects/p-002/profile", &[JSON, ("authorization", &auth)], "{}")
        .assert_problem(403, "not_permitted");
    let auth = format!("Bearer {}", reader);
    server.send("POST", "/v1/readings", &[JSON, ("authorization", &auth)], &own).assert_problem(403, "not_permitted");
    let journaled = server.journaled();
    assert!(matches!(&journaled[..], [Input::Reading(r)] if r.subject.as_str() == "p-001"));
}

#[test]
fn a_session_is_for_this_sites_own_pages() {
    let (server, [nurse]) = guarded(["admin"]);
    server.send("POST", "/v1/session", &[JSON], "{\"token\":\"wrong\"}").assert_problem(401, "not_authenticated");
    server.send("POST", "/v1/session", &[JSON], "{}").assert_problem(400, "malformed_json");
    server.send("POST", "/v1/session", &[JSON], "x".repeat(10_000)).assert_problem(413, "too_large");
    let login = format!("{{\"token\":\"{}\"}}", nurse);
    server.send("POST", "/v1/session", &[JSON, ("origin", "https://evil.example")], &login).assert_problem(403, "foreign_origin");
    let reply = server.send("POST", "/v1/session", &[JSON], &login);
    assert_eq!(reply.status, 204);
    let cookie = reply.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(&*nurse), "the cookie is not the token");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let cookie = ("cookie", cookie.as_str());

    assert_eq!(server.send("GET", "/", &[cookie], "").body, b"a page");
    let own = format!("http://{}", server.address);
    let post = |origin: Option<&str>| {
        let mut headers = vec![JSON, cookie];
        headers.extend(origin.map(|o| ("origin", o)));
        server.send("POST", "/v1/readings", &headers, bg(1, "6.1"))
    };
    assert_eq!(post(Some(&own)).status, 200);
    for foreign in
        [None, Some("https://evil.example"), Some("null"), Some("http://127.0.0.1"), Some("http://127.0.0.1.evil.example")]
    {
        post(foreign).assert_problem(403, "foreign_origin");
    }
    let out = server.send("DELETE", "/v1/session", &[cookie, ("origin", &own)], "");
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    server.send("GET", "/", &[cookie], "").assert_problem(401, "not_authenticated");
    assert_eq!(server.journaled().len(), 1);
}

#[test]
fn an_open_server_answers_to_its_own_machine_only() {
    let server = Server::open();
    let port = server.address.port();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        ("127.0.0.1".to_owned(), 200),
        (format!("[::1]:{port}"), 200),
        (format!("evil.example:{port}"), 421),
    ] {
        assert_eq!(server.send("GET", "/", &[("host", &host)], "").status, status, "{host}");
    }
    server.send("GET", "/", &[("host", "evil.example")], "").assert_problem(421, "foreign_host");
    let own = format!("http://{}", server.address);
    for (origin, status) in [(own.as_str(), 200), ("https://evil.example", 403), ("null", 403)] {
        assert_eq!(server.send("POST", "/v1/readings", &[JSON, ("origin", origin)], bg(1, "6.1")).status, status, "{origin}");
    }
    assert_eq!(server.send("POST", "/v1/session", &[], "").status, 204, "there is nothing to log in to");
    assert_eq!(server.journaled().len(), 1);
}

#[test]
fn a_door_that_forgets_to_ask_gives_nothing() {
    let (server, [admin]) = guarded(["admin"]);
    let auth = format!("Bearer {admin}");
    let reply = server.send("GET", "/v1/forgetful", &[("authorization", &auth)], "");
    reply.assert_problem(500, "internal");
    assert!(!String::from_utf8_lossy(&reply.body).contains("secret"));
    assert_eq!(server.send("GET", "/v1/subjects/p/readings/a", &[("authorization", &auth)], "").status, 200, "who asks, gives");
}

#[test]
fn what_cannot_be_written_down_is_not_shown_while_readings_are_taken() {
    let accounts = accounts(&Clock::default());
    let admin = token(&accounts, "admin", "admin");
    let dir = tempfile::tempdir().expect("a folder");
    let signer = Signer::open(&dir.path().join("key")).expect("a key");
    let writer = Writer::open(&dir.path().join("access"), signer).expect("opened");
    // Its thread ends when it first wants to know the time, to sign: as when it can write no more.
    let clock: PortClock = Arc::new(|| panic!("the log's thread ends here, as the test wants it"));
    let (log, keeper) = AccessLog::start(writer, clock).expect("begun");
    let server = Server::logged(&accounts, log);
    let auth = format!("Bearer {admin}");
    let look = || server.send("GET", "/v1/subjects/p/readings/a", &[("authorization", &auth)], "");
    assert_eq!(look().status, 200);
    keeper.join();
    let reply = look();
    reply.assert_problem(503, "access_log_unwritable");
    assert!(!String::from_utf8_lossy(&reply.body).contains("a reading"));
    assert_eq!(server.send("POST", "/v1/readings", &[JSON, ("authorization", &auth)], bg(1, "6.1")).status, 200);
    assert_eq!(server.journaled().len(), 1, "a log that is full costs nobody an alarm");
}
