//! Quotas from outside: over kills and restarts a day has as many readings as it may and not one more; who watches is told in time; and what is said wrongly of them is refused.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, bearer, serve, told};
use crate::support::http::Answer;
use crate::support::server::{Server, run, vitalog};
use crate::support::story::at;

/// Each of a name at an instant of its own: many at one would be much for rules to think about.
fn reading(subject: &str, id: &str) -> String {
    let minute = id.bytes().fold(0_u64, |sum, byte| (31 * sum + u64::from(byte)) % 20_011);
    format!(r#"{{"subject":"{subject}","stream":"bg","at":"{}","value":110,"id":"{id}"}}"#, at(minute))
}

fn post(server: &Server, token: &str, readings: &[String]) -> Answer {
    ask(server, token, "POST", "/v1/readings", &format!("[{}]", readings.join(",")))
}

fn counts(answer: &Answer) -> [u64; 3] {
    assert_eq!(answer.status, 200, "{}", answer.body);
    ["accepted", "duplicate", "rejected"].map(|what| answer.json()[what].as_u64().expect("a count"))
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What is told of quotas: what of whom, how much of how much.
fn quotas(server: &Server, token: &str) -> Vec<(String, String, u64, u64)> {
    let told = ask(server, token, "GET", "/v1/metering", "").ok().json();
    let one = |quota: &Value| {
        let text = |name: &str| quota[name].as_str().expect("a text").to_owned();
        assert_eq!(quota["opens"].is_string(), quota["of"] == "readings_per_day", "{quota}");
        let number = |name: &str| quota[name].as_u64().expect("a number");
        (format!("{} {}", text("kind"), text("id")), text("of"), number("used"), number("most"))
    };
    told["quotas"].as_array().expect("a list").iter().map(one).collect()
}

/// So that no test runs over midnight, when quotas are whole again.
fn well_before_midnight() {
    let left = || 86_400 - std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs() % 86_400;
    while left() < 120 {
        std::thread::sleep(Duration::from_secs(5));
    }
}

#[test]
fn over_kills_a_day_has_as_many_readings_as_it_may_and_not_one_more() {
    const MOST: u64 = 2_500;
    well_before_midnight();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a", "--readings-per-day", &MOST.to_string()]);
    let tokens = ["one", "two"].map(|id| told(data, "token", &["add", id, "--tenant", "a"]));
    let root = told(data, "token", &["add", "root"]);
    let (mut acknowledged, mut refused) = (0, 0);
    for round in 0..5_u64 {
        let server = serve(data, &[]);
        if round == 0 {
            acknowledged += counts(&post(&server, &tokens[0], &[reading("a:1", "first")]))[0];
        }
        let taken: Vec<(u64, u64)> = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..4_u64)
                .map(|sender| {
                    let (server, token) = (&server, &tokens[(sender % 2) as usize]);
                    scope.spawn(move || under_load(server, token, round, sender))
                })
                .collect();
            std::thread::sleep(Duration::from_millis(200 + 120 * round));
            server.kill_now();
            senders.into_iter().map(|sender| sender.join().expect("no panic")).collect()
        });
        acknowledged += taken.iter().map(|(taken, _)| taken).sum::<u64>();
        refused += taken.iter().map(|(_, refused)| refused).sum::<u64>();
        server.wait();
    }
    assert!(acknowledged > 50 && acknowledged <= MOST, "{acknowledged}");
    // What is left is there to the last one, by whichever token.
    let server = serve(data, &[]);
    let used = |server: &Server| quotas(server, &root)[0].2;
    let mut n = 0;
    while used(&server) < MOST {
        n += 1;
        let all: Vec<String> = (0..300).map(|i| reading("a:1", &format!("last-{n}-{i}"))).collect();
        let left = MOST - used(&server);
        assert_eq!(counts(&post(&server, &tokens[n % 2], &all)), [left.min(300), 0, 300 - left.min(300)]);
        seen(&server, &root, MOST - left + left.min(300));
    }
    assert_eq!(post(&server, &tokens[0], &[reading("a:1", "beyond")]).status, 429);
    println!("{refused} refused under load, {n} batches after it");
    let sql = r#"{"sql":"select count(*) as n from bg"}"#;
    let count = || ask(&server, &root, "POST", "/v1/sql", sql).ok().json()[0]["n"].as_u64().expect("a count");
    let landed = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        count() >= MOST
    });
    assert!(landed && count() == MOST, "{}", count());
    // Made again from the journal it is the same.
    assert_eq!(server.stop(), Some(0));
    for name in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let server = serve(data, &[]);
    assert_eq!(used(&server), MOST);
    assert_eq!(post(&server, &tokens[1], &[reading("a:1", "beyond")]).status, 429);
    assert_eq!(counts(&post(&server, &tokens[1], &[reading("a:1", "first")])), [0, 1, 0], "what is there is no more");
}

/// Waits until that many are told of.
fn seen(server: &Server, root: &str, used: u64) {
    let is_seen = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        quotas(server, root)[0].2 == used
    });
    assert!(is_seen, "{used} and {:?}", quotas(server, root));
}

/// Sends new readings, and each second request again, until the server is gone: how many were taken, and how many refused.
fn under_load(server: &Server, token: &str, round: u64, sender: u64) -> (u64, u64) {
    let (mut taken, mut refused) = (0, 0);
    for n in 0_u64.. {
        let name = n / 2;
        let all: Vec<String> = (0..3).map(|i| reading(&format!("a:{sender}"), &format!("{round}-{name}-{i}"))).collect();
        let auth = bearer(token);
        let headers = [("authorization", auth.as_str()), ("content-type", "application/json")];
        match server.try_send("POST", "/v1/readings", &headers, format!("[{}]", all.join(","))) {
            Some(answer) if answer.status == 200 => {
                taken += answer.json()["accepted"].as_u64().expect("a count");
                refused += answer.json()["rejected"].as_u64().expect("a count");
            }
            Some(answer) if answer.status == 429 => refused += 3,
            Some(answer) => panic!("{} {}", answer.status, answer.body),
            None => break,
        }
    }
    (taken, refused)
}

/// Whose the quotas are that a log speaks of.
fn whose_in(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.contains("a quota of readings"));
    let whose = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    whose.map(|said| format!("{} {}", said["of"].as_str().unwrap_or(""), said["id"].as_str().unwrap_or(""))).collect()
}

#[test]
fn who_watches_is_told_before_a_quota_is_spent() {
    well_before_midnight();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a", "--readings-per-day", "10", "--subjects", "2"]);
    told(data, "tenant", &["add", "b", "--subjects", "9"]);
    let a = told(data, "token", &["add", "a", "--tenant", "a"]);
    let b = told(data, "token", &["add", "b", "--tenant", "b"]);
    let root = told(data, "token", &["add", "root"]);
    told(data, "token", &["set", "root", "--readings-per-day", "4", "--rate", "1000"]);
    let log = dir.path().join("log");
    let mut command = vitalog();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(["--log", "json"]);
    let server = Server::logged(command, &log);
    let some = |from: usize, to: usize| (from..to).map(|n| reading("a:1", &n.to_string())).collect::<Vec<_>>();
    let first = post(&server, &a, &some(0, 7));
    assert_eq!(header(&first, "ratelimit-policy"), r#""tenant-readings";q=10;w=86400"#);
    let said = || std::fs::read_to_string(&log).expect("a log");
    assert!(!said().contains("quota"), "{}", said());
    counts(&post(&server, &a, &some(7, 9)));
    assert_eq!(said().matches("a quota of readings is nearly spent").count(), 1, "{}", said());
    assert_eq!(counts(&post(&server, &a, &some(9, 12))), [1, 0, 2]);
    assert_eq!(counts(&post(&server, &a, &some(0, 2))), [0, 2, 0]);
    assert_eq!(post(&server, &a, &some(12, 14)).status, 429);
    let lines = said();
    assert_eq!((lines.matches("nearly spent").count(), lines.matches("a quota of readings is spent").count()), (1, 1), "{lines}");
    assert!(whose_in(&lines).iter().all(|whose| whose == "tenant a") && !lines.contains("a:1"), "{lines}");
    let refused = post(&server, &b, &[reading("b:1", "1"), reading("b:2", "1"), reading("b:3", "1")]);
    assert_eq!(counts(&refused), [3, 0, 0]);
    let both = post(&server, &root, &[reading("h-1", "1"), reading("h-1", "2")]);
    assert_eq!(
        (header(&both, "ratelimit-policy"), header(&both, "ratelimit").split(';').nth(3)),
        (r#""token";q=1000;w=1, "token-readings";q=4;w=86400"#, Some("r=2")),
    );
    seen(&server, &root, 10);
    let of = |what: &str, of: &str, used, most| (what.to_owned(), of.to_owned(), used, most);
    let all = [
        of("tenant a", "readings_per_day", 10, 10),
        of("token root", "readings_per_day", 2, 4),
        of("tenant a", "subjects", 1, 2),
        of("tenant b", "subjects", 3, 9),
    ];
    assert_eq!(quotas(&server, &root), all);
    assert_eq!(quotas(&server, &a), [all[0].clone(), all[2].clone()], "nothing of others");
    let metrics = ask(&server, &root, "GET", "/metrics", "").ok().body;
    for sample in [
        "vitalog_quotas{of=\"readings_per_day\",level=\"near\"} 0",
        "vitalog_quotas{of=\"readings_per_day\",level=\"spent\"} 1",
        "vitalog_quotas{of=\"subjects\",level=\"spent\"} 0",
        "vitalog_quota_refused_total{of=\"readings_per_day\"} 4",
    ] {
        assert!(metrics.contains(sample), "{sample}: {metrics}");
    }
    let (status, out, _) = run(vitalog().args(["metering", "--url", &server.url, "--token", &root]));
    assert_eq!(status, Some(0));
    assert!(
        out.contains("tenant a: 10 of 10 new readings today, anew from ") && out.contains("tenant b: 3 of 9 subjects"),
        "{out}"
    );
    let listed = told(data, "tenant", &["list"]);
    assert!(listed.contains("1 subject of 2  10 of 10 readings today"), "{listed}");
    assert!(told(data, "token", &["list"]).contains("1000/s  4 readings a day"));
    assert_eq!(server.stop(), Some(0));
    let (_, out, _) = run(vitalog().args(["doctor", "--data"]).arg(data));
    assert!(out.contains("tenant a: 10 of 10 readings today") && !out.contains("token root"), "{out}");
    told(data, "tenant", &["set", "a", "--readings-per-day", "none", "--subjects", "none"]);
    let (_, out, _) = run(vitalog().args(["doctor", "--data"]).arg(data));
    assert!(out.contains("2 quotas, none of them nearly spent"), "{out}");
}

#[test]
fn a_token_of_a_server_without_tenants_has_its_own_and_keeps_it() {
    well_before_midnight();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let root = told(data, "token", &["add", "root"]);
    let meter = told(data, "token", &["add", "meter", "--readings-per-day", "3"]);
    let server = serve(data, &[]);
    let some = |from: usize, to: usize| (from..to).map(|n| reading("p-1", &n.to_string())).collect::<Vec<_>>();
    assert_eq!(counts(&post(&server, &meter, &some(0, 2))), [2, 0, 0]);
    assert_eq!(counts(&post(&server, &root, &some(10, 20))), [10, 0, 0], "nobody else is held up");
    let exchanged = told(data, "token", &["rotate", "meter"]);
    assert_eq!(counts(&post(&server, &exchanged, &some(2, 5))), [1, 0, 2]);
    // Erased, taken back and made anew, it is the same one.
    told(data, "token", &["revoke", "meter"]);
    let again = told(data, "token", &["add", "meter", "--readings-per-day", "4"]);
    assert_eq!(counts(&post(&server, &again, &some(3, 5))), [1, 0, 1]);
    told(data, "token", &["set", "meter", "--readings-per-day", "none"]);
    let free = post(&server, &again, &some(4, 6));
    assert_eq!((counts(&free), header(&free, "ratelimit")), ([2, 0, 0], ""));
}

#[test]
fn one_who_is_erased_was_never_sent() {
    well_before_midnight();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a", "--readings-per-day", "5"]);
    let a = told(data, "token", &["add", "a", "--tenant", "a"]);
    let root = told(data, "token", &["add", "root"]);
    let server = serve(data, &[]);
    let all = [reading("a:1", "1"), reading("a:2", "1"), reading("a:2", "2"), reading("a:1", "2"), reading("a:1", "3")];
    assert_eq!(counts(&post(&server, &a, &all)), [5, 0, 0]);
    assert_eq!(server.stop(), Some(0));
    let (status, out, err) = run(vitalog().args(["erase", "--subject", "a:2", "--data"]).arg(data));
    assert_eq!(status, Some(0), "{out}{err}");
    let server = serve(data, &[]);
    assert_eq!(quotas(&server, &root), [("tenant a".to_owned(), "readings_per_day".to_owned(), 3, 5)]);
    assert_eq!(counts(&post(&server, &a, &[reading("a:1", "4"), reading("a:1", "5"), reading("a:1", "6")])), [2, 0, 1]);
    assert_eq!(server.stop(), Some(0));
    std::fs::remove_file(data.join("views.db")).expect("it is there");
    let server = serve(data, &[]);
    assert_eq!(quotas(&server, &root)[0].2, 5, "made again it is the same");
}

#[test]
fn what_is_said_wrongly_of_quotas_is_refused_with_value_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a"]);
    told(data, "token", &["add", "t"]);
    let refused = |data: &Path, args: &[&str]| {
        let (status, _, err) = run(vitalog().args([args[0], "--data"]).arg(data).args(&args[1..]));
        assert_eq!(status, Some(2), "{args:?}: {err}");
        err
    };
    for (args, says) in [
        (&["tenant", "set", "a", "--readings-per-day", "0"][..], "invalid value '0'"),
        (&["tenant", "set", "a", "--readings-per-day=-1"], "invalid value '-1'"),
        (&["tenant", "set", "a", "--readings-per-day", "1.5"], "or none"),
        (&["tenant", "set", "a", "--readings-per-day", "4294967296"], "from 1 to 4294967295, or none"),
        (&["tenant", "set", "a", "--subjects", "many"], "invalid value 'many'"),
        (&["tenant", "set", "a", "--subjects", ""], "invalid value ''"),
        (&["tenant", "set", "z", "--subjects", "3"], "there is no tenant z"),
        (&["tenant", "set", "z", "--readings-per-day", "none"], "there is no tenant z"),
        (&["tenant", "set", "a"], "--readings-per-day N"),
        (&["token", "add", "u", "--readings-per-day", "0"], "invalid value '0'"),
        (&["token", "set", "t"], "--readings-per-day N"),
        (&["token", "set", "t", "--rate", "0"], "or none"),
        (&["token", "set", "z", "--rate", "3"], "there is no token z"),
        (&["token", "set", "z", "--readings-per-day", "none"], "there is no token z"),
    ] {
        let err = refused(data, args);
        assert!(err.contains(says), "{args:?}: {err}");
    }
    let listed = told(data, "tenant", &["list", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!((&listed["readings_per_day"], &listed["most_subjects"]), (&json!(null), &json!(null)), "nothing of it was set");
}
