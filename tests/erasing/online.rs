//! Erasing while a server runs: it takes the erasure on, is away for a moment, and goes on as if the subject had never been; what is sent meanwhile waits, and what was taken on is made after a crash, too.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitalog_elog::{Subject, Time};
use vitalog_ingest::access;

use super::{GONE, KEPT, before, copy, known, naming, start};
use crate::access::{ask as as_somebody, audit, serve, told};
use crate::support::http::Answer;
use crate::support::server::{Server, run, vitalog};
use crate::support::story::ndjson;

fn nothing() -> [Value; 5] {
    std::array::from_fn(|_| json!([]))
}

fn ask(server: &Server, body: &str) -> Answer {
    let json = [("content-type", "application/json")];
    server.try_send("POST", "/v1/erasures", &json, body).expect("the server answers")
}

fn wanted(subjects: &[&str]) -> String {
    json!({ "subjects": subjects }).to_string()
}

/// What came of an erasure, once something did.
fn outcome(server: &Server, number: i64) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let told = server.get(&format!("/v1/erasures/{number}")).ok().json();
        if told["state"] != "waiting" || Instant::now() > until {
            return told;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// As a server takes it on that ends before it has begun.
fn taken_on(data: &Path, subjects: &[&str]) -> i64 {
    let subjects: Vec<Subject> = subjects.iter().map(|name| Subject::new(name)).collect();
    let mut store = access::open(data, Time(0)).expect("opened");
    store.ask_erasure(&subjects, "local", Time(0)).expect("taken on")
}

/// Reads until it is over, with a pause of so many milliseconds between two; how often it was answered, and how often not.
fn read(server: &Server, over: &AtomicBool, pause: u64) -> (u32, u32) {
    let (mut answered, mut refused) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        let answer = server.try_send("GET", "/v1/rules/versions", &[], "");
        *(if answer.is_some_and(|answer| answer.status == 200) { &mut answered } else { &mut refused }) += 1;
        std::thread::sleep(Duration::from_millis(pause));
    }
    (answered, refused)
}

fn sent(server: &Server, from: i64, to: i64) {
    let one = |n| json!({"subject": KEPT[0], "stream": "carbs", "at": format!("2026-04-02T{:02}:{:02}:00Z", n / 60 % 24, n % 60), "amount": 10 + n % 50, "id": format!("s{n}")});
    server.readings(&ndjson(&(from..to).map(one).collect::<Vec<_>>())).ok();
}

#[test]
fn a_running_server_erases_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (kept, messages) = before(&data);
    let server = start(&data);
    let over = AtomicBool::new(false);
    let (kept_in, refused) = std::thread::scope(|scope| {
        let (server, over) = (&server, &over);
        let sender = scope.spawn(move || {
            let (mut count, mut refused) = (0_i64, Vec::new());
            while !over.load(Ordering::Relaxed) {
                let one = json!({"subject": KEPT[1], "stream": "carbs", "at": "2026-04-02T00:00:00Z", "amount": 7, "id": format!("k{count}")});
                match server.try_readings(&ndjson(&[one])) {
                    Some(answer) if answer.status == 200 => count += 1,
                    Some(answer) => refused.push(answer.status.to_string()),
                    None => refused.push("no answer".to_owned()),
                }
            }
            (count, refused)
        });
        // Whoever reads on connections that are kept, in whatever step, is answered, too.
        let readers: Vec<_> = (0..6).map(|pause| scope.spawn(move || read(server, over, pause))).collect();
        // A statement that takes its time does not hold it up for as long.
        let slow = json!({"sql": "select sum(a.value + b.value + c.value) from bg a, bg b, bg c, bg d"}).to_string();
        let slow = scope.spawn(move || server.try_send("POST", "/v1/sql", &[("content-type", "application/json")], slow));
        std::thread::sleep(Duration::from_millis(300));
        let (status, out, err) = run(vitalog().args(["erase", "--subject", GONE, "--format", "json", "--url", &server.url]));
        assert_eq!(status, Some(0), "{err}");
        let told: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!((&told["subjects"], &told["keys"], &told["made_again"]), (&json!([GONE]), &json!(1), &json!([])), "{told}");
        assert!(told["deliveries"].as_u64() > Some(0), "{told}");
        // It goes on for a while, so that there is life afterwards.
        std::thread::sleep(Duration::from_millis(300));
        over.store(true, Ordering::Relaxed);
        for reader in readers {
            let (answered, refused) = reader.join().expect("it reads");
            assert!(answered > 10 && refused == 0, "{answered} were answered, {refused} were not");
        }
        let slow = slow.join().expect("it asked");
        assert!(slow.is_none_or(|answer| answer.status != 200), "the statement was too quick to prove anything");
        sender.join().expect("it sends")
    });
    assert_eq!(refused, Vec::<String>::new(), "whoever sends meanwhile waits, and is not refused");
    assert!(kept_in > 10, "too few to prove anything: {kept_in}");
    assert_eq!(known(&server, GONE), nothing(), "of the one who was erased");
    assert_eq!(known(&server, KEPT[0]), kept[0], "of one who was not");
    let steps = server
        .sql(&format!("select count(*) as n from readings where subject = '{}' and stream = 'carbs' and id like 'k%'", KEPT[1]));
    assert_eq!(steps, json!([{ "n": kept_in }]), "what was acknowledged, once");
    let asked = outcome(&server, 1);
    assert_eq!((&asked["state"], &asked["subjects"], &asked["by"]), (&json!("done"), &json!(1), &json!("local")), "{asked}");
    let (status, _, err) = run(vitalog().args(["erase", "--subject", GONE, "--url", &server.url]));
    assert!(status == Some(1) && err.contains("nothing was ever sent about"), "{err}");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(naming(&data, GONE), Vec::<String>::new(), "files that still name the subject");
    assert_eq!(super::outbox(&data), (messages, 0), "messages about others stay, and none is made anew");
    let (status, out, err) = run(vitalog().args(["audit", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "each stage has what the journal still tells: {out}{err}");
}

#[test]
fn what_was_taken_on_is_made_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (kept, _) = before(&data);
    // As after a crash: the views are behind the outbox, so nobody can say yet which messages are to go.
    let former = dir.path().join("views.db");
    copy(&data.join("views.db"), &former);
    let server = start(&data);
    let low = json!({"subject": GONE, "stream": "bg", "at": "2026-03-02T00:00:00Z", "value": 40, "id": "late"});
    server.readings(&ndjson(&[low])).ok();
    assert_eq!(server.stop(), Some(0));
    copy(&former, &data.join("views.db"));
    let number = taken_on(&data, &[GONE, "p-who-is-erased-already"]);
    assert!(naming(&data, GONE).iter().any(|file| file.contains("access.db")), "whom it is about stands there until then");
    let server = start(&data);
    let told = outcome(&server, number);
    assert_eq!((&told["state"], &told["keys"], &told["subjects"]), (&json!("done"), &json!(1), &json!(2)), "{told}");
    assert_eq!(known(&server, GONE), nothing());
    assert_eq!(known(&server, KEPT[0]), kept[0]);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(naming(&data, GONE), Vec::<String>::new());
}

#[test]
fn asked_to_end_while_it_erases_it_ends_in_order_and_nothing_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for pause in [0, 20, 60, 150, 400] {
        let server = start(&data);
        sent(&server, 0, 500);
        let one = json!({"subject": GONE, "stream": "bg", "at": "2026-04-02T00:00:00Z", "value": 100, "id": "g"});
        server.readings(&ndjson(&[one])).ok();
        let number = ask(&server, &wanted(&[GONE])).json()["number"].as_i64().expect("a number");
        std::thread::sleep(Duration::from_millis(pause));
        assert_eq!(server.stop(), Some(0), "after {pause} ms");
        let server = start(&data);
        assert_eq!(outcome(&server, number)["state"], "done", "after {pause} ms");
        assert_eq!(known(&server, GONE), nothing());
        assert_eq!(server.sql("select count(*) as n from readings where stream = 'carbs'"), json!([{"n": 500}]));
        assert_eq!(server.stop(), Some(0));
    }
}

#[test]
fn who_may_not_be_erased_is_not_and_bad_requests_are_told_what_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data, &[]);
    let of = |subject: &str| json!({"subject": subject, "stream": "bg", "at": "2026-03-01T00:00:00Z", "value": 100, "id": "one"});
    server.readings(&ndjson(&[of(GONE), of(KEPT[0])])).ok();
    let hold = |args: &[&str]| {
        let (status, _, err) = run(vitalog().args(["hold", "--data"]).arg(&data).args(args));
        assert_eq!(status, Some(0), "{err}");
    };
    let too_many: Vec<String> = (0..1_001).map(|n| format!("p{n}")).collect();
    for (body, status, code, words) in [
        (wanted(&[]), 422, "bad_subjects", "has 0 names"),
        (json!({ "subjects": too_many }).to_string(), 422, "bad_subjects", "has 1001 names"),
        (wanted(&["a b"]), 422, "bad_subjects", "\"a b\" is no subject"),
        (wanted(&[KEPT[0], "nobody-77"]), 404, "unknown_subject", "nothing was ever sent about nobody-77"),
        (r#"{"subjects": ["p-1"], "force": true}"#.to_owned(), 422, "bad_body", "force"),
        (r#"{"subject": "p-1"}"#.to_owned(), 422, "bad_body", "subject"),
        ("{".to_owned(), 400, "bad_body", "JSON"),
    ] {
        let answer = ask(&server, &body);
        let problem = answer.json();
        assert_eq!((answer.status, &problem["code"]), (status, &json!(code)), "{body}: {problem}");
        assert!(problem["detail"].as_str().expect("a text").contains(words), "{body}: {problem}");
        assert!(!problem["remedy"].as_str().unwrap_or_default().is_empty(), "{problem}");
    }
    for number in ["7", "abc", "-1", "99999999999999999999"] {
        let answer = server.get(&format!("/v1/erasures/{number}"));
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("unknown_erasure")), "{number}");
    }
    hold(&["add", GONE, "--reason", "order 12/26"]);
    let held = ask(&server, &wanted(&[KEPT[0], GONE]));
    assert_eq!((held.status, &held.json()["code"]), (409, &json!("held")), "{}", held.json());
    assert_eq!(server.sql("select count(*) as n from readings where stream = 'bg'"), json!([{"n": 2}]), "nobody is erased");
    assert_eq!(server.stop(), Some(0));

    // A hold that came in between: the erasure ends, and says why.
    hold(&["release", GONE, "--reason", "closed"]);
    let number = taken_on(&data, &[KEPT[0], GONE]);
    hold(&["add", GONE, "--reason", "order 13/26"]);
    let server = Server::start(&data, &[]);
    let told = outcome(&server, number);
    assert_eq!((&told["state"], told.get("keys")), (&json!("held"), None), "{told}");
    assert_eq!(server.sql("select count(*) as n from readings where stream = 'bg'"), json!([{"n": 2}]));
    assert_eq!(server.stop(), Some(0));
    let store = std::fs::read(data.join("access.db")).expect("read");
    assert!(!store.windows(KEPT[0].len()).any(|w| w == KEPT[0].as_bytes()), "whom it was about is forgotten");
}

#[test]
fn nobody_is_signed_out_and_the_log_says_who_erased_whom() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let root = told(&data, "token", &["add", "root"]);
    let password = told(&data, "user", &["add", "adm", "--roles", "administrator"]);
    let server = serve(&data, &[]);
    let one = json!({"subject": GONE, "stream": "bg", "at": "2026-03-01T00:00:00Z", "value": 100, "id": "one"});
    as_somebody(&server, &root, "POST", "/v1/readings", &json!([one]).to_string()).ok();
    let body = json!({"account": "adm", "password": password}).to_string();
    let signed_in =
        server.try_send("POST", "/v1/session", &[("content-type", "application/json")], body).expect("an answer").ok();
    let cookie = signed_in.headers["set-cookie"].to_str().expect("a text").split(';').next().expect("a cookie").to_owned();
    let who = |server: &Server| server.try_send("GET", "/v1/me", &[("cookie", &cookie)], "").expect("an answer").ok().json();
    assert_eq!(who(&server)["account"], "adm");
    let adm = told(&data, "token", &["add", "adm-1", "--account", "adm"]);
    let asked = as_somebody(&server, &adm, "POST", "/v1/erasures", &wanted(&[GONE]));
    assert_eq!((asked.status, &asked.json()["state"]), (202, &json!("waiting")), "{asked:?}");
    let place = asked.headers["location"].to_str().expect("a text").to_owned();
    let until = Instant::now() + Duration::from_secs(60);
    while as_somebody(&server, &adm, "GET", &place, "").ok().json()["state"] == "waiting" && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let seen = as_somebody(&server, &adm, "GET", &place, "").ok().json();
    assert_eq!((&seen["state"], &seen["by"]), (&json!("done"), &json!("adm")), "{seen}");
    assert_eq!(who(&server)["account"], "adm", "who was signed in is so still");
    assert_eq!(server.stop(), Some(0));
    // The log goes on over the round, unbroken, and whoever asked for it stands in it.
    let (status, about, summary) = audit(&data, &[&format!("--subject={GONE}")]);
    assert_eq!((status, &summary["sound"]), (Some(0), &json!(true)), "{summary}");
    let erased: Vec<&Value> = about.iter().filter(|line| line["entry"]["door"] == "POST /v1/erasures").collect();
    assert!(erased.len() == 1 && erased[0]["entry"]["who"] == "adm", "{about:?}");
}
