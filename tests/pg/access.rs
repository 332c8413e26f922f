//! Who may ask what over PostgreSQL's protocol, and that it is written down first: the same as over HTTP.

use std::time::{Duration, Instant};

use serde_json::json;

use super::psql::Psql;
use super::raw::{Raw, kinds, state, told as said_in};
use super::{listening, serve, told};
use crate::access::{ALL, audit, certificate, everybody, has};
use crate::support::need::{need, program};
use crate::support::server::{run, vitalog};

/// Somebody with an account of a role, and a token of it.
fn account(data: &std::path::Path, name: &str, role: &str, more: &[&str]) -> String {
    told(data, "user", &[&["add", name, "--roles", role, "--no-password"][..], more].concat());
    told(data, "token", &["add", &format!("{name}-t"), "--account", name])
}

#[test]
fn each_sees_what_is_theirs_and_nothing_tells_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let patient = account(data, "pat", "patient", &["--subject", "p-1"]);
    let caretaker = account(data, "care", "caretaker", &[]);
    told(data, "user", &["assign", "care", "p-2"]);
    let analyst = account(data, "ana", "analyst", &[]);
    let operator = account(data, "ops", "operator", &[]);
    let (server, _) = listening(data, &[]);
    let Some(psql) = Psql::of(&server, "pat", &patient) else { return };
    assert_eq!(psql.asked("select subject, count(*) from bg group by 1"), "p-1|12");
    assert_eq!(psql.asked("select count(*) from readings where subject = 'p-2'"), "0");
    assert_eq!(psql.asked("select count(*) from bg a join bg b on a.at = b.at"), "12");
    // The catalogue has no relation that they may not ask, whatever it is asked by.
    assert_eq!(psql.asked("select count(*) from pg_class where relname = 'dead_letters'"), "0");
    assert_eq!(psql.asked("select count(*) from information_schema.tables where table_name = 'dead_letters'"), "0");
    assert!(!psql.told(&["-A", "-t", "-c", "\\d"]).contains("dead_letters"));
    for sql in [
        "select * from dead_letters",
        "select 'dead_letters'::regclass",
        "explain select * from bg",
        "explain analyze select * from bg",
    ] {
        let said = psql.refused(sql);
        assert!(!said.contains("p-2") && (said.contains("42P01") || said.contains("42501")), "{sql}: {said}");
    }
    // A condition that would fail on a row of somebody else does not.
    assert_eq!(
        psql.asked("select count(*) from bg where subject = 'p-1' or 1 / (case when subject = 'p-2' then 0 else 1 end) > 5"),
        "12"
    );
    let care = Psql::of(&server, "care", &caretaker).expect("psql");
    assert_eq!(care.asked("select distinct subject from readings"), "p-2");
    let ana = Psql::of(&server, "ana", &analyst).expect("psql");
    // Two are too few to be told of anything, and nobody but a program has a plan.
    assert_eq!(ana.asked("select count(*) from bg"), "");
    assert!(ana.refused("select subject from bg").contains("42501"));
    assert!(ana.refused("explain select count(*) from bg").contains("42501"));
    assert!(Psql::of(&server, "ops", &operator).expect("psql").refused("select 1").contains("42501"));
    // Prepared statements have the eyes of who asks, too.
    let (mut raw, _) = Raw::session(&server, "pat", &patient);
    assert_eq!(kinds(&raw.ask("prepare x as select 1")), "EZ");
    assert_eq!(server.stop(), Some(0));
    // All of it is in the log: who, by what, what became of it, and whom it was about.
    let (status, lines, summary) = audit(data, &["--subject", "p-1"]);
    assert_eq!((status, &summary["sound"]), (Some(0), &json!(true)), "{summary}");
    let of = |who: &str| {
        lines.iter().map(|line| &line["entry"]).filter(|e| e["who"] == who && e["door"] == "POSTGRESQL statement").count()
    };
    assert!(of("pat") >= 10 && of("care") == 0, "{lines:?}");
    let log = log_of(data);
    let entries: Vec<&str> = log.lines().filter(|line| line.contains("POSTGRESQL")).collect();
    assert!(
        entries.iter().any(|e| e.contains("POSTGRESQL login") && e.contains("\"who\":\"pat\"") && e.contains("token pat-t")),
        "{log}"
    );
    assert!(entries.iter().any(|e| e.contains("\"who\":\"ops\"") && e.contains("\"status\":403")), "{log}");
    assert!(
        entries.iter().any(|e| e.contains("\"who\":\"ana\"") && e.contains("study") && e.contains("\"status\":200")),
        "{log}"
    );
    assert!(!log.contains("select") && !log.contains("vitalog_"), "neither statements nor secrets are in the log");
}

#[test]
fn the_door_opens_to_whom_the_manual_says() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = everybody(dir.path());
    let server = serve(dir.path(), &["--pg", "127.0.0.1:0"]);
    let mut opened = 0;
    for ((account, role, standing), token) in ALL.iter().zip(&tokens) {
        let user = if account.is_empty() { "root" } else { account };
        let (mut raw, _) = Raw::session(&server, user, token);
        // Neither a question, nor the catalogue, nor what is only described.
        for sql in ["select 1 as one", "select relname from pg_class", "select count(*) from bg"] {
            let said = raw.ask(sql);
            let expected = if has(role, "query", standing) { "" } else { "42501" };
            assert_eq!(state(&said), expected, "{sql} by {account} ({role}): {}", said_in(&said));
            opened += usize::from(expected.is_empty());
        }
    }
    assert!(opened > 5 && opened < 3 * ALL.len(), "{opened}");
}

fn log_of(data: &std::path::Path) -> String {
    let files = std::fs::read_dir(data.join("access")).expect("the log");
    files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text")).collect()
}

#[test]
fn what_was_shown_is_good_only_as_long_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let (server, root) = listening(data, &[]);
    let token = told(data, "token", &["add", "guest"]);
    let (mut raw, _) = Raw::session(&server, "guest", &token);
    assert_eq!(kinds(&raw.ask("select count(*) from bg")), "TDCZ");
    told(data, "token", &["revoke", "guest"]);
    let said = raw.ask("select count(*) from bg");
    assert_eq!((&*kinds(&said), &*state(&said)), ("EX", "57P01"), "{}", said_in(&said));
    // The catalogue is no way around it, nor is what was prepared before.
    let token = told(data, "token", &["add", "other"]);
    let (mut raw, _) = Raw::session(&server, "other", &token);
    told(data, "token", &["revoke", "other"]);
    assert_eq!(kinds(&raw.ask("select version()")), "EX");
    // A password: tries are counted, and wait for each other, over both ways.
    let password = told(data, "user", &["add", "lee", "--roles", "analyst"]);
    let password = password.split_whitespace().last().expect("a password").to_owned();
    let Some(mut psql) = Psql::of(&server, "lee", &password) else { return };
    assert_eq!(psql.asked("select 1"), "1");
    psql.token = "wrong horse battery staple".to_owned();
    // Five are free; then each has to wait for longer than the one before. A slow machine may have waited by itself.
    let tries: Vec<String> = (0..5).map(|_| psql.refused("select 1")).collect();
    assert!(tries.iter().all(|said| said.contains("no account has this name")), "{tries:?}");
    assert!((0..12).any(|_| psql.refused("select 1").contains("too many attempts")), "nothing is slowed");
    let body = json!({"account": "lee", "password": password}).to_string();
    let http = server.try_send("POST", "/v1/session", &[("content-type", "application/json")], body).expect("an answer");
    assert_eq!(http.status, 429);
    // An account that is shut ends with the next statement.
    let account = told(data, "token", &["add", "lee-t", "--account", "lee"]);
    let (mut raw, _) = Raw::session(&server, "lee", &account);
    told(data, "user", &["disable", "lee"]);
    assert_eq!(state(&raw.ask("select 1")), "57P01");
    // A token that may ask so often a second is told when it does more.
    let slow = told(data, "token", &["add", "slow", "--rate", "2"]);
    let (mut raw, _) = Raw::session(&server, "slow", &slow);
    let states: Vec<String> = (0..6).map(|_| state(&raw.ask("select 1"))).collect();
    assert!(states.contains(&"53400".to_owned()) && states[0].is_empty(), "{states:?}");
    drop(root);
}

#[test]
fn nothing_is_said_in_the_clear_to_elsewhere() {
    let (Some(openssl), Some(_)) = (need("openssl", program("openssl")), need("psql", program("psql"))) else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let token = told(&data, "token", &["add", "root"]);
    let start = |more: &[&str]| run(vitalog().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).args(more));
    let (status, _, err) = start(&["--pg", "0.0.0.0:0"]);
    assert!(status == Some(2) && err.contains("--tls-cert") && err.contains("0.0.0.0:0"), "{err}");
    let (status, _, err) = start(&["--pg", "0.0.0.0:0", "--open"]);
    assert!(status == Some(2) && err.contains("--open"), "{err}");
    let (status, _, err) = start(&["--pg", "0.0.0.0:0", "--behind-proxy"]);
    assert!(status == Some(2) && err.contains("--tls-cert"), "{err}");
    // With TLS, a connection without it is refused before a password is asked for.
    let (chain, key) = certificate(&openssl, dir.path(), "one");
    let (chain, key) = (chain.display().to_string(), key.display().to_string());
    let server = serve(&data, &["--pg", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key]);
    let mut psql = Psql::of(&server, "root", &token).expect("psql");
    psql.tls = "require";
    assert_eq!(psql.asked("select 1"), "1");
    assert!(psql.told(&["-c", "\\conninfo"]).contains("TLSv1.3"));
    psql.tls = "disable";
    let said = psql.refused("select 1");
    assert!(said.contains("TLS only"), "{said}");
    let mut raw = Raw::connect(&server);
    raw.bytes(&super::raw::with_length(None, &[&196_608_i32.to_be_bytes()[..], b"user\0root\0\0"].concat()));
    let said = raw.until_ready();
    assert_eq!((&*kinds(&said), &*state(&said)), ("EX", "28000"), "{}", said_in(&said));
    // A handshake that is none, or that does not come, is over in the time of a head.
    let mut raw = Raw::connect(&server);
    raw.bytes(&super::raw::with_length(None, &80_877_103_i32.to_be_bytes()));
    let mut yes = [0];
    std::io::Read::read_exact(&mut raw.0, &mut yes).expect("an answer");
    assert_eq!(yes, *b"S");
    let begun = Instant::now();
    raw.bytes(&[0; 64]);
    let _ = std::io::Read::read_to_end(&mut raw.0, &mut Vec::new());
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert_eq!(server.stop(), Some(0));
}
