//! A journal that begins later: what is left is what it was, what went is told apart from what never was and is in no byte of its files, and whatever cuts a trim short leaves it made or not begun.

use std::collections::BTreeSet;
use std::path::Path;

use vitalog_elog::{Entry, Input, Position, Schema, Subject, Time};
use vitalog_ingest::journal::{About, Copy, Journal, JournalError, audit, peek, put_back};
use vitalog_ingest::keys::KekPlace;

use super::fixture::{bg, health};
use super::journal::image;
use super::laws::everything;

const START: i64 = 1_790_000_000_000_000;

/// Groups of one to five readings; now and then two groups of one instant.
pub fn group(schema: &Schema, number: i64) -> Vec<Entry> {
    let entry = |i: i64| Entry {
        arrival: Time(START + number - number % 2),
        input: Input::Reading(bg(schema, &format!("p-{}", (number * 3 + i) % 11), number * 10 + i)),
    };
    (0..1 + number * 7 % 5).map(entry).collect()
}

/// A journal, whatever its home, and what was written into it.
pub struct Written<D> {
    pub dir: D,
    pub journal: Journal,
    pub schema: Schema,
    /// Where each group begins, and the end.
    pub borders: Vec<Position>,
    pub all: Vec<(u64, Entry)>,
    /// Of so many borders one is looked at closely: a seek costs more in some homes.
    pub stride: usize,
}

fn written(groups: i64) -> Written<tempfile::TempDir> {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(&dir.path().join("journal.db")).expect("made");
    written_in(dir, journal, groups)
}

pub fn written_in<D>(dir: D, mut journal: Journal, groups: i64) -> Written<D> {
    let schema = health();
    let mut borders = vec![journal.position()];
    for number in 0..groups {
        borders.push(journal.append(&schema, &group(&schema, number)).expect("kept"));
    }
    let all = everything(&journal, &schema, 0);
    Written { dir, journal, schema, borders, all, stride: 1 }
}

pub fn swept(journal: &mut Journal, bytes: u64) -> u64 {
    let mut groups = 0;
    loop {
        let swept = journal.sweep(bytes).expect("swept");
        groups += swept.groups;
        if swept.is_done {
            return groups;
        }
    }
}

/// What a trimmed journal must be, whoever opened it.
pub fn is_the_rest<D>(journal: &Journal, written: &Written<D>, begins: usize) {
    let first = written.borders[begins];
    let rest = &written.all[first.next as usize..];
    assert_eq!(journal.first(), first.next);
    assert_eq!(everything(journal, &written.schema, first.next), rest);
    assert_eq!(journal.verify().expect("sound") as usize, written.borders.len() - 1 - begins);
    for (place, border) in written.borders.iter().enumerate().step_by(written.stride) {
        let found = journal.position_at(border.next);
        if place < begins {
            assert!(matches!(found, Err(JournalError::Trimmed { first: at, .. }) if at == first.next), "{found:?}");
            let Err(error) = journal.read_from(border.next) else { panic!("it reads what is gone") };
            assert!(!error.is_fatal() && error.to_string().contains("begins at offset"), "{error}");
        } else {
            assert_eq!(found.expect("there"), Some(*border), "{place}");
            // From within, too.
            assert_eq!(everything(journal, &written.schema, border.next).len(), written.all.len() - border.next as usize);
        }
    }
}

#[test]
fn what_is_left_is_what_it_was_wherever_it_begins() {
    for begins in 1..12 {
        let mut one = written(12);
        let (path, first) = (one.dir.path().join("journal.db"), one.borders[begins]);
        one.journal.trim(first.next, Time(7)).expect("trimmed");
        let noted = *one.journal.beginning().expect("noted");
        assert_eq!((noted.position, noted.at), (first, Time(7)));
        assert_eq!(noted.arrival, one.all[first.next as usize - 1].1.arrival, "of the last that went");
        is_the_rest(&one.journal, &one, begins);
        let groups = if begins % 2 == 0 { swept(&mut one.journal, 1) } else { swept(&mut one.journal, u64::MAX) };
        assert_eq!(groups, begins as u64);
        is_the_rest(&one.journal, &one, begins);
        // As a killed process leaves it; and it goes on.
        let killed = tempfile::tempdir().expect("a directory");
        image(one.dir.path(), killed.path());
        let mut again = Journal::open(&killed.path().join("journal.db")).expect("opened");
        is_the_rest(&again, &one, begins);
        assert_eq!(again.beginning(), Some(&noted));
        again.append(&one.schema, &group(&one.schema, 100)).expect("goes on");
        // Later still, and never back.
        one.journal.trim(one.borders[begins - 1].next, Time(8)).expect("nothing to do");
        assert_eq!(one.journal.beginning(), Some(&noted));
        drop(one.journal);
        let found = audit(&path, &KekPlace::beside(&path)).expect("audited");
        assert_eq!((found.damage.len(), found.beginning, found.unswept), (0, Some(noted), false));
        assert_eq!((found.inputs, found.groups), (one.all.len() as u64 - first.next, 12 - begins as u64));
        assert_eq!(found.first, Some(one.all[first.next as usize].1.arrival));
        assert_eq!(peek(&path).expect("seen").beginning, Some(noted));
        let mut journal = Journal::open(&path).expect("opened");
        if begins < 11 {
            journal.trim(one.borders[11].next, Time(9)).expect("trimmed");
            assert_eq!(swept(&mut journal, u64::MAX), 11 - begins as u64);
            assert_eq!(everything(&journal, &one.schema, one.borders[11].next), one.all[one.borders[11].next as usize..]);
        }
    }
}

#[test]
fn it_begins_only_where_a_group_ends_and_something_is_left() {
    it_begins_only_where_it_may(&mut written(6));
}

pub fn it_begins_only_where_it_may<D>(one: &mut Written<D>) {
    let borders: BTreeSet<u64> = one.borders.iter().map(|p| p.next).collect();
    let end = one.journal.position().next;
    for to in (1..end + 3).filter(|to| *to >= end || !borders.contains(to)) {
        let error = one.journal.trim(to, Time(1)).expect_err("no place");
        assert!(matches!(error, JournalError::NoPlaceToBegin { offset } if offset == to) && !error.is_fatal(), "{to}: {error}");
    }
    assert_eq!((one.journal.first(), one.journal.beginning()), (0, None));
    one.journal.append(&one.schema, &group(&one.schema, 50)).expect("nothing is wrong with it");
}

#[test]
fn a_border_is_the_last_before_an_instant_and_a_limit() {
    let mut one = written(14);
    for begins in [0, 3] {
        if begins > 0 {
            one.journal.trim(one.borders[begins].next, Time(1)).expect("trimmed");
            swept(&mut one.journal, u64::MAX);
        }
        let last = one.borders[13].next;
        for limit in 0..one.journal.position().next + 2 {
            for before in (START - 1)..(START + 16) {
                let fits = |p: &&Position| {
                    let arrived = one.all[..p.next as usize].iter().all(|(_, entry)| entry.arrival < Time(before));
                    p.next <= limit && p.next <= last && arrived
                };
                let expected =
                    one.borders[begins..14].iter().filter(fits).map(|p| p.next).max().unwrap_or(one.borders[begins].next);
                assert_eq!(one.journal.border(Time(before), limit).expect("found"), expected, "{before} {limit} {begins}");
            }
        }
    }
}

#[test]
fn who_is_looked_for_is_found_where_they_begin() {
    they_are_found_where_they_begin(&mut written(14));
}

pub fn they_are_found_where_they_begin<D>(one: &mut Written<D>) {
    one.journal.keys_mut().rotate(&Subject::new("p-3")).expect("another key");
    let end = one.journal.position().next;
    for bytes in [1, u64::MAX] {
        for name in ["p-0", "p-3", "p-7", "p-10", "nobody"] {
            let subject = Subject::new(name);
            let is_about = |(offset, entry): &&(u64, Entry)| {
                matches!(&entry.input, Input::Reading(r) if r.subject == subject).then_some(*offset).is_some()
            };
            let expected = one
                .all
                .iter()
                .find(is_about)
                .map(|(offset, _)| one.borders.iter().map(|p| p.next).filter(|at| at <= offset).max().expect("a group"));
            let (mut from, mut found) = (0, None);
            while from < end && found.is_none() {
                match one.journal.first_about(&[subject.clone()].into(), from, end, bytes).expect("looked") {
                    About::Begins(at) => found = Some(at),
                    About::NoneBefore(next) => from = next,
                }
            }
            assert_eq!(found, expected, "{name}");
        }
    }
}

/// Where a text of bytes stands in the files of a directory.
fn has(dir: &Path, bytes: &[u8]) -> bool {
    ["journal.db", "journal.db-wal"]
        .iter()
        .any(|name| std::fs::read(dir.join(name)).is_ok_and(|file| file.windows(bytes.len()).any(|window| window == bytes)))
}

/// Large enough that pages are freed, of both kinds: those of small groups, and those of large ones.
#[test]
fn what_went_is_in_no_byte_and_its_room_is_given_back() {
    let (dir, schema) = (tempfile::tempdir().expect("a directory"), health());
    let path = dir.path().join("journal.db");
    let mut journal = Journal::open(&path).expect("made");
    let mut middle = 0;
    for number in 0..400 {
        let many = if number % 5 == 0 { 900 } else { 2 };
        let entries: Vec<Entry> = (0..many)
            .map(|i| Entry {
                arrival: Time(START + number),
                input: Input::Reading(bg(&schema, &format!("p-{}", i % 40), number * 1_000 + i)),
            })
            .collect();
        journal.append(&schema, &entries).expect("kept");
        if number == 299 {
            middle = journal.position().next;
        }
    }
    let (end, expected) = (journal.position(), everything(&journal, &schema, middle));
    drop(journal);
    // A piece of each payload.
    let pieces: Vec<(u64, Vec<u8>)> = {
        let db = rusqlite::Connection::open(&path).expect("opened");
        let mut rows =
            db.prepare("SELECT first, substr(payload, length(payload) - 31) FROM groups ORDER BY first").expect("rows");
        rows.query_map([], |r| Ok((r.get::<_, i64>(0)? as u64, r.get(1)?))).expect("read").map(|r| r.expect("a row")).collect()
    };
    let before = std::fs::metadata(&path).expect("there").len();
    assert!(pieces.iter().all(|(_, piece)| has(dir.path(), piece)), "they can be seen");
    let mut journal = Journal::open(&path).expect("opened");
    assert!(journal.gives_back().expect("told"));
    journal.trim(middle, Time(1)).expect("trimmed");
    let mut longest = std::time::Duration::ZERO;
    loop {
        let began = std::time::Instant::now();
        if journal.sweep(64 << 10).expect("swept").is_done {
            break;
        }
        longest = longest.max(began.elapsed());
    }
    println!("the longest slice took {longest:?}");
    // While it is open, too.
    for (first, piece) in &pieces {
        assert_eq!(has(dir.path(), piece), *first >= middle, "the group at {first}");
    }
    assert_eq!(everything(&journal, &schema, middle), expected);
    assert_eq!(journal.position(), end);
    drop(journal);
    let after = std::fs::metadata(&path).expect("there").len();
    assert!(after < before / 2, "{before} bytes before, {after} after");
    let db = rusqlite::Connection::open(&path).expect("opened");
    let said: String = db.query_row("PRAGMA integrity_check", [], |r| r.get(0)).expect("checked");
    assert_eq!(said, "ok");
}

/// One that a former program made gives nothing back before it is written anew, and is the same then.
#[test]
fn a_file_of_a_former_program_is_written_anew_once() {
    let one = written(30);
    let path = one.dir.path().join("journal.db");
    drop(one.journal);
    let db = rusqlite::Connection::open(&path).expect("opened");
    db.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM").expect("as it was");
    drop(db);
    let mut journal = Journal::open(&path).expect("opened");
    assert!(!journal.gives_back().expect("told"));
    journal.trim(one.borders[20].next, Time(1)).expect("trimmed");
    assert_eq!(swept(&mut journal, u64::MAX), 20, "it ends all the same");
    journal.write_anew().expect("written");
    assert!(journal.gives_back().expect("told"));
    journal.append(&one.schema, &group(&one.schema, 100)).expect("goes on");
    drop(journal);
    let journal = Journal::open(&path).expect("opened");
    let all = everything(&journal, &one.schema, one.borders[20].next);
    assert_eq!(all[..all.len() - group(&one.schema, 100).len()], one.all[one.borders[20].next as usize..]);
}

/// Whoever changes what is noted, or leaves something of it away, is found out.
#[test]
fn a_beginning_that_is_not_the_one_that_was_noted_is_found() {
    for (change, code) in [
        ("DELETE FROM beginning", "gap"),
        ("DROP TABLE beginning", "gap"),
        ("UPDATE beginning SET chain = zeroblob(32)", "broken_chain"),
        ("UPDATE beginning SET chain = zeroblob(31)", "not_a_journal"),
        ("UPDATE beginning SET next = next + 1", "gap"),
        ("UPDATE beginning SET next = 1", "gap"),
        ("UPDATE beginning SET next = (SELECT next FROM head)", "bad_row"),
        ("DELETE FROM groups WHERE first = (SELECT next FROM beginning)", "gap"),
    ] {
        let mut one = written(9);
        let path = one.dir.path().join("journal.db");
        one.journal.trim(one.borders[4].next, Time(1)).expect("trimmed");
        swept(&mut one.journal, u64::MAX);
        drop(one.journal);
        let db = rusqlite::Connection::open(&path).expect("opened");
        db.execute_batch(change).expect("changed");
        drop(db);
        let read = Journal::open(&path).and_then(|journal| journal.verify());
        assert_eq!(read.as_ref().map_err(JournalError::code), Err(code), "{change}");
        if code != "not_a_journal" {
            let found = audit(&path, &KekPlace::beside(&path)).expect("audited");
            assert!(!found.damage.is_empty(), "{change}: the audit found nothing");
        }
    }
    // What was cut short is said, and is no damage.
    let mut one = written(9);
    let path = one.dir.path().join("journal.db");
    one.journal.trim(one.borders[4].next, Time(1)).expect("trimmed");
    drop(one.journal);
    let found = audit(&path, &KekPlace::beside(&path)).expect("audited");
    assert_eq!((found.damage.len(), found.unswept, found.groups), (0, true, 5));
}

#[test]
fn a_copy_begins_where_it_begins() {
    let mut one = written(12);
    let kek = one.dir.path().join("kek");
    its_copy_begins_where_it_begins(&mut one, &kek);
}

/// The copy is a file, whatever it is a copy of.
pub fn its_copy_begins_where_it_begins<D>(one: &mut Written<D>, kek: &Path) {
    one.journal.trim(one.borders[5].next, Time(3)).expect("trimmed");
    let (dir, end) = (tempfile::tempdir().expect("a directory"), one.journal.position());
    let path = dir.path().join("journal.db");
    let mut copy = Copy::create(&path, end.incarnation, &[]).expect("begun");
    copy.begin_at(one.journal.beginning().expect("noted")).expect("noted");
    while copy.position().next < end.next {
        copy.take(&one.journal.slice(copy.position().next, end.next, 1).expect("read")).expect("sound");
    }
    assert_eq!(copy.finish().expect("whole"), end);
    one.journal.keys().copy_to(&dir.path().join("keys.db")).expect("copied");
    std::fs::copy(kek, dir.path().join("kek")).expect("copied");
    assert_eq!(put_back(&path, Time(4)).expect("put back"), end);
    let again = Journal::open(&path).expect("a journal");
    assert_eq!(again.beginning(), one.journal.beginning());
    is_the_rest(&again, one, 5);
    // Without its note it is none.
    let other = tempfile::tempdir().expect("a directory");
    let mut copy = Copy::create(&other.path().join("journal.db"), end.incarnation, &[]).expect("begun");
    let error =
        copy.take(&one.journal.slice(one.borders[5].next, end.next, 1).expect("read")).expect_err("it lacks what was before");
    assert!(matches!(error, JournalError::Gap { offset: 0 }), "{error}");
}

/// A destroyed key takes what is left, whether its first group went or not; and who stood in clear in what went can be erased.
#[test]
fn who_is_erased_is_erased_from_what_is_left() {
    they_are_erased_from_what_is_left(&mut written(12));
}

pub fn they_are_erased_from_what_is_left<D>(one: &mut Written<D>) {
    one.journal.trim(one.borders[6].next, Time(3)).expect("trimmed");
    let subject = Subject::new("p-3");
    assert_eq!(one.journal.erase(&subject, Time(4), b"").expect("erased"), 1);
    one.journal.keys_mut().finish().expect("done");
    let first = one.borders[6].next;
    let mut erased = 0;
    for ((_, was), (_, is)) in one.all[first as usize..].iter().zip(everything(&one.journal, &one.schema, first)) {
        let is_theirs = matches!(&was.input, Input::Reading(r) if r.subject == subject);
        assert_eq!(is.input, if is_theirs { Input::Erased } else { was.input.clone() });
        erased += u32::from(is_theirs);
    }
    assert!(erased > 0);
}
