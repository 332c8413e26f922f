//! The outbox in crashes: the files as they are at any moment, and torn anywhere, go on to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use vitalog_elog::input::{DeliveryOutcome, DeliveryReceipt};
use vitalog_elog::{Effects, Record, Span};
use vitalog_notify::Outbox;
use vitalog_notify::outbox::{Answer, Pace};

use crate::world::{INCARNATION, at, delivery_record, endpoints, position, receipt};

/// What a killed process leaves: the database and its log as they are, the connection never closed.
fn as_after_a_kill(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["outbox.db", "outbox.db-wal"] {
        if dir.join(name).exists() {
            fs::copy(dir.join(name), copy.path().join(name)).expect("copies");
        }
    }
    copy
}

fn open(dir: &Path) -> Outbox {
    Outbox::open_with(&dir.join("outbox.db"), INCARNATION, Pace { at_once: 100, ..Pace::default() }).expect("opens")
}

fn records() -> Vec<Record> {
    (0..12).map(|i| delivery_record(i, u128::from(i), u128::from(i / 2), if i % 3 == 0 { "pager" } else { "ward" }, 0)).collect()
}

/// Everything that is still to be sent, whatever it takes.
fn rest(outbox: &Outbox) -> BTreeSet<u128> {
    outbox.register(&endpoints(), at(0)).expect("registers");
    let mut all = BTreeSet::new();
    loop {
        let due = outbox.claim(at(3_600)).expect("claims");
        if due.is_empty() {
            return all;
        }
        for one in due {
            outbox.record(one.id, Answer::Delivered, at(3_600), 0).expect("records");
            assert!(all.insert(one.id), "{} twice", one.id);
        }
    }
}

#[test]
fn killed_after_any_step_nothing_is_lost_and_nothing_that_ended_is_sent_again() {
    let records = records();
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = open(dir.path());
    outbox.register(&endpoints(), at(0)).expect("registers");
    let mut ended = BTreeSet::new();
    for (i, batch) in records.chunks(3).enumerate() {
        let next = (i as u64 + 1) * 3;
        outbox.apply(batch, position(next)).expect("applies");
        let due = outbox.claim(at(0)).expect("claims");
        for (n, one) in due.iter().enumerate() {
            let answer = if n % 2 == 0 {
                ended.insert(one.id);
                Answer::Delivered
            } else {
                Answer::Failed { reason: "status 500".into(), retry_after: None, unwell: false }
            };
            outbox.record(one.id, answer, at(0), 7).expect("records");
            let copy = as_after_a_kill(dir.path());
            let survivor = open(copy.path());
            assert_eq!(survivor.position().expect("reads"), position(next));
            survivor.apply(&records, position(12)).expect("the journal gives all of it again");
            let left: BTreeSet<u128> = (0..12).filter(|id| !ended.contains(id)).collect();
            assert_eq!(rest(&survivor), left);
            let told: BTreeSet<u128> = survivor
                .receipts(1_000)
                .expect("reads")
                .into_iter()
                .filter(|r| r.outcome == DeliveryOutcome::Delivered)
                .map(|r| r.delivery)
                .collect();
            assert_eq!(told.len(), 12, "of each the journal will hear that it arrived");
        }
    }
}

#[test]
fn a_log_torn_at_any_page_goes_on_to_the_same_end() {
    let records = records();
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = open(dir.path());
    outbox.register(&endpoints(), at(0)).expect("registers");
    for (i, record) in records.iter().enumerate() {
        outbox.apply(std::slice::from_ref(record), position(i as u64 + 1)).expect("applies");
    }
    let whole = fs::metadata(dir.path().join("outbox.db-wal")).expect("there is a log").len();
    let mut seen = BTreeSet::new();
    for cut in (0..whole).step_by(3_900) {
        let copy = as_after_a_kill(dir.path());
        let log = fs::OpenOptions::new().write(true).open(copy.path().join("outbox.db-wal")).expect("opens");
        log.set_len(cut).expect("cuts");
        let survivor = open(copy.path());
        let at_most = survivor.position().expect("reads");
        seen.insert(at_most.next);
        survivor.apply(&records, position(12)).expect("the journal gives the rest again");
        assert_eq!(rest(&survivor), (0..12).collect(), "cut at {cut} of {whole}");
    }
    assert!(seen.len() > 5, "the cuts fall between the commits: {seen:?}");
}

#[test]
fn a_batch_that_fails_halfway_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = open(dir.path());
    let mut records = records();
    records[7].offset = 99;
    outbox.apply(&records, position(12)).expect_err("there is a gap");
    assert_eq!(outbox.position().expect("reads").next, 0);
    records[7].offset = 7;
    outbox.apply(&records, position(12)).expect("applies");
    assert_eq!(rest(&outbox).len(), 12);
}

/// What may happen to an outbox.
#[derive(Clone, Debug)]
enum Event {
    Apply(u8),
    Work {
        answers: Vec<u8>,
    },
    Kill,
    /// The journal takes what receipts there are; it may be killed before the outbox hears of it.
    Journal {
        told: bool,
    },
    Wait(u16),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (1..4u8).prop_map(Event::Apply),
        4 => prop::collection::vec(0..5u8, 1..6).prop_map(|answers| Event::Work { answers }),
        1 => Just(Event::Kill),
        2 => any::<bool>().prop_map(|told| Event::Journal { told }),
        2 => (1..900u16).prop_map(Event::Wait),
    ];
    prop::collection::vec(event, 1..40)
}

/// An outbox with the journal that feeds it, and what came out of both.
struct Life {
    dir: tempfile::TempDir,
    outbox: Outbox,
    journal: Vec<Record>,
    clock: i64,
    made: u64,
    receipts: Vec<DeliveryReceipt>,
    arrived: Vec<u128>,
}

impl Life {
    fn begin() -> Life {
        let dir = tempfile::tempdir().expect("a folder");
        let outbox = open(dir.path());
        outbox.register(&endpoints(), at(0)).expect("registers");
        Life { dir, outbox, journal: Vec::new(), clock: 0, made: 0, receipts: Vec::new(), arrived: Vec::new() }
    }

    fn catch_up(&self) {
        self.outbox.apply(&self.journal, position(self.journal.len() as u64)).expect("applies");
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Apply(n) => {
                for _ in 0..n {
                    let offset = self.journal.len() as u64;
                    self.journal.push(delivery_record(offset, self.made.into(), (self.made % 3).into(), "ward", self.clock));
                    self.made += 1;
                }
                self.catch_up();
            }
            Event::Work { answers } => {
                self.work(answers.into_iter().cycle());
            }
            Event::Kill => {
                let copy = as_after_a_kill(self.dir.path());
                self.outbox = open(copy.path());
                self.dir = copy;
                self.outbox.register(&endpoints(), at(self.clock)).expect("registers");
                self.catch_up();
            }
            Event::Journal { told } => {
                let some = self.outbox.receipts(4).expect("reads");
                for one in &some {
                    let offset = self.journal.len() as u64;
                    let entry = receipt(at(self.clock), one.delivery, one.attempt, one.outcome.clone());
                    self.journal.push(Record { offset, entry: entry.into(), effects: Effects::new() });
                }
                self.receipts.extend(some.iter().cloned());
                if told {
                    self.outbox.journaled(&some).expect("deletes");
                }
            }
            Event::Wait(seconds) => self.clock += i64::from(seconds),
        }
    }

    /// Tries everything that is due; how much that was.
    fn work(&mut self, answers: impl Iterator<Item = u8>) -> usize {
        let due = self.outbox.claim(at(self.clock)).expect("claims");
        for (due, answer) in due.iter().zip(answers) {
            let answer = match answer {
                0 | 1 => {
                    self.arrived.push(due.id);
                    Answer::Delivered
                }
                2 => Answer::Hopeless { reason: "too long".into() },
                n => {
                    Answer::Failed { reason: "status 503".into(), retry_after: (n == 3).then(|| Span::seconds(30)), unwell: true }
                }
            };
            self.outbox.record(due.id, answer, at(self.clock), u64::from(due.id as u32) << 7).expect("records");
        }
        due.len()
    }

    /// In the end it is well: everything left arrives, and its receipts are journaled.
    fn end(&mut self) {
        for event in [Event::Wait(60_000), Event::Kill, Event::Wait(100)] {
            self.happen(event);
        }
        while self.work(std::iter::repeat(0)) > 0 {}
        self.receipts.extend(self.outbox.receipts(10_000).expect("reads"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_delivery_ends_once_and_in_order(events in events()) {
        let mut life = Life::begin();
        for event in events {
            life.happen(event);
        }
        life.end();
        prop_assert_eq!(life.outbox.next_due().expect("reads"), None, "nothing is left");
        let mut ends: BTreeMap<u128, BTreeSet<u32>> = BTreeMap::new();
        for one in life.receipts.iter().filter(|r| !matches!(r.outcome, DeliveryOutcome::Failed(_))) {
            ends.entry(one.delivery).or_default().insert(one.attempt);
        }
        for id in 0..u128::from(life.made) {
            prop_assert_eq!(ends.get(&id).map(BTreeSet::len), Some(1), "delivery {} ends once", id);
        }
        let once: BTreeSet<u128> = life.arrived.iter().copied().collect();
        prop_assert_eq!(once.len(), life.arrived.len(), "what was recorded as arrived is not sent again");
        for finding in 0..3 {
            let order: Vec<u128> = life.arrived.iter().copied().filter(|id| id % 3 == finding).collect();
            prop_assert!(order.is_sorted(), "about finding {}: {:?}", finding, order);
        }
    }
}
