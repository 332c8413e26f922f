//! A topic whose records are missing, bent, doubled or exchanged: found and named by the offset, or harmless.

use vitalog_broker::Broker;
use vitalog_elog::Entry;
use vitalog_ingest::journal::{JournalError, kafka};

use super::super::fixture::health;
use super::super::laws::{everything, of_many};
use super::records::{Records, read, write};
use super::{InTopic, placing, shared};

const GROUPS: usize = 5;
const EACH: i64 = 12;

/// A journal of five groups, each with parts in all partitions.
fn sound(broker: &Broker) -> (InTopic, Records, Vec<Entry>) {
    let (place, schema) = (InTopic::on(broker), health());
    let mut journal = place.journal().expect("made");
    let mut all = Vec::new();
    for n in 0..GROUPS as i64 {
        let group = of_many(&schema, n * EACH, EACH);
        journal.append(&schema, &group).expect("kept");
        all.extend(group);
    }
    drop(journal);
    let records = read(broker, &place.settings.topic);
    assert_eq!(records[0].len(), 1 + GROUPS, "an opening and a head for each group");
    assert!(records[1..].iter().all(|part| part.len() == GROUPS), "a part of each group in each partition");
    (place, records, all)
}

/// What a reader says of a topic with these records, and an audit.
fn told(broker: &Broker, place: &InTopic, records: &Records) -> (Result<Vec<Entry>, JournalError>, Vec<JournalError>) {
    let moved = place.moved_to(&write(broker, records));
    let audit = kafka::audit(&moved.settings, placing(), &moved.path(), &moved.kek()).map_or_else(|e| vec![e], |a| a.damage);
    let schema = health();
    let entries = moved.journal().and_then(|journal| {
        let mut entries = Vec::new();
        for group in journal.read_from(0)? {
            entries.extend(group?.entries(&schema)?.into_iter().map(|(_, entry)| entry));
        }
        Ok(entries)
    });
    (entries, audit)
}

#[test]
fn a_faithful_copy_is_the_journal() {
    let Some(broker) = shared() else { return };
    let (place, records, all) = sound(broker);
    let (entries, damage) = told(broker, &place, &records);
    assert!(damage.is_empty(), "{damage:?}");
    assert_eq!(entries.expect("sound"), all);
}

#[test]
fn a_record_that_is_bent_or_missing_is_named() {
    let Some(broker) = shared() else { return };
    let (place, records, _) = sound(broker);
    let bend = |partition: usize, at: usize, byte: usize| {
        let mut bent = records.clone();
        let record = &mut bent[partition][at];
        let place = byte.min(record.len() - 1);
        record[place] ^= 1;
        bent
    };
    let without = |partition: usize, at: usize| {
        let mut less = records.clone();
        less[partition].remove(at);
        less
    };
    let exchanged = |partition: usize| {
        let mut other = records.clone();
        other[partition].swap(1, 2);
        other
    };
    // Of the second group, whose entries begin at offset 12 (heads stand behind the opening).
    for (what, damaged, named) in [
        ("a part's payload bent", bend(1, 1, usize::MAX), 12),
        ("a part's frame bent", bend(2, 1, 8), 12),
        ("a head bent", bend(0, 2, 40), 12),
        ("a part missing", without(3, 1), 12),
        ("a head missing", without(0, 2), 12),
        ("parts exchanged", exchanged(2), 12),
        ("heads exchanged", exchanged(0), 0),
        ("the last part missing", without(4, GROUPS - 1), 48),
    ] {
        let (entries, damage) = told(broker, &place, &damaged);
        let error = entries.expect_err(what);
        assert!(error.is_fatal() || matches!(error, JournalError::LostEnd { .. }), "{what}: {error}");
        let offset = damage.first().and_then(JournalError::offset);
        assert_eq!(offset, Some(named), "{what}: {damage:?}");
    }
}

#[test]
fn a_lost_end_is_known_by_the_mark() {
    let Some(broker) = shared() else { return };
    let (place, records, all) = sound(broker);
    let mut cut = records.clone();
    cut[0].pop();
    let (entries, damage) = told(broker, &place, &cut);
    let error = entries.expect_err("the last group is gone");
    assert!(matches!(error, JournalError::LostEnd { found: 48, acknowledged: 60 }), "{error}");
    assert!(matches!(damage.as_slice(), [JournalError::LostEnd { .. }]), "{damage:?}");

    // Without the mark, as after a power cut, a sound beginning is all that can be known.
    let moved = place.moved_to(&write(broker, &cut));
    std::fs::remove_file(moved.dir.path().join("journal.kafka.mark")).expect("removed");
    let journal = moved.journal().expect("a sound beginning");
    let entries: Vec<Entry> = everything(&journal, &health(), 0).into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(entries, all[..48]);
}

#[test]
fn what_a_retry_doubled_counts_once() {
    let Some(broker) = shared() else { return };
    let (place, records, all) = sound(broker);
    // A head that was written twice, and parts behind all others, as a writer leaves them that was cut off.
    let mut doubled = records.clone();
    let (head, part) = (doubled[0][GROUPS].clone(), doubled[1][GROUPS - 1].clone());
    doubled[0].push(head);
    doubled[1].push(part);
    let (entries, damage) = told(broker, &place, &doubled);
    assert!(damage.is_empty(), "{damage:?}");
    assert_eq!(entries.expect("sound"), all);
}
