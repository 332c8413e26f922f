//! Topics that are no journal, or could not keep one; and what does not fit.

use vitalog_elog::input::DeadLetter;
use vitalog_elog::{Entry, Input, Subject, Time};
use vitalog_ingest::journal::JournalError;
use vitalog_ingest::journal::kafka::{Fault, look};

use super::super::fixture::health;
use super::super::laws::{entries, everything};
use super::records::{add, alter, delete, make, trim};
use super::{InTopic, fresh_topic, placing, settings, shared};

#[test]
fn a_topic_that_could_lose_something_is_refused() {
    let Some(broker) = shared() else { return };
    for (setting, value) in [("retention.ms", "604800000"), ("cleanup.policy", "compact"), ("max.message.bytes", "100000")] {
        let topic = fresh_topic();
        make(broker, &topic, 5, &[(setting, value)]);
        let error = InTopic::of(settings(&broker.address(), &topic)).journal().err().expect(setting).to_string();
        assert!(error.contains(setting) && error.contains(value), "{error}");
    }
}

#[test]
fn a_topic_of_something_else_is_refused_and_left_alone() {
    let Some(broker) = shared() else { return };
    let topic = fresh_topic();
    make(broker, &topic, 5, &[]);
    add(broker, &topic, 0, b"an order of three pizzas");
    let error = InTopic::of(settings(&broker.address(), &topic)).journal().err().expect("not a journal");
    assert!(matches!(&error, JournalError::Kafka(Fault::Foreign { .. })), "{error}");
    assert_eq!(super::records::read(broker, &topic)[0].len(), 1);

    let narrow = fresh_topic();
    make(broker, &narrow, 3, &[]);
    let error = InTopic::of(settings(&broker.address(), &narrow)).journal().err().expect("too few partitions").to_string();
    assert!(error.contains("it has 3 partitions") && error.contains("made for 5"), "{error}");
}

#[test]
fn a_topic_made_anew_or_another_is_refused_with_what_is_missing() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let mut journal = place.journal().expect("made");
    journal.append(&schema, &entries(&schema, 0, 7)).expect("kept");
    drop(journal);
    let other = InTopic::on(broker);
    drop(other.journal().expect("made"));
    let error = place.moved_to(&other.settings.topic).journal().err().expect("another journal");
    assert!(matches!(error, JournalError::ForeignMark), "{error}");

    delete(broker, &place.settings.topic);
    let lost = |error: &JournalError| matches!(error, JournalError::LostEnd { found: 0, acknowledged: 7 });
    let error = place.journal().err().expect("it is gone");
    assert!(lost(&error), "{error}");
    make(broker, &place.settings.topic, 5, &[]);
    let error = place.journal().err().expect("it is empty");
    assert!(lost(&error), "{error}");
    // Nobody has begun another under its name.
    assert!(super::records::read(broker, &place.settings.topic)[0].is_empty());
}

#[test]
fn a_topic_whose_beginning_is_gone_is_refused() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let mut journal = place.journal().expect("made");
    for n in 0..3 {
        journal.append(&schema, &entries(&schema, n * 10, 5)).expect("kept");
    }
    drop(journal);
    trim(broker, &place.settings.topic, 0, 2);
    let error = place.journal().err().expect("trimmed");
    assert!(matches!(error, JournalError::Kafka(Fault::Trimmed { partition: 0, records: 2, let_go: 0 })), "{error}");
}

#[test]
fn a_look_changes_nothing_and_makes_nothing() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let error = look(&place.settings, placing(), &place.path()).expect_err("there is none");
    assert!(matches!(&error, JournalError::Kafka(Fault::NoTopic { .. })), "{error}");
    let mut journal = place.journal().expect("made");
    let end = journal.append(&schema, &entries(&schema, 0, 5)).expect("kept");
    let seen = look(&place.settings, placing(), &place.path()).expect("seen");
    assert_eq!((seen.end, seen.acknowledged), (end, Some(end)));
    journal.append(&schema, &entries(&schema, 10, 5)).expect("nobody was disturbed");
}

/// So many bytes that say nothing.
fn letter(bytes: usize, at: i64) -> Entry {
    let letter = DeadLetter {
        subject: Some(Subject::new("p-001")),
        code: "c".into(),
        field: None,
        message: "m".into(),
        raw: vec![0x5a; bytes].into(),
        sender: "s".into(),
    };
    Entry { arrival: Time(1_790_000_000_000_000 + at), input: Input::DeadLetter(letter) }
}

#[test]
fn a_group_larger_than_a_record_may_be_is_kept_in_pieces() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let mut journal = place.journal().expect("made");
    let large = [letter(5_000_000, 0)];
    let end = journal.append(&schema, &large).expect("kept");
    journal.append(&schema, &entries(&schema, 10, 2)).expect("kept");
    assert_eq!(journal.position_at(1).expect("read"), Some(end));
    let read = everything(&journal, &schema, 0);
    assert_eq!(read[0].1, large[0]);
    assert_eq!(read.len(), 3);
}

#[test]
fn what_the_broker_finds_too_large_is_not_acknowledged_and_the_journal_goes_on_when_it_is_mended() {
    let Some(broker) = shared() else { return };
    let (place, schema) = (InTopic::on(broker), health());
    let mut journal = place.journal().expect("made");
    journal.append(&schema, &entries(&schema, 0, 3)).expect("kept");
    alter(broker, &place.settings.topic, &[("max.message.bytes", "1000")]);
    let error = journal.append(&schema, &[letter(50_000, 100)]).expect_err("too large");
    assert!(error.may_pass() && !error.is_fatal(), "{error}");
    assert!(matches!(journal.append(&schema, &entries(&schema, 200, 1)), Err(JournalError::Failed)));
    let still = journal.recover().expect_err("the topic is as it was");
    assert!(still.may_pass() && still.to_string().contains("max.message.bytes"), "{still}");
    alter(broker, &place.settings.topic, &[]);
    assert!(!journal.recover().expect("found out"), "it was not kept");
    journal.append(&schema, &[letter(50_000, 300)]).expect("kept");
    assert_eq!(everything(&journal, &schema, 0).len(), 4);
}
