//! Copies of a journal that goes on: the same up to where they were begun, sealed as it is, never with damage; and a look that changes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use vitalog_elog::{Entry, Input, Position, Schema, Time};
use vitalog_ingest::journal::{Copy, Journal, JournalError, RestorePoint, peek, put_back};

use super::fixture::{bg, health};

fn group(schema: &Schema, number: i64) -> Vec<Entry> {
    let entry = |i: i64| Entry {
        arrival: Time(1_790_000_000_000_000 + number),
        input: Input::Reading(bg(schema, &format!("p-{}", (number + i) % 5), number * 10 + i)),
    };
    (0..1 + number % 4).map(entry).collect()
}

fn written(dir: &Path, groups: i64) -> (Journal, Schema) {
    let schema = health();
    let mut journal = Journal::open(&dir.join("journal.db")).expect("made");
    for number in 0..groups {
        journal.append(&schema, &group(&schema, number)).expect("kept");
    }
    (journal, schema)
}

fn everything(journal: &Journal, schema: &Schema) -> Vec<(u64, Entry)> {
    journal.read_from(0).expect("readable").flat_map(|g| g.expect("sound").entries(schema).expect("decodable")).collect()
}

/// Copies up to `end` in slices of about so many bytes; `between` is called after each.
fn copied(journal: &mut Journal, end: Position, to: &Path, bytes: u64, mut between: impl FnMut(&mut Journal)) -> Position {
    let mut copy = Copy::create(to, end.incarnation, &journal.restored().expect("read")).expect("made");
    while copy.position().next < end.next {
        let slice = journal.slice(copy.position().next, end.next, bytes).expect("read");
        assert!(!slice.is_empty() && slice.bytes() > 0);
        copy.take(&slice).expect("it follows");
        between(journal);
    }
    copy.finish().expect("written")
}

#[test]
fn a_copy_is_the_journal_as_it_was_when_it_was_begun() {
    for bytes in [1, 700, u64::MAX] {
        let (dir, other) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
        let (mut journal, schema) = written(dir.path(), 40);
        let (end, expected) = (journal.position(), everything(&journal, &schema));
        let mut number = 100;
        let path = other.path().join("journal.db");
        let position = copied(&mut journal, end, &path, bytes, |journal| {
            number += 1;
            journal.append(&schema, &group(&schema, number)).expect("it goes on");
        });
        assert_eq!(position, end);
        // Keys are copied after it: they have those of all it holds, and more.
        journal.keys().copy_to(&other.path().join("keys.db")).expect("copied");
        std::fs::copy(dir.path().join("kek"), other.path().join("kek")).expect("copied");
        let at = Time(1_800_000_000_000_000);
        assert_eq!(put_back(&path, at).expect("noted"), end);
        let mut back = Journal::open(&path).expect("opened");
        assert_eq!(back.position(), end);
        assert!(everything(&back, &schema) == expected, "slices of {bytes} bytes");
        assert_eq!(back.restored().expect("read"), [RestorePoint { next: end.next, at }]);
        // Both go on with the same, and are not the same.
        let next = group(&schema, 1_000);
        let one = back.append(&schema, &next).expect("kept");
        let there = journal.position_at(one.next).expect("read");
        assert!(there.is_none_or(|position| position.chain != one.chain), "the chain tells them apart");
        back.verify().expect("it goes on");
        // What was put back once says so in its own copies.
        let third = tempfile::tempdir().expect("c");
        let path = third.path().join("journal.db");
        let end = back.position();
        copied(&mut back, end, &path, u64::MAX, |_| {});
        put_back(&path, Time(at.0 + 1)).expect("noted");
        let points: Vec<u64> = peek(&path).expect("seen").restored.iter().map(|point| point.next).collect();
        assert_eq!(points, [end.next - next.len() as u64, end.next]);
    }
}

#[test]
fn damage_is_not_carried_into_a_copy() {
    let bends = [
        ("UPDATE groups SET payload = zeroblob(length(payload)) WHERE first = ?1", "bad_checksum"),
        ("UPDATE groups SET chain = zeroblob(32) WHERE first = ?1", "broken_chain"),
        ("UPDATE groups SET arrival = arrival + 1 WHERE first = ?1", "broken_chain"),
    ];
    for (bend, code) in bends {
        let (dir, other) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
        let (journal, schema) = written(dir.path(), 20);
        let first: u64 = (0..8).map(|number| group(&schema, number).len() as u64).sum();
        drop(journal);
        let db = rusqlite::Connection::open(dir.path().join("journal.db")).expect("opened");
        assert_eq!(db.execute(bend, [first as i64]).expect("bent"), 1);
        drop(db);
        let journal = Journal::open(&dir.path().join("journal.db")).expect("its end is sound");
        let end = journal.position();
        let mut copy = Copy::create(&other.path().join("journal.db"), end.incarnation, &[]).expect("made");
        let error = copy.take(&journal.slice(0, end.next, u64::MAX).expect("read")).expect_err("it is damaged");
        assert_eq!((error.code(), error.offset()), (code, Some(first)), "{bend}: {error}");
        assert_eq!(copy.position().next, first, "what is before it is taken");
        let gap = Copy::create(&other.path().join("gap.db"), end.incarnation, &[])
            .expect("made")
            .take(&journal.slice(group(&schema, 0).len() as u64, end.next, 1).expect("read"));
        assert!(matches!(gap, Err(JournalError::Gap { offset: 0 })), "a copy begins at the beginning");
    }
}

fn state(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry"));
    files.map(|file| (file.file_name().into_string().expect("text"), std::fs::read(file.path()).expect("read"))).collect()
}

#[test]
fn a_look_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (journal, _) = written(dir.path(), 9);
    let (end, last) = (journal.position(), journal.last_arrival());
    drop(journal);
    let before = state(dir.path());
    let path = dir.path().join("journal.db");
    let seen = peek(&path).expect("seen");
    assert_eq!((seen.end, seen.acknowledged, seen.last, seen.log), (end, Some(end), Some(last), 0));
    assert!(seen.restored.is_empty() && state(dir.path()) == before);
    // A name that means something in a URI is a name.
    let odd = dir.path().join("a?b#c%20d");
    std::fs::create_dir(&odd).expect("made");
    std::fs::copy(&path, odd.join("journal.db")).expect("copied");
    assert_eq!(peek(&odd.join("journal.db")).expect("seen").end, end);
    std::fs::write(&path, b"no journal, but a text that is long enough").expect("written");
    assert!(peek(&path).is_err_and(|error| matches!(error, JournalError::NotAJournal { .. })));
    assert!(peek(&dir.path().join("none")).is_err());
}
