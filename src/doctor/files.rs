//! What lies in a data directory: accounts, keys, journal, snapshots, and how far views and outbox have come.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use vitalog_cep::driver::PARTITIONS;
use vitalog_dashboards::views;
use vitalog_elog::{Position, Span};
use vitalog_ingest::access;
use vitalog_ingest::journal::{Beginning, Peek, kafka, open_unchanged, peek};
use vitalog_ingest::keys::KekPlace;
use vitalog_notify::outbox;

use super::Finding;
use crate::run::{ELSEWHERE, MOST_PARTITIONS, RetentionNote, clock, elsewhere, has_journal, kek, placing, survey};

/// What helps where something lacks what a journal does not have any more.
const LACKS: &str = "restore a backup that was made since the journal was trimmed: it can't be made again from what is left";

/// No arrival of a reading can lie before this program: 2026-01-01.
const NOT_BEFORE: i64 = 1_767_225_600_000_000;

pub fn accounts(data: &Path) -> Option<Finding> {
    const ABOUT: &str = "accounts";
    let path = data.join("access.db");
    let remedy = "make a token with `vitalog token add ID`, or an account with `vitalog user add ID`, or start with --open on a loopback address";
    if !path.is_file() && data.join("tokens").is_file() {
        return Some(Finding::odd(ABOUT, "they are in the file of a former version", "nothing: the next start takes it over"));
    }
    if !path.is_file() {
        return Some(Finding::odd(ABOUT, "there are none, so nobody could be let in", remedy));
    }
    Some(match access::look(&path) {
        Err(error) => Finding::wrong(ABOUT, error.to_string(), "restore the file from a backup, or make the accounts anew"),
        Ok(registry) if registry.tokens.is_empty() && registry.accounts.is_empty() => {
            Finding::odd(ABOUT, "there are none, so nobody could be let in", remedy)
        }
        Ok(_) if others_may_read(&path) => Finding::odd(ABOUT, "others may read the file", "chmod 600 access.db"),
        Ok(registry) => {
            let waiting = registry.emergencies.iter().filter(|e| e.seen_by.is_none()).count();
            let said = format!("{} accounts, {} tokens", registry.accounts.len(), registry.tokens.len());
            match waiting {
                0 => Finding::sound(ABOUT, said),
                n => Finding::odd(ABOUT, format!("{said}; nobody has looked into {n} emergencies"), "see GET /v1/emergencies"),
            }
        }
    })
}

pub fn keys(data: &Path) -> Option<Finding> {
    const ABOUT: &str = "keys";
    let lost = "restore it from the copy of the keys: without it nothing in the journal can be read";
    if !has_journal(data) {
        return None;
    }
    if fs::metadata(data.join("keys.db")).map_or(true, |file| file.len() == 0) {
        return Some(Finding::wrong(ABOUT, "keys.db is missing", lost));
    }
    Some(match kek(data) {
        Err(error) => Finding::wrong(ABOUT, error.parts().0.to_owned(), error.parts().1.unwrap_or(lost)),
        Ok(KekPlace::Given(_)) => Finding::sound(ABOUT, "the key-encryption key comes from the environment"),
        Ok(KekPlace::File(path)) if !path.is_file() => {
            Finding::wrong(ABOUT, format!("the key-encryption key is missing: {}", path.display()), lost)
        }
        Ok(KekPlace::File(path)) if others_may_read(&path) => {
            Finding::wrong(ABOUT, format!("others may read {}, and it is refused then", path.display()), "chmod 600")
        }
        Ok(KekPlace::File(path)) if path.starts_with(data) => Finding::odd(
            ABOUT,
            "the key-encryption key lies beside what it protects",
            "`vitalog keys move-kek` puts it on another volume; whoever takes this disk has both else",
        ),
        Ok(KekPlace::File(path)) => Finding::sound(ABOUT, format!("the key-encryption key lies in {}", path.display())),
    })
}

/// One that is not there is made with the first start.
pub fn partitions(data: &Path) -> Option<Finding> {
    let text = fs::read_to_string(data.join("partitions")).ok()?;
    let number = text.trim().parse::<u32>().is_ok_and(|number| (1..=MOST_PARTITIONS).contains(&number));
    let remedy = "restore it from a backup, or remove it and the snapshots: then the journal is replayed from its beginning";
    (!number).then(|| {
        Finding::wrong("partitions", format!("not a whole number from 1 to {MOST_PARTITIONS}: {:?}", text.trim()), remedy)
    })
}

/// For how long what can be asked for is kept, and what went last.
pub fn retention(data: &Path) -> Option<Finding> {
    const ABOUT: &str = "retention";
    let note = match RetentionNote::read(data) {
        Ok(note) if note == RetentionNote::default() => return None,
        Ok(note) => note,
        Err(error) => {
            let (said, remedy) = error.parts();
            return Some(Finding::wrong(ABOUT, said, remedy.unwrap_or("restore it from a backup")));
        }
    };
    let policy = note.policy();
    let last = match &note.last {
        Some(last) => format!("the last that went were {} rows, on {}", last.rows, last.at),
        None => "nothing went yet".to_owned(),
    };
    let said = format!("what can be asked for is kept: {policy}; {last}");
    let now = clock::wall();
    if note.as_of() > now + Span::days(1) {
        let said = format!("{said}. Rows went by a clock that said {}, and the machine's clock says {now}", note.as_of());
        let remedy = "set the clock, then start once with --retain forever and again as before: the lake is fed again from the journal, which has what went too early";
        return Some(Finding::odd(ABOUT, said, remedy));
    }
    Some(match note.to_purge {
        false => Finding::sound(ABOUT, said),
        true => Finding::odd(
            ABOUT,
            format!("{said}. Files that nobody asks any more are there yet"),
            "nothing: a server removes them",
        ),
    })
}

/// What nobody writes just now.
pub fn contents(data: &Path) -> Vec<Finding> {
    match elsewhere(data) {
        Ok(None) => {}
        Ok(Some(settings)) => return topic(data, &settings),
        Err(error) => {
            let (said, remedy) = error.parts();
            return vec![Finding::wrong("journal", said, remedy.unwrap_or("restore it from a backup"))];
        }
    }
    let path = data.join("journal.db");
    if !path.is_file() {
        return vec![Finding::odd(
            "journal",
            "there is none yet",
            "the first start makes it; if there was one, restore it from a backup",
        )];
    }
    let seen = match peek(&path) {
        Ok(seen) => seen,
        Err(error) => return vec![Finding::wrong("journal", error.to_string(), "restore the journal from a backup")],
    };
    // Where it ends once its log is taken in.
    let end = seen.acknowledged.filter(|told| told.next > seen.end.next).unwrap_or(seen.end);
    let mut found = vec![journal(&seen, &end)];
    found.extend(time(&seen));
    let first = seen.beginning.map_or(0, |beginning| beginning.position.next);
    found.extend(derived(data, &end, first));
    found.extend(beginning(data, seen.beginning));
    found
}

/// What hangs on where the journal begins and ends.
fn derived(data: &Path, end: &Position, first: u64) -> [Finding; 3] {
    [
        snapshots(data, end, first),
        sink("views", &data.join("views.db"), (first, end), |db| views::peek(db).map_err(|e| e.to_string())),
        sink("outbox", &data.join("outbox.db"), (first, end), |db| outbox::peek(db).map(Some).map_err(|e| e.to_string())),
    ]
}

/// A journal that is kept in a topic: whether it can be reached, is fit, and ends where it should.
fn topic(data: &Path, settings: &kafka::Settings) -> Vec<Finding> {
    // A number that can't be read is told apart, and the topic itself says how it is cut.
    match kafka::look(settings, placing(PARTITIONS), &data.join(ELSEWHERE)) {
        Err(error) => vec![Finding::wrong("journal", error.to_string(), "")],
        Ok(seen) => {
            let said = format!(
                "in the topic {} of {}: {} inputs; its settings and its end fit. `vitalog audit journal` reads all of it",
                settings.topic, settings.brokers, seen.end.next
            );
            let first = seen.beginning.map_or(0, |beginning| beginning.position.next);
            let mut found = vec![Finding::sound("journal", said)];
            found.extend(derived(data, &seen.end, first));
            found.extend(beginning(data, seen.beginning));
            found
        }
    }
}

fn journal(seen: &Peek, end: &Position) -> Finding {
    let restored = seen
        .restored
        .last()
        .map_or_else(String::new, |point| format!(", restored from a backup at offset {} on {}", point.next, point.at));
    let said =
        format!("format {}, {} inputs{restored}; its end fits. `vitalog audit journal` reads all of it", seen.format, end.next);
    if seen.log > 0 {
        let said = format!("{said}. It was not closed in order: a log of {} bytes lies beside it", seen.log);
        return Finding::odd(
            "journal",
            said,
            "nothing: the next start takes the log in. Never remove it, and copy it with the journal",
        );
    }
    Finding::sound("journal", said)
}

/// A clock that is wrong makes what is due late, or pages for what was.
fn time(seen: &Peek) -> Option<Finding> {
    let now = clock::wall();
    let last = seen.last?;
    Some(if now.0 < NOT_BEFORE {
        Finding::wrong(
            "clock",
            format!("the machine's clock says {now}"),
            "set it (timedatectl), and have a time service keep it",
        )
    } else if now < last {
        let said = format!("the machine's clock says {now}, and the journal has an input of {last}");
        Finding::odd("clock", said, "set the clock; until it has caught up, inputs are stamped with the journal's time")
    } else {
        Finding::sound("clock", now.to_string())
    })
}

/// Where it begins, and whether that is as it is to be.
fn beginning(data: &Path, seen: Option<Beginning>) -> Option<Finding> {
    const ABOUT: &str = "trimming";
    let keep = RetentionNote::read(data).ok()?.journal();
    let begins = seen.map(|beginning| {
        let Beginning { position, arrival, at } = beginning;
        format!("the journal begins at offset {}: what had arrived up to {arrival} was let go on {at}", position.next)
    });
    if keep.is_none() && begins.is_none() {
        return None;
    }
    let keep = keep
        .map_or_else(|| "nobody said for how long the journal is kept".to_owned(), |keep| format!("the journal is kept: {keep}"));
    let begins = begins.unwrap_or_else(|| "nothing of it went yet".to_owned());
    Some(Finding::sound(ABOUT, format!("{keep}; {begins}. `vitalog trim --dry-run` says what could go, and what keeps it")))
}

fn snapshots(data: &Path, end: &Position, first: u64) -> Finding {
    const ABOUT: &str = "snapshots";
    let remedy = "nothing: the next start replays the journal from the state before, and writes others";
    match survey(&data.join("snapshots")) {
        Err(error) => Finding::odd(ABOUT, format!("they can't be read: {}", error.parts().0), remedy),
        Ok(found) if !found.unfit.is_empty() => {
            let names: Vec<String> = found.unfit.iter().map(|(path, why)| format!("{}: {why}", path.display())).collect();
            Finding::odd(ABOUT, names.join("; "), remedy)
        }
        Ok(found) => match found.newest {
            None if first > 0 => {
                Finding::wrong(ABOUT, format!("there are none, and the journal begins at offset {first}"), LACKS)
            }
            None => Finding::sound(ABOUT, "there are none: the next start replays the whole journal"),
            Some(position) if position.incarnation == end.incarnation && position.next < first => {
                let said = format!("the newest state is of offset {}, and the journal begins at {first}", position.next);
                Finding::wrong(ABOUT, said, LACKS)
            }
            Some(position) if position.incarnation != end.incarnation || position.next > end.next => {
                Finding::odd(ABOUT, "they are of another journal, and do not count", remedy)
            }
            Some(position) => {
                let behind = end.next - position.next;
                Finding::sound(ABOUT, format!("{} files; the newest state lacks {behind} inputs", found.files))
            }
        },
    }
}

fn sink(
    name: &'static str,
    path: &Path,
    (first, end): (u64, &Position),
    peek: impl FnOnce(&Connection) -> Result<Option<Position>, String>,
) -> Finding {
    if fs::metadata(path.with_extension("db-wal")).is_ok_and(|log| log.len() > 0) {
        return Finding::sound(
            name,
            "it was not closed in order; the next start takes its log in, and says whether it belongs to the journal",
        );
    }
    let found = match path.is_file() {
        true => open_unchanged(path).map_err(|e| e.to_string()).and_then(|db| peek(&db)),
        false => Ok(None),
    };
    let anew = "restore the journal that belongs to it, or move its files away to have it made again";
    let away = if first > 0 { LACKS } else { anew };
    match found {
        Err(error) if first > 0 => Finding::wrong(name, error, LACKS),
        Err(error) => Finding::wrong(name, error, "move its files away: it is made again from the journal"),
        Ok(None) if first > 0 => Finding::wrong(name, format!("not there, and the journal begins at offset {first}"), LACKS),
        Ok(None) => Finding::sound(name, "not there: made again at the next start"),
        Ok(Some(position)) if position.incarnation == end.incarnation && position.next < first => {
            let said = format!("has come to offset {} only, and the journal begins at {first}", position.next);
            Finding::wrong(name, said, LACKS)
        }
        Ok(Some(position)) if position.incarnation != end.incarnation => Finding::wrong(name, "fed from another journal", away),
        Ok(Some(position)) if position.next > end.next => {
            let missing = position.next - end.next;
            let said = format!(
                "has come to offset {}, and the journal ends at {}: {missing} inputs are missing from it",
                position.next, end.next
            );
            Finding::wrong(name, said, away)
        }
        Ok(Some(position)) => Finding::sound(name, format!("lacks {} inputs", end.next - position.next)),
    }
}

fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}
