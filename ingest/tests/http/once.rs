//! Requests that bear a key: one effect, and one answer, however often they are sent and whatever happens in between.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use vitalog_elog::once::LIFE;
use vitalog_elog::{Input, Subject, Time};
use vitalog_ingest::access::NewToken;
use vitalog_ingest::journal::Journal;

use super::super::access::{Clock, accounts, add_token, scopes, token};
use super::{AWAY, IN_DOUBT, OVERLOADED, Reply, SLOW, Server, TAKES, bg};

const JSON: &str = "application/json";
const A1: &str = "/v1/subjects/p-001/readings/a1";
const PROFILE: &str = "/v1/subjects/p-001/profile";

/// A request but for its key.
#[derive(Clone)]
struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
}

fn request(method: &'static str, path: &str, body: impl Into<String>) -> Request {
    Request { method, path: path.to_owned(), headers: vec![("content-type", JSON)], body: body.into() }
}

fn one(value: &str) -> String {
    format!("{{\"stream\":\"bg\",\"at\":\"2026-11-20T07:00:00Z\",\"value\":{value}}}")
}

/// What each door has to say, one after the other: what comes later hangs on what came before.
fn requests() -> Vec<Request> {
    let other = |minute, value: &str| bg(minute, value).replace("p-001", "p-002");
    let mixed = format!("[{},{},{},{},{{\"a\":1}}]", bg(1, "6.1"), other(2, "0.1"), bg(1, "6.1"), other(3, "6.4"));
    vec![
        // Offsets 0 to 4: taken, refused, twice, taken, and refused of nobody.
        request("POST", "/v1/readings", mixed),
        request("POST", "/v1/readings?receipts=summary", format!("[{},{}]", bg(4, "6.1"), bg(5, "0.1"))),
        request("POST", "/v1/readings", bg(6, "0.1")),
        request("POST", "/v1/readings", "nonsense"),
        request("PUT", A1, one("110")),
        request("PUT", A1, one("120")),
        Request { headers: vec![("content-type", JSON), ("if-match", "\"2\"")], ..request("PUT", A1, one("121")) },
        request("PUT", A1, one("\"0.1 mmol/L\"")),
        request("PUT", A1, "{"),
        request("DELETE", A1, ""),
        request("PUT", PROFILE, "{\"bg_low\":\"4.0 mmol/L\",\"units\":\"mmol_l\"}"),
        request("POST", "/v1/dead-letters/1/replay", other(2, "6.2")),
        request("POST", "/v1/dead-letters/4/replay", ""),
        request("POST", "/v1/dead-letters/replay", "{\"limit\":2}"),
        request("POST", "/v1/dead-letters/replay", "{\"code\":\"none\"}"),
    ]
}

fn send(server: &Server, request: &Request, key: &str) -> Reply {
    let mut headers = request.headers.clone();
    headers.push(("idempotency-key", key));
    server.send(request.method, &request.path, &headers, &request.body)
}

/// All of an answer that a caller may go by.
fn said(reply: &Reply) -> (u16, String, String, String) {
    let header = |name| reply.header(name).to_owned();
    (reply.status, header("vitalog-position"), header("content-type"), String::from_utf8_lossy(&reply.body).into_owned())
}

#[track_caller]
fn assert_again(first: &Reply, again: &Reply, what: &str) {
    assert_eq!(said(again), said(first), "{what}");
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"), "{what}");
}

#[test]
fn every_door_answers_a_repeat_as_it_answered_first_and_does_nothing() {
    let (server, plain) = (Server::open(), Server::open());
    let (mut first, mut statuses) = (Vec::new(), Vec::new());
    for (n, request) in requests().iter().enumerate() {
        let key = format!("\"key-{n}\"");
        let answer = send(&server, request, &key);
        assert_again(&answer, &send(&server, request, &key), &format!("request {n}, at once"));
        // What a key adds is one input, or more; all else is what comes without one.
        let without = plain.send(request.method, &request.path, &request.headers, &request.body);
        assert_eq!(without.status, answer.status, "request {n}: {:?}", said(&without));
        statuses.push(answer.status);
        first.push((request.clone(), key, answer));
    }
    assert_eq!(statuses, [200, 200, 422, 400, 201, 200, 200, 422, 422, 200, 200, 200, 422, 200, 200]);
    let server = server.again(|_| {});
    for (n, (request, key, answer)) in first.iter().enumerate() {
        assert_again(answer, &send(&server, request, key), &format!("request {n}, after another start"));
        // Without quotes it is the same key.
        assert_again(answer, &send(&server, request, key.trim_matches('"')), &format!("request {n}, without quotes"));
    }
    let (journaled, plain) = (server.journaled(), plain.journaled());
    let rest: Vec<&Input> = journaled.iter().filter(|input| !matches!(input, Input::Once(_))).collect();
    assert_eq!(rest.len(), plain.len());
    let whole = journaled.iter().filter(|input| matches!(input, Input::Once(once) if once.request.is_some())).count();
    assert_eq!(whole, first.len());
    // Of the first, what is said of the one who was refused stands under her own key.
    let parts: Vec<_> = journaled.iter().filter_map(|i| if let Input::Once(o) = i { Some(o) } else { None }).take(2).collect();
    assert_eq!((parts[0].subject.as_ref(), parts[0].request.is_none()), (Some(&Subject::new("p-002")), true));
    assert_eq!((parts[1].subject.as_ref(), parts[1].request.as_ref().map(|r| r.inputs)), (None, Some(6)));
    let (part, whole) = (String::from_utf8_lossy(&parts[0].answer), String::from_utf8_lossy(&parts[1].answer));
    assert!(part.contains("0.1 mmol/L") && !whole.contains("0.1") && !whole.contains("p-00"), "{part} {whole}");
}

#[test]
fn a_key_stands_for_one_request_of_one_caller() {
    let accounts = accounts(&Clock::default());
    let tokens = ["ann", "bob"].map(|id| format!("Bearer {}", token(&accounts, id, "write")));
    let server = Server::guarded(&accounts);
    let send = |token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let all = [&[("authorization", token), ("idempotency-key", "k"), ("content-type", JSON)], headers].concat();
        server.send(method, path, &all, body)
    };
    let first = send(&tokens[0], "PUT", A1, &[], &one("110"));
    assert_eq!(first.status, 201);
    for (method, path, headers, body) in [
        ("PUT", A1, vec![], one("111")),
        ("PUT", A1, vec![("if-match", "\"1\"")], one("110")),
        ("PUT", "/v1/subjects/p-001/readings/a1?rev=2", vec![], one("110")),
        ("PUT", "/v1/subjects/p-001/readings/a2", vec![], one("110")),
        ("PUT", "/v1/subjects/p-002/readings/a1", vec![], one("110")),
        ("DELETE", A1, vec![], String::new()),
        ("POST", "/v1/readings", vec![], one("110")),
        ("POST", "/v1/readings", vec![], bg(1, "6.1")),
    ] {
        let problem = send(&tokens[0], method, path, &headers, &body).assert_problem(422, "idempotency_key_reused");
        assert!(!problem.to_string().contains("\"k\""), "the key is not told: {problem}");
    }
    assert_again(&first, &send(&tokens[0], "PUT", A1, &[], &one("110")), "the first");
    // Another caller's key is another.
    let other = send(&tokens[1], "PUT", A1, &[], &one("111"));
    assert_eq!((other.status, other.json()["rev"].as_u64(), other.header("idempotency-replayed")), (200, Some(2), ""));
    assert_eq!(server.journaled().len(), 4, "two readings, and what was said of them");
}

#[test]
fn who_may_not_write_any_more_is_told_nothing() {
    let clock = Clock::default();
    let accounts = accounts(&clock);
    let server = Server::guarded(&accounts);
    let held = |words: &str| {
        let scopes = scopes(words);
        // Revoked or not there yet.
        let _ = accounts.change(|store| store.revoke_token("pump"));
        add_token(
            &accounts,
            &NewToken {
                id: "pump",
                account: None,
                scopes: &scopes,
                expires: None,
                rate: None,
                readings_per_day: None,
                tenant: None,
            },
        )
        .expect("made")
    };
    let send = |token: &str, method: &str, path: &str, body: &str| {
        let auth = format!("Bearer {token}");
        server.send(method, path, &[("authorization", &auth), ("idempotency-key", path), ("content-type", JSON)], body)
    };
    let both = format!("[{},{}]", bg(1, "6.1"), bg(1, "6.1").replace("p-001", "p-002"));
    let asked = [("POST", "/v1/readings", both.as_str()), ("PUT", A1, &one("110")), ("PUT", PROFILE, "{\"bg_low\":70}")];
    let wide = held("write");
    let before = asked.map(|(method, path, body)| send(&wide, method, path, body));
    assert!(before.iter().all(|reply| reply.status < 300), "{:?}", before.each_ref().map(said));

    let narrow = held("write@p-002");
    let part = send(&narrow, "POST", "/v1/readings", &both);
    let json = part.json();
    assert_eq!((part.status, part.header("idempotency-replayed")), (200, "true"));
    assert_eq!((json["receipts"][0]["code"].as_str(), &json["receipts"][0]["offset"]), (Some("not_permitted"), &().into()));
    assert_eq!(json["receipts"][1], before[0].json()["receipts"][1]);
    for (method, path, body) in &asked[1..] {
        send(&narrow, method, path, body).assert_problem(403, "not_permitted");
    }
    let none = held("read");
    for (method, path, body) in asked {
        send(&none, method, path, body).assert_problem(403, "not_permitted");
    }
    let wide = held("write");
    for ((method, path, body), first) in asked.iter().zip(&before) {
        assert_again(first, &send(&wide, method, path, body), "who may again");
    }
}

#[test]
fn what_was_denied_stays_denied_under_its_key() {
    let accounts = accounts(&Clock::default());
    let server = Server::guarded(&accounts);
    let mint = |words: &str| {
        let _ = accounts.change(|store| store.revoke_token("pump"));
        token(&accounts, "pump", words)
    };
    let both = format!("[{},{}]", bg(1, "6.1").replace("p-001", "p-002"), bg(1, "6.1"));
    let send = |token: &str| {
        let auth = format!("Bearer {token}");
        server.send("POST", "/v1/readings", &[("authorization", &auth), ("idempotency-key", "k"), ("content-type", JSON)], &both)
    };
    let first = send(&mint("write@p-001"));
    assert_eq!((first.json()["accepted"].as_u64(), first.json()["rejected"].as_u64()), (Some(1), Some(1)));
    assert_again(&first, &send(&mint("write")), "more is permitted now");
    assert_eq!(server.journaled().len(), 2);
}

#[test]
fn a_key_that_is_none_is_refused() {
    let server = Server::open();
    for bad in ["", "\"\"", "a b", "\"a", "a\\b", &"k".repeat(256)] {
        for request in requests() {
            send(&server, &request, bad).assert_problem(400, "bad_idempotency_key");
        }
    }
    let twice = [("content-type", JSON), ("idempotency-key", "a"), ("idempotency-key", "b")];
    server.send("POST", "/v1/readings", &twice, bg(1, "6.1")).assert_problem(400, "bad_idempotency_key");
    assert_eq!(server.journaled(), []);
}

#[test]
fn what_leaves_nothing_behind_leaves_its_key_free() {
    let server = Server::open();
    let put = |headers: &[(&str, &str)], body: &str| {
        server.send("PUT", A1, &[&[("content-type", JSON), ("idempotency-key", "k")], headers].concat(), body)
    };
    server.send("DELETE", A1, &[("idempotency-key", "k")], "").assert_problem(404, "no_such_reading");
    put(&[("if-match", "\"7\"")], &one("110")).assert_problem(412, "rev_is_not_current");
    put(&[], &one("110,\"id\":\"a2\"")).assert_problem(422, "contradiction");
    server.mode.store(OVERLOADED, Ordering::Relaxed);
    put(&[], &one("110")).assert_problem(503, "overloaded");
    server.mode.store(TAKES, Ordering::Relaxed);
    let first = put(&[], &one("111"));
    assert_eq!(first.status, 201);
    assert_again(&first, &put(&[], &one("111")), "then it is kept");
    assert_eq!(server.journaled().len(), 2);
}

#[test]
fn sixty_four_at_once_have_one_effect() {
    let server = Server::open();
    server.mode.store(SLOW, Ordering::Relaxed);
    let body = format!("[{},{},{}]", bg(1, "6.1"), bg(2, "0.1"), bg(1, "6.1"));
    let asked = request("POST", "/v1/readings", body);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..64).map(|_| scope.spawn(|| send(&server, &asked, "k"))).collect();
        sent.into_iter().map(|sent| sent.join().expect("no panic")).collect()
    });
    let (done, refused): (Vec<&Reply>, Vec<&Reply>) = replies.iter().partition(|reply| reply.status == 200);
    assert!(!done.is_empty() && refused.len() > 32, "{} were done", done.len());
    for reply in refused {
        reply.assert_problem(409, "request_under_way");
        assert_eq!(reply.header("retry-after"), "1");
    }
    // Meanwhile the key stands for no other request either.
    let first = done.iter().find(|reply| reply.header("idempotency-replayed").is_empty()).expect("one came first");
    assert_again(first, &send(&server, &asked, "k"), "when it is over");
    assert_eq!(server.journaled().len(), 4, "one effect");
}

#[test]
fn while_a_request_is_under_way_its_key_stands_for_no_other() {
    let server = Server::open();
    server.mode.store(SLOW, Ordering::Relaxed);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| send(&server, &request("PUT", A1, one("110")), "k"));
        std::thread::sleep(Duration::from_millis(150));
        send(&server, &request("PUT", A1, one("111")), "k").assert_problem(422, "idempotency_key_reused");
        assert_eq!(first.join().expect("no panic").status, 201);
    });
}

#[test]
fn who_hangs_up_finds_the_answer_there() {
    let server = Server::open();
    server.mode.store(SLOW, Ordering::Relaxed);
    let body = one("110");
    let mut gone = server.connect();
    let head = format!(
        "PUT {A1} HTTP/1.1\r\nhost: {}\r\ncontent-type: {JSON}\r\nidempotency-key: k\r\ncontent-length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    gone.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(150));
    drop(gone);
    let asked = request("PUT", A1, body);
    let reply = (0..100).find_map(|_| {
        let reply = send(&server, &asked, "k");
        std::thread::sleep(Duration::from_millis(20));
        (reply.status != 409).then_some(reply)
    });
    let reply = reply.expect("it is over some time");
    assert_eq!((reply.status, reply.json()["rev"].as_u64(), reply.header("idempotency-replayed")), (201, Some(1), "true"));
    assert_eq!(server.journaled().len(), 2);
}

#[test]
fn what_is_in_doubt_is_found_out_before_it_is_done_again() {
    let server = Server::open();
    let (kept, lost) = (request("PUT", A1, one("110")), request("PUT", PROFILE, "{\"bg_low\":70}"));
    server.mode.store(IN_DOUBT, Ordering::Relaxed);
    send(&server, &kept, "kept").assert_problem(503, "journal_away");
    server.mode.store(AWAY, Ordering::Relaxed);
    send(&server, &lost, "lost").assert_problem(503, "journal_away");
    // Still away: nothing can be told of either.
    send(&server, &kept, "kept").assert_problem(503, "journal_away");
    server.mode.store(TAKES, Ordering::Relaxed);
    let found = send(&server, &kept, "kept");
    assert_eq!((found.status, found.header("idempotency-replayed")), (201, "true"));
    let done = send(&server, &lost, "lost");
    assert_eq!((done.status, done.header("idempotency-replayed")), (200, ""));
    assert_eq!(server.journaled().len(), 4);
}

#[test]
fn a_key_has_its_time_and_may_then_be_used_anew() {
    let server = Server::open();
    let (first, other) = (request("PUT", A1, one("110")), request("PUT", A1, one("111")));
    let answer = send(&server, &first, "k");
    server.ahead.store(LIFE.0 - 1, Ordering::Relaxed);
    assert_again(&answer, &send(&server, &first, "k"), "to the end of its time");
    send(&server, &other, "k").assert_problem(422, "idempotency_key_reused");
    server.ahead.store(LIFE.0, Ordering::Relaxed);
    let anew = send(&server, &other, "k");
    assert_eq!((anew.status, anew.json()["rev"].as_u64(), anew.header("idempotency-replayed")), (200, Some(2), ""));
    assert_again(&anew, &send(&server, &other, "k"), "under the same key");
    send(&server, &first, "k").assert_problem(422, "idempotency_key_reused");
    assert_eq!(server.journaled().len(), 4);
}

fn erase(dir: &Path, subject: &str) {
    let mut journal = Journal::open(&dir.join("journal.db")).expect("opened");
    journal.erase(&Subject::new(subject), Time(0), b"").expect("erased");
}

#[test]
fn of_who_was_erased_nothing_is_told_again() {
    let server = Server::open();
    let about = |subject: &str, value: &str| bg(1, value).replace("p-001", subject);
    let named = about("p-002", "6.1").replace('{', "{\"id\":\"a-name-of-hers\",");
    let bad = about("p-002", "0.123");
    let both = request("POST", "/v1/readings", format!("[{named},{bad},{},{}]", about("p-001", "6.1"), about("p-001", "0.2")));
    let own = request("PUT", "/v1/subjects/p-002/readings/a1", one("110"));
    let before = send(&server, &both, "both");
    let shown = String::from_utf8_lossy(&before.body).into_owned();
    assert!(shown.contains("a-name-of-hers") && shown.contains("0.123"), "{shown}");
    assert_eq!(send(&server, &own, "own").status, 201);

    let server = server.again(|dir| erase(dir, "p-002"));
    let after = send(&server, &both, "both");
    let (json, was) = (after.json(), before.json());
    assert_eq!((after.status, after.header("idempotency-replayed")), (200, "true"));
    assert_eq!((&json["receipts"][2], &json["receipts"][3]), (&was["receipts"][2], &was["receipts"][3]), "of the other, all");
    for gone in [0, 1] {
        let receipt = &json["receipts"][gone];
        assert_eq!((receipt["status"].as_str(), receipt["code"].as_str()), (Some("rejected"), Some("erased")), "{receipt}");
    }
    let shown = String::from_utf8_lossy(&after.body).into_owned();
    assert!(!shown.contains("a-name-of-hers") && !shown.contains("0.123"), "{shown}");
    // What was hers alone is not known any more: who comes back is new.
    let again = send(&server, &own, "own");
    assert_eq!((again.status, again.json()["rev"].as_u64(), again.header("idempotency-replayed")), (201, Some(1), ""));
}

#[test]
fn no_key_is_kept_as_it_was_sent() {
    let server = Server::open();
    let key = "8e03978e-40d5-43e8-bc93-6894a57f9324";
    for request in requests() {
        send(&server, &request, key);
    }
    let server = server.again(|dir| {
        for file in std::fs::read_dir(dir).expect("a folder") {
            let path = file.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("readable");
            assert!(!bytes.windows(8).any(|part| part == &key.as_bytes()[..8]), "{}", path.display());
        }
    });
    assert!(!format!("{:?}", server.journaled()).contains("8e03978e"), "nor under a seal");
}

/// What happens to a request of the list.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// The next that was not sent yet.
    Next,
    /// The next, and its answer is lost though it is kept.
    Lost,
    /// The next, and it is lost itself.
    Away,
    /// One that was sent before.
    Repeat(usize),
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Next),
        2 => Just(Deed::Lost),
        1 => Just(Deed::Away),
        4 => (0..64_usize).prop_map(Deed::Repeat),
        1 => Just(Deed::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Journal and answers are those of the same requests, each sent once and answered.
    #[test]
    fn any_order_of_requests_repeats_and_restarts_is_the_requests_once(deeds in proptest::collection::vec(deed(), 4..28)) {
        let (requests, mut server, plain) = (requests(), Server::open(), Server::open());
        let mut expected: Vec<Reply> = Vec::new();
        for deed in deeds {
            let next = expected.len();
            let sent = |server: &Server, mode: u8| {
                server.mode.store(mode, Ordering::Relaxed);
                let reply = send(server, &requests[next], &format!("k{next}"));
                server.mode.store(TAKES, Ordering::Relaxed);
                reply
            };
            match deed {
                Deed::Restart => server = server.again(|_| {}),
                Deed::Repeat(which) if next > 0 => {
                    let which = which % next;
                    assert_again(&expected[which], &send(&server, &requests[which], &format!("k{which}")), "a repeat");
                }
                Deed::Next | Deed::Lost | Deed::Away if next < requests.len() => {
                    let first = send(&plain, &requests[next], &format!("k{next}"));
                    if let Deed::Lost = deed {
                        // What is in doubt is found out as long as it can be; else whoever amends is told to come again, and nothing is kept.
                        send(&server, &request("DELETE", "/v1/subjects/p-001/readings/nowhere", ""), &format!("s{next}")).assert_problem(404, "no_such_reading");
                        sent(&server, IN_DOUBT).assert_problem(503, "journal_away");
                    } else {
                        if let Deed::Away = deed {
                            sent(&server, AWAY).assert_problem(503, "journal_away");
                        }
                        assert_eq!(said(&sent(&server, TAKES)), said(&first), "{next}");
                    }
                    expected.push(first);
                }
                _ => {}
            }
        }
        for (which, first) in expected.iter().enumerate() {
            assert_again(first, &send(&server, &requests[which], &format!("k{which}")), "in the end");
        }
        let (journaled, expected) = (server.journaled(), plain.journaled());
        let differs = journaled.iter().zip(&expected).find(|(a, b)| a != b);
        prop_assert!(journaled == expected, "{} inputs, and {} expected: {differs:?}", journaled.len(), expected.len());
    }
}
