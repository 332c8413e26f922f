//! A damaged journal: found, or harmless; never a wrong answer that nobody notices.

use std::path::Path;

use rusqlite::Connection;
use vitalog_elog::{Entry, Input, Position, Schema, Time};
use vitalog_ingest::journal::{Journal, JournalError};

use super::fixture::{bg, health};
use super::journal::{FILES, image};

/// Damage is tried thousands of times: on a file system in memory where there is one.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

struct Sound {
    schema: Schema,
    entries: Vec<Entry>,
    position: Position,
}

/// A journal of four groups, as a killed process leaves it, and (`closed`) as an orderly end does.
fn write(dir: &Path, closed: bool) -> Sound {
    let schema = health();
    let live = scratch();
    let mut journal = Journal::open(&live.path().join("journal.db")).expect("made");
    let entries: Vec<Entry> = (0..8)
        .map(|i| Entry { arrival: Time(1_790_000_000_000_000 + i), input: Input::Reading(bg(&schema, "p-001", i)) })
        .collect();
    for group in entries.chunks(2) {
        journal.append(&schema, group).expect("kept");
    }
    let position = journal.position();
    if closed {
        drop(journal);
    }
    image(live.path(), dir);
    Sound { schema, entries, position }
}

/// What a reader gets: everything, or an error.
fn read(dir: &Path, schema: &Schema) -> Result<(Position, Vec<Entry>), JournalError> {
    let journal = Journal::open(&dir.join("journal.db"))?;
    let mut entries = Vec::new();
    for group in journal.read_from(0)? {
        entries.extend(group?.entries(schema)?.into_iter().map(|(_, e)| e));
    }
    Ok((journal.position(), entries))
}

/// How many bits of each byte are flipped, one after the other; `VITALOG_BITS=8` flips all.
fn bits() -> usize {
    std::env::var("VITALOG_BITS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// Flips bits of every byte that is not in a run of zeros (unused space), and of every sixteenth that is.
fn flip_everything(closed: bool) {
    let whole = scratch();
    let sound = write(whole.path(), closed);
    let expected = (sound.position, sound.entries.clone());
    assert_eq!(read_copy(whole.path(), &sound.schema).expect("sound"), expected);
    let (mut found, mut harmless) = (0, 0);
    for name in FILES {
        let Ok(bytes) = std::fs::read(whole.path().join(name)) else { continue };
        for i in 0..bytes.len() {
            let around = &bytes[i.saturating_sub(8)..(i + 8).min(bytes.len())];
            if i % 16 != 0 && around.iter().all(|b| *b == 0) {
                continue;
            }
            for bit in (i..i + bits()).map(|bit| bit % 8) {
                let damaged = scratch();
                image(whole.path(), damaged.path());
                let mut flipped = bytes.clone();
                flipped[i] ^= 1 << bit;
                std::fs::write(damaged.path().join(name), flipped).expect("written");
                match read(damaged.path(), &sound.schema) {
                    Err(_) => found += 1,
                    Ok(answer) => {
                        assert!(answer == expected, "bit {bit} of byte {i} of {name} flipped gives another journal and no error");
                        harmless += 1;
                    }
                }
            }
        }
    }
    println!("closed {closed}: {found} flips found, {harmless} harmless");
    assert!(found > 1_000 && harmless > 100);
}

fn read_copy(dir: &Path, schema: &Schema) -> Result<(Position, Vec<Entry>), JournalError> {
    let copy = scratch();
    image(dir, copy.path());
    read(copy.path(), schema)
}

#[test]
fn every_flipped_byte_after_a_kill_is_found_or_harmless() {
    flip_everything(false);
}

#[test]
fn every_flipped_byte_after_an_orderly_end_is_found_or_harmless() {
    flip_everything(true);
}

#[test]
fn a_log_cut_anywhere_is_found_and_without_the_mark_a_sound_beginning() {
    let whole = scratch();
    let sound = write(whole.path(), false);
    let log = std::fs::read(whole.path().join("journal.db-wal")).expect("a log");
    let mut lengths = std::collections::BTreeSet::new();
    for cut in (0..log.len()).step_by(509) {
        let damaged = scratch();
        image(whole.path(), damaged.path());
        std::fs::write(damaged.path().join("journal.db-wal"), &log[..cut]).expect("written");
        let error = read(damaged.path(), &sound.schema).expect_err("what was acknowledged is missing");
        assert!(matches!(error, JournalError::LostEnd { acknowledged: 8, .. }), "cut at {cut}: {error}");

        // After a power cut the mark may lag: then a sound beginning is all that can be expected, and is what comes.
        std::fs::remove_file(damaged.path().join("journal.db.mark")).expect("removed");
        let (position, entries) = read(damaged.path(), &sound.schema).expect("a sound beginning");
        assert_eq!(entries, sound.entries[..entries.len()]);
        assert_eq!(position.next, entries.len() as u64);
        lengths.insert(entries.len());
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [0, 2, 4, 6], "whole groups only");
}

/// Changes the database behind the journal's back, and tells what a reader says.
fn tampered(sql: &str) -> (JournalError, String) {
    let dir = scratch();
    let sound = write(dir.path(), true);
    Connection::open(dir.path().join("journal.db")).and_then(|db| db.execute_batch(sql)).expect("tampered with");
    let error = read(dir.path(), &sound.schema).expect_err(sql);
    let told = error.to_string();
    (error, told)
}

#[test]
fn rows_that_were_tampered_with_say_at_which_offset() {
    let swap = "UPDATE groups SET payload = (SELECT payload FROM groups WHERE first = 0), checksum = (SELECT checksum FROM groups WHERE first = 0) WHERE first = 2";
    for (sql, offset) in [
        ("UPDATE groups SET payload = zeroblob(length(payload)) WHERE first = 2", "offset 2"),
        ("UPDATE groups SET checksum = zeroblob(32) WHERE first = 4", "offset 4"),
        // Opening verifies the last group against its predecessor, and so finds this one at offset 6.
        ("UPDATE groups SET chain = zeroblob(32) WHERE first = 4", "offset 6"),
        ("UPDATE groups SET chain = zeroblob(32) WHERE first = 2", "offset 2"),
        ("UPDATE groups SET arrival = arrival + 1 WHERE first = 2", "offset 2"),
        ("UPDATE groups SET count = 3 WHERE first = 2", "offset 2"),
        (swap, "offset 2"),
        ("DELETE FROM groups WHERE first = 2", "offset 2"),
        ("DELETE FROM groups WHERE first = 6", "offset 7"),
        ("UPDATE head SET chain = zeroblob(32)", "offset 8"),
        ("UPDATE identity SET incarnation = randomblob(16)", ".mark"),
        (
            "DELETE FROM groups WHERE first = 6; UPDATE head SET next = 6, chain = (SELECT chain FROM groups WHERE first = 4)",
            "offset 8 was acknowledged",
        ),
        ("INSERT INTO groups SELECT 8, count, arrival, checksum, chain, payload FROM groups WHERE first = 6", "offset 8"),
        ("UPDATE groups SET chain = x'00' WHERE first = 0", "offset 0"),
        ("DELETE FROM head", ""),
        ("DROP TABLE groups", ""),
    ] {
        let (error, told) = tampered(sql);
        assert!(told.contains(offset), "{sql}: {told}");
        assert!(error.is_fatal(), "{sql}");
        assert!(told.contains("; "), "there is a remedy: {told}");
    }
}

#[test]
fn a_lost_database_is_not_made_anew() {
    let dir = scratch();
    let sound = write(dir.path(), false);
    std::fs::write(dir.path().join("journal.db"), "").expect("emptied");
    let error = read(dir.path(), &sound.schema).expect_err("lost");
    assert!(matches!(error, JournalError::LostEnd { found: 0, acknowledged: 8 }), "{error}");
    assert!(dir.path().join("journal.db-wal").metadata().expect("kept").len() > 0, "the log may still be of use");
}
