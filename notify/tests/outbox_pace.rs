//! How often the outbox tries: delays, `Retry-After`, the breaker, the horizon.

use proptest::prelude::*;
use vitalog_elog::input::DeliveryOutcome;
use vitalog_elog::{Record, Span};
use vitalog_notify::Outbox;
use vitalog_notify::outbox::{Answer, Pace, decorrelated};

use crate::world::{INCARNATION, at, delivery_record, endpoints, position};

fn with(pace: Pace, deliveries: u64) -> (tempfile::TempDir, Outbox) {
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = Outbox::open_with(&dir.path().join("outbox.db"), INCARNATION, pace).expect("opens");
    outbox.register(&endpoints(), at(0)).expect("registers");
    let records: Vec<Record> = (0..deliveries).map(|i| delivery_record(i, i.into(), i.into(), "ward", 0)).collect();
    outbox.apply(&records, position(deliveries)).expect("applies");
    (dir, outbox)
}

fn claimed(outbox: &Outbox, seconds: i64) -> Vec<u128> {
    outbox.claim(at(seconds)).expect("claims").into_iter().map(|due| due.id).collect()
}

fn fails(unwell: bool, retry_after: Option<i64>) -> Answer {
    Answer::Failed { reason: "status 503".into(), retry_after: retry_after.map(Span::seconds), unwell }
}

#[test]
fn the_least_delay_is_the_base() {
    let (_dir, outbox) = with(Pace::default(), 1);
    claimed(&outbox, 0);
    outbox.record(0, fails(false, None), at(0), 0).expect("records");
    assert_eq!(outbox.next_due().expect("reads"), Some(at(1)));
    assert!(claimed(&outbox, 0).is_empty());
    assert_eq!(claimed(&outbox, 1), [0]);
}

#[test]
fn whoever_asks_to_be_left_alone_is() {
    let (_dir, outbox) = with(Pace { at_once: 1, ..Pace::default() }, 2);
    assert_eq!(claimed(&outbox, 0), [0]);
    outbox.record(0, fails(true, Some(120)), at(0), 0).expect("records");
    assert_eq!(outbox.next_due().expect("reads"), Some(at(120)), "no message goes there before, not the other one either");
    assert!(claimed(&outbox, 119).is_empty());
    assert_eq!(claimed(&outbox, 120).len(), 1);
}

#[test]
fn an_endpoint_that_keeps_failing_is_asked_by_one_at_a_time() {
    let pace = Pace { trip_after: 3, base: Span::seconds(10), ..Pace::default() };
    let (_dir, outbox) = with(pace, 8);
    assert_eq!(claimed(&outbox, 0), [0, 1, 2, 3]);
    for id in 0..4 {
        outbox.record(id, fails(true, None), at(0), 0).expect("records");
    }
    assert!(claimed(&outbox, 9).is_empty(), "4 and later are due, but the endpoint rests");
    assert_eq!(outbox.next_due().expect("reads"), Some(at(10)));
    assert_eq!(claimed(&outbox, 10), [4], "one asks whether it is well again");
    assert!(claimed(&outbox, 10).is_empty());
    outbox.record(4, fails(true, None), at(10), 0).expect("records");
    assert!(claimed(&outbox, 19).is_empty());
    assert_eq!(claimed(&outbox, 20).len(), 1);
    outbox.record(5, Answer::Delivered, at(20), 0).expect("records");
    assert_eq!(claimed(&outbox, 20).len(), 4, "it is: what waited goes at once");
}

#[test]
fn a_message_that_is_refused_says_nothing_of_the_endpoint() {
    let (_dir, outbox) = with(Pace { trip_after: 1, ..Pace::default() }, 3);
    for id in claimed(&outbox, 0) {
        outbox.record(id, fails(false, None), at(0), 0).expect("records");
    }
    assert_eq!(claimed(&outbox, 1).len(), 3);
}

#[test]
fn what_is_too_old_is_given_up_tried_or_not() {
    let pace = Pace { horizon: Span::seconds(60), at_once: 1, ..Pace::default() };
    let (_dir, outbox) = with(pace, 2);
    assert_eq!(claimed(&outbox, 0), [0]);
    outbox.record(0, fails(false, Some(61)), at(0), 0).expect("records");
    let receipts = outbox.receipts(9).expect("reads");
    assert_eq!(receipts[0].outcome, DeliveryOutcome::GivenUp("status 503".into()), "the next attempt would be too late");
    assert_eq!(outbox.next_due().expect("reads"), Some(at(60)), "the other waits behind Retry-After, and is given up first");
    assert!(claimed(&outbox, 60).is_empty());
    let receipts = outbox.receipts(9).expect("reads");
    assert_eq!(receipts[1].outcome, DeliveryOutcome::GivenUp("it could not be delivered within 1 min".into()));
    assert_eq!(outbox.next_due().expect("reads"), None);
}

#[test]
fn an_endpoint_that_never_answers_is_tried_often_at_first_and_then_seldom() {
    let (_dir, outbox) = with(Pace::default(), 1);
    let (mut now, mut tries) = (0, Vec::new());
    while let Some(due) = outbox.next_due().expect("reads") {
        now = now.max((due.since(at(0)).micros() + 999_999) / 1_000_000);
        for id in claimed(&outbox, now) {
            tries.push(now);
            // The greatest delay each time.
            outbox.record(id, fails(true, None), at(now), u64::MAX).expect("records");
        }
    }
    assert!(tries.len() > 100 && tries.len() < 90_000, "{} tries in a day", tries.len());
    assert!(tries.windows(2).all(|pair| pair[1] - pair[0] <= 600), "at least every ten minutes");
    assert!(now <= 86_400, "until the horizon");
    assert_eq!(outbox.dead(9).expect("reads").len(), 1);
}

proptest! {
    #[test]
    fn delays_stay_between_base_and_cap(before in 0..2_000_000_000_i64, random in any::<u64>()) {
        let pace = Pace::default();
        let delay = decorrelated(Span(before), &pace, random);
        prop_assert!(delay >= pace.base && delay <= pace.cap);
        prop_assert!(delay.0 <= before.max(pace.base.0) * 3);
    }

    #[test]
    fn delays_of_any_pace_do_not_overflow(before: i64, base: i64, cap: i64, random in any::<u64>()) {
        let pace = Pace { base: Span(base), cap: Span(cap), ..Pace::default() };
        prop_assert!(decorrelated(Span(before), &pace, random).0 >= base.max(1));
    }
}
