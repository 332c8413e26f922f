//! `vitalog erase`: subjects, from everything that a data directory holds, and a word on what it can't reach. Where a server holds the directory, it is asked to.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vitalog_elog::Subject;
use vitalog_ingest::access;

use super::remote::{Question, Remote};
use crate::cli::{Erase, Format};
use crate::commands::access_failure;
use crate::failure::Failure;
use crate::run::{self, Unknown, wall_clock};

/// What no key reaches, wherever it is.
const ELSEWHERE: [&str; 4] = [
    "who saw the subject: the access log is kept",
    "what was exported, sent or copied elsewhere, and backups of the lake",
    "what others' readings say of the subject",
    "log files of the server, which name subjects",
];
/// A server that erases answers nobody meanwhile; one that was just asked has not begun.
const AGAIN: Duration = Duration::from_millis(100);

/// Erases and prints.
///
/// # Errors
/// Status 1 where nothing is known about the subject or it can't be erased, 2 where the command is used wrongly.
pub fn run(args: &Erase) -> Result<(), Failure> {
    if let Some(none) = args.subjects.iter().find(|name| !Subject::is_valid(name)) {
        return Err(Failure::usage(format!("{none:?} is no subject")));
    }
    let mut subjects: Vec<Subject> = args.subjects.iter().map(|name| Subject::new(name)).collect();
    subjects.sort();
    subjects.dedup();
    let (done, mut left) = match (&args.data, &args.url) {
        (Some(data), None) => here(data, &subjects)?,
        (None, Some(url)) => there(&Remote { url, token: args.token.as_deref() }, &subjects)?,
        _ => {
            return Err(Failure::usage("say from where to erase")
                .hint("--data DIR, of a directory that no server holds; --url URL, of a running server"));
        }
    };
    if done["kek_exchanged"] == false {
        left.push(
            "older copies of the key store: the key-encryption key comes from outside, exchange it with `vitalog keys move-kek`"
                .to_owned(),
        );
    }
    left.extend(ELSEWHERE.map(str::to_owned));
    match args.format {
        Format::Json => {
            let mut line = json!({"subjects": args.subjects, "left": left});
            for key in ["keys", "deliveries", "kek_exchanged", "made_again"] {
                line[key] = done[key].clone();
            }
            say!("{line}");
        }
        Format::Text => told(args, &done, &left),
    }
    Ok(())
}

fn told(args: &Erase, done: &Value, left: &[String]) {
    say!("erased: {}; {} keys destroyed, {} deliveries forgotten", args.subjects.join(", "), done["keys"], done["deliveries"]);
    let removed: Vec<&str> = done["made_again"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match (&removed[..], args.url.is_some()) {
        ([], _) => say!("cut out of snapshots, layers, views and lake"),
        (removed, false) => {
            let removed = removed.join(", ");
            say!("removed: {removed}; the next start makes them again from what can still be read of the journal");
        }
        (removed, true) => {
            let removed = removed.join(", ");
            say!("removed, and made again from what can still be read of the journal: {removed}");
        }
    }
    say!("not reached:");
    left.iter().for_each(|what| say!("  {what}"));
}

/// From a directory that no server holds.
fn here(data: &Path, subjects: &[Subject]) -> Result<(Value, Vec<String>), Failure> {
    let done = run::erase(data, subjects, Unknown::Refuse)?;
    let said =
        json!({"keys": done.keys, "deliveries": done.deliveries, "kek_exchanged": done.exchanged, "made_again": done.removed});
    Ok((said, named(data, subjects)?))
}

/// By a running server: waits until it has come back.
fn there(server: &Remote<'_>, subjects: &[Subject]) -> Result<(Value, Vec<String>), Failure> {
    let names: Vec<&str> = subjects.iter().map(Subject::as_str).collect();
    let body = json!({ "subjects": names }).to_string().into_bytes();
    let mut asked = server.ask(Question {
        method: Method::POST,
        path: &["erasures"],
        body: Some(("application/json", body)),
        ..Question::default()
    })?;
    let number = asked["number"].to_string();
    while asked["state"] == "waiting" {
        std::thread::sleep(AGAIN);
        asked = server.ask(Question { path: &["erasures", &number], ..Question::default() }).map_err(|e| {
            Failure::new(e.parts().0).hint(format!(
                "it is taken on as number {number}, and is made when the server starts again at the latest: GET /v1/erasures/{number}"
            ))
        })?;
    }
    if asked["state"] != "done" {
        return Err(Failure::new(format!(
            "nobody was erased: {}",
            asked["state"].as_str().unwrap_or("the server does not say why")
        ))
        .hint("docs/security.md says what each of these means"));
    }
    Ok((asked, vec!["accounts and tokens that name a subject: shut and revoke them".to_owned()]))
}

/// Accounts and tokens that name one of the subjects: only people know whose they are.
fn named(data: &Path, subjects: &[Subject]) -> Result<Vec<String>, Failure> {
    let registry = access::open(data, wall_clock()).and_then(|mut store| store.read()).map_err(access_failure)?;
    let accounts = registry.accounts.iter().filter(|(_, a)| a.own.as_ref().is_some_and(|own| subjects.contains(own)));
    let tokens =
        registry.tokens.values().filter(|t| t.scopes.iter().any(|s| s.subject().is_some_and(|of| subjects.contains(of))));
    let accounts = accounts.map(|(id, _)| format!("the account {id}, whose subject it is: shut it"));
    Ok(accounts.chain(tokens.map(|t| format!("the token {}, which names a subject: revoke it", t.id))).collect())
}
