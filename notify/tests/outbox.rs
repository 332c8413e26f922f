//! The outbox as a sink: exactly once in, in order out, receipts back.

use vitalog_elog::effect::{Addressee, Delivery};
use vitalog_elog::input::{DeliveryOutcome, DeliveryReceipt};
use vitalog_elog::{Effect, Effects, MatchId, Position, Record};
use vitalog_notify::Outbox;
use vitalog_notify::outbox::{Answer, OutboxError};

use crate::world::{INCARNATION, at, delivery_record, endpoint, endpoints, position, receipt};

fn open(dir: &tempfile::TempDir) -> Outbox {
    Outbox::open(&dir.path().join("outbox.db"), INCARNATION).expect("opens")
}

fn fresh() -> (tempfile::TempDir, Outbox) {
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = open(&dir);
    outbox.register(&endpoints(), at(0)).expect("registers");
    (dir, outbox)
}

fn claimed(outbox: &Outbox, seconds: i64) -> Vec<u128> {
    outbox.claim(at(seconds)).expect("claims").into_iter().map(|due| due.id).collect()
}

fn failed() -> Answer {
    Answer::Failed { reason: "status 500".into(), retry_after: None, unwell: true }
}

#[test]
fn what_was_applied_before_is_ignored() {
    let (dir, outbox) = fresh();
    let records: Vec<Record> = (0..3).map(|i| delivery_record(i, u128::from(i), u128::from(i), "ward", 0)).collect();
    outbox.apply(&records[..2], position(2)).expect("applies");
    outbox.apply(&records[..2], position(2)).expect("again");
    assert_eq!(claimed(&outbox, 0), [0, 1]);
    outbox.record(0, Answer::Delivered, at(1), 0).expect("records");
    drop(outbox);
    let outbox = open(&dir);
    assert_eq!(outbox.position().expect("reads"), position(2));
    outbox.register(&endpoints(), at(2)).expect("registers");
    outbox.apply(&records, position(3)).expect("overlapping");
    assert_eq!(claimed(&outbox, 2), [1, 2], "0 arrived; 1 was under way");
}

#[test]
fn gaps_other_journals_and_other_formats_are_refused() {
    let (dir, outbox) = fresh();
    let record = delivery_record(1, 1, 1, "ward", 0);
    assert!(matches!(outbox.apply(&[record], position(2)), Err(OutboxError::Gap { next: 0, given: 1 })));
    let short = delivery_record(0, 1, 1, "ward", 0);
    assert!(matches!(outbox.apply(&[short], position(5)), Err(OutboxError::Gap { next: 1, given: 5 })));
    let elsewhere = Position::start(8);
    assert!(matches!(outbox.apply(&[], elsewhere), Err(OutboxError::Incarnation { found: INCARNATION, journal: 8 })));
    assert_eq!(outbox.position().expect("reads").next, 0, "nothing was taken in");
    assert!(claimed(&outbox, 0).is_empty());
    drop(outbox);
    let path = dir.path().join("outbox.db");
    assert!(matches!(Outbox::open(&path, 8), Err(OutboxError::Incarnation { .. })));
    rusqlite::Connection::open(&path).expect("opens").execute_batch("PRAGMA user_version = 77").expect("sets");
    assert!(matches!(Outbox::open(&path, INCARNATION), Err(OutboxError::Format(77))));
}

#[test]
fn messages_about_one_finding_keep_their_order() {
    let (_dir, outbox) = fresh();
    // 1, 2 and 3 are about finding 1; 4 about another; 5 about finding 1 for another endpoint.
    let records = [
        delivery_record(0, 1, 1, "ward", 0),
        delivery_record(1, 2, 1, "ward", 0),
        delivery_record(2, 3, 1, "ward", 0),
        delivery_record(3, 4, 4, "ward", 0),
        delivery_record(4, 5, 1, "pager", 0),
    ];
    outbox.apply(&records, position(5)).expect("applies");
    assert_eq!(claimed(&outbox, 0), [5, 1, 4]);
    assert!(claimed(&outbox, 0).is_empty());
    outbox.record(1, failed(), at(0), 0).expect("records");
    assert!(claimed(&outbox, 0).is_empty(), "2 must not overtake 1");
    assert_eq!(claimed(&outbox, 1), [1]);
    outbox.record(1, Answer::Delivered, at(1), 0).expect("records");
    assert_eq!(claimed(&outbox, 1), [2]);
    outbox.record(2, Answer::Hopeless { reason: "too long".into() }, at(1), 0).expect("records");
    assert_eq!(claimed(&outbox, 1), [3], "what was given up holds up nobody");
}

#[test]
fn receipts_wait_until_the_journal_has_them() {
    let (dir, outbox) = fresh();
    outbox.apply(&[delivery_record(0, 1, 1, "ward", 0)], position(1)).expect("applies");
    claimed(&outbox, 0);
    outbox.record(1, failed(), at(0), 0).expect("records");
    claimed(&outbox, 10);
    outbox.record(1, Answer::Delivered, at(10), 0).expect("records");
    drop(outbox);
    let outbox = open(&dir);
    let first = DeliveryReceipt { delivery: 1, attempt: 1, outcome: DeliveryOutcome::Failed("status 500".into()) };
    let second = DeliveryReceipt { delivery: 1, attempt: 2, outcome: DeliveryOutcome::Delivered };
    assert_eq!(outbox.receipts(9).expect("reads"), [first.clone(), second.clone()]);
    outbox.journaled(&[first]).expect("deletes");
    // The journal got the second, but the process ended before it was told so: the replay tells it.
    let entry = receipt(at(11), 1, 2, DeliveryOutcome::Delivered);
    outbox.apply(&[Record { offset: 1, entry: entry.into(), effects: Effects::new() }], position(2)).expect("applies");
    assert!(outbox.receipts(9).expect("reads").is_empty());
}

#[test]
fn an_outbox_rebuilt_from_the_journal_sends_nothing_again() {
    let entry = |offset, id, attempt, outcome| Record {
        offset,
        entry: receipt(at(5), id, attempt, outcome).into(),
        effects: Effects::new(),
    };
    let records = [
        delivery_record(0, 1, 1, "ward", 0),
        delivery_record(1, 2, 2, "ward", 0),
        delivery_record(2, 3, 3, "ward", 0),
        entry(3, 1, 1, DeliveryOutcome::Failed("status 500".into())),
        entry(4, 1, 2, DeliveryOutcome::Delivered),
        entry(5, 2, 1, DeliveryOutcome::GivenUp("status 400".into())),
        entry(6, 1, 1, DeliveryOutcome::Failed("a receipt journaled twice".into())),
    ];
    let (_dir, outbox) = fresh();
    outbox.apply(&records, position(7)).expect("applies");
    assert_eq!(claimed(&outbox, 9), [3], "only what no receipt tells of");
    assert!(outbox.receipts(9).expect("reads").is_empty(), "what came from the journal does not go back to it");
    let dead = outbox.dead(9).expect("reads");
    assert_eq!((dead.len(), dead[0].id, dead[0].reason.as_str()), (1, 2, "status 400"));
}

#[test]
fn one_that_is_not_configured_any_more_gets_nothing() {
    let (_dir, outbox) = fresh();
    outbox.apply(&[delivery_record(0, 1, 1, "ward", 0), delivery_record(1, 2, 1, "kin", 0)], position(2)).expect("applies");
    outbox.register(&endpoints()[1..], at(1)).expect("registers");
    assert_eq!(claimed(&outbox, 1), [2]);
    let receipts = outbox.receipts(9).expect("reads");
    assert!(matches!(&receipts[..], [DeliveryReceipt { delivery: 1, outcome: DeliveryOutcome::GivenUp(_), .. }]));
}

#[test]
fn gone_means_gone_until_it_moves() {
    let (_dir, outbox) = fresh();
    let records: Vec<Record> = (0..3).map(|i| delivery_record(i, u128::from(i), u128::from(i), "ward", 0)).collect();
    outbox.apply(&records, position(3)).expect("applies");
    assert_eq!(claimed(&outbox, 0).len(), 3);
    outbox.record(0, Answer::Gone, at(0), 0).expect("records");
    outbox.apply(&[delivery_record(3, 3, 3, "ward", 1)], position(4)).expect("applies");
    assert!(claimed(&outbox, 1_000).is_empty());
    assert_eq!(outbox.next_due().expect("reads"), None);
    let ended = |outbox: &Outbox| outbox.receipts(9).expect("reads").iter().map(|r| r.delivery).collect::<Vec<_>>();
    assert_eq!(ended(&outbox), [0, 3], "those under way say for themselves");
    outbox.record(1, Answer::Delivered, at(2), 0).expect("records");
    outbox.record(2, failed(), at(2), 0).expect("records");
    assert_eq!(ended(&outbox), [0, 3, 1, 2], "each ends, with a receipt");
    let dead: Vec<u128> = outbox.dead(9).expect("reads").iter().map(|d| d.id).collect();
    assert_eq!(dead, [2, 3, 0]);
    let mut moved = endpoints();
    moved[0] = endpoint("ward", "http://127.0.0.1:10/", moved[0].filter.clone());
    outbox.register(&moved, at(3)).expect("registers");
    outbox.apply(&[delivery_record(4, 5, 5, "ward", 3)], position(5)).expect("applies");
    assert_eq!(claimed(&outbox, 3), [5]);
}

#[test]
fn a_dead_letter_can_be_sent_again() {
    let (_dir, outbox) = fresh();
    outbox.apply(&[delivery_record(0, 1, 1, "ward", 0)], position(1)).expect("applies");
    claimed(&outbox, 0);
    outbox.record(1, Answer::Gone, at(0), 0).expect("records");
    let dead = outbox.dead(9).expect("reads");
    assert_eq!((dead[0].finding, dead[0].attempts, dead[0].kind.as_str()), (MatchId(1), 1, "finding.opened"));
    assert!(!outbox.replay(2, at(1)).expect("looks"), "there is no such dead letter");
    assert!(outbox.replay(1, at(200_000)).expect("revives"));
    let due = outbox.claim(at(200_000)).expect("claims");
    assert_eq!((due[0].id, &*due[0].body), (1, "{\"n\":1}"), "the same id, the same message, past the first horizon");
    outbox.record(1, Answer::Delivered, at(200_001), 0).expect("records");
    let attempts: Vec<u32> = outbox.receipts(9).expect("reads").iter().map(|r| r.attempt).collect();
    assert_eq!(attempts, [1, 2]);
}

#[test]
fn a_delivery_that_comes_twice_is_one() {
    let (_dir, outbox) = fresh();
    let mut record = delivery_record(0, 1, 1, "ward", 0);
    let Effect::Delivery(again) = record.effects[0].clone() else { unreachable!("it is a delivery") };
    record.effects.push(Effect::Delivery(Box::new(Delivery { body: "{}".into(), ..*again })));
    outbox.apply(&[record], position(1)).expect("applies");
    let due = outbox.claim(at(0)).expect("claims");
    assert_eq!(due.len(), 1);
    assert_eq!(&*due[0].body, "{\"n\":1}");
}

#[test]
fn what_is_for_nobody_is_given_up_at_once_and_said() {
    let (_dir, outbox) = fresh();
    let mut record = delivery_record(0, 1, 1, "", 0);
    let Effect::Delivery(delivery) = &mut record.effects[0] else { unreachable!("it is a delivery") };
    delivery.to = Some(Addressee { role: "neighbour".into(), channel: "phone".into(), step: None });
    outbox.apply(&[record, delivery_record(1, 2, 1, "ward", 0)], position(2)).expect("applies");
    assert_eq!(claimed(&outbox, 0), [2], "it holds up nobody else");
    let receipts = outbox.receipts(9).expect("reads");
    assert_eq!((receipts.len(), receipts[0].delivery), (1, 1));
    assert!(
        matches!(&receipts[0].outcome, DeliveryOutcome::GivenUp(why) if why.contains("no endpoint is configured")),
        "{receipts:?}"
    );
    assert!(!outbox.replay(1, at(1)).expect("looks"), "there is nobody to send it to");
    outbox.register(&endpoints(), at(2)).expect("registers");
    assert_eq!(outbox.receipts(9).expect("reads").len(), 1, "and it is said once");
}
