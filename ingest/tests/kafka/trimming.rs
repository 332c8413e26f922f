//! A topic that begins later: the laws of every home, what is removed of each partition and nothing else, and whatever cuts it short, robs it or takes it over.

use std::time::Duration;

use vitalog_broker::Broker;
use vitalog_elog::Time;
use vitalog_ingest::journal::kafka::{Fault, audit, look};
use vitalog_ingest::journal::{Beginning, Journal, JournalError};

use super::super::laws::{Place, everything};
use super::super::trimming::{self as laws, Written, group, is_the_rest, swept, written_in};
use super::records::{Records, alter, lows, read, trim, write};
use super::{InTopic, can_run, placing, settings, shared};

fn written(broker: &Broker, groups: i64) -> Written<InTopic> {
    let place = InTopic::on(broker);
    let journal = place.journal().expect("made");
    Written { stride: 5, ..written_in(place, journal, groups) }
}

/// Where a group begins, as a part of it says.
fn group_of(part: &[u8]) -> u64 {
    u64::from_le_bytes(part[6..14].try_into().expect("a part"))
}

/// What must be removed of each partition where the journal begins at the `begins`-th border: of the order an opening and as many heads, of the others all parts of groups before.
fn gone(records: &Records, one: &Written<InTopic>, begins: usize) -> Vec<i64> {
    let first = one.borders[begins].next;
    let parts = records[1..].iter().map(|parts| parts.iter().take_while(|part| group_of(part) < first).count() as i64);
    std::iter::once(1 + begins as i64).chain(parts).collect()
}

fn seen(place: &InTopic) -> (usize, Option<Beginning>, bool) {
    let found = audit(&place.settings, placing(), &place.path(), &place.kek()).expect("audited");
    let looked = look(&place.settings, placing(), &place.path()).expect("seen");
    assert_eq!(looked.beginning, found.beginning);
    (found.damage.len(), found.beginning, found.unswept)
}

#[test]
fn what_is_left_is_what_it_was_and_what_went_is_all_that_was_before() {
    let Some(broker) = shared() else { return };
    for begins in [6, 11] {
        let mut one = written(broker, 12);
        let topic = one.dir.settings.topic.clone();
        let before = read(broker, &topic);
        one.journal.trim(one.borders[begins].next, Time(7)).expect("trimmed");
        let noted = *one.journal.beginning().expect("noted");
        assert_eq!((noted.position, noted.at), (one.borders[begins], Time(7)));
        assert_eq!(noted.arrival, one.all[one.borders[begins].next as usize - 1].1.arrival, "of the last that went");
        is_the_rest(&one.journal, &one, begins);
        assert_eq!(lows(broker, &topic), [0; 5], "nothing goes before it is noted what may");
        assert!(one.journal.gives_back().expect("told"));
        assert_eq!(swept(&mut one.journal, if begins == 6 { 1 } else { u64::MAX }), 1 + begins as u64);
        let gone = gone(&before, &one, begins);
        assert_eq!(lows(broker, &topic), gone, "{begins}");
        is_the_rest(&one.journal, &one, begins);
        // What is left is untouched; behind it stand two notes.
        let after = read(broker, &topic);
        for (partition, records) in before.iter().enumerate() {
            let rest = &records[gone[partition] as usize..];
            assert_eq!(&after[partition][..rest.len()], rest, "partition {partition}");
            assert_eq!(after[partition].len(), rest.len() + if partition == 0 { 2 } else { 0 });
        }
        // Again there is nothing to do, and nothing is written.
        assert_eq!(swept(&mut one.journal, u64::MAX), 0);
        assert_eq!(read(broker, &topic)[0].len(), after[0].len());
        // To whoever comes next.
        drop(one.journal);
        assert_eq!(seen(&one.dir), (0, Some(noted), false));
        drop(one.dir.journal().expect("opened"));
        one.journal = one.dir.journal().expect("opened, and nothing was written but that it was");
        is_the_rest(&one.journal, &one, begins);
        assert_eq!(one.journal.beginning(), Some(&noted));
        let mut again = one.journal;
        // It goes on, and later still: never back.
        let all = one.all.len();
        again.append(&one.schema, &group(&one.schema, 100)).expect("goes on");
        again.trim(one.borders[begins - 1].next, Time(8)).expect("nothing to do");
        assert_eq!(again.beginning(), Some(&noted));
        again.trim(one.borders[12].next, Time(9)).expect("trimmed");
        drop(again);
        let mut again = one.dir.journal().expect("what went before is known while more is about to go");
        assert_eq!(again.beginning().map(|it| it.position), Some(one.borders[12]));
        assert!(swept(&mut again, u64::MAX) > 0);
        again.append(&one.schema, &group(&one.schema, 102)).expect("goes on, with most of what its client wrote gone");
        drop(again);
        let again = one.dir.journal().expect("opened");
        assert_eq!(again.first(), all as u64);
        assert_eq!(
            everything(&again, &one.schema, all as u64).len(),
            group(&one.schema, 100).len() + group(&one.schema, 102).len()
        );
        assert_eq!(again.verify().expect("sound"), 2);
    }
}

#[test]
fn the_laws_of_every_home_hold() {
    let Some(broker) = shared() else { return };
    laws::it_begins_only_where_it_may(&mut written(broker, 5));
    laws::they_are_found_where_they_begin(&mut written(broker, 8));
    laws::they_are_erased_from_what_is_left(&mut written(broker, 12));
    let mut one = written(broker, 12);
    let kek = one.dir.dir.path().join("kek");
    laws::its_copy_begins_where_it_begins(&mut one, &kek);
}

#[test]
fn an_instant_is_found_by_the_order_alone() {
    let Some(broker) = shared() else { return };
    let mut one = written(broker, 10);
    for begins in [0, 3] {
        if begins > 0 {
            one.journal.trim(one.borders[begins].next, Time(1)).expect("trimmed");
            swept(&mut one.journal, u64::MAX);
        }
        let last = one.borders[9].next;
        let start = one.all[0].1.arrival.0;
        for (before, limit) in (start - 1..start + 12).zip([u64::MAX, 4, 9, 17, u64::MAX, 21].into_iter().cycle()) {
            let arrived = |end: u64| one.all[..end as usize].iter().all(|(_, entry)| entry.arrival < Time(before));
            let fits = one.borders[begins..10].iter().map(|p| p.next).filter(|end| *end <= limit.min(last) && arrived(*end));
            let expected = fits.max().unwrap_or(one.borders[begins].next);
            assert_eq!(one.journal.border(Time(before), limit).expect("found"), expected, "{before} {limit} {begins}");
        }
    }
}

/// LAW: killed at any point of a trim, it begins where it is noted, and the next sweep removes what is left.
#[test]
fn a_trim_that_is_cut_short_is_made_or_was_not_begun() {
    let Some(broker) = shared() else { return };
    const BEGINS: usize = 5;
    for steps in 0.. {
        let mut one = written(broker, 8);
        let topic = one.dir.settings.topic.clone();
        let gone = gone(&read(broker, &topic), &one, BEGINS);
        one.journal.trim(one.borders[BEGINS].next, Time(1)).expect("noted");
        let noted = one.journal.beginning().copied();
        let is_done = (0..steps).any(|_| one.journal.sweep(1).expect("swept").is_done);
        if !is_done {
            assert_eq!(lows(broker, &topic), [0; 5], "after {steps} steps");
            // Those of parts go first: killed between the two requests, or one of the first was refused.
            let is_surveyed = is_surveyed(broker, &topic);
            for (partition, gone) in gone.iter().enumerate().skip(1).take(3).filter(|(_, gone)| is_surveyed && **gone > 0) {
                trim(broker, &topic, partition as i32, *gone);
            }
        }
        drop(one.journal);
        assert_eq!(seen(&one.dir), (0, noted, !is_done), "after {steps} steps");
        one.journal = one.dir.killed().open().expect("opened");
        is_the_rest(&one.journal, &one, BEGINS);
        assert_eq!(one.journal.beginning(), noted.as_ref());
        swept(&mut one.journal, u64::MAX);
        assert_eq!(lows(broker, &topic), gone, "after {steps} steps");
        is_the_rest(&one.journal, &one, BEGINS);
        one.journal.append(&one.schema, &group(&one.schema, 60)).expect("goes on");
        if is_done {
            assert!(steps >= 3, "a look, a note and a removal at least: {steps}");
            return;
        }
    }
}

/// Whether the last note of the order says what may go: there are two.
fn is_surveyed(broker: &Broker, topic: &str) -> bool {
    read(broker, topic)[0].iter().filter(|record| record.get(5) == Some(&b'n')).count() == 2
}

#[test]
fn what_somebody_else_removed_is_named_by_partition_and_number() {
    let Some(broker) = shared() else { return };
    let trimmed = || {
        let mut one = written(broker, 9);
        one.journal.trim(one.borders[4].next, Time(1)).expect("trimmed");
        swept(&mut one.journal, u64::MAX);
        one.journal.append(&one.schema, &group(&one.schema, 60)).expect("goes on");
        let lows = lows(broker, &one.dir.settings.topic);
        drop(one.journal);
        (one.dir, lows)
    };
    for partition in [0, 3] {
        let (place, lows) = trimmed();
        let (low, robbed) = (lows[partition] as u64, lows[partition] + 1);
        trim(broker, &place.settings.topic, partition as i32, robbed);
        let expected = Fault::Trimmed { partition: partition as i32, records: robbed as u64, let_go: low };
        for opened in [place.journal().map(drop), look(&place.settings, placing(), &place.path()).map(drop)] {
            let error = opened.expect_err("robbed");
            assert!(matches!(&error, JournalError::Kafka(fault) if *fault == expected) && error.is_fatal(), "{error}");
            assert!(error.to_string().contains(&format!("the journal let go of {low} only")), "{error}");
        }
    }
    // With the note, too, and with everything.
    let ends = |topic: &str| read(broker, topic)[0].len() as i64 + lows(broker, topic)[0];
    for left in [1, 0] {
        let (place, _) = trimmed();
        let topic = &place.settings.topic;
        let end = ends(topic);
        trim(broker, topic, 0, end - left);
        let error = place.journal().err().expect("robbed");
        let is_it = matches!(&error, JournalError::Kafka(Fault::Trimmed { partition: 0, records, let_go: 0 }) if *records as i64 == end - left);
        assert!(is_it, "{error}");
        // A data directory that knows nothing of it is refused likewise, and begins no other journal under its name.
        let error = InTopic::of(place.settings.clone()).journal().err().expect("robbed");
        assert!(matches!(&error, JournalError::Kafka(Fault::Trimmed { partition: 0, .. })), "{error}");
        assert_eq!(ends(topic), end, "something was written");
    }
}

#[test]
fn a_beginning_that_can_not_be_read_or_is_another_is_found() {
    let Some(broker) = shared() else { return };
    let mut one = written(broker, 8);
    one.journal.trim(one.borders[4].next, Time(1)).expect("trimmed");
    one.journal.append(&one.schema, &group(&one.schema, 60)).expect("goes on");
    drop(one.journal);
    // Nothing was removed yet, so a copy has the same offsets.
    let records = read(broker, &one.dir.settings.topic);
    let note = records[0].iter().position(|record| record.get(5) == Some(&b'n')).expect("a note");
    assert_eq!(note, 9);
    let told = |records: &Records| {
        let moved = one.dir.moved_to(&write(broker, records));
        moved.journal().map(|journal| (journal.first(), journal.verify().map_err(|e| e.to_string())))
    };
    let first = one.borders[4].next;
    assert!(matches!(told(&records), Ok((begins, Ok(5))) if begins == first), "a faithful copy");
    for bent in [vec![], b"something else".to_vec(), records[0][8].clone(), {
        let mut note = records[0][note].clone();
        note[20] ^= 1;
        note
    }] {
        let mut bad = records.clone();
        bad[0][note] = bent;
        let error = told(&bad).expect_err("no note");
        assert!(matches!(&error, JournalError::Kafka(Fault::NoNote { at: 9 })), "{error}");
        assert!(error.to_string().contains("restore"), "{error}");
    }
    // The group that it begins with is gone, or another stands there.
    let mut less = records.clone();
    less[0][5] = b"nothing".to_vec();
    assert!(matches!(told(&less), Ok((_, Err(said))) if said.contains("is missing")), "{:?}", told(&less));
}

/// Whoever was taken over from notes nothing, and so nothing of the other's journal goes.
#[test]
fn who_was_taken_over_from_trims_nothing() {
    let Some(broker) = shared() else { return };
    let mut one = written(broker, 6);
    let other = one.dir.killed();
    let mut second = other.open().expect("it takes over");
    let error = one.journal.trim(one.borders[3].next, Time(1)).expect_err("another writes");
    assert!(matches!(error, JournalError::Kafka(Fault::Displaced { .. })) && one.journal.is_in_doubt(), "{error}");
    assert!(matches!(one.journal.append(&one.schema, &group(&one.schema, 50)), Err(JournalError::Failed)));
    assert!(matches!(one.journal.sweep(1), Err(JournalError::Failed)));
    let taken = one.journal.recover().expect_err("it is another's now");
    assert!(matches!(&taken, JournalError::Kafka(Fault::Taken)) && taken.is_fatal(), "{taken}");
    // The note of the first is in the way, once, and counts for nothing.
    let held_up = second.append(&one.schema, &group(&one.schema, 50)).expect_err("the first's record is in the way");
    assert!(held_up.may_pass() && !second.recover().expect("it has the topic"), "{held_up}");
    assert_eq!((second.first(), second.beginning()), (0, None));
    assert_eq!(everything(&second, &one.schema, 0), one.all);
    // The other way round: who trims is known to have taken over.
    let third = other.killed();
    let mut third = third.open().expect("it takes over");
    third.trim(one.borders[2].next, Time(2)).expect("noted");
    let error = second.append(&one.schema, &group(&one.schema, 50)).expect_err("another writes");
    assert!(error.may_pass(), "{error}");
    let taken = second.recover().expect_err("it is another's now");
    assert!(matches!(&taken, JournalError::Kafka(Fault::Taken)), "{taken}");
    drop((second, third));
    assert_eq!(other.open().expect("opened").first(), one.borders[2].next);
}

/// What became of a note that was not acknowledged is found out before anything else is written.
#[test]
fn a_note_that_is_not_acknowledged_is_in_doubt_until_it_is_looked() {
    let Some(broker) = shared() else { return };
    let mut one = written(broker, 6);
    let topic = one.dir.settings.topic.clone();
    alter(broker, &topic, &[("max.message.bytes", "100")]);
    let error = one.journal.trim(one.borders[3].next, Time(1)).expect_err("too large");
    assert!(error.may_pass() && !error.is_fatal() && one.journal.is_in_doubt(), "{error}");
    assert!(matches!(one.journal.append(&one.schema, &group(&one.schema, 50)), Err(JournalError::Failed)));
    assert!(matches!(one.journal.trim(one.borders[2].next, Time(1)), Err(JournalError::Failed)));
    assert!(matches!(one.journal.sweep(1), Err(JournalError::Failed)));
    alter(broker, &topic, &[]);
    recovered(&mut one.journal);
    assert_eq!((one.journal.first(), one.journal.beginning()), (0, None));
    one.journal.trim(one.borders[3].next, Time(2)).expect("noted");
    swept(&mut one.journal, u64::MAX);
    is_the_rest(&one.journal, &one, 3);
    one.journal.append(&one.schema, &group(&one.schema, 50)).expect("goes on");
}

/// A broker that is killed between the note and the removal, after the removal, and while the note is written.
#[test]
fn a_broker_that_is_killed_leaves_it_trimmed_or_not() {
    if !can_run() {
        return;
    }
    let mut broker = Broker::start();
    let mut settings = settings(&broker.address(), "killed");
    settings.patience_s = 3;
    let place = InTopic::of(settings);
    let journal = place.journal().expect("made");
    let mut one = Written { stride: 5, ..written_in(place, journal, 8) };
    let topic = one.dir.settings.topic.clone();
    let records = read(&broker, &topic);
    one.journal.trim(one.borders[3].next, Time(1)).expect("noted");
    broker.kill();
    let error = one.journal.sweep(u64::MAX).expect_err("there is nobody");
    assert!(error.may_pass() && !error.is_fatal(), "{error}");
    broker.start_again();
    recovered(&mut one.journal);
    is_the_rest(&one.journal, &one, 3);
    swept_by_a_starter(&mut one.journal);
    assert_eq!(lows(&broker, &topic), gone(&records, &one, 3));
    // What was removed may be there again, for brokers note now and then only where a partition begins.
    broker.kill();
    broker.start_again();
    let back = lows(&broker, &topic);
    println!("after a kill partitions begin at {back:?}");
    let opened = one.dir.killed().open().expect("opened");
    is_the_rest(&opened, &one, 3);
    drop((opened, one.journal));
    one.journal = one.dir.journal().expect("opened");
    swept_by_a_starter(&mut one.journal);
    assert_eq!(lows(&broker, &topic), gone(&records, &one, 3));
    // Away while it is noted: what became of it is found out.
    broker.kill();
    let error = one.journal.trim(one.borders[5].next, Time(2)).expect_err("there is nobody");
    assert!(error.may_pass(), "{error}");
    broker.start_again();
    recovered(&mut one.journal);
    let begins = if one.journal.first() == one.borders[5].next { 5 } else { 3 };
    is_the_rest(&one.journal, &one, begins);
    one.journal.trim(one.borders[5].next, Time(2)).expect("noted");
    swept_by_a_starter(&mut one.journal);
    assert_eq!(lows(&broker, &topic), gone(&records, &one, 5));
    drop(one.journal);
    one.journal = one.dir.journal().expect("opened");
    is_the_rest(&one.journal, &one, 5);
}

/// It can be written again, after a look if one is needed.
fn recovered(journal: &mut Journal) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while journal.is_in_doubt() {
        match journal.recover() {
            Ok(was_kept) => assert!(!was_kept, "there was no group"),
            Err(error) => {
                assert!(error.may_pass() && std::time::Instant::now() < until, "{error}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// What is past goes as soon as a broker that has just started removes anything.
fn swept_by_a_starter(journal: &mut Journal) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        match journal.sweep(u64::MAX) {
            Ok(swept) if swept.is_done => return,
            Ok(_) => {}
            Err(error) => {
                assert!(error.may_pass() && std::time::Instant::now() < until, "{error}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}
