//! What requests under a key were answered: kept for its time and no longer, the same however groups are gathered.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;
use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::views::Views;
use vitalog_elog::once::{Became, LIFE, Once, Request, Said, Told};
use vitalog_elog::{Answered, Effect, Effects, Entry, Input, Outcome, Reading, Record, Span, Subject, Time};

use crate::support::schema;
use crate::support::world::INCARNATION;
use crate::views::{BASE, at};

/// A request: how long after the one before, in hours; its key, if it has one; its readings; whether a part stands before what was said of it.
#[derive(Clone, Debug)]
struct Sent {
    hours: i64,
    key: Option<u8>,
    readings: u8,
    has_part: bool,
    /// All of it is about one.
    is_own: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let hours = prop_oneof![4 => Just(0_i64), 3 => 1..13_i64, 2 => Just(24_i64), 1 => 25..40_i64];
    (hours, proptest::option::weighted(0.8, 0..5_u8), 0..4_u8, any::<bool>(), any::<bool>())
        .prop_map(|(hours, key, readings, has_part, is_own)| Sent { hours, key, readings, has_part, is_own })
}

/// Whom the reading at a place is about.
fn subject(sent: &Sent, place: u8) -> Subject {
    let apart = if sent.is_own { 0 } else { place };
    Subject::new(["p-1", "p-2"][usize::from((sent.readings + apart) % 2)])
}

fn inputs(n: usize, sent: &Sent) -> Vec<Input> {
    let reading = |i: u8| Input::Reading(Reading::removal(subject(sent, i), format!("r{n}-{i}").as_str().into(), 3));
    let mut inputs: Vec<Input> = (0..sent.readings).map(reading).collect();
    let Some(key) = sent.key else { return inputs };
    if sent.has_part {
        inputs.push(Input::Once(Once { subject: Some(subject(sent, 0)), request: None, answer: b"part"[..].into() }));
    }
    let request = Request { by: "pump".into(), key: u128::from(key) << 100, asked: n as u128, inputs: inputs.len() as u32 };
    inputs.push(Input::Once(Once {
        subject: sent.is_own.then(|| subject(sent, 0)),
        request: Some(request),
        answer: format!("said {n}").as_bytes().into(),
    }));
    inputs
}

/// Two requests to a group, where they came at one time.
fn groups(all: &[Sent]) -> Vec<Vec<Record>> {
    let (mut groups, mut arrival, mut next) = (Vec::<Vec<Record>>::new(), BASE, 0);
    for (n, sent) in all.iter().enumerate() {
        arrival = arrival + Span::hours(sent.hours);
        let records = inputs(n, sent).into_iter().map(|input| {
            let effects = if let Input::Reading(_) = input { [Effect::Reading(Outcome::New)].into() } else { Effects::new() };
            next += 1;
            Record { offset: next - 1, entry: Arc::new(Entry { arrival, input }), effects }
        });
        let records: Vec<Record> = records.collect();
        match groups.last_mut() {
            Some(last) if n % 2 == 1 && sent.hours == 0 => last.extend(records),
            _ => groups.push(records),
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// By its key: the last, where it is not too old for the last of all.
fn expected(groups: &[Vec<Record>]) -> BTreeMap<u128, Answered> {
    let (mut known, mut last) = (BTreeMap::new(), Time::MIN);
    for group in groups {
        for (place, record) in group.iter().enumerate() {
            last = record.entry.arrival;
            let Input::Once(once) = &record.entry.input else { continue };
            let Some(request) = &once.request else { continue };
            let first = place - request.inputs as usize;
            let readings = group[first..place].iter().filter_map(|r| match &r.entry.input {
                Input::Reading(r) => Some(Told::Reading {
                    subject: r.subject.clone(),
                    id: r.id,
                    given: r.given.clone(),
                    rev: r.rev,
                    became: Some(Became::New),
                }),
                _ => None,
            });
            let said = |once: &Once| Said { subject: once.subject.clone(), answer: once.answer.clone() };
            let parts =
                group[first..place].iter().filter_map(|r| if let Input::Once(o) = &r.entry.input { Some(said(o)) } else { None });
            let answered = Answered {
                asked: request.asked,
                arrival: record.entry.arrival,
                first: group[first].offset,
                position: group[group.len() - 1].offset + 1,
                told: readings.collect(),
                parts: parts.collect(),
                whole: said(once),
            };
            known.insert(request.key, answered);
        }
    }
    known.retain(|_, answered: &mut Answered| last.since(answered.arrival) < LIFE);
    known
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_kept_for_its_time_however_groups_are_gathered(all in proptest::collection::vec(sent(), 1..25), cuts in proptest::collection::vec(1..5_usize, 25)) {
        let folder = TempDir::new().expect("a folder");
        let groups = groups(&all);
        let mut one_by_one = Views::open(&folder.path().join("one"), INCARNATION).expect("it opens");
        for group in &groups {
            one_by_one.apply(group, at(group[group.len() - 1].offset + 1), &schema::schema()).expect("it takes it");
        }
        let mut gathered = Views::open(&folder.path().join("many"), INCARNATION).expect("it opens");
        let mut rest = &groups[..];
        for cut in cuts {
            let (some, others) = rest.split_at(cut.min(rest.len()));
            rest = others;
            let Some(last) = some.last() else { break };
            let some: Vec<&[Record]> = some.iter().map(|group| &group[..]).collect();
            gathered.apply_groups(&some, at(last[last.len() - 1].offset + 1), &schema::schema()).expect("it takes it");
        }
        prop_assert_eq!(one_by_one.content_hash().expect("a hash"), gathered.content_hash().expect("a hash"));
        let readers = Readers::open(&folder.path().join("many")).expect("it opens");
        let reader = readers.take().expect("a reader");
        let expected = expected(&groups);
        for key in (0..5_u128).map(|key| key << 100) {
            let found = reader.ask(|ask| ask.answered(key)).expect("an answer");
            prop_assert_eq!(found.as_ref(), expected.get(&key));
        }
    }

    /// Of whom is forgotten there is what a journal has of which they were erased.
    #[test]
    fn who_is_forgotten_is_in_no_answer(mut all in proptest::collection::vec(sent(), 1..16), gone in 1..3_u8) {
        // A key is used anew only when it has had its time.
        (0..).zip(&mut all).for_each(|(n, sent)| sent.key = sent.key.map(|_| n));
        let (folder, gone) = (TempDir::new().expect("a folder"), Subject::new(&format!("p-{gone}")));
        let groups = groups(&all);
        let mut views = Views::open(&folder.path().join("all"), INCARNATION).expect("it opens");
        let mut others = Views::open(&folder.path().join("others"), INCARNATION).expect("it opens");
        for group in &groups {
            let position = at(group[group.len() - 1].offset + 1);
            views.apply(group, position, &schema::schema()).expect("it takes it");
            others.apply(&silenced(group, &gone), position, &schema::schema()).expect("it takes it");
        }
        views.forget(std::slice::from_ref(&gone)).expect("forgotten");
        prop_assert_eq!(views.content_hash().expect("a hash"), others.content_hash().expect("a hash"));
    }
}

/// The records of a group of which a subject was erased.
fn silenced(group: &[Record], gone: &Subject) -> Vec<Record> {
    let mut out = group.to_vec();
    for record in &mut out {
        let subject = match &record.entry.input {
            Input::Reading(reading) => Some(&reading.subject),
            Input::Once(once) => once.subject.as_ref(),
            _ => None,
        };
        if subject == Some(gone) {
            let arrival = record.entry.arrival;
            (record.entry, record.effects) = (Arc::new(Entry { arrival, input: Input::Erased }), Effects::new());
        }
    }
    out
}
