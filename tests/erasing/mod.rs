//! Erasing a subject, from outside: gone from everything that a data directory holds, and nobody else is touched; wherever it was interrupted.

mod online;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use vitalog_dashboards::views::Views;
use vitalog_elog::{MatchId, Subject, Time};
use vitalog_ingest::journal::Journal;

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{ndjson, readings};

const GONE: &str = "erase-me-7731";
const KEPT: [&str; 2] = ["p-kept-1", "p-kept-2"];

/// An endpoint that nobody answers at, so that messages wait.
const WEBHOOKS: &str = r#"{"settle_s": 0, "endpoints": [
    {"name": "nobody", "url": "http://127.0.0.1:9/", "secrets": ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="], "min_severity": "info", "allow_loopback": true}]}"#;

fn start(data: &Path) -> Server {
    let webhooks = data.with_extension("webhooks");
    std::fs::write(&webhooks, WEBHOOKS).expect("written");
    Server::start(data, &["--webhooks", webhooks.to_str().expect("a path"), "--land-every", "1"])
}

fn copy(from: &Path, to: &Path) {
    let (status, _, err) = run(Command::new("cp").arg("-a").arg(from).arg(to));
    assert_eq!(status, Some(0), "{err}");
}

/// Two days of three people, corrections, a low that stands now, a profile, and something refused.
fn lived(data: &Path) {
    let server = start(data);
    let now = (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(1)).to_string();
    for (subject, seed) in [GONE].iter().chain(&KEPT).zip(1..) {
        // So many that the first of them are beyond the engines' horizon.
        let earlier: Vec<Value> = (0..2_600)
            .map(|n| json!({"subject": subject, "stream": "bg", "at": format!("2026-02-{:02}T{:02}:{:02}:00Z", 1 + n / 288, n / 12 % 24, n % 12 * 5), "value": 100 + n % 60}))
            .collect();
        server.readings(&ndjson(&earlier)).ok();
        let (originals, corrections) = readings(subject, seed);
        server.readings(&ndjson(&originals)).ok();
        server.readings(&ndjson(&corrections)).ok();
        let low = json!({"subject": subject, "stream": "bg", "at": now, "value": 50, "source": format!("meter-of-{subject}")});
        server.readings(&ndjson(&[low])).ok();
        let put = server.try_send("PUT", &format!("/v1/subjects/{subject}/profile/bg_low"), &[], "\"75 mg/dL\"");
        assert!(put.expect("an answer").status < 500);
        let bad =
            json!({"subject": subject, "stream": "bg", "at": now, "value": 999_999, "source": format!("meter-of-{subject}")});
        assert!(server.readings(&ndjson(&[bad])).status < 500);
    }
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(server.stop(), Some(0));
}

/// All that is known about a subject.
fn known(server: &Server, subject: &str) -> Vec<Value> {
    let rows = |table: &str| {
        let mut rows = server.sql(&format!("select * from {table} where subject = '{subject}'"));
        rows.as_array_mut().expect("rows").sort_by_key(Value::to_string);
        rows
    };
    let asked = server.get(&format!("/v1/subjects/{subject}/recommendations"));
    let found = if asked.status == 404 { Vec::new() } else { server.recommendations(subject) };
    vec![Value::from(found), rows("readings"), rows("readings_history"), rows("matches"), rows("dead_letters")]
}

fn outbox(data: &Path) -> (i64, i64) {
    let db = rusqlite::Connection::open(data.join("outbox.db")).expect("opened");
    let count = |what: &str| db.query_row(&format!("SELECT count(*) FROM delivery {what}"), [], |r| r.get(0)).expect("counted");
    (count(""), count(&format!("WHERE body LIKE '%{GONE}%'")))
}

/// Every file below a directory that has the text in it.
fn naming(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(naming(&path, text));
        } else if std::fs::read(&path).expect("readable").windows(text.len()).any(|w| w == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn erase(data: &Path) -> (Option<i32>, String, String) {
    run(vitalog().args(["erase", "--subject", GONE, "--format", "json", "--data"]).arg(data))
}

/// What a directory is after the erasure: nothing of the one, all of the others.
fn assert_erased(data: &Path, kept: &[Vec<Value>], messages: i64) {
    let server = start(data);
    let nothing = [json!([]), json!([]), json!([]), json!([]), json!([])];
    assert_eq!(known(&server, GONE), nothing, "of the one who was erased");
    for (subject, before) in KEPT.iter().zip(kept) {
        assert_eq!(known(&server, subject), *before, "of {subject}, who was not erased");
    }
    let subjects = server.get("/v1/subjects?limit=200").ok().json();
    assert!(!subjects.to_string().contains(GONE), "{subjects}");
    // Who comes back is new.
    let again = json!({"subject": GONE, "stream": "bg", "at": "2026-03-01T00:00:00Z", "value": 100, "id": "again"});
    server.readings(&ndjson(&[again])).ok();
    assert_eq!(
        server.sql(&format!("select id from readings where subject = '{GONE}' and stream = 'bg'")),
        json!([{"id": "again"}])
    );
    assert_eq!(server.stop(), Some(0));
    assert_eq!(outbox(data), (messages, 0), "messages about others stay, and none is made anew");
}

fn before(data: &Path) -> (Vec<Vec<Value>>, i64) {
    lived(data);
    let server = start(data);
    let kept: Vec<Vec<Value>> = KEPT.iter().map(|subject| known(&server, subject)).collect();
    let gone = known(&server, GONE);
    assert!(
        gone.iter().chain(&kept[0]).all(|rows| !rows.as_array().expect("rows").is_empty()),
        "too little to prove anything: {gone:?}"
    );
    assert_eq!(server.stop(), Some(0));
    let (all, of_the_one) = outbox(data);
    assert!(of_the_one > 0 && all > of_the_one, "no messages: {all} {of_the_one}");
    (kept, all - of_the_one)
}

#[test]
fn an_erased_subject_is_nowhere_and_nobody_else_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (kept, messages) = before(&data);
    for place in ["snapshots", "cold", "lake"] {
        assert!(!naming(&data.join(place), GONE).is_empty(), "{place} has nothing of the subject, so its erasure proves nothing");
    }
    let (status, _, err) =
        run(vitalog().args(["token", "--data"]).arg(&data).args(["add", "meter-1", "--scopes"]).arg(format!("write@{GONE}")));
    assert_eq!(status, Some(0), "{err}");
    for args in [&["add", "lee", "--roles", "caretaker", "--no-password"][..], &["assign", "lee", GONE]] {
        let (status, _, err) = run(vitalog().args(["user", "--data"]).arg(&data).args(args));
        assert_eq!(status, Some(0), "{err}");
    }
    assert!(naming(&data, GONE).iter().any(|file| file.contains("access.db")), "who is assigned a subject is written down");

    let (status, out, err) = erase(&data);
    assert_eq!(status, Some(0), "{err}");
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&told["subjects"], &told["keys"], &told["kek_exchanged"]), (&json!([GONE]), &json!(1), &json!(true)), "{told}");
    assert_eq!(told["made_again"], json!([]), "the subject is cut out, and nobody has to wait for a replay");
    assert!(told["deliveries"].as_u64() > Some(0) && told["left"].to_string().contains("meter-1"), "{told}");
    let (status, _, err) = run(vitalog().args(["token", "--data"]).arg(&data).args(["revoke", "meter-1"]));
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(naming(&data, GONE), Vec::<String>::new(), "files that still name the subject");
    let (status, out, err) = run(vitalog().args(["audit", "journal", "--format", "json", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{out}{err}");
    let audit: Value = serde_json::from_str(&out).expect("JSON");
    assert!(audit["erased"].as_u64() > Some(500) && audit["keys"]["destroyed"] == 1, "{audit}");

    let (status, out, err) = run(vitalog().args(["audit", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "each stage has what the journal still tells: {out}{err}");

    assert_erased(&data, &kept, messages);
    let of = |subjects: [&str; 2]| {
        let (status, out, err) =
            run(vitalog().args(["erase", "--subject", subjects[0], "--subject", subjects[1], "--data"]).arg(&data));
        (status, format!("{out}{err}"))
    };
    let (status, told) = of([KEPT[0], "nobody"]);
    assert!(status == Some(1) && told.contains("nothing was ever journaled about nobody"), "{told}");
    let (status, told) = of([GONE, KEPT[1]]);
    assert!(
        status == Some(0) && told.contains("2 keys destroyed"),
        "who came back can be erased again, together with others: {told}"
    );
    let (status, _, err) = erase(&data);
    assert!(status == Some(1) && err.contains("nothing was ever journaled about"), "{err}");
    let server = start(&data);
    assert_eq!(known(&server, KEPT[1]), [json!([]), json!([]), json!([]), json!([]), json!([])]);
    assert_eq!(known(&server, KEPT[0]), kept[0], "of the one who is left");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn an_interrupted_erasure_is_finished_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (kept, messages) = before(&data);
    // The process ended after its first step, its second, …
    let steps: [&[&str]; 4] =
        [&[], &["snapshots"], &["snapshots", "lake/readings"], &["snapshots", "lake/readings", "lake/matches", "views.db"]];
    for (n, gone) in steps.iter().enumerate() {
        let copied = dir.path().join(format!("copy-{n}"));
        copy(&data, &copied);
        // The note as it was before there were subjects in it, for all that was left of it then is a list of findings.
        unfinished(&copied, |findings| postcard::to_allocvec(&findings).expect("encoded"));
        for what in *gone {
            let path = copied.join(what);
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }.expect("removed");
        }
        assert_erased(&copied, &kept, messages);
    }
}

/// Destroys the subject's keys and leaves everything else to be done.
fn unfinished(data: &Path, note: impl Fn(Vec<MatchId>) -> Vec<u8>) {
    let mut journal = Journal::open(&data.join("journal.db")).expect("opened");
    let views = Views::open(&data.join("views.db"), journal.position().incarnation).expect("opened");
    let findings = views.findings_of(&Subject::new(GONE)).expect("read");
    journal.erase(&Subject::new(GONE), Time(0), &note(findings)).expect("erased");
}

#[test]
fn a_cut_that_was_interrupted_is_finished_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (kept, messages) = before(&data);
    let cut = dir.path().join("cut");
    copy(&data, &cut);
    let (status, out, err) = erase(&cut);
    assert!(status == Some(0) && out.contains(r#""made_again":[]"#), "{out}{err}");
    // What was done before the process ended, as it looks when it is done; and what was spoilt on the way.
    let steps: [(&[&str], &[&str]); 5] = [
        (&[], &[]),
        (&["snapshots"], &[]),
        (&["snapshots", "cold", "lake/readings"], &[]),
        (&["snapshots", "cold", "lake", "views.db"], &[]),
        (&["snapshots"], &["views.db", "lake/matches/_delta_log/00000000000000000000.json"]),
    ];
    for (n, (done, spoilt)) in steps.iter().enumerate() {
        let copied = dir.path().join(format!("cut-{n}"));
        copy(&data, &copied);
        unfinished(&copied, |findings| postcard::to_allocvec(&(findings, [Subject::new(GONE)])).expect("encoded"));
        for what in *done {
            let (from, to) = (cut.join(what), copied.join(what));
            let removed = if to.is_dir() { std::fs::remove_dir_all(&to) } else { std::fs::remove_file(&to) };
            removed.expect("removed");
            copy(&from, &to);
        }
        for what in *spoilt {
            std::fs::write(copied.join(what), "this is not what was here").expect("spoilt");
        }
        assert_erased(&copied, &kept, messages);
        assert!(naming(&copied, GONE).iter().all(|file| !file.ends_with(".snapshot")), "step {n}");
    }
}

#[test]
fn who_is_held_is_not_erased() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let hold = |args: &[&str]| run(vitalog().args(["hold", "--data"]).arg(&data).args(args));
    // Where there is nothing, and in a folder that is another one: a hold there would hold nobody.
    for _ in 0..2 {
        let (status, _, err) = hold(&["add", GONE, "--reason", "order 12/26"]);
        assert!(status == Some(2) && err.contains("is no data directory"), "{err}");
        std::fs::create_dir_all(&data).unwrap();
    }
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0, "nothing was made there");
    let server = Server::start(&data, &[]);
    let of = |subject: &str| json!({"subject": subject, "stream": "bg", "at": "2026-03-01T00:00:00Z", "value": 100, "id": "one"});
    server.readings(&ndjson(&[of(GONE), of(KEPT[0])])).ok();
    // Also while it runs.
    let (status, out, err) = hold(&["add", GONE, "--reason", "order 12/26"]);
    assert!(status == Some(0) && out.contains("can't be erased"), "{out}{err}");
    assert_eq!(server.stop(), Some(0));
    let (status, _, err) = hold(&["add", GONE, "--reason", "order 13/26"]);
    assert!(status == Some(2) && err.contains(&format!("there is a hold on {GONE} already")), "{err}");
    for (subject, reason) in [("a b", "order"), (GONE, " "), (GONE, "two\nlines")] {
        assert_eq!(hold(&["add", subject, "--reason", reason]).0, Some(2), "{subject:?} {reason:?}");
    }

    // Nobody of those that are named is erased, also who is not held.
    let (status, _, err) = run(vitalog().args(["erase", "--subject", KEPT[0], "--subject", GONE, "--data"]).arg(&data));
    assert!(status == Some(1) && err.contains("is held since") && err.contains("order 12/26"), "{err}");
    assert!(err.contains("vitalog hold release"), "{err}");
    let server = Server::start(&data, &[]);
    assert_eq!(server.sql("select count(*) as n from readings where stream = 'bg'"), json!([{"n": 2}]));
    assert_eq!(server.stop(), Some(0));

    let (status, out, _) = hold(&["release", GONE, "--reason", "the case is closed"]);
    assert!(status == Some(0) && out.contains("held no longer"), "{out}");
    assert_eq!(hold(&["release", GONE, "--reason", "again"]).0, Some(2));
    let (status, out, _) = hold(&["list", "--format", "json"]);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (status, &told["subject"], &told["reason"], &told["released_for"]),
        (Some(0), &json!(GONE), &json!("order 12/26"), &json!("the case is closed")),
        "{told}"
    );
    let (status, _, err) = erase(&data);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(hold(&["list"]).1, "", "what was held goes with the subject");
    assert_eq!(naming(&data, GONE), Vec::<String>::new());
}

#[test]
fn a_store_of_accounts_of_a_former_format_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert_eq!(Server::start(&data, &[]).stop(), Some(0));
    let (status, _, err) =
        run(vitalog().args(["user", "--data"]).arg(&data).args(["add", "lee", "--roles", "caretaker", "--no-password"]));
    assert_eq!(status, Some(0), "{err}");
    // As the version before holds made it.
    let former = |sql: &str| rusqlite::Connection::open(data.join("access.db")).unwrap().execute_batch(sql).unwrap();
    let tenants = "ALTER TABLE emergencies DROP COLUMN told_at; DROP TABLE subjects; DROP TABLE tenants; DROP TABLE era; DROP TABLE used; ALTER TABLE accounts DROP COLUMN tenant; ALTER TABLE tokens DROP COLUMN tenant; ALTER TABLE tokens DROP COLUMN readings_per_day; PRAGMA user_version = 3";
    former(tenants);
    former("DROP TABLE holds; DROP TABLE erasures; DROP TABLE links; PRAGMA user_version = 1");
    let (status, out, err) = run(vitalog().args(["hold", "--data"]).arg(&data).args(["add", "p-9", "--reason", "order 1"]));
    assert_eq!(status, Some(0), "{out}{err}");
    let (_, out, _) = run(vitalog().args(["user", "--data"]).arg(&data).arg("list"));
    assert!(out.contains("lee"), "{out}");
    let (_, out, _) = run(vitalog().args(["hold", "--data"]).arg(&data).arg("list"));
    assert!(out.contains("p-9  held since") && out.contains("order 1"), "{out}");
    // And as the one before erasures were taken on.
    former(tenants);
    former("DROP TABLE erasures; DROP TABLE links; PRAGMA user_version = 2");
    let (_, out, err) = run(vitalog().args(["hold", "--data"]).arg(&data).arg("list"));
    assert!(out.contains("p-9  held since"), "{out}{err}");
    let server = Server::start(&data, &[]);
    assert_eq!(server.get("/v1/erasures/1").status, 404);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn an_erasure_is_refused_where_it_can_not_be_whole() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (status, _, err) = erase(&data);
    assert_eq!(status, Some(2), "{err}");
    let server = Server::start(&data, &[]);
    let (status, _, err) = erase(&data);
    assert_eq!(status, Some(1));
    assert!(err.contains("held by another process"), "{err}");
    assert_eq!(server.stop(), Some(0));
    let (status, _, err) = run(vitalog().args(["erase", "--subject", "a b", "--data"]).arg(&data));
    assert_eq!(status, Some(2), "{err}");
}
