//! Whose a subject is: of whoever writes it first, over restarts, kills, erasures and backups; and nobody names a subject of others.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::tenants::{reading, said, subjects};
use super::{ask, serve, told};
use crate::support::server::{Server, run, vitalog};

#[test]
fn a_name_is_the_tenants_that_writes_it_first_and_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a", "--any-name"]);
    told(data, "tenant", &["add", "b", "--any-name"]);
    told(data, "tenant", &["add", "c", "--prefix", "c-"]);
    let [a, b, c] = ["a", "b", "c"].map(|id| told(data, "token", &["add", &format!("program-{id}"), "--tenant", id]));
    let root = told(data, "token", &["add", "root"]);
    let server = serve(data, &[]);
    let write = |token: &str, subject: &str| ask(&server, token, "POST", "/v1/readings", &reading(subject, 0, 110)).status;
    let sees =
        |token: &str, subject: &str| ask(&server, token, "GET", &format!("/v1/subjects/{subject}/summary"), "").status == 200;
    // The house was here before: what it has stays there, though nobody has said so.
    assert_eq!(write(&root, "p-1"), 200);
    assert_eq!((write(&a, "p-1"), sees(&a, "p-1")), (403, false));
    assert_eq!((write(&a, "p-2"), write(&b, "p-2")), (200, 403));
    assert!(sees(&a, "p-2") && !sees(&b, "p-2") && sees(&root, "p-2"));
    // By whatever way it is written first.
    let profile = |token: &str, subject: &str| {
        ask(&server, token, "PUT", &format!("/v1/subjects/{subject}/profile"), r#"{"bg_low":"4.0 mmol/L"}"#).status
    };
    let one = |token: &str, subject: &str| {
        let body = r#"{"stream":"bg","at":"2026-03-10T08:00:00Z","value":110}"#;
        ask(&server, token, "PUT", &format!("/v1/subjects/{subject}/readings/x"), body).status
    };
    assert_eq!((profile(&a, "p-3"), profile(&b, "p-3"), one(&b, "p-3")), (200, 403, 403));
    assert_eq!((one(&b, "p-4"), one(&a, "p-4"), profile(&a, "p-4")), (201, 403, 403));
    // What only the house has a profile of is the house's.
    assert_eq!((profile(&root, "p-5"), write(&a, "p-5")), (200, 403));
    // A name that begins as a tenant's do is that tenant's, whoever writes it, and nobody else's.
    assert_eq!((write(&a, "c-1"), write(&root, "c-1"), write(&c, "c-1"), write(&c, "p-6")), (403, 200, 200, 403));
    assert!(sees(&c, "c-1") && !sees(&a, "c-1"));
    // Many at once, of which some are taken.
    let all: Vec<String> = (0..200).map(|n| reading(&format!("p-{n}"), 1, 110)).collect();
    let taken = ask(&server, &b, "POST", "/v1/readings", &format!("[{}]", all.join(","))).ok().json();
    assert_eq!((&taken["accepted"], &taken["rejected"]), (&json!(196), &json!(4)), "p-1, p-2, p-3, p-5: {taken}");
    assert_eq!(subjects(data, "a"), ["p-2", "p-3"]);
    assert_eq!(server.stop(), Some(0));
    let server = serve(data, &[]);
    let write = |token: &str, subject: &str| ask(&server, token, "POST", "/v1/readings", &reading(subject, 2, 110)).status;
    assert_eq!((write(&a, "p-2"), write(&a, "p-4"), write(&b, "p-4"), write(&a, "p-1")), (200, 403, 200, 403));
    // Whoever runs it moves them, while the server runs.
    told(data, "tenant", &["claim", "a", "p-1", "p-5"]);
    assert_eq!((write(&a, "p-1"), write(&a, "p-5"), write(&b, "p-1")), (200, 200, 403));
    told(data, "tenant", &["release", "b", "p-4"]);
    assert_eq!((write(&b, "p-4"), write(&a, "p-4"), write(&root, "p-4")), (403, 403, 200));
    told(data, "tenant", &["claim", "a", "p-4"]);
    assert_eq!((write(&a, "p-4"), write(&b, "p-4")), (200, 403));
}

#[test]
fn killed_at_any_moment_no_reading_of_a_tenant_is_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a"]);
    let a = told(data, "token", &["add", "program-a", "--tenant", "a"]);
    let root = told(data, "token", &["add", "root"]);
    let mut acknowledged = BTreeSet::new();
    for round in 0..4_u64 {
        let server = serve(data, &[]);
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..3)
                .map(|sender| {
                    let (server, a) = (&server, &a);
                    scope.spawn(move || {
                        let mut taken = Vec::new();
                        for n in 0.. {
                            let subject = format!("a:{round}-{sender}-{n}");
                            let auth = super::bearer(a);
                            let headers = [("authorization", auth.as_str()), ("content-type", "application/json")];
                            match server.try_send("POST", "/v1/readings", &headers, reading(&subject, 0, 110)) {
                                Some(answer) if answer.status == 200 => taken.push(subject),
                                Some(_) => {}
                                None => return taken,
                            }
                        }
                        taken
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(300 + 170 * round));
            server.kill_now();
            acknowledged.extend(senders.into_iter().flat_map(|sender| sender.join().expect("no panic")));
        });
        server.wait();
    }
    assert!(acknowledged.len() > 8, "{}", acknowledged.len());
    let server = serve(data, &[]);
    let all = |token: &str| {
        let sql = r#"{"sql":"select distinct subject from bg"}"#;
        let rows = ask(&server, token, "POST", "/v1/sql", sql).ok().json();
        let names = rows.as_array().expect("rows").iter().map(|row| row["subject"].as_str().expect("a name").to_owned());
        names.collect::<BTreeSet<String>>()
    };
    // What was journaled and not acknowledged lands a moment later.
    let landed = (0..400).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let there = all(&root);
        (acknowledged.is_subset(&there) && all(&a) == there).then_some(there)
    });
    let there = landed.expect("acknowledged is kept, and whoever runs it sees no more of it than the tenant");
    let owned: BTreeSet<String> = subjects(data, "a").into_iter().collect();
    assert!(there.is_subset(&owned), "{:?}", there.difference(&owned).collect::<Vec<_>>());
}

/// A reading may be seen on the timelines of further subjects that it names: then these are the tenant's, too.
#[test]
fn a_reading_is_seen_under_no_subject_of_others() {
    let (dir, rules) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = dir.path();
    std::fs::write(rules.path().join("booking.rules"), "stream booking by guest, also by card { card text  price count }\n")
        .unwrap();
    let on_trial = "use health\nrule low \"Low\" { severity warning when bg.value < 70 mg/dL notify urgent shadow }\n";
    std::fs::write(rules.path().join("low.rules"), on_trial).unwrap();
    told(data, "tenant", &["add", "a", "--any-name"]);
    told(data, "tenant", &["add", "b", "--any-name"]);
    told(data, "tenant", &["add", "c"]);
    let [a, b, c] = ["a", "b", "c"].map(|id| told(data, "token", &["add", id, "--tenant", id]));
    let root = told(data, "token", &["add", "root"]);
    let server = serve(data, &["--rules", rules.path().to_str().unwrap()]);
    let at = "2026-03-10T08:00:00Z";
    let post = |token: &str, guest: &str, card: &str| {
        let body = json!({"subject": guest, "stream": "booking", "at": at, "card": card, "price": 7}).to_string();
        ask(&server, token, "POST", "/v1/readings", &body)
    };
    let put = |token: &str, guest: &str, card: &str| {
        let body = json!({"stream": "booking", "at": at, "card": card, "price": 7}).to_string();
        ask(&server, token, "PUT", &format!("/v1/subjects/{guest}/readings/x"), &body)
    };
    assert_eq!((post(&b, "b-1", "card-b").status, post(&root, "h-1", "card-h").status), (200, 200));
    for other in ["card-b", "card-h", "b-1", "h-1"] {
        for answer in [post(&a, "a-1", other), put(&a, "a-1", other)] {
            assert_eq!((answer.status, answer.json()["code"].clone()), (403, json!("not_permitted")), "{other}: {}", answer.body);
        }
    }
    assert_eq!((post(&a, "a-1", "card-a").status, put(&a, "a-1", "card-a2").status), (200, 201));
    // Where names have a beginning of their own nobody learns whether a card is known.
    let on_trial = |token: &str| ask(&server, token, "GET", "/v1/rules", "").ok().json()["rules"][0]["shadow"].clone();
    assert_eq!(on_trial(&a), json!({ "since": null }), "how many subjects others have is not told");
    assert!(on_trial(&root)["subjects"].is_u64(), "{}", on_trial(&root));
    let refused = |card: &str| said(&post(&c, "c:1", card), &[card]);
    assert!(refused("card-a").starts_with("403"), "{}", refused("card-a"));
    assert_eq!((refused("card-a"), refused("card-h")), (refused("card-9"), refused("card-9")));
    assert_eq!(post(&c, "c:1", "c:card").status, 200);
    // Nothing was sent of a card itself; who may read it is told so.
    let sees = |token: &str, card: &str| match ask(&server, token, "GET", &format!("/v1/subjects/{card}/summary"), "").status {
        404 => true,
        403 => false,
        other => panic!("{card}: {other}"),
    };
    assert!(sees(&a, "card-a") && sees(&a, "card-a2") && sees(&b, "card-b") && sees(&c, "c:card"));
    assert!(!sees(&a, "card-b") && !sees(&b, "card-a") && !sees(&c, "card-h"));
}

#[test]
fn who_is_erased_is_nobodys_again_and_in_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let data = data.as_path();
    told(data, "tenant", &["add", "a", "--any-name"]);
    told(data, "tenant", &["add", "b", "--any-name"]);
    let [a, b] = ["a", "b"].map(|id| told(data, "token", &["add", id, "--tenant", id]));
    let server = serve(data, &[]);
    let write = |server: &Server, token: &str| ask(server, token, "POST", "/v1/readings", &reading("p-erased", 0, 110)).status;
    assert_eq!((write(&server, &a), write(&server, &b)), (200, 403));
    assert_eq!(server.stop(), Some(0));
    let (status, out, err) = run(vitalog().args(["erase", "--subject", "p-erased", "--data"]).arg(data));
    assert_eq!(status, Some(0), "{out}{err}");
    let is_there = |name: &str| std::fs::read(data.join(name)).is_ok_and(|all| all.windows(8).any(|w| w == b"p-erased"));
    assert!(!is_there("access.db") && !is_there("access.db-wal"), "{:?}", subjects(data, "a"));
    let server = serve(data, &[]);
    assert_eq!((write(&server, &b), write(&server, &a)), (200, 403), "whoever writes it first has it");
}

#[test]
fn a_backup_has_whose_subjects_are() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup, keys, back) =
        (dir.path().join("data"), dir.path().join("backup"), dir.path().join("keys"), dir.path().join("back"));
    std::fs::create_dir(&data).unwrap();
    told(&data, "tenant", &["add", "a"]);
    let a = told(&data, "token", &["add", "a", "--tenant", "a"]);
    let server = serve(&data, &[]);
    ask(&server, &a, "POST", "/v1/readings", &reading("a:1", 0, 110)).ok();
    assert_eq!(server.stop(), Some(0));
    let ran = |command: &mut std::process::Command| {
        let (status, out, err) = run(command);
        assert_eq!(status, Some(0), "{out}{err}");
    };
    ran(vitalog().args(["backup", "--data"]).arg(&data).arg("--to").arg(&backup).arg("--keys").arg(&keys));
    ran(vitalog().args(["restore", "--from"]).arg(&backup).arg("--to").arg(&back).arg("--keys").arg(&keys));
    assert_eq!(subjects(&back, "a"), ["a:1"]);
    let server = serve(&back, &[]);
    assert_eq!(ask(&server, &a, "GET", "/v1/subjects/a:1/summary", "").status, 200);
    assert_eq!(ask(&server, &a, "POST", "/v1/readings", &reading("a:1", 1, 110)).status, 200);
}
