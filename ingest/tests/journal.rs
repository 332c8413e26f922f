//! The journal: what is written comes back, in order, after whatever ended the process.

use std::path::Path;

use vitalog_elog::{Entry, Input, Position, Schema, Time};
use vitalog_ingest::journal::{FORMAT, Journal, JournalError};

use super::fixture::{bg, health, one_of_each};

fn entries(schema: &Schema, from: i64, n: i64) -> Vec<Entry> {
    (from..from + n)
        .map(|i| Entry { arrival: Time(1_790_000_000_000_000 + i), input: Input::Reading(bg(schema, "p-001", i)) })
        .collect()
}

fn everything(journal: &Journal, schema: &Schema, from: u64) -> Vec<(u64, Entry)> {
    journal.read_from(from).expect("readable").flat_map(|g| g.expect("sound").entries(schema).expect("decodable")).collect()
}

/// All that belongs to a journal.
pub const FILES: [&str; 6] = ["journal.db", "journal.db-wal", "journal.db.mark", "keys.db", "keys.db-wal", "kek"];

/// The files as a killed process leaves them: what was written, without anything that an orderly end would do.
pub fn image(from: &Path, to: &Path) {
    for name in FILES {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

#[test]
fn what_is_written_comes_back_and_goes_on_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.db");
    let schema = health();
    let mut journal = Journal::open(&path).expect("made");
    let start = journal.position();
    assert_eq!((start.next, start.chain, journal.last_arrival()), (0, [0; 32], Time::MIN));

    let first = one_of_each(&schema);
    let after_first = journal.append(&schema, &first).expect("kept");
    assert_eq!(after_first.next, first.len() as u64);
    assert_eq!(journal.append(&schema, &[]).expect("nothing to do"), after_first);
    drop(journal);

    let mut journal = Journal::open(&path).expect("opened");
    assert_eq!(journal.position(), after_first);
    assert_eq!(Some(journal.last_arrival()), first.last().map(|e| e.arrival));
    let second = entries(&schema, 1_000_000, 5);
    let second: Vec<Entry> = second.into_iter().map(|e| Entry { arrival: Time(e.arrival.0 + 3_600_000_000), ..e }).collect();
    let after_second = journal.append(&schema, &second).expect("kept");

    let all: Vec<Entry> = first.iter().chain(&second).cloned().collect();
    let read = everything(&journal, &schema, 0);
    assert_eq!(read.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), (0..all.len() as u64).collect::<Vec<_>>());
    assert_eq!(read.into_iter().map(|(_, e)| e).collect::<Vec<_>>(), all);
    assert_eq!(journal.verify().expect("sound"), 2);

    // From within a group, from a border, from the end.
    assert_eq!(everything(&journal, &schema, 3).len(), all.len() - 3);
    assert_eq!(everything(&journal, &schema, after_first.next).len(), second.len());
    assert!(everything(&journal, &schema, after_second.next).is_empty());
    assert!(matches!(journal.read_from(after_second.next + 1), Err(JournalError::PastTheEnd { .. })));

    assert_eq!(journal.position_at(0).expect("read"), Some(Position::start(start.incarnation)));
    assert_eq!(journal.position_at(after_first.next).expect("read"), Some(after_first));
    assert_eq!(journal.position_at(after_second.next).expect("read"), Some(after_second));
    assert_eq!(journal.position_at(1).expect("read"), None);
    assert_eq!(journal.position_at(1_000).expect("read"), None);
}

#[test]
fn each_journal_is_another() {
    let (a, b) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let open = |dir: &tempfile::TempDir| Journal::open(&dir.path().join("journal.db")).expect("made").position().incarnation;
    assert_ne!(open(&a), open(&b));
    assert_eq!(open(&a), open(&a));
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().expect("a directory");
    let schema = health();
    let mut journal = Journal::open(&dir.path().join("journal.db")).expect("made");
    for n in 0..30 {
        let position = journal.append(&schema, &entries(&schema, n * 10, 1 + n % 10)).expect("kept");
        let killed = tempfile::tempdir().expect("a directory");
        image(dir.path(), killed.path());
        let mut again = Journal::open(&killed.path().join("journal.db")).expect("opened");
        assert_eq!(again.position(), position, "after group {n}");
        assert_eq!(everything(&again, &schema, 0), everything(&journal, &schema, 0));
        again.append(&schema, &entries(&schema, 100_000, 1)).expect("goes on");
    }
}

#[test]
fn arrival_never_runs_backwards() {
    let dir = tempfile::tempdir().expect("a directory");
    let schema = health();
    let mut journal = Journal::open(&dir.path().join("journal.db")).expect("made");
    journal.append(&schema, &entries(&schema, 10, 3)).expect("kept");
    let refused = journal.append(&schema, &entries(&schema, 9, 1)).expect_err("earlier than what is there");
    assert!(matches!(refused, JournalError::ArrivalBackwards { offset: 3, .. }), "{refused}");
    assert!(!refused.is_fatal());
    let mut mixed = entries(&schema, 20, 2);
    mixed.reverse();
    assert!(matches!(journal.append(&schema, &mixed), Err(JournalError::ArrivalBackwards { offset: 4, .. })));
    assert_eq!(journal.append(&schema, &entries(&schema, 12, 1)).expect("the same instant is fine").next, 4);
}

#[test]
fn entries_do_not_depend_on_the_order_of_declarations() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.db");
    let schema = health();
    let written = one_of_each(&schema);
    Journal::open(&path).expect("made").append(&schema, &written).expect("kept");

    let mut other = schema.clone();
    other.streams.reverse();
    for stream in &mut other.streams {
        stream.fields.reverse();
        for field in &mut stream.fields {
            if let vitalog_elog::FieldKind::Enum(words) = &mut field.kind {
                words.reverse();
            }
        }
    }
    let journal = Journal::open(&path).expect("opened");
    let read = everything(&journal, &other, 0);
    for ((_, read), written) in read.iter().zip(&written) {
        let (Input::Reading(read), Input::Reading(written)) = (&read.input, &written.input) else { continue };
        assert_eq!((read.id, read.hash, read.rev), (written.id, written.hash, written.rev));
        let (Some(read), Some(written)) = (&read.content, &written.content) else { continue };
        assert_eq!(other.get(read.stream).name, schema.get(written.stream).name);
        for (place, value) in written.values.iter().enumerate() {
            let name = &schema.get(written.stream).fields[place].name;
            let found = &read.values[usize::from(other.get(read.stream).field(name).expect("there").0)];
            match (value, found) {
                (Some(vitalog_elog::Value::Enum(2)), found) => {
                    assert_eq!(*found, Some(vitalog_elog::Value::Enum(0)), "vigorous, by its word")
                }
                (value, found) => assert_eq!(found, value, "{name}"),
            }
        }
    }

    let mut without = schema.clone();
    without.streams.remove(0);
    let group = journal.read_from(0).expect("readable").next().expect("a group").expect("sound");
    let error = group.entry(0, &without).expect_err("bg is gone");
    assert!(matches!(&error, JournalError::NotInSchema { offset: Some(0), name } if name == "stream bg"), "{error}");
    let mut renamed = schema.clone();
    renamed.streams[0].fields[0].name = "level".into();
    let error = group.entry(0, &renamed).expect_err("the field is gone");
    assert!(matches!(&error, JournalError::NotInSchema { name, .. } if name == "field bg.value"), "{error}");
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.db");
    let mut held = Journal::open(&path).expect("made");
    held.append(&health(), &entries(&health(), 0, 1)).expect("kept");
    let error = Journal::open(&path).err().expect("it is held");
    assert!(matches!(error, JournalError::InUse), "{error}");
    drop(held);
    assert_eq!(Journal::open(&path).expect("free again").position().next, 1);
}

#[test]
fn what_is_no_journal_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = dir.path().join("text.db");
    std::fs::write(&text, "a long enough text that is certainly no database at all\n".repeat(40)).expect("written");
    assert!(matches!(Journal::open(&text), Err(JournalError::NotAJournal { .. })));

    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other).and_then(|db| db.execute_batch("CREATE TABLE t (x)")).expect("another database");
    assert!(matches!(Journal::open(&other), Err(JournalError::NotAJournal { .. })));

    let newer = dir.path().join("newer.db");
    drop(Journal::open(&newer).expect("made"));
    rusqlite::Connection::open(&newer).and_then(|db| db.pragma_update(None, "user_version", FORMAT + 1)).expect("a newer format");
    let error = Journal::open(&newer).err().expect("newer");
    assert!(matches!(error, JournalError::NewerFormat { found, known: FORMAT } if found == FORMAT + 1), "{error}");
    assert!(error.to_string().contains("use the version"), "{error}");
}
