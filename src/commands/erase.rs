//! `vitalog erase`: subjects, from everything that a data directory holds, and a word on what it can't reach.

use std::path::Path;

use serde_json::json;
use vitalog_elog::Subject;
use vitalog_ingest::access;

use crate::cli::{Erase, Format};
use crate::commands::access_failure;
use crate::failure::Failure;
use crate::run::{self, wall_clock};

/// What no key reaches, wherever it is.
const ELSEWHERE: [&str; 4] = [
    "who saw the subject: the access log is kept",
    "what was exported, sent or copied elsewhere, and backups of the lake",
    "what others' readings say of the subject",
    "log files of the server, which name subjects",
];

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
    let done = run::erase(&args.data, &subjects)?;
    let mut left: Vec<String> = named(&args.data, &subjects)?;
    if !done.exchanged {
        left.push(
            "older copies of the key store: the key-encryption key comes from outside, exchange it with `vitalog keys move-kek`"
                .to_owned(),
        );
    }
    left.extend(ELSEWHERE.map(str::to_owned));
    match args.format {
        Format::Json => {
            let line = json!({"subjects": args.subjects, "keys": done.keys, "deliveries": done.deliveries, "kek_exchanged": done.exchanged, "made_again": done.removed, "left": left});
            say!("{line}");
        }
        Format::Text => {
            say!("erased: {}; {} keys destroyed, {} deliveries forgotten", args.subjects.join(", "), done.keys, done.deliveries);
            match done.removed[..] {
                [] => say!("cut out of snapshots, layers, views and lake"),
                ref removed => {
                    let removed = removed.join(", ");
                    say!("removed: {removed}; the next start makes them again from what can still be read of the journal");
                }
            }
            say!("not reached:");
            left.iter().for_each(|what| say!("  {what}"));
        }
    }
    Ok(())
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
