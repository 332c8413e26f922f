//! `vitalog erase`: subjects, from everything that a data directory holds, and a word on what it can't reach.

use std::path::Path;

use serde_json::json;
use vitalog_elog::Subject;

use crate::cli::{Erase, Format};
use crate::failure::Failure;
use crate::run;

/// What no key reaches, wherever it is.
const ELSEWHERE: [&str; 3] = [
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
    let mut left: Vec<String> = tokens(&args.data, &args.subjects)?;
    if !done.exchanged {
        left.push(
            "older copies of the key store: the key-encryption key comes from outside, exchange it with `vitalog keys move-kek`"
                .to_owned(),
        );
    }
    left.extend(ELSEWHERE.map(str::to_owned));
    match args.format {
        Format::Json => {
            let line = json!({"subjects": args.subjects, "keys": done.keys, "deliveries": done.deliveries, "kek_exchanged": done.exchanged, "left": left});
            say!("{line}");
        }
        Format::Text => {
            say!("erased: {}; {} keys destroyed, {} deliveries forgotten", args.subjects.join(", "), done.keys, done.deliveries);
            say!("snapshots, layers, views and lake are removed; the next start makes them again from what can still be read");
            say!("not reached:");
            left.iter().for_each(|what| say!("  {what}"));
        }
    }
    Ok(())
}

/// Tokens that name one of the subjects in what they permit.
fn tokens(data: &Path, subjects: &[String]) -> Result<Vec<String>, Failure> {
    let path = data.join("tokens");
    let text = if path.is_file() { std::fs::read_to_string(path)? } else { String::new() };
    let names = |scope: &str| scope.split_once('@').is_some_and(|(_, of)| subjects.iter().any(|subject| of.trim() == subject));
    let named = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (id, scopes) = (parts.next()?, parts.nth(1)?);
        scopes.split(',').any(names).then(|| format!("the token {id}, which names a subject: revoke it"))
    });
    Ok(named.collect())
}
