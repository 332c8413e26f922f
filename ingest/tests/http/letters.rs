//! Dead letters, tried again: what became of each is journaled with it, and one letter becomes one reading.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use vitalog_elog::input::{Mending, MendingOutcome};
use vitalog_elog::{Input, Subject};

use super::super::access::{Clock, accounts, token};
use super::{Reply, SLOW, Server, bg};

const JSON: (&str, &str) = ("content-type", "application/json");

fn replay(server: &Server, offset: u64, body: &str) -> Reply {
    server.send("POST", &format!("/v1/dead-letters/{offset}/replay"), &[JSON], body)
}

fn many(server: &Server, body: &str) -> Reply {
    server.send("POST", "/v1/dead-letters/replay", &[JSON], body)
}

fn mendings(inputs: &[Input]) -> Vec<(u64, &Mending)> {
    (0..).zip(inputs).filter_map(|(offset, input)| if let Input::Mending(m) = input { Some((offset, m)) } else { None }).collect()
}

#[test]
fn a_mended_letter_becomes_one_reading() {
    let server = Server::open();
    server.post("application/json", bg(1, "0.1"));
    // As it came it is refused again, which is journaled: its offset is 1.
    let again = replay(&server, 0, "");
    again.assert_problem(422, "out_of_range");
    assert_eq!(again.header("vitalog-position"), "2");
    let taken = replay(&server, 0, &bg(1, "6.1"));
    assert_eq!((taken.status, taken.header("vitalog-position")), (200, "4"));
    let receipt = taken.json();
    assert_eq!((receipt["status"].as_str(), receipt["offset"].as_u64()), (Some("accepted"), Some(2)));
    let twice = replay(&server, 0, &bg(1, "6.2"));
    let problem = twice.assert_problem(409, "already_mended");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("offset 2")), "{problem}");
    replay(&server, 0, "").assert_problem(409, "already_mended");
    for offset in ["7", "1", "2", "-1", "x", "18446744073709551616"] {
        let reply = server.send("POST", &format!("/v1/dead-letters/{offset}/replay"), &[JSON], "");
        reply.assert_problem(404, "unknown_letter");
    }
    let journaled = server.journaled();
    assert_eq!(journaled.len(), 4);
    let told = mendings(&journaled);
    let Input::Reading(reading) = &journaled[2] else { panic!("{:?}", journaled[2]) };
    let outcome = MendingOutcome::Taken { name: receipt["id"].as_str().expect("a name").into(), rev: 1 };
    assert_eq!(reading.id.to_string(), receipt["id"].as_str().expect("a name"));
    let mending =
        |mended, outcome| Mending { letter: 0, subject: Some(Subject::new("p-001")), by: "local".into(), mended, outcome };
    assert_eq!(told[1], (3, &mending(true, outcome)));
    assert!(
        matches!(&told[0], (1, m) if !m.mended && matches!(&m.outcome, MendingOutcome::Refused { code, .. } if &**code == "out_of_range"))
    );
}

#[test]
fn a_letter_stands_for_one_reading_in_any_form() {
    let server = Server::open();
    // Offsets 0 to 3: rows of a table, nonsense, and an amendment whose subject and id stand in its path.
    server.post("text/csv", "subject,stream,at,value\np-001,bg,2026-11-20T07:01:00Z,0.1 mmol/L\n,bg,2026-11-20T07:02:00Z,110\n");
    server.post("application/json", "nonsense");
    server.send(
        "PUT",
        "/v1/subjects/p-001/readings/a1",
        &[JSON],
        r#"{"stream":"bg","at":"2026-11-20T07:03:00Z","value":"0.1 mmol/L"}"#,
    );
    replay(&server, 0, "").assert_problem(422, "out_of_range");
    replay(&server, 1, "").assert_problem(422, "missing");
    replay(&server, 2, "").assert_problem(422, "malformed_json");
    replay(&server, 3, "").assert_problem(422, "out_of_range");
    replay(&server, 2, "[]").assert_problem(422, "empty_body");
    replay(&server, 2, &format!("[{},{}]", bg(1, "6.1"), bg(2, "6.1"))).assert_problem(422, "one_reading");
    server
        .send("POST", "/v1/dead-letters/2/replay", &[("content-type", "text/html")], "x")
        .assert_problem(415, "unsupported_media_type");
    let csv = "subject,stream,at,value\np-001,bg,2026-11-20T07:01:00Z,6.1 mmol/L\n";
    assert_eq!(server.send("POST", "/v1/dead-letters/0/replay", &[("content-type", "text/csv")], csv).status, 200);
    assert_eq!(replay(&server, 2, &format!("[{}]", bg(2, "6.1"))).status, 200);
    let journaled = server.journaled();
    let Input::DeadLetter(row) = &journaled[0] else { panic!("{:?}", journaled[0]) };
    assert_eq!(&*row.raw, b"subject,stream,at,value\np-001,bg,2026-11-20T07:01:00Z,0.1 mmol/L");
    let Input::DeadLetter(amendment) = &journaled[3] else { panic!("{:?}", journaled[3]) };
    let whole = br#"{"subject":"p-001","stream":"bg","at":"2026-11-20T07:03:00Z","id":"a1","rev":1,"value":"0.1 mmol/L"}"#;
    assert_eq!(std::str::from_utf8(&amendment.raw), std::str::from_utf8(whole));
}

#[test]
fn in_bulk_each_is_counted_and_none_is_tried_twice() {
    let server = Server::open();
    // The clock and the declarations of this server stand still, so what was refused is refused again.
    let dead = |n: u32| bg(n, "0.1");
    server.post("application/x-ndjson", format!("{}\n{}\n{}\n", dead(1), dead(2), bg(3, "6.1").replace("bg\"", "bgg\"")));
    let sum = many(&server, r#"{"code":"out_of_range","limit":1}"#).json();
    assert_eq!((&sum["tried"], &sum["rejected"], &sum["next"]), (&1.into(), &1.into(), &0.into()), "{sum}");
    let rest = many(&server, r#"{"code":"out_of_range","limit":1,"after":0}"#).json();
    assert_eq!((&rest["tried"], &rest["rejected"], rest["next"].is_null()), (&1.into(), &1.into(), true), "{rest}");
    assert_eq!(replay(&server, 2, &bg(3, "6.1")).status, 200);
    let all = many(&server, "").json();
    assert_eq!((&all["tried"], &all["accepted"]), (&2.into(), &0.into()), "what has become a reading is left alone: {all}");
    assert_eq!(all["position"], 3 + 1 + 1 + 2 + 2);
    assert_eq!(many(&server, r#"{"sender":"nobody"}"#).json()["tried"], 0);
    for (body, code) in [
        (r#"{"cod":"x"}"#, "bad_query"),
        ("[]", "bad_query"),
        (r#"{"limit":0}"#, "out_of_range"),
        (r#"{"limit":1001}"#, "out_of_range"),
        (r#"{"from":"yesterday"}"#, "malformed_time"),
        (r#"{"subject":"../etc"}"#, "bad_subject"),
    ] {
        many(&server, body).assert_problem(400, code);
    }
}

#[test]
fn who_replays_needs_to_operate_and_to_write_the_subject() {
    let known = accounts(&Clock::default());
    let [device, operator, clerk] = [("pump", "write"), ("op", "operate,write@p-002"), ("clerk", "write,read,list,query")]
        .map(|(id, scopes)| token(&known, id, scopes));
    let server = Server::guarded(&known);
    let send = |who: &str, path: &str, body: &str| {
        let bearer = format!("Bearer {who}");
        server.send("POST", path, &[JSON, ("authorization", &bearer)], body)
    };
    let other = |text: String| text.replace("p-001", "p-002");
    send(&device, "/v1/readings", &format!("[{},{}]", bg(1, "0.1"), other(bg(2, "0.1"))));
    for path in ["/v1/dead-letters/0/replay", "/v1/dead-letters/replay"] {
        send(&clerk, path, "").assert_problem(403, "not_permitted");
    }
    send(&operator, "/v1/dead-letters/0/replay", "").assert_problem(403, "not_permitted");
    send(&operator, "/v1/dead-letters/0/replay", &bg(1, "6.1")).assert_problem(403, "not_permitted");
    let sum = send(&operator, "/v1/dead-letters/replay", "").json();
    assert_eq!((&sum["tried"], &sum["rejected"], &sum["denied"]), (&2.into(), &1.into(), &1.into()), "{sum}");
    assert_eq!(send(&operator, "/v1/dead-letters/1/replay", &other(bg(2, "6.1"))).status, 200);
    let journaled = server.journaled();
    assert_eq!(journaled.len(), 2 + 1 + 2, "what is denied leaves nothing behind");
    assert!(mendings(&journaled).iter().all(|(_, m)| m.letter == 1 && &*m.by == "op"));
}

#[test]
fn replays_at_the_same_time_make_one_reading() {
    let server = Server::open();
    server.post("application/json", bg(1, "0.1"));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let server = &server;
        let replays: Vec<_> = (0..8).map(|i| scope.spawn(move || replay(server, 0, &bg(i, "6.1")).status)).collect();
        replays.into_iter().map(|r| r.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|s| matches!(s, 200 | 409)), "{statuses:?}");
    assert_eq!(server.journaled().len(), 3);
}

#[test]
fn who_hangs_up_does_not_open_the_door_to_a_second_reading() {
    let server = Server::open();
    server.post("application/json", bg(1, "0.1"));
    server.mode.store(SLOW, Ordering::Relaxed);
    let body = bg(1, "6.1");
    let head = format!(
        "POST /v1/dead-letters/0/replay HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        server.address,
        body.len()
    );
    let mut gone = server.connect();
    gone.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    // It is on its way to the journal when its caller goes.
    std::thread::sleep(Duration::from_millis(150));
    drop(gone);
    replay(&server, 0, &bg(2, "6.2")).assert_problem(409, "already_mended");
    assert_eq!(server.journaled().len(), 3);
}
