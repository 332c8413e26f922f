//! Who may ask what over Arrow Flight SQL, and that it is written down first: the same as over HTTP.

use std::time::{Duration, Instant};

use serde_json::json;

use super::raw::{Raw, flight, packed, part, statement};
use super::{filled, listening, place, python, told};
use crate::access::{ALL, audit, certificate, everybody, has, serve};
use crate::support::need::{need, program};
use crate::support::server::{Server, run, vitalog};

/// The rows of statements, as lines of JSON; or what is said of a refusal.
fn rows(server: &Server, token: &str, sql: &[&str]) -> Option<Result<Vec<String>, String>> {
    let (status, out, err) = python("seen", &[&[place(server)][..], sql].concat(), [token, ""])?;
    let lines = out.lines().filter(|line| *line != "sound").map(str::to_owned).collect();
    Some(if status == Some(0) { Ok(lines) } else { Err(err) })
}

#[test]
fn each_sees_what_is_theirs_and_nothing_tells_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let root = told(data, "token", &["add", "root"]);
    let account = |name: &str, role: &str, more: &[&str]| {
        told(data, "user", &[&["add", name, "--roles", role, "--no-password"][..], more].concat());
        told(data, "token", &["add", &format!("{name}-t"), "--account", name])
    };
    let patient = account("pat", "patient", &["--subject", "p-1"]);
    let operator = account("ops", "operator", &[]);
    let server = serve(data, &["--flight", "127.0.0.1:0"]);
    filled(&server, &root);
    let asked = [
        "select subject, count(*) from bg group by 1",
        "select count(*) from readings where subject = 'p-2'",
        "select count(*) from bg a join bg b on a.at = b.at",
        // A condition that would fail on a row of somebody else does not.
        "select count(*) from bg where subject = 'p-1' or 1 / (case when subject = 'p-2' then 0 else 1 end) > 5",
    ];
    let Some(seen) = rows(&server, &patient, &asked) else { return };
    assert_eq!(seen, Ok(["[\"p-1\", 12]", "[0]", "[12]", "[12]"].map(str::to_owned).to_vec()));
    // What they may not ask they are not told of, in the catalogue neither.
    let tables = ["select count(*) from information_schema.tables where table_name = 'dead_letters'"];
    assert_eq!(rows(&server, &patient, &tables).unwrap(), Ok(vec!["[0]".to_owned()]));
    for sql in ["select * from dead_letters", "explain select * from bg"] {
        let said = rows(&server, &patient, &[sql]).unwrap().unwrap_err();
        assert!(!said.contains("p-2") && (said.contains("not found") || said.contains("PermissionDenied")), "{sql}: {said}");
    }
    let said = rows(&server, &operator, &["select 1"]).unwrap().unwrap_err();
    assert!(said.contains("you may not ask in SQL"), "{said}");
    let mut raw = Raw::connect(&server);
    let listed = raw.call("GetFlightInfo", &patient, &flight(&packed("CommandGetTables", &[])));
    assert_eq!(listed.status, 0, "{}", listed.message);
    assert_eq!(server.stop(), Some(0));
    // All of it is in the log: who, by what, what became of it, and whom it was about.
    let (status, lines, summary) = audit(data, &["--subject", "p-1"]);
    assert_eq!((status, &summary["sound"]), (Some(0), &json!(true)), "{summary}");
    let pats = lines.iter().map(|line| &line["entry"]).filter(|e| e["who"] == "pat" && e["door"] == "FLIGHT statement");
    assert!(pats.clone().filter(|e| e["status"] == 200).count() >= 5, "{lines:?}");
    let log = super::log_of(data);
    assert!(
        log.lines().any(|line| line.contains("FLIGHT") && line.contains("\"who\":\"ops\"") && line.contains("\"status\":403")),
        "{log}"
    );
    assert!(!log.contains("select") && !log.contains("vitalog_"), "neither statements nor secrets are in the log");
}

#[test]
fn the_door_opens_to_whom_the_manual_says() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = everybody(dir.path());
    let server = serve(dir.path(), &["--flight", "127.0.0.1:0"]);
    let mut opened = 0;
    let statement = statement("select 1 as one");
    let tables = flight(&packed("CommandGetTables", &[]));
    let action =
        [part(1, b"CreatePreparedStatement"), part(2, &packed("ActionCreatePreparedStatementRequest", &part(1, b"select 1")))]
            .concat();
    let put = [part(1, &statement), part(2, b"")].concat();
    for ((account, role, standing), token) in ALL.iter().zip(&tokens) {
        let mut raw = Raw::connect(&server);
        let may = has(role, "query", standing);
        // Neither a question, nor the catalogue, nor what is only described or prepared, nor anything that would write.
        for (call, body) in
            [("GetFlightInfo", &statement), ("GetSchema", &statement), ("GetFlightInfo", &tables), ("DoAction", &action)]
        {
            let said = raw.call(call, token, body);
            assert_eq!(said.status == 0, may, "{call} by {account} ({role}): {} {}", said.status, said.message);
            assert!(may || said.status == 7, "{call} by {account} ({role}): {} {}", said.status, said.message);
            opened += usize::from(may);
        }
        let ticket = raw.call("DoGet", token, &part(1, b"any"));
        assert_eq!(ticket.status, if may { 3 } else { 7 }, "{}", ticket.message);
        let put = raw.call("DoPut", token, &put);
        assert_ne!(put.status, 0, "{account}");
    }
    assert!(opened > 8 && opened < 4 * ALL.len(), "{opened}");
    // Without a token, or with nobody's, no call is answered.
    for token in ["", "vitalog_0000"] {
        for call in [
            "GetFlightInfo",
            "GetSchema",
            "DoGet",
            "DoPut",
            "DoAction",
            "ListActions",
            "ListFlights",
            "PollFlightInfo",
            "DoExchange",
            "Handshake",
            "Nothing",
        ] {
            let said = Raw::connect(&server).call(call, token, &statement);
            assert_eq!(said.status, 16, "{call}: {}", said.message);
        }
    }
}

#[test]
fn what_was_shown_is_good_only_as_long_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let (server, _) = listening(data, &[]);
    let statement = statement("select count(*) from bg");
    let token = told(data, "token", &["add", "guest"]);
    let mut raw = Raw::connect(&server);
    assert_eq!(raw.call("GetFlightInfo", &token, &statement).status, 0);
    // A handshake's word is good as long as what it was given for.
    let word = raw.shake("guest", &token).expect("it is let in");
    assert_eq!(raw.call("GetFlightInfo", &word, &statement).status, 0);
    told(data, "token", &["revoke", "guest"]);
    for shown in [&token, &word] {
        let said = raw.call("GetFlightInfo", shown, &statement);
        assert_eq!(said.status, 16, "{}", said.message);
    }
    // A password is for the handshake; tries are counted, and wait for each other.
    let password = told(data, "user", &["add", "lee", "--roles", "analyst"]);
    let password = password.split_whitespace().last().expect("a password").to_owned();
    let word = raw.shake("lee", &password).expect("it is let in");
    assert_eq!(raw.call("GetFlightInfo", &word, &statement).status, 0);
    // A session that is closed is closed.
    let other = raw.shake("lee", &password).expect("it is let in");
    assert_eq!(raw.call("DoAction", &other, &part(1, b"CloseSession")).status, 0);
    assert_eq!(raw.call("GetFlightInfo", &other, &statement).status, 16);
    told(data, "user", &["disable", "lee"]);
    assert_eq!(raw.call("GetFlightInfo", &word, &statement).status, 16);
    let tries: Vec<String> = (0..17).map(|_| raw.shake("lee", "wrong horse battery staple").unwrap_err()).collect();
    assert!(
        tries[0].contains("no account has this name") && tries.iter().any(|said| said.contains("too many attempts")),
        "{tries:?}"
    );
    // A token that may ask so often a second is told when it does more.
    let slow = told(data, "token", &["add", "slow", "--rate", "2"]);
    let said: Vec<i32> = (0..6).map(|_| raw.call("GetFlightInfo", &slow, &statement).status).collect();
    assert!(said[0] == 0 && said.contains(&8), "{said:?}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn nothing_is_said_in_the_clear_to_elsewhere() {
    let Some(openssl) = need("openssl", program("openssl")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let token = told(&data, "token", &["add", "root"]);
    let start = |more: &[&str]| run(vitalog().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).args(more));
    for (more, words) in [
        (&["--flight", "0.0.0.0:0"][..], "--tls-cert"),
        (&["--flight", "0.0.0.0:0", "--open"], "--open"),
        (&["--flight", "0.0.0.0:0", "--behind-proxy"], "--tls-cert"),
    ] {
        let (status, _, err) = start(more);
        assert!(status == Some(2) && err.contains(words) && err.contains("0.0.0.0:0"), "{more:?}: {err}");
    }
    let (chain, key) = certificate(&openssl, dir.path(), "one");
    let (chain, key) = (chain.display().to_string(), key.display().to_string());
    let server = serve(&data, &["--flight", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key, "--head-time", "2"]);
    let at = place(&server).strip_prefix("grpc+tls://").expect("it says that it speaks TLS").to_owned();
    // Whoever begins in the clear, with what HTTP/2 begins with and an empty frame of settings, hears an alert of TLS
    // and is not answered. (How a client names that depends on which of its halves sees the end first.)
    let mut plain = std::net::TcpStream::connect(&at).expect("connected");
    plain.set_read_timeout(Some(Duration::from_secs(15))).expect("set");
    std::io::Write::write_all(&mut plain, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("sent");
    let mut said = Vec::new();
    let _ = std::io::Read::read_to_end(&mut plain, &mut said);
    assert!(said.is_empty() || said[0] == 21 && said.len() == 7, "answered in the clear: {said:?}");
    let said = Raw::at(&at).call("ListActions", &token, &[]);
    assert!(said.status != 0 && said.said.is_empty(), "answered in the clear: {said:?}");
    let said = std::process::Command::new(&openssl)
        .args(["s_client", "-connect", &at, "-alpn", "h2", "-brief"])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("TLSv1.3"), "{said}");
    // A client over TLS; that the certificate is its own authority, it is told to pass over.
    let Some(seen) = rows(&server, &token, &["select 1"]) else { return };
    assert_eq!(seen, Ok(vec!["[1]".to_owned()]));
    // A handshake that does not come is over in the time of a head.
    let begun = Instant::now();
    let mut silent = std::net::TcpStream::connect(&at).expect("connected");
    silent.set_read_timeout(Some(Duration::from_secs(15))).expect("set");
    let _ = std::io::Read::read_to_end(&mut silent, &mut Vec::new());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(server.stop(), Some(0));
}
