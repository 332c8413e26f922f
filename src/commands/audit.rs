//! `vitalog audit`: whether what a data directory holds is what was written.

mod access;
mod stages;

use std::path::Path;

use serde_json::{Value, json};
use vitalog_ingest::journal::{self, Audit as Found, Beginning, Kind, kafka};

use crate::cli::{Audit, AuditOf, Format};
use crate::failure::Failure;
use crate::output::grouped;
use crate::run::{Directory, ELSEWHERE, elsewhere, has_journal, kek, placing};

/// Audits and prints.
///
/// # Errors
/// Status 1 where something is wrong, 2 where the command is used wrongly.
pub fn run(args: &Audit) -> Result<(), Failure> {
    match &args.what {
        None => stages::run(&args.stages),
        Some(AuditOf::Journal { data, format }) => of_journal(data, *format),
        Some(AuditOf::Access { data, key, heads, subject, format }) => {
            access::run(data, key.as_deref(), heads, subject.as_deref(), *format)
        }
    }
}

fn of_journal(data: &Path, format: Format) -> Result<(), Failure> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())));
    }
    let held = Directory::hold(data)?;
    let found = match elsewhere(data)? {
        None => journal::audit(&held.journal(), &kek(data)?),
        Some(settings) => kafka::audit(&settings, placing(held.partitions()?), &data.join(ELSEWHERE), &kek(data)?),
    };
    let found = found.map_err(|e| Failure::new(format!("journal: {e}")))?;
    match format {
        Format::Json => say!("{}", as_json(&found)),
        Format::Text => as_text(&found),
    }
    match found.damage.len() {
        0 => Ok(()),
        1 => Err(Failure::new("the journal is damaged in 1 place")),
        places => Err(Failure::new(format!("the journal is damaged in {places} places"))),
    }
}

fn as_text(found: &Found) {
    say!("format {}, incarnation {:032x}", found.format, found.incarnation);
    if let Some(beginning) = &found.beginning {
        say!(
            "begins at offset {}: what had arrived up to {} was let go on {}",
            grouped(beginning.position.next),
            beginning.arrival,
            beginning.at
        );
    }
    if found.unswept {
        say!("some of what was let go lies in the file, or in the topic, yet: the next start, or `vitalog trim`, removes it");
    }
    let (first, last) = (said(found.first), said(found.last));
    say!("{} inputs in {} groups, from {first} to {last}", grouped(found.inputs), grouped(found.groups));
    for (kind, count) in Kind::ALL.iter().zip(found.kinds).filter(|(_, count)| *count > 0) {
        say!("  {:<12} {:>15}", kind.name(), grouped(count));
    }
    if found.erased > 0 {
        say!("{} of them are erased", grouped(found.erased));
    }
    if found.in_clear > 0 {
        say!("{} groups were written before there were keys, and are in clear", grouped(found.in_clear));
    }
    match &found.keys {
        None => say!("seals were not tried: there are no keys"),
        Some(keys) => {
            say!(
                "{} keys, {} of them without a group; {} destroyed",
                grouped(keys.held),
                grouped(keys.unused),
                grouped(keys.destroyed)
            );
            if keys.unfinished {
                say!("an erasure is not finished: the next start does it");
            }
        }
    }
    found.damage.iter().for_each(|what| say!("damage: {what}"));
    if found.damage.is_empty() {
        say!("sound");
    }
}

fn said(at: Option<vitalog_elog::Time>) -> String {
    at.map_or_else(|| "nothing".to_owned(), |at| at.to_string())
}

fn as_json(found: &Found) -> Value {
    let kinds: serde_json::Map<String, Value> =
        Kind::ALL.iter().zip(found.kinds).map(|(kind, count)| (kind.name().to_owned(), count.into())).collect();
    let keys = found.keys.as_ref().map(|keys| {
        json!({"held": keys.held, "unused": keys.unused, "destroyed": keys.destroyed, "erasure_unfinished": keys.unfinished})
    });
    let damage: Vec<Value> = found
        .damage
        .iter()
        .map(|what| json!({"offset": what.offset(), "code": what.code(), "message": what.to_string()}))
        .collect();
    let beginning = found.beginning.map(|beginning| {
        let Beginning { position, arrival, at } = beginning;
        json!({"offset": position.next, "chain": hex::encode(position.chain), "arrived": arrival.to_string(), "trimmed": at.to_string()})
    });
    json!({
        "format": found.format,
        "begins": beginning,
        "unswept": found.unswept,
        "incarnation": format!("{:032x}", found.incarnation),
        "groups": found.groups,
        "inputs": found.inputs,
        "first": found.first.map(|t| t.to_string()),
        "last": found.last.map(|t| t.to_string()),
        "kinds": kinds,
        "erased": found.erased,
        "in_clear": found.in_clear,
        "keys": keys,
        "damage": damage,
        "sound": found.damage.is_empty(),
    })
}
