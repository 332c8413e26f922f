//! The log of a real server as a journal or a collector reads it: each line is an object that says when, how grave, where and what; and none says more of anybody than an id.

mod doings;
mod provider;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::access::{ask, everybody, told};
use crate::support::server::{Server, run, vitalog};
use doings::{CLIENT_SECRET, HOOK_TOKEN, NEW_PASSWORD, UNTOLD, WRONG_TOKEN};
use provider::FalseProvider;

/// As talkative as our own crates can be.
const ALL_OF_OURS: &str = "warn,vitalog=trace";

fn serve(data: &Path, more: &[&str]) -> Command {
    let mut command = vitalog();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more).env("VITALOG_LOG", ALL_OF_OURS);
    command
}

fn text(log: &Path) -> String {
    std::fs::read_to_string(log).expect("a log")
}

/// What is in each line, which has to be as every line is.
fn lines(log: &Path) -> Vec<Value> {
    let each = |line: &str| {
        let said: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("no JSON ({e}): {line}"));
        let word = |name: &str| said[name].as_str().unwrap_or_else(|| panic!("no {name}: {line}"));
        assert!(word("timestamp").parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&word("level")), "{line}");
        assert!(!word("target").is_empty() && !word("message").is_empty(), "{line}");
        said
    };
    text(log).lines().map(each).collect()
}

/// Waits until the log has this.
fn spoken(log: &Path, what: &str) {
    let has = || text(log).contains(what);
    let in_time = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        has()
    });
    assert!(in_time, "nothing is said of {what:?}: {}", text(log));
}

#[test]
fn programs_read_objects_and_people_text() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    for (n, (flags, variable, is_json)) in [
        (&["--log", "text"][..], None, false),
        (&[], None, true),
        (&[], Some("text"), false),
        (&["--log", "json"], Some("text"), true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = serve(&dir.path().join(n.to_string()), &[&["--open"][..], flags].concat());
        variable.map(|format| command.env("VITALOG_LOG_FORMAT", format));
        let server = Server::logged(command, &log);
        // Without webhooks nobody would be told, and that is said at the start.
        spoken(&log, "no endpoint has a role");
        assert!(server.stop_and_tell().contains("http://127.0.0.1:"), "where it listens is for people, whatever the log is like");
        let said = text(&log);
        if is_json {
            let targets: BTreeSet<String> = lines(&log).iter().map(|line| line["target"].to_string()).collect();
            assert!(targets.iter().any(|target| target.starts_with("\"vitalog")), "{targets:?}");
        } else {
            assert!(said.contains(" WARN no endpoint has a role") && !said.contains('\u{1b}'), "{said:?}");
        }
    }
    let (status, _, err) = run(vitalog().arg("openapi").env("VITALOG_LOG_FORMAT", "xml"));
    assert!(status == Some(2) && err.contains("'xml'") && err.contains("--log") && err.contains("json, text"), "{err}");
    let (status, _, err) = run(vitalog().args(["openapi", "--log", ""]));
    assert!(status == Some(2) && err.contains("--log"), "{err}");
}

/// A server with all its ways in, a provider, and a receiver of webhooks that is away.
fn with_everything(dir: &Path, log: &Path) -> Server {
    let (secret, hooks) = (dir.join("secret"), dir.join("hooks.json"));
    std::fs::write(&secret, format!("{CLIENT_SECRET}\n")).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let [nobody] = vitalog_broker::free_ports();
    let hook = json!({
        "name": "ward-3", "url": format!("http://127.0.0.1:{nobody}/hook?token={HOOK_TOKEN}"), "allow_loopback": true,
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    });
    std::fs::write(&hooks, json!({ "settle_s": 1, "endpoints": [hook] }).to_string()).unwrap();
    let provider = FalseProvider::start();
    let (secret, hooks) = (secret.display().to_string(), hooks.display().to_string());
    let ways = ["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0", "--land-every", "1", "--webhooks", &hooks];
    let by = [
        "--oidc-issuer",
        &provider.issuer,
        "--oidc-client",
        "vitalog",
        "--oidc-url",
        "http://127.0.0.1",
        "--oidc-secret-file",
        &secret,
    ];
    Server::logged(serve(&dir.join("data"), &[&ways[..], &by].concat()), log)
}

/// What has to have been said: else little was tried, or the log was not asked for all that it can say.
const SPOKEN: [&str; 8] = [
    "a delivery failed",
    "a subject was opened in an emergency",
    "nobody is let in by the provider",
    "an answer of the provider is not taken",
    "the provider is away",
    "a connection ended",
    "an erasure was asked for",
    "going on after an erasure",
];

#[test]
fn no_line_says_more_of_anybody_than_an_id() {
    let dir = tempfile::tempdir().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    std::fs::create_dir(&data).unwrap();
    let tokens = everybody(&data);
    let root = tokens.last().expect("a token");
    let password = told(&data, "user", &["add", "lee", "--roles", "caretaker"]);
    told(&data, "user", &["assign", "lee", "p-1"]);
    let server = with_everything(dir.path(), &log);
    doings::readings(&server, root);
    spoken(&log, "a delivery failed");
    let session = doings::session(&server, "lee", &password);
    doings::questions(&server, root);
    doings::strangers(&server);
    doings::sign_ins(&server);
    doings::doors(&server, &tokens);
    ask(&server, root, "POST", "/v1/erasures", r#"{"subjects":["p-2"]}"#).ok();
    spoken(&log, "going on after an erasure");
    let out = server.stop_and_tell().to_lowercase();

    let secrets = tokens.iter().map(|token| token.trim_start_matches("vitalog_").to_owned()).chain([
        password,
        session,
        WRONG_TOKEN.to_owned(),
    ]);
    let untold: Vec<String> =
        UNTOLD.iter().map(|what| (*what).to_owned()).chain(secrets).map(|what| what.to_lowercase()).collect();
    assert!(untold.iter().all(|what| what.len() > 2), "{untold:?}");
    let lines = lines(&log);
    for mut line in lines.clone() {
        // The clock may show any number.
        line.as_object_mut().expect("an object").remove("timestamp");
        let said = line.to_string().to_lowercase();
        let leaked: Vec<&String> = untold.iter().filter(|what| said.contains(&***what)).collect();
        assert!(leaked.is_empty(), "{leaked:?} in {said}");
    }
    assert!(untold.iter().all(|what| !out.contains(&**what)), "{out}");
    let said = text(&log);
    let unsaid: Vec<&&str> = SPOKEN.iter().filter(|what| !said.contains(**what)).collect();
    assert!(unsaid.is_empty(), "{unsaid:?} in {said}");
    let levels: BTreeSet<&str> = lines.iter().filter_map(|line| line["level"].as_str()).collect();
    assert!(levels.is_superset(&BTreeSet::from(["DEBUG", "INFO", "WARN"])), "{levels:?}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.contains("p-2") || said.contains("p-1"), "it names subjects by their ids");
    assert_eq!(NEW_PASSWORD.to_lowercase(), NEW_PASSWORD, "what is looked for is in small letters");
}
