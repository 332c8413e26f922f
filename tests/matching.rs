//! `If-Match`, asked of the real server: who amends what somebody else has amended meanwhile is told so, and changes nothing.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::server::Server;

const READING: &str = "/v1/subjects/p-1/readings/a1";

fn sent(server: &Server, method: &str, path: &str, replaces: Option<u64>, value: u64) -> Answer {
    let tag = replaces.map(|rev| format!("\"{rev}\""));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(tag.as_deref().map(|tag| ("if-match", tag)));
    let body = json!({"stream": "bg", "at": "2026-03-10T08:00:00Z", "value": value}).to_string();
    server.try_send(method, path, &headers, if method == "PUT" { body } else { String::new() }).expect("the server answers")
}

/// That it was kept, as this revision.
#[track_caller]
fn kept(answer: &Answer, status: u16, rev: u64) {
    assert_eq!((answer.status, answer.json()["rev"].as_u64()), (status, Some(rev)), "{}", answer.body);
}

/// That it was refused, since another revision than that one is current.
#[track_caller]
fn refused(answer: &Answer, said: u64, current: u64) {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (412, &json!("rev_is_not_current")), "{problem}");
    assert_eq!((&problem["field"], &problem["value"]), (&json!("if-match"), &json!(said.to_string())), "{problem}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.ends_with(&format!(" {current}")), "{problem}");
    assert!(problem["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{problem}");
}

/// What stands, once all is seen that the journal has.
fn stands(server: &Server) -> Value {
    server.catch_up();
    server.sql("select id, rev, value from bg")
}

#[test]
fn whoever_says_another_revision_than_the_current_one_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    refused(&sent(&server, "PUT", READING, Some(1), 100), 1, 0);
    assert_eq!(stands(&server), json!([]), "there is nothing to replace, so nothing is made");
    kept(&sent(&server, "PUT", READING, None, 110), 201, 1);
    kept(&sent(&server, "PUT", READING, Some(1), 111), 200, 2);
    refused(&sent(&server, "PUT", READING, Some(1), 112), 1, 2);
    refused(&sent(&server, "DELETE", READING, Some(1), 0), 1, 2);
    refused(&sent(&server, "PUT", READING, Some(3), 113), 3, 2);
    assert_eq!(stands(&server), json!([{"id": "a1", "rev": 2, "value": 111.0}]));
    kept(&sent(&server, "DELETE", READING, Some(2), 0), 200, 3);
    assert_eq!(stands(&server), json!([]));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn of_two_who_replace_the_same_revision_exactly_one_does() {
    const ROUNDS: u64 = 20;
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    kept(&sent(&server, "PUT", READING, None, 100), 201, 1);
    for rev in 1..=ROUNDS {
        let (start, values) = (Barrier::new(2), [100 + 2 * rev, 101 + 2 * rev]);
        let answers = std::thread::scope(|scope| {
            let writers = values.map(|value| {
                let (server, start) = (&server, &start);
                scope.spawn(move || {
                    start.wait();
                    sent(server, "PUT", READING, Some(rev), value)
                })
            });
            writers.map(|writer| writer.join().expect("no panic"))
        });
        let winner = answers.iter().position(|answer| answer.status == 200).expect("one of them is taken");
        kept(&answers[winner], 200, rev + 1);
        refused(&answers[1 - winner], rev, rev + 1);
        let value = values[winner] as f64;
        assert_eq!(stands(&server), json!([{"id": "a1", "rev": rev + 1, "value": value}]));
    }
    assert_eq!(server.stop(), Some(0));
}
