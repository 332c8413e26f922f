//! The audit: it counts what is there, names everything that is wrong and not only the first, and touches nothing.

use std::collections::BTreeMap;
use std::path::Path;

use vitalog_elog::{Entry, Input, Schema, Subject, Time};
use vitalog_ingest::journal::{Audit, Journal, JournalError, Kind, audit};
use vitalog_ingest::keys::KekPlace;

use super::fixture::{bg, health, one_of_each};
use super::journal::{FILES, image};

/// A group of each kind of input (offsets 0 to 10), then four of two readings, at 11, 13, 15 and 17.
fn written(dir: &Path) -> Schema {
    let schema = health();
    let mut journal = Journal::open(&dir.join("journal.db")).expect("made");
    journal.append(&schema, &one_of_each(&schema)).expect("kept");
    for group in 0..4 {
        let entry = |i: i64| Entry {
            arrival: Time(1_790_000_100_000_000 + group),
            input: Input::Reading(bg(&schema, "p-002", group * 2 + i)),
        };
        journal.append(&schema, &[entry(0), entry(1)]).expect("kept");
    }
    schema
}

fn audited(dir: &Path) -> Result<Audit, JournalError> {
    let path = dir.join("journal.db");
    audit(&path, &KekPlace::beside(&path))
}

fn damage(dir: &Path) -> Vec<(&'static str, Option<u64>)> {
    audited(dir).expect("audited").damage.iter().map(|e| (e.code(), e.offset())).collect()
}

fn files(dir: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    FILES.iter().filter_map(|name| Some((*name, std::fs::read(dir.join(name)).ok()?))).collect()
}

#[test]
fn a_sound_journal_is_counted_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path());
    let before = files(dir.path());
    let found = audited(dir.path()).expect("audited");
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    let counts: Vec<(Kind, u64)> = Kind::ALL.into_iter().zip(found.kinds).collect();
    assert_eq!(counts[0], (Kind::Reading, 13));
    assert!(counts[1..7].iter().all(|(_, n)| *n == 1), "{counts:?}");
    assert_eq!(counts[7..], [(Kind::Mending, 0), (Kind::Once, 0), (Kind::Sent, 0)]);
    assert_eq!((found.format, found.groups, found.inputs, found.erased, found.in_clear), (6, 5, 19, 0, 0));
    assert_eq!((found.first, found.last), (Some(Time(1_790_000_001_000_000)), Some(Time(1_790_000_100_000_003))));
    let keys = found.keys.expect("opened");
    assert_eq!((keys.held, keys.unused, keys.destroyed, keys.unfinished), (2, 0, 0, false));
    assert_eq!(files(dir.path()), before);

    let mut journal = Journal::open(&dir.path().join("journal.db")).expect("opened");
    journal.erase(&Subject::new("p-001"), Time(0), b"").expect("erased");
    drop(journal);
    let found = audited(dir.path()).expect("audited");
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    let keys = found.keys.expect("opened");
    assert_eq!((found.erased, keys.held, keys.destroyed, keys.unfinished), (7, 1, 1, true));
    assert_eq!(found.inputs, 19, "what was erased is counted");
}

#[test]
fn everything_that_is_wrong_is_named() {
    let zero = "SET payload = zeroblob(length(payload)) WHERE first";
    type Named = &'static [(&'static str, Option<u64>)];
    let cases: [(String, Named); 9] = [
        (format!("UPDATE groups {zero} = 11"), &[("bad_checksum", Some(11))]),
        (format!("UPDATE groups {zero} IN (11, 15)"), &[("bad_checksum", Some(11)), ("bad_checksum", Some(15))]),
        ("DELETE FROM groups WHERE first = 13".to_owned(), &[("gap", Some(13))]),
        (
            "UPDATE groups SET chain = zeroblob(32) WHERE first = 13".to_owned(),
            &[("broken_chain", Some(13)), ("broken_chain", Some(15))],
        ),
        ("UPDATE groups SET chain = x'00' WHERE first = 13".to_owned(), &[("bad_row", Some(13))]),
        ("UPDATE groups SET arrival = arrival + 1 WHERE first = 11".to_owned(), &[("broken_chain", Some(11))]),
        ("DELETE FROM groups WHERE first = 17".to_owned(), &[("gap", Some(17)), ("lost_end", Some(17))]),
        ("UPDATE head SET chain = zeroblob(32)".to_owned(), &[("broken_chain", Some(19))]),
        (
            format!("UPDATE groups {zero} = 17; DELETE FROM groups WHERE first = 0"),
            &[("gap", Some(0)), ("bad_checksum", Some(17))],
        ),
    ];
    let sound = tempfile::tempdir().expect("a directory");
    written(sound.path());
    for (sql, named) in cases {
        let dir = tempfile::tempdir().expect("a directory");
        image(sound.path(), dir.path());
        rusqlite::Connection::open(dir.path().join("journal.db")).and_then(|db| db.execute_batch(&sql)).expect("bent");
        assert_eq!(damage(dir.path()), named, "{sql}");
    }
}

#[test]
fn missing_keys_are_named_and_the_rest_is_verified() {
    let (dir, other) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    written(dir.path());
    written(other.path());
    std::fs::remove_file(dir.path().join("kek")).expect("removed");
    let found = audited(dir.path()).expect("audited");
    assert_eq!((found.inputs, found.damage.len(), found.keys.is_none()), (19, 1, true));
    assert!(found.damage[0].to_string().contains("the key-encryption key is missing"), "{:?}", found.damage);
    assert!(!dir.path().join("kek").exists(), "none was made");
    for name in ["kek", "keys.db"] {
        std::fs::copy(other.path().join(name), dir.path().join(name)).expect("copied");
    }
    assert_eq!(damage(dir.path()), [0, 11, 13, 15, 17].map(|offset| ("key_missing", Some(offset))));
}

#[test]
fn there_must_be_something_to_audit() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(matches!(audited(dir.path()), Err(JournalError::NotAJournal { .. })));
    std::fs::write(dir.path().join("journal.db"), "").expect("written");
    assert!(matches!(audited(dir.path()), Err(JournalError::NotAJournal { .. })));
    assert_eq!(std::fs::read(dir.path().join("journal.db")).expect("there"), b"");
    std::fs::remove_file(dir.path().join("journal.db")).expect("removed");
    written(dir.path());
    let _open = Journal::open(&dir.path().join("journal.db")).expect("opened");
    assert!(matches!(audited(dir.path()), Err(JournalError::InUse)));
}
