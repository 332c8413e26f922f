//! Quotas at the doors: never more is taken than may be, exactly as much is, what is there can be set right all the same, and nothing of what is refused is kept.

use std::collections::BTreeSet;
use std::io::Write;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value as Json, json};
use vitalog_elog::{Input, Subject};
use vitalog_ingest::access::{Accounts, Names, NewToken};

use super::super::fixture::now;
use super::{IN_DOUBT, OVERLOADED, Reply, SLOW, Server, TAKES};
use crate::access::{Clock, accounts, add_token, scopes};

const HOUR: i64 = 3_600_000_000;

fn most(n: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(n)
}

/// A server with a tenant that may send so many readings a day, two programs of it, and one of the house.
struct Scene {
    accounts: Arc<Accounts>,
    server: Server,
    one: String,
    other: String,
    root: String,
}

fn scene(per_day: u32) -> Scene {
    let accounts = accounts(&Clock::default());
    accounts
        .change(|store| {
            store.add_tenant("a", &Names::beginning("p-").expect("a beginning"), None, now())?;
            store.set_tenant_readings("a", most(per_day))
        })
        .expect("made");
    let of =
        |id: &str| add_token(&accounts, &NewToken { tenant: Some("a"), ..NewToken::new(id, &scopes("admin")) }).expect("made");
    let (one, other) = (of("one"), of("other"));
    let root = add_token(&accounts, &NewToken::new("root", &scopes("admin"))).expect("made");
    Scene { server: Server::guarded(&accounts), accounts, one, other, root }
}

impl Scene {
    fn ask(&self, token: &str, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Reply {
        let auth = format!("Bearer {token}");
        let mut headers = vec![("authorization", auth.as_str()), ("content-type", "application/json")];
        headers.extend(more);
        self.server.send(method, path, &headers, body)
    }

    fn post(&self, token: &str, readings: &[String]) -> Reply {
        self.ask(token, "POST", "/v1/readings", &[], &format!("[{}]", readings.join(",")))
    }

    fn put(&self, token: &str, id: &str, value: u32) -> Reply {
        let body = json!({"stream": "bg", "at": "2026-11-20T07:00:00Z", "value": value}).to_string();
        self.ask(token, "PUT", &format!("/v1/subjects/p-001/readings/{id}"), &[], &body)
    }
}

fn reading(id: &str) -> String {
    of("p-001", id)
}

fn of(subject: &str, id: &str) -> String {
    json!({"subject": subject, "stream": "bg", "at": "2026-11-20T07:00:00Z", "value": 110, "id": id}).to_string()
}

fn counts(reply: &Reply) -> [u64; 3] {
    assert_eq!(reply.status, 200, "{}", reply.json());
    ["accepted", "duplicate", "rejected"].map(|what| reply.json()[what].as_u64().expect("a count"))
}

fn kept(server: Server) -> (usize, usize) {
    let inputs = server.journaled();
    let count = |is: fn(&Input) -> bool| inputs.iter().filter(|input| is(input)).count();
    (count(|input| matches!(input, Input::Reading(_))), count(|input| matches!(input, Input::DeadLetter(_))))
}

#[test]
fn the_first_that_fit_are_taken_and_what_is_there_can_be_set_right() {
    let scene = scene(5);
    let reply = scene.post(&scene.one, &["1", "2", "3"].map(reading));
    assert_eq!(counts(&reply), [3, 0, 0]);
    assert_eq!(reply.header("ratelimit-policy"), r#""tenant-readings";q=5;w=86400"#);
    assert_eq!(reply.header("ratelimit"), r#""tenant-readings";r=2;t=57600"#, "it is 08:00");
    // A name that is sent twice is one; what was there spends nothing.
    let reply = scene.post(&scene.other, &["3", "4", "4", "5", "6", "6", "7"].map(reading));
    assert_eq!(counts(&reply), [2, 2, 3]);
    let receipts = reply.json()["receipts"].as_array().expect("receipts").clone();
    let statuses: Vec<&str> = receipts.iter().map(|receipt| receipt["status"].as_str().expect("a status")).collect();
    assert_eq!(statuses, ["duplicate", "accepted", "duplicate", "accepted", "rejected", "rejected", "rejected"]);
    let held = &receipts[4];
    assert_eq!((&held["code"], &held["field"], &held["value"]), (&json!("quota_spent"), &json!("readings_per_day"), &json!("5")));
    assert!(
        held.get("offset").is_none() && held["remedy"].as_str().is_some_and(|text| text.contains("2026-11-21T00:00:00Z")),
        "{held}"
    );
    assert_eq!(reply.header("ratelimit"), r#""tenant-readings";r=0;t=57600"#);
    // Nothing fits: nothing is kept, not what is wrong either.
    let wrong = reading("8").replace("110", "99999");
    for all in [vec![reading("6")], vec![wrong.clone(), reading("6")]] {
        let reply = scene.post(&scene.one, &all);
        let problem = reply.assert_problem(429, "quota_spent");
        assert_eq!((reply.header("retry-after"), &problem["value"]), ("57600", &json!("5")));
        assert_eq!(reply.header("ratelimit"), r#""tenant-readings";r=0;t=57600"#);
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains("your tenant may send 5")), "{problem}");
    }
    scene.put(&scene.one, "new", 100).assert_problem(429, "quota_spent");
    // An answer that was lost, an amendment, a removal, and another after it.
    assert_eq!(counts(&scene.post(&scene.one, &["1", "2"].map(reading))), [0, 2, 0]);
    assert_eq!(scene.put(&scene.one, "1", 120).status, 200);
    assert_eq!(scene.ask(&scene.one, "DELETE", "/v1/subjects/p-001/readings/2", &[], "").status, 200);
    assert_eq!(scene.put(&scene.one, "2", 130).status, 201);
    let removal = json!({"subject": "p-001", "id": "3", "rev": 2, "removed": true}).to_string();
    assert_eq!(counts(&scene.post(&scene.one, &[removal.clone(), reading("6")])), [1, 0, 1]);
    // A name that is only removed is a name.
    scene.post(&scene.one, &[removal.replace("\"3\"", "\"9\"")]).assert_problem(429, "quota_spent");
    let path = "/v1/subjects/p-001/readings/9?rev=2";
    scene.ask(&scene.one, "DELETE", path, &[], "").assert_problem(429, "quota_spent");
    // What can't be read, or is wrong, is kept as a letter as ever; and who has no quota is not held up.
    assert_eq!(scene.post(&scene.one, &[wrong]).status, 422);
    let reply = scene.post(&scene.root, &[reading("6")]);
    assert_eq!((counts(&reply), reply.header("ratelimit")), ([1, 0, 0], ""));
    // 5 new ones and 2 + 2 duplicates; 4 that set right; one of the house.
    assert_eq!(kept(scene.server), (5 + 4 + 4 + 1, 1));
}

#[test]
fn a_quota_is_whole_again_at_midnight_by_the_clock_of_acceptance_and_goes_on_after_a_restart() {
    let mut scene = scene(3);
    let ahead = |scene: &Scene, span: i64| scene.server.ahead.store(span, Ordering::Relaxed);
    assert_eq!(counts(&scene.post(&scene.one, &["1", "2"].map(reading))), [2, 0, 0]);
    scene.server = scene.server.again_guarded(&scene.accounts);
    assert_eq!(counts(&scene.post(&scene.one, &["2", "3", "4"].map(reading))), [1, 1, 1]);
    ahead(&scene, 16 * HOUR - 1);
    let reply = scene.post(&scene.one, &[reading("4")]);
    reply.assert_problem(429, "quota_spent");
    assert_eq!(reply.header("retry-after"), "1", "a microsecond before midnight");
    ahead(&scene, 16 * HOUR);
    assert_eq!(counts(&scene.post(&scene.one, &["3", "4", "5", "6", "7"].map(reading))), [3, 1, 1]);
    scene.server = scene.server.again_guarded(&scene.accounts);
    ahead(&scene, 17 * HOUR);
    scene.post(&scene.one, &[reading("7")]).assert_problem(429, "quota_spent");
    // A clock that is set back: the day of acceptance does not come back.
    ahead(&scene, 15 * HOUR);
    scene.post(&scene.one, &[reading("7")]).assert_problem(429, "quota_spent");
    // What is changed meanwhile holds with the next request.
    scene.accounts.change(|store| store.set_tenant_readings("a", most(4))).expect("set");
    assert_eq!(counts(&scene.post(&scene.one, &["7", "8"].map(reading))), [1, 0, 1]);
    scene.accounts.change(|store| store.set_tenant_readings("a", None)).expect("set");
    let reply = scene.post(&scene.one, &["8", "9"].map(reading));
    assert_eq!((counts(&reply), reply.header("ratelimit")), ([2, 0, 0], ""));
    // What was sent meanwhile counts, too.
    scene.accounts.change(|store| store.set_tenant_readings("a", most(7))).expect("set");
    assert_eq!(counts(&scene.post(&scene.one, &["10", "11"].map(reading))), [1, 0, 1]);
}

#[test]
fn many_at_once_take_exactly_as_much_as_there_is() {
    const MOST: usize = 60;
    let scene = scene(MOST as u32);
    // A token of the tenant's with a quota of its own.
    scene.accounts.change(|store| store.set_token_readings("other", most(20))).expect("set");
    let taken = |token: &str, sender: usize| -> Vec<String> {
        let mut taken = Vec::new();
        for n in 0..12 {
            // Of each two senders both send the same.
            let ids: Vec<String> = (0..3).map(|i| format!("{}-{n}-{i}", sender / 2)).collect();
            let reply = scene.post(token, &ids.iter().map(|id| reading(id)).collect::<Vec<_>>());
            if reply.status == 429 {
                continue;
            }
            let json = reply.json();
            let receipts = json["receipts"].as_array().expect("receipts");
            taken.extend(
                receipts.iter().filter(|r| r["status"] != "rejected").map(|r| r["id"].as_str().expect("a name").to_owned()),
            );
        }
        taken
    };
    let names: BTreeSet<String> = std::thread::scope(|scope| {
        let (taken, tokens) = (&taken, [&*scene.one, &*scene.other]);
        let senders: Vec<_> = (0..8).map(|sender| scope.spawn(move || taken(tokens[sender / 4], sender))).collect();
        senders.into_iter().flat_map(|sender| sender.join().expect("no panic")).collect()
    });
    assert!(names.len() <= MOST, "{}", names.len());
    // Who was refused while others were on their way comes again.
    let more: Vec<String> = (0..MOST).map(|n| reading(&format!("more-{n}"))).collect();
    let reply = scene.post(&scene.one, &more);
    let accepted = if reply.status == 429 { 0 } else { counts(&reply)[0] as usize };
    assert_eq!(names.len() + accepted, MOST);
    scene.post(&scene.other, &[reading("last")]).assert_problem(429, "quota_spent");
    let mut kept: Vec<String> = Vec::new();
    for input in scene.server.journaled() {
        if let Input::Reading(reading) = input {
            kept.push(reading.id.to_string());
        }
    }
    assert_eq!(kept.into_iter().collect::<BTreeSet<String>>().len(), MOST);
}

#[test]
fn what_is_on_its_way_is_not_given_twice() {
    let scene = scene(12);
    assert_eq!(counts(&scene.post(&scene.one, &[reading("0")])), [1, 0, 0]);
    // Each is half a second on its way: all are before the first is kept.
    scene.server.mode.store(SLOW, Ordering::Relaxed);
    let accepted: u64 = std::thread::scope(|scope| {
        let (scene, tokens) = (&scene, [&*scene.one, &*scene.other]);
        let send = move |sender: usize| {
            let all: Vec<String> = (0..5).map(|i| reading(&format!("{sender}-{i}"))).collect();
            let reply = scene.post(tokens[sender % 2], &all);
            if reply.status == 429 { 0 } else { counts(&reply)[0] }
        };
        let senders: Vec<_> = (0..6).map(|sender| scope.spawn(move || send(sender))).collect();
        senders.into_iter().map(|sender| sender.join().expect("no panic")).sum()
    });
    assert_eq!(accepted, 11, "two whole, and one of a third");
    scene.server.mode.store(TAKES, Ordering::Relaxed);
    scene.post(&scene.one, &[reading("last")]).assert_problem(429, "quota_spent");
}

#[test]
fn what_is_in_doubt_or_hung_up_on_counts_and_what_is_not_kept_does_not() {
    let mut scene = scene(6);
    let mode = |scene: &Scene, mode: u8| scene.server.mode.store(mode, Ordering::Relaxed);
    mode(&scene, TAKES);
    assert_eq!(counts(&scene.post(&scene.one, &[reading("1")])), [1, 0, 0]);
    mode(&scene, OVERLOADED);
    scene.post(&scene.one, &["2", "3"].map(reading)).assert_problem(503, "overloaded");
    mode(&scene, IN_DOUBT);
    scene.post(&scene.one, &["4", "5"].map(reading)).assert_problem(503, "journal_away");
    mode(&scene, SLOW);
    let body = reading("6");
    let head = format!(
        "POST /v1/readings HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        scene.server.address,
        scene.one,
        body.len()
    );
    let mut stream = scene.server.connect();
    stream.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(250));
    drop(stream);
    mode(&scene, TAKES);
    // One, two in doubt and one that is on its way leave room for two.
    assert_eq!(counts(&scene.post(&scene.one, &["7", "8", "9"].map(reading))), [2, 0, 1]);
    std::thread::sleep(Duration::from_millis(600));
    scene.post(&scene.one, &[reading("9")]).assert_problem(429, "quota_spent");
    // What was in doubt is known by name, and after a start by number.
    assert_eq!(counts(&scene.post(&scene.one, &["4", "5", "6"].map(reading))), [0, 3, 0]);
    scene.server = scene.server.again_guarded(&scene.accounts);
    scene.post(&scene.one, &[reading("9")]).assert_problem(429, "quota_spent");
}

#[test]
fn what_is_mended_spends_nothing() {
    let mut scene = scene(50);
    scene.accounts.change(|store| store.set_token_readings("root", most(2))).expect("set");
    let root = scene.root.clone();
    let wrong = of("h-1", "1").replace("110", "99999");
    assert_eq!(scene.post(&root, std::slice::from_ref(&wrong)).status, 422);
    assert_eq!(counts(&scene.post(&root, &[of("h-1", "2"), of("h-1", "3"), of("h-1", "4")])), [2, 0, 1]);
    let replayed = scene.ask(&root, "POST", "/v1/dead-letters/0/replay", &[], &of("h-1", "1"));
    assert_eq!(replayed.status, 200, "{}", replayed.json());
    assert_eq!(scene.post(&root, &[wrong.replace("\"1\"", "\"5\"")]).status, 422);
    assert_eq!(scene.ask(&root, "POST", "/v1/dead-letters/replay", &[], "").status, 200);
    let moved = scene.ask(&root, "POST", "/v1/subjects/h-1/moves", &[], r#"{"to":"h-2","ids":["1","2"]}"#);
    assert_eq!((moved.status, &moved.json()["moved"]), (200, &json!(2)));
    let profile = scene.ask(&root, "PUT", "/v1/subjects/h-1/profile", &[], r#"{"bg_low":70}"#);
    assert_eq!(profile.status, 200);
    scene.post(&root, &[of("h-1", "4")]).assert_problem(429, "quota_spent");
    // It is not counted after a start either: of three that may be sent two were.
    scene.server = scene.server.again_guarded(&scene.accounts);
    scene.accounts.change(|store| store.set_token_readings("root", most(3))).expect("set");
    assert_eq!(counts(&scene.post(&root, &[of("h-1", "4"), of("h-1", "6")])), [1, 0, 1]);
}

#[test]
fn a_repeat_under_its_key_is_told_what_did_not_fit() {
    let scene = scene(2);
    let key = |key: &'static str| [("idempotency-key", key)];
    let all = format!("[{}]", ["1", "2", "3"].map(reading).join(","));
    let first = scene.ask(&scene.one, "POST", "/v1/readings", &key("k1"), &all);
    assert_eq!(counts(&first), [2, 0, 1]);
    scene.ask(&scene.one, "POST", "/v1/readings", &key("k2"), &reading("4")).assert_problem(429, "quota_spent");
    scene.server.ahead.store(16 * HOUR, Ordering::Relaxed);
    let again = scene.ask(&scene.one, "POST", "/v1/readings", &key("k1"), &all);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()), "what was said is said again");
    let later = scene.ask(&scene.one, "POST", "/v1/readings", &key("k2"), &reading("4"));
    assert_eq!((counts(&later), later.header("idempotency-replayed")), ([1, 0, 0], ""), "a key that left nothing is free");
}

/// A server with a tenant whose names begin with `p-`, one that may take any, each with so many subjects, and who has the others.
fn crowd(subjects: u32) -> (Scene, String) {
    let scene = scene(1_000_000);
    scene
        .accounts
        .change(|store| {
            store.set_tenant_subjects("a", most(subjects))?;
            store.add_tenant("any", &Names::Any, None, now())?;
            store.set_tenant_subjects("any", most(subjects))?;
            store.add_tenant("b", &Names::beginning("b-").expect("a beginning"), None, now())?;
            store.settle(&[(Subject::new("theirs"), None), (Subject::new("b-1"), Some("b".into()))], now())
        })
        .expect("made");
    let all = scopes("admin");
    let any = NewToken { tenant: Some("any"), ..NewToken::new("any", &all) };
    let any = add_token(&scene.accounts, &any).expect("made");
    (scene, any)
}

#[test]
fn one_subject_more_is_refused_and_tells_nothing_of_others() {
    let (scene, any) = crowd(2);
    assert_eq!(counts(&scene.post(&scene.one, &["p-1", "p-2", "p-3", "p-1"].map(|name| of(name, "1")))), [2, 1, 1]);
    let alone = scene.post(&scene.one, &[of("p-3", "1")]).assert_problem(403, "quota_spent");
    assert_eq!((&alone["field"], &alone["value"]), (&json!("subject"), &json!("p-3")));
    for (method, path) in
        [("PUT", "/v1/subjects/p-3/profile"), ("PUT", "/v1/subjects/p-3/readings/1"), ("DELETE", "/v1/subjects/p-3/readings/1")]
    {
        scene.ask(&scene.one, method, path, &[], r#"{"bg_low":70}"#).assert_problem(403, "quota_spent");
    }
    scene
        .ask(&scene.one, "POST", "/v1/subjects/p-1/moves", &[], r#"{"to":"p-3","ids":["1"]}"#)
        .assert_problem(403, "quota_spent");
    // Whoever writes it.
    scene.post(&scene.root, &[of("p-3", "1")]).assert_problem(403, "quota_spent");
    assert_eq!(counts(&scene.post(&scene.root, &[of("p-3", "1"), of("h-9", "1")])), [1, 0, 1]);
    assert_eq!(scene.post(&scene.root, &[of("p-4", "1").replace("110", "99999"), of("h-9", "1")]).json()["rejected"], 1);
    // One that may take any name: a name that is free, and one that is the house's.
    assert_eq!(counts(&scene.post(&any, &["x-1", "x-2"].map(|name| of(name, "1")))), [2, 0, 0]);
    let told = |name: &str| -> Json {
        let reply = scene.post(&any, &[of("x-1", "1"), of(name, "1")]);
        serde_json::from_str(&reply.json()["receipts"][1].to_string().replace(name, "NAME")).expect("JSON")
    };
    assert_eq!(told("x-3"), told("theirs"));
    assert_eq!(told("x-3")["code"], "quota_spent");
    assert_eq!(told("b-1"), told("b-2"), "names of another's beginning are another's, taken or not");
    let put = |name: &str| {
        let reply = scene.ask(&any, "PUT", &format!("/v1/subjects/{name}/profile"), &[], r#"{"bg_low":70}"#);
        String::from_utf8_lossy(&reply.body).replace(name, "NAME")
    };
    assert_eq!(put("x-3"), put("theirs"));
    // The operator's word.
    scene.accounts.change(|store| store.claim_subjects("a", &[Subject::new("h-1")], now())).expect("claimed");
    scene.accounts.change(|store| store.set_tenant_subjects("a", most(4))).expect("set");
    assert_eq!(counts(&scene.post(&scene.one, &["p-3", "p-4"].map(|name| of(name, "1")))), [1, 0, 1]);
    scene.accounts.change(|store| store.set_tenant_subjects("a", None)).expect("set");
    assert_eq!(counts(&scene.post(&scene.one, &["p-4", "p-5"].map(|name| of(name, "1")))), [2, 0, 0]);
}

#[test]
fn names_that_are_written_at_once_are_never_one_more() {
    let (scene, any) = crowd(10);
    for (token, prefix) in [(&scene.one, "p-"), (&any, "x-")] {
        let write = |sender: usize| {
            let mut taken = Vec::new();
            for n in 0..6 {
                let names: Vec<String> = (0..2).map(|i| format!("{prefix}{sender}-{n}-{i}")).collect();
                let reply = scene.post(token, &names.iter().map(|name| of(name, "1")).collect::<Vec<_>>());
                if reply.status == 200 {
                    let json = reply.json();
                    let receipts = json["receipts"].as_array().expect("receipts").clone();
                    let is_in = |(_, receipt): &(&String, &Json)| receipt["status"] == "accepted";
                    taken.extend(names.iter().zip(&receipts).filter(is_in).map(|(name, _)| name.clone()));
                }
            }
            taken
        };
        let taken: BTreeSet<String> = std::thread::scope(|scope| {
            let write = &write;
            let senders: Vec<_> = (0..6).map(|sender| scope.spawn(move || write(sender))).collect();
            senders.into_iter().flat_map(|sender| sender.join().expect("no panic")).collect()
        });
        assert_eq!(taken.len(), 10, "{taken:?}");
        let tenant = if prefix == "p-" { "a" } else { "any" };
        let owned: BTreeSet<String> = scene.accounts.owners().subjects(tenant).map(ToString::to_string).collect();
        assert_eq!(owned, taken);
    }
    let subjects: BTreeSet<String> = scene
        .server
        .journaled()
        .into_iter()
        .filter_map(|input| if let Input::Reading(r) = input { Some(r.subject.to_string()) } else { None })
        .collect();
    assert_eq!(subjects.len(), 20);
}
