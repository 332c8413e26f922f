//! `vitalog audit access`: whether the access log is what was written, and who asked about whom.

use std::path::Path;

use serde_json::json;
use vitalog_ingest::access::log::{self, AccessAudit, Entry, Fault, Faulty};

use crate::cli::Format;
use crate::failure::Failure;
use crate::output::grouped;

/// Audits and prints.
///
/// # Errors
/// Status 1 where something is wrong, 2 where the command is used wrongly.
pub fn run(data: &Path, key: Option<&str>, heads: &[String], subject: Option<&str>, format: Format) -> Result<(), Failure> {
    let folder = data.join("access");
    if !folder.is_dir() {
        return Err(Failure::usage(format!("{} has no access log", data.display())).hint("a server makes one when it first runs"));
    }
    let noted = heads.iter().map(|head| noted(head)).collect::<Result<Vec<_>, _>>()?;
    let about = |entry: &Entry| subject.is_some_and(|s| entry.asked.iter().any(|(_, of, _)| of.as_deref() == Some(s)));
    let found = log::audit(&folder, key, &noted, |n, entry| {
        if about(entry) {
            print(n, entry, format);
        }
    })?;
    match format {
        Format::Json => say!("{}", as_json(&found)),
        Format::Text => as_text(&found),
    }
    // A line that broke off at the very end was never answered for: a crash, and no fault.
    match found.faults.iter().filter(|f| f.what != Faulty::Torn).count() {
        0 => Ok(()),
        1 => Err(Failure::new("the access log is wrong in 1 place")),
        places => Err(Failure::new(format!("the access log is wrong in {places} places"))),
    }
}

fn noted(head: &str) -> Result<(u64, String), Failure> {
    let parsed = head.split_once(':').and_then(|(n, chain)| Some((n.parse().ok()?, chain.to_owned())));
    parsed
        .ok_or_else(|| Failure::usage(format!("{head:?} is no head")).hint("write it as an earlier audit said it, NUMBER:CHAIN"))
}

fn print(n: u64, entry: &Entry, format: Format) {
    match format {
        Format::Json => say!("{}", json!({"n": n, "entry": entry})),
        Format::Text => {
            let asked = entry.asked.iter().map(|(wish, of, allowed)| {
                let of = of.as_ref().map(|s| format!(" {s}")).unwrap_or_default();
                format!("{wish}{of}{}", if *allowed { "" } else { " (denied)" })
            });
            let asked: Vec<String> = asked.collect();
            say!("{n}  {}  {} by {}  {}  {}  {}", entry.at, entry.who, entry.via, entry.door, entry.status, asked.join(", "));
        }
    }
}

fn as_text(found: &AccessAudit) {
    say!("{} entries in {} files", grouped(found.entries), grouped(found.files));
    if let (Some(first), Some(last)) = (&found.first_at, &found.last_at) {
        say!("from {first} to {last}");
    }
    found.keys.iter().for_each(|key| say!("signed by {key}"));
    say!("{} heads, up to entry {}", grouped(found.heads), grouped(found.signed));
    if let Some((n, chain)) = &found.last {
        say!("head {n}:{chain}");
    }
    if found.confirmed > 0 {
        say!("{} noted heads are on the chain", found.confirmed);
    }
    for Fault { file, line, what } in &found.faults {
        match line {
            0 => say!("wrong: {}: {what}", file.display()),
            line => say!("wrong: {}, line {line}: {what}", file.display()),
        }
    }
    if found.faults.is_empty() {
        say!("sound");
    }
}

fn as_json(found: &AccessAudit) -> serde_json::Value {
    let faults: Vec<_> = found
        .faults
        .iter()
        .map(|f| json!({"file": f.file.display().to_string(), "line": f.line, "message": f.what.to_string()}))
        .collect();
    json!({
        "files": found.files,
        "entries": found.entries,
        "first": found.first_at,
        "last": found.last_at,
        "head": found.last.as_ref().map(|(n, chain)| format!("{n}:{chain}")),
        "heads": found.heads,
        "signed": found.signed,
        "keys": found.keys,
        "confirmed": found.confirmed,
        "faults": faults,
        "sound": found.faults.iter().all(|f| f.what == Faulty::Torn),
    })
}
