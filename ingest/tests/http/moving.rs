//! Readings of the wrong subject, moved to the right one.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value as Json, json};
use vitalog_elog::{Content, Input, Reading};

use super::{SLOW, Server};
use crate::access::{Clock, accounts, token};

const JSON: (&str, &str) = ("content-type", "application/json");
const MOVES: &str = "/v1/subjects/p-001/moves";

fn readings(server: Server) -> Vec<Reading> {
    let reading = |input| if let Input::Reading(reading) = input { reading } else { panic!("{input:?}") };
    server.journaled().into_iter().filter(|input| !matches!(input, Input::Once(_))).map(reading).collect()
}

fn content(reading: &Reading) -> &Content {
    reading.content.as_ref().expect("it says something")
}

fn send(server: &Server, subject: &str, more: &str) -> String {
    let body = format!(r#"{{"subject":"{subject}","stream":"bg",{more}}}"#);
    let reply = server.send("POST", "/v1/readings", &[JSON], body);
    assert_eq!(reply.status, 200);
    reply.json()["receipts"][0]["id"].as_str().expect("a name").to_owned()
}

fn moved(server: &Server, path: &str, asked: &Json) -> Json {
    let reply = server.send("POST", path, &[JSON], asked.to_string());
    assert_eq!(reply.status, 200, "{}", reply.json());
    reply.json()
}

#[test]
fn they_are_written_there_and_removed_here_in_one_piece() {
    let server = Server::open();
    send(&server, "p-001", r#""id":"a1","at":"2026-11-20T07:00:00Z","value":"6.10 mmol/L","source":"g7","seq":4"#);
    send(&server, "p-001", r#""id":"a1","rev":3,"at":"2026-11-20T07:01:00Z","value":"6.20 mmol/L","source":"g7","seq":4"#);
    let unnamed = send(&server, "p-001", r#""at":"2026-11-20T07:05:00Z","value":112,"source":"g7""#);
    send(&server, "p-001", r#""id":"own","at":"2026-11-20T07:05:00Z","value":113,"source":"finger""#);
    // One of the name is there already.
    send(&server, "p-002", r#""id":"a1","rev":7,"at":"2026-11-20T06:00:00Z","value":99"#);
    let would = moved(&server, MOVES, &json!({"to": "p-002", "source": "g7", "dry_run": true}));
    assert_eq!((&would["moved"], &would["dry_run"], would.get("position")), (&json!(2), &json!(true), None), "{would}");
    let done = moved(&server, MOVES, &json!({"to": "p-002", "source": "g7"}));
    assert_eq!(done["readings"], would["readings"], "what would be is what is");
    assert_eq!((&done["subject"], &done["to"], &done["moved"]), (&json!("p-001"), &json!("p-002"), &json!(2)));
    let again = moved(&server, MOVES, &json!({"to": "p-002", "source": "g7"}));
    assert_eq!((&again["moved"], again.get("position")), (&json!(0), None), "{again}");

    let all = readings(server);
    let (before, [first, first_gone, second, second_gone]) = all.split_at(5) else { panic!("{all:?}") };
    for (written, removed, was, rev) in [(first, first_gone, &before[1], 8), (second, second_gone, &before[2], 2)] {
        assert_eq!(content(written), content(was), "exact, as sent");
        assert_eq!((written.subject.as_str(), written.rev), ("p-002", rev));
        assert_eq!((&removed.subject, removed.id, removed.rev), (&was.subject, was.id, was.rev + 1));
        assert_eq!(removed.content, None);
    }
    assert_eq!(first.id, before[1].id, "a name is kept");
    assert_eq!(second.id, content(second).derived_id(&second.subject, "bg"), "what the content makes is made anew");
    assert_eq!(second_gone.given.as_deref(), Some(unnamed.as_str()));
    let told = |i: usize, reading: &Reading| {
        let is = reading.given.as_deref().expect("a name");
        assert_eq!((&done["readings"][i]["is"], &done["readings"][i]["rev"]), (&json!(is), &json!(reading.rev)), "{done}");
    };
    let places = if done["readings"][0]["id"] == "a1" { [0, 1] } else { [1, 0] };
    told(places[0], first);
    told(places[1], second);
}

#[test]
fn there_and_back_again() {
    let server = Server::open();
    let unnamed = send(&server, "p-001", r#""at":"2026-11-20T07:00:00Z","value":110"#);
    send(&server, "p-001", r#""id":"a1","at":"2026-11-20T07:05:00Z","value":111"#);
    let everything = json!({"from": "1985-01-01T00:00:00Z"});
    let with = |to: &str| {
        let mut asked = everything.clone();
        asked["to"] = to.into();
        asked
    };
    moved(&server, MOVES, &with("p-002"));
    let back = moved(&server, "/v1/subjects/p-002/moves", &with("p-001"));
    let names: Vec<&Json> = back["readings"].as_array().expect("readings").iter().map(|r| &r["is"]).collect();
    assert!(names.contains(&&json!(unnamed)) && names.contains(&&json!("a1")), "{back}");
    let all = readings(server);
    assert_eq!(all.iter().map(|r| r.rev).collect::<Vec<_>>(), [1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    for (first, last) in [(&all[0], &all[6]), (&all[0], &all[8])] {
        assert!(all[..2].iter().any(|r| r.id == last.id && r.content == last.content), "{first:?} {last:?}");
    }
}

#[test]
fn only_those_that_are_meant() {
    let server = Server::open();
    for (id, at, source) in [("a", "07:00", "g7"), ("b", "07:05", "g7"), ("c", "07:10", "finger"), ("d", "07:15", "g7")] {
        send(&server, "p-001", &format!(r#""id":"{id}","at":"2026-11-20T{at}:00Z","value":110,"source":"{source}""#));
    }
    let bp = r#"{"subject":"p-001","stream":"bp","id":"e","at":"2026-11-20T07:05:00Z","systolic":120,"diastolic":80}"#;
    assert_eq!(server.send("POST", "/v1/readings", &[JSON], bp).status, 200);
    for (asked, meant) in [
        (json!({"ids": ["b", "c"]}), "bc"),
        (json!({"ids": ["b", "c", "b"], "source": "g7"}), "b"),
        (json!({"source": "g7"}), "abd"),
        (json!({"stream": "bp"}), "e"),
        (json!({"from": "2026-11-20T07:05:00Z", "until": "2026-11-20T07:15:00Z"}), "bce"),
        (json!({"from": "2026-11-20T08:05:00+01:00", "stream": "bg"}), "bcd"),
        (json!({"source": "nobody's"}), ""),
    ] {
        let mut asked = asked;
        asked["to"] = json!("p-002");
        asked["dry_run"] = json!(true);
        let reply = server.send("POST", MOVES, &[JSON], asked.to_string());
        if asked["ids"].as_array().is_some_and(|ids| ids.len() > 2) {
            // What is named is to be there, and fit what else is said.
            reply.assert_problem(404, "no_such_reading");
            continue;
        }
        let told = reply.json();
        let mut names: Vec<&str> =
            told["readings"].as_array().expect("readings").iter().filter_map(|r| r["id"].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names.concat(), meant, "{asked}");
    }
    assert_eq!(readings(server).len(), 5, "asking moves nothing");
}

#[test]
fn what_cannot_be_moved_is_refused_by_its_field() {
    let server = Server::open();
    send(&server, "p-001", r#""id":"a1","at":"2026-11-20T07:00:00Z","value":110"#);
    for (asked, status, code, field) in [
        (json!({"to": "p-002"}), 422, "missing", None),
        (json!({"to": "../x", "ids": ["a1"]}), 422, "bad_subject", Some("subject")),
        (json!({"to": "p-001", "ids": ["a1"]}), 422, "bad_to", Some("to")),
        (json!({"to": "p-002", "ids": []}), 422, "bad_ids", Some("ids")),
        (json!({"to": "p-002", "ids": [".x"]}), 422, "bad_id", Some("ids")),
        (json!({"to": "p-002", "ids": ["a1", "a2"]}), 404, "no_such_reading", Some("ids")),
        (json!({"to": "p-002", "stream": "bgg"}), 422, "unknown_stream", Some("stream")),
        (json!({"to": "p-002", "from": "yesterday"}), 422, "malformed_time", Some("from")),
        (json!({"to": "p-002", "until": "2026-11-20T07:00:00"}), 422, "malformed_time", Some("until")),
        (
            json!({"to": "p-002", "from": "2026-11-20T07:00:00Z", "until": "2026-11-20T07:00:00Z"}),
            422,
            "bad_until",
            Some("until"),
        ),
        (json!({"to": "p-002", "sources": "g7"}), 400, "malformed_json", None),
        (json!({"ids": ["a1"]}), 400, "malformed_json", None),
        (json!("p-002"), 400, "malformed_json", None),
    ] {
        let problem = server.send("POST", MOVES, &[JSON], asked.to_string()).assert_problem(status, code);
        assert_eq!(problem["field"].as_str(), field, "{asked}: {problem}");
        assert!(problem["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10), "{problem}");
    }
    server.send("POST", MOVES, &[("content-type", "text/csv")], "a,b").assert_problem(415, "unsupported_media_type");
    server
        .send("POST", "/v1/subjects/%2e%2e/moves", &[JSON], r#"{"to":"p-002","ids":["a1"]}"#)
        .assert_problem(422, "bad_subject");
    assert_eq!(readings(server).len(), 1, "nothing was moved");
}

#[test]
fn who_moves_needs_to_read_and_write_here_and_to_write_there() {
    let accounts = accounts(&Clock::default());
    let [all, write, read, elsewhere] =
        [("all", "read,write"), ("write", "write"), ("read", "read"), ("elsewhere", "read@p-001,write@p-001")]
            .map(|(id, scopes)| token(&accounts, id, scopes));
    let server = Server::guarded(&accounts);
    let ask = |token: &str, body: &str| {
        let auth = format!("Bearer {token}");
        server.send("POST", MOVES, &[JSON, ("authorization", &auth)], body)
    };
    let auth = format!("Bearer {all}");
    let body = r#"{"subject":"p-001","stream":"bg","id":"a1","at":"2026-11-20T07:00:00Z","value":110}"#;
    assert_eq!(server.send("POST", "/v1/readings", &[JSON, ("authorization", &auth)], body).status, 200);
    let asked = r#"{"to":"p-002","ids":["a1"]}"#;
    for token in [&write, &read, &elsewhere] {
        ask(token, asked).assert_problem(403, "not_permitted");
    }
    assert_eq!(ask(&all, asked).status, 200);
    assert_eq!(readings(server).len(), 3);
}

#[test]
fn under_a_key_it_is_done_once() {
    let server = Server::open();
    send(&server, "p-001", r#""id":"a1","at":"2026-11-20T07:00:00Z","value":110"#);
    send(&server, "p-001", r#""at":"2026-11-20T07:05:00Z","value":111"#);
    let asked = json!({"to": "p-002", "from": "1985-01-01T00:00:00Z"}).to_string();
    let keyed = || server.send("POST", MOVES, &[JSON, ("idempotency-key", "k")], &asked);
    let first = keyed();
    let second = keyed();
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(first.json(), second.json());
    assert_eq!(first.header("vitalog-position"), second.header("vitalog-position"));
    let other = json!({"to": "p-003", "from": "1985-01-01T00:00:00Z"}).to_string();
    server.send("POST", MOVES, &[JSON, ("idempotency-key", "k")], other).assert_problem(422, "idempotency_key_reused");
    assert_eq!(readings(server).len(), 6);
}

/// Whoever amends meanwhile does it before, and the amendment is moved, or after, and makes a reading of the name here anew.
#[test]
fn what_is_amended_meanwhile_is_moved_or_made_anew() {
    for round in 0..12 {
        let server = Server::open();
        let body = |value: usize| format!(r#"{{"stream":"bg","at":"2026-11-20T07:00:00Z","value":{value}}}"#);
        let path = "/v1/subjects/p-001/readings/a1";
        assert_eq!(server.send("PUT", path, &[JSON], body(100)).status, 201);
        std::thread::scope(|scope| {
            for i in 0..6 {
                let server = &server;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_micros(300 * (i as u64 * round % 7)));
                    let reply = match i {
                        3 => server.send("POST", MOVES, &[JSON], r#"{"to":"p-002","ids":["a1"]}"#),
                        _ => server.send("PUT", path, &[JSON], body(110 + i)),
                    };
                    assert!(matches!(reply.status, 200 | 201), "{}", reply.json());
                });
            }
        });
        let all = readings(server);
        let place = all.iter().position(|r| r.subject.as_str() == "p-002").expect("it was moved");
        let (copy, removal) = (&all[place], &all[place + 1]);
        let last = &all[place - 1];
        assert_eq!(copy.content, last.content, "round {round}: another content was moved than the last before");
        assert_eq!((removal.rev, removal.content.is_none()), (last.rev + 1, true), "round {round}");
        let revs: Vec<u32> = all.iter().filter(|r| r.subject.as_str() == "p-001").map(|r| r.rev).collect();
        assert_eq!(revs, (1..=revs.len() as u32).collect::<Vec<_>>(), "round {round}: two took one revision");
    }
}

/// The same for those who say the revision themselves, and ask nobody what is current.
#[test]
fn what_is_sent_meanwhile_is_moved_or_stands_here() {
    for round in 0..10_usize {
        let server = Server::open();
        let post = |server: &Server, rev: usize| {
            let body = format!(
                r#"{{"subject":"p-001","stream":"bg","id":"a1","rev":{rev},"at":"2026-11-20T07:00:00Z","value":{}}}"#,
                60 + rev
            );
            assert_eq!(server.send("POST", "/v1/readings", &[JSON], body).status, 200);
        };
        post(&server, 1);
        let next = std::sync::atomic::AtomicUsize::new(2);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..40).for_each(|_| post(&server, next.fetch_add(1, Ordering::Relaxed))));
            }
            std::thread::sleep(Duration::from_millis(2 + round as u64));
            let reply = server.send("POST", MOVES, &[JSON], r#"{"to":"p-002","ids":["a1"]}"#);
            assert_eq!(reply.status, 200, "{}", reply.json());
        });
        let all = readings(server);
        let place = all.iter().position(|r| r.subject.as_str() == "p-002").expect("it was moved");
        let last = all[..place].iter().max_by_key(|r| r.revision()).expect("it was there");
        assert_eq!(all[place].content, last.content, "round {round}: another content was moved than the last before");
        assert_eq!((all[place + 1].rev, all[place + 1].content.is_none()), (last.rev + 1, true), "round {round}");
    }
}

/// A caller that hangs up leaves its amendment on the way: who amends next comes behind it all the same.
#[test]
fn who_hangs_up_takes_no_revision_from_the_next() {
    let server = Server::open();
    server.mode.store(SLOW, Ordering::Relaxed);
    let body = r#"{"stream":"bg","at":"2026-11-20T07:00:00Z","value":110}"#;
    let mut gone = server.connect();
    let head = format!(
        "PUT /v1/subjects/p-001/readings/a1 HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    gone.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(150));
    drop(gone);
    std::thread::sleep(Duration::from_millis(50));
    let reply = server.send("PUT", "/v1/subjects/p-001/readings/a1", &[JSON], body.replace("110", "120"));
    assert_eq!((reply.status, reply.json()["rev"].as_u64()), (200, Some(2)), "{}", reply.json());
    assert_eq!(readings(server).iter().map(|r| r.rev).collect::<Vec<_>>(), [1, 2]);
}
