//! The laws of the journal, written once over its port: each is asked of every home, the SQLite file in `journal.rs`, the topic in `kafka`.

use vitalog_elog::{Entry, Input, Position, Schema, Subject, Time};
use vitalog_ingest::journal::{Copy, Journal, JournalError};

use super::fixture::{bg, health, one_of_each};

/// A place where a journal is, or will be.
pub trait Place {
    fn open(&self) -> Result<Journal, JournalError>;

    /// The same journal as a killed process leaves it: what was written, without anything that an orderly end would do.
    fn killed(&self) -> Box<dyn Place>;
}

pub fn entries(schema: &Schema, from: i64, n: i64) -> Vec<Entry> {
    (from..from + n)
        .map(|i| Entry { arrival: Time(1_790_000_000_000_000 + i), input: Input::Reading(bg(schema, "p-001", i)) })
        .collect()
}

/// The same of several subjects.
pub fn of_many(schema: &Schema, from: i64, n: i64) -> Vec<Entry> {
    let of = |i: i64| Input::Reading(bg(schema, &format!("p-{:03}", i % 40), i));
    (from..from + n).map(|i| Entry { arrival: Time(1_790_000_000_000_000 + i), input: of(i) }).collect()
}

pub fn everything(journal: &Journal, schema: &Schema, from: u64) -> Vec<(u64, Entry)> {
    journal.read_from(from).expect("readable").flat_map(|g| g.expect("sound").entries(schema).expect("decodable")).collect()
}

pub fn what_is_written_comes_back_and_goes_on_after_reopening(place: &dyn Place) {
    let schema = health();
    let mut journal = place.open().expect("made");
    let start = journal.position();
    assert_eq!((start.next, start.chain, journal.last_arrival()), (0, [0; 32], Time::MIN));

    let first = one_of_each(&schema);
    let after_first = journal.append(&schema, &first).expect("kept");
    assert_eq!(after_first.next, first.len() as u64);
    assert_eq!(journal.append(&schema, &[]).expect("nothing to do"), after_first);
    drop(journal);

    let mut journal = place.open().expect("opened");
    assert_eq!(journal.position(), after_first);
    assert_eq!(Some(journal.last_arrival()), first.last().map(|e| e.arrival));
    let second = of_many(&schema, 1_000_000, 50);
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

pub fn each_journal_is_another(a: &dyn Place, b: &dyn Place) {
    let open = |place: &dyn Place| place.open().expect("made").position().incarnation;
    assert_ne!(open(a), open(b));
    assert_eq!(open(a), open(a));
}

pub fn a_killed_process_loses_nothing_that_was_acknowledged(place: &dyn Place, kills: i64) {
    let schema = health();
    let mut journal = place.open().expect("made");
    let mut all = Vec::new();
    // Whoever was killed closes nothing until the end.
    let mut dead = Vec::new();
    for n in 0..kills {
        let group = of_many(&schema, n * 10, 1 + n % 10);
        let position = journal.append(&schema, &group).expect("kept");
        all.extend(group);
        let killed = dead.last().map_or_else(|| place.killed(), |(_, place): &(Journal, Box<dyn Place>)| place.killed());
        let again = killed.open().expect("opened");
        assert_eq!(again.position(), position, "after group {n}");
        let read: Vec<Entry> = everything(&again, &schema, 0).into_iter().map(|(_, entry)| entry).collect();
        assert_eq!(read, all, "after group {n}");
        dead.push((std::mem::replace(&mut journal, again), killed));
    }
    journal.append(&schema, &entries(&schema, 100_000, 1)).expect("goes on");
}

pub fn arrival_never_runs_backwards(place: &dyn Place) {
    let schema = health();
    let mut journal = place.open().expect("made");
    journal.append(&schema, &entries(&schema, 10, 3)).expect("kept");
    let refused = journal.append(&schema, &entries(&schema, 9, 1)).expect_err("earlier than what is there");
    assert!(matches!(refused, JournalError::ArrivalBackwards { offset: 3, .. }), "{refused}");
    assert!(!refused.is_fatal());
    let mut mixed = entries(&schema, 20, 2);
    mixed.reverse();
    assert!(matches!(journal.append(&schema, &mixed), Err(JournalError::ArrivalBackwards { offset: 4, .. })));
    assert_eq!(journal.append(&schema, &entries(&schema, 12, 1)).expect("the same instant is fine").next, 4);
}

pub fn entries_do_not_depend_on_the_order_of_declarations(place: &dyn Place) {
    let schema = health();
    let written = one_of_each(&schema);
    place.open().expect("made").append(&schema, &written).expect("kept");

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
    let journal = place.open().expect("opened");
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

/// A destroyed key takes its subject out of every group, and nobody else.
pub fn an_erased_subject_is_erased_wherever_it_was(place: &dyn Place) {
    let schema = health();
    let mut journal = place.open().expect("made");
    for n in 0..3 {
        journal.append(&schema, &of_many(&schema, n * 60, 60)).expect("kept");
    }
    let before = everything(&journal, &schema, 0);
    assert_eq!(journal.erase(&Subject::new("p-007"), Time(1), b"").expect("erased"), 1);
    journal.keys_mut().finish().expect("done");
    drop(journal);
    let journal = place.open().expect("opened");
    let mut erased = 0;
    for ((offset, was), (at, is)) in before.iter().zip(everything(&journal, &schema, 0)) {
        assert_eq!((*offset, was.arrival), (at, is.arrival));
        match &was.input {
            Input::Reading(reading) if reading.subject == Subject::new("p-007") => {
                assert_eq!(is.input, Input::Erased, "at {offset}");
                erased += 1;
            }
            other => assert_eq!(is.input, *other, "at {offset}"),
        }
    }
    assert!(erased >= 3, "{erased}");
    assert_eq!(journal.verify().expect("sound, for the chain needs no key"), 3);
}

/// Slices between two groups make a copy that is a journal like any other.
pub fn a_copy_reads_as_what_it_is_a_copy_of(place: &dyn Place) {
    let schema = health();
    let mut journal = place.open().expect("made");
    for n in 0..4 {
        journal.append(&schema, &of_many(&schema, n * 70, 70)).expect("kept");
    }
    let (dir, end) = (tempfile::tempdir().expect("a directory"), journal.position());
    let path = dir.path().join("journal.db");
    let mut copy = Copy::create(&path, end.incarnation, &[]).expect("begun");
    while copy.position().next < end.next {
        let slice = journal.slice(copy.position().next, end.next, 1).expect("read");
        assert!(!slice.is_empty());
        copy.take(&slice).expect("sound");
    }
    assert_eq!(copy.finish().expect("whole"), end);
    journal.keys().copy_to(&dir.path().join("keys.db")).expect("copied");
    let kek = journal.keys().kek_file().expect("a file").to_owned();
    std::fs::copy(&kek, dir.path().join("kek")).expect("copied");
    let again = Journal::open(&path).expect("a journal");
    assert_eq!(again.position(), end);
    assert_eq!(everything(&again, &schema, 0), everything(&journal, &schema, 0));
}
