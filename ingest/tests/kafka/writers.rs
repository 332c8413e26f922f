//! Who writes a topic: one at a time, and whoever was held up finds out before anything is acknowledged.

use vitalog_ingest::journal::JournalError;
use vitalog_ingest::journal::kafka::Fault;

use super::super::fixture::health;
use super::super::laws::{Place, entries, everything};
use super::records::{add, read};
use super::{InTopic, shared};

/// Nothing is acknowledged, and a look tells why.
fn is_displaced(error: &JournalError) -> bool {
    matches!(error, JournalError::Kafka(Fault::Displaced { .. })) && error.may_pass()
}

#[test]
fn a_second_writer_takes_over_and_the_first_acknowledges_nothing_more() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let mut first = place.journal().expect("made");
    first.append(&schema, &entries(&schema, 0, 3)).expect("kept");
    let other = place.killed();
    let mut second = other.open().expect("it takes over");
    assert_eq!(second.position(), first.position());
    let error = first.append(&schema, &entries(&schema, 10, 3)).expect_err("another writes");
    assert!(is_displaced(&error), "{error}");
    assert!(matches!(first.append(&schema, &entries(&schema, 20, 3)), Err(JournalError::Failed)));
    // What the first had sent counts for nothing. It stands where the second's next record should, which finds out that it is nobody's, and goes on.
    let held_up = second.append(&schema, &entries(&schema, 30, 2)).expect_err("the first's record is in the way");
    assert!(is_displaced(&held_up), "{held_up}");
    assert!(!second.recover().expect("it has the topic"), "what was displaced is not kept");
    let taken = first.recover().expect_err("it is another's now");
    assert!(matches!(&taken, JournalError::Kafka(Fault::Taken)) && taken.is_fatal(), "{taken}");
    assert_eq!(second.append(&schema, &entries(&schema, 40, 2)).expect("kept").next, 5);
    let taken = first.recover().expect_err("and that has written");
    assert!(taken.is_fatal(), "{taken}");
    assert_eq!(everything(&second, &schema, 0).len(), 5);
    assert_eq!(second.verify().expect("sound"), 2);
}

#[test]
fn what_comes_late_after_all_counts_for_nothing() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let mut journal = place.journal().expect("made");
    journal.append(&schema, &entries(&schema, 0, 3)).expect("kept");
    journal.append(&schema, &entries(&schema, 10, 3)).expect("kept");
    drop(journal);
    // The last head again, as a request that was given up for lost and arrives behind the next opening.
    let late = read(broker, &place.settings.topic)[0].last().expect("a head").clone();
    let journal = place.journal().expect("opened");
    drop(journal);
    add(broker, &place.settings.topic, 0, &late);
    let mut journal = place.journal().expect("opened");
    assert_eq!(journal.position().next, 6);
    journal.append(&schema, &entries(&schema, 20, 1)).expect("kept");
    assert_eq!(journal.verify().expect("sound"), 3);
}

#[test]
fn a_stranger_in_the_topic_is_noticed_before_anything_is_acknowledged() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let mut journal = place.journal().expect("made");
    journal.append(&schema, &entries(&schema, 0, 3)).expect("kept");
    // In a partition of parts it is in nobody's way.
    add(broker, &place.settings.topic, 1, b"something");
    journal.append(&schema, &entries(&schema, 10, 3)).expect("kept");
    add(broker, &place.settings.topic, 0, b"something");
    let error = journal.append(&schema, &entries(&schema, 20, 3)).expect_err("it stands elsewhere than it says");
    assert!(is_displaced(&error), "{error}");
    assert!(!journal.recover().expect("nobody has taken it over"), "what was not acknowledged is not there");
    journal.append(&schema, &entries(&schema, 30, 3)).expect("kept");
    assert_eq!(everything(&journal, &schema, 0).len(), 9);
    drop(journal);
    assert_eq!(everything(&place.journal().expect("opened"), &schema, 0).len(), 9);
}
