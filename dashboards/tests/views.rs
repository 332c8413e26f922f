//! The store: equal to a model that is kept beside it, the same however it was cut into batches, and closed to what does not belong to it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;
use vitalog_dashboards::ask::{Order, Readers, ReadingQuery, parse_cursor};
use vitalog_dashboards::views::{Views, ViewsError};
use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{Action, Command, DeadLetter, Mending, MendingOutcome};
use vitalog_elog::metering::{self, Party};
use vitalog_elog::{
    Change, Effect, Effects, FindingState, Input, MatchId, Outcome, Position, Reading, ReadingId, Record, Severity, Span,
    Subject, Time, When,
};

use crate::support::schema::{self, BG, MOOD, SLEEP, amount, content, glucose};
use crate::support::world::{INCARNATION, World, chain};
use crate::support::{findings, judge};

pub const BASE: Time = Time(1_790_000_000_000_000);

/// What somebody sends: a subject, a name, a revision, and what it says; `None` removes.
#[derive(Clone, Debug)]
pub struct Sent {
    pub subject: u8,
    pub name: u8,
    pub rev: u32,
    pub says: Option<(u8, i64, i64)>,
}

fn sent() -> impl Strategy<Value = Sent> {
    (0..3_u8, 0..12_u8, 1..4_u32, proptest::option::weighted(0.85, (0..3_u8, 0..50_i64, 40..400_i64)))
        .prop_map(|(subject, name, rev, says)| Sent { subject, name, rev, says })
}

/// The last four names stand for readings that were sent without one, at first; they are amended by the id that the receipt told.
fn reading(s: &Sent) -> Reading {
    reading_apart(s, Span::minutes(1))
}

/// The same, with so much time between two places.
pub fn reading_apart(s: &Sent, step: Span) -> Reading {
    let place = |n: i64| BASE + Span(step.0 * n);
    let subject = Subject::new(&format!("p-{}", s.subject));
    let mut given: std::sync::Arc<str> = format!("r{}", s.name).into();
    if s.name >= 8 {
        let at = place(i64::from(s.name));
        let (stream, said) = match s.name {
            8 | 9 => ("bg", glucose(at, "100")),
            _ => ("sleep", content(SLEEP, When::During { start: at, end: None }, vec![])),
        };
        if s.rev == 1 {
            return Reading::present(subject, None, 1, stream, said);
        }
        given = said.derived_id(&subject, stream).to_string().into();
    }
    let Some((stream, n, value)) = s.says else { return Reading::removal(subject, given, s.rev) };
    let at = place(n);
    let (ix, said) = match stream {
        0 => (BG, glucose(at, &value.to_string())),
        1 => (
            SLEEP,
            content(SLEEP, When::During { start: at, end: (value % 2 == 0).then_some(at + Span::minutes(value)) }, vec![]),
        ),
        _ => (
            MOOD,
            content(MOOD, When::At(at), vec![amount(&value.to_string(), schema::unit(vitalog_elog::Dimension::Count, "count"))]),
        ),
    };
    let name = schema::schema().get(ix).name.clone();
    Reading::present(subject, Some(given), s.rev, &name, said)
}

/// Sends them all; gives the world, and every revision that was ever sent by subject and id.
fn play(path: &std::path::Path, all: &[Sent]) -> std::sync::Arc<World> {
    let world = World::new(path, schema::schema(), Some(judge::lows));
    for (i, s) in all.iter().enumerate() {
        world.give(BASE + Span::minutes(100 + i as i64), vec![Input::Reading(reading(s))]);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_what_the_model_holds(all in proptest::collection::vec(sent(), 1..60), limit in 1..7_usize) {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("views.sqlite");
        let _world = play(&path, &all);
        let mut revisions: BTreeMap<(Subject, ReadingId), BTreeMap<(u32, u128), Reading>> = BTreeMap::new();
        for s in &all {
            let r = reading(s);
            revisions.entry((r.subject.clone(), r.id)).or_default().insert(r.revision(), r);
        }
        let readers = Readers::open(&path).expect("it opens");
        let reader = readers.take().expect("a reader");
        for number in 0..3 {
            let subject = Subject::new(&format!("p-{number}"));
            if !revisions.keys().any(|(s, _)| *s == subject) {
                continue;
            }
            let mut expected: Vec<(i64, u16, ReadingId)> = revisions
                .iter()
                .filter(|((s, _), _)| *s == subject)
                .filter_map(|((_, id), revs)| {
                    let c = revs.values().last()?.content.as_ref()?;
                    Some((c.when.instant().map_or(i64::MAX, |t| t.0), c.stream.0, *id))
                })
                .collect();
            expected.sort_unstable();
            let asked = pages(&reader, &subject, Order::OldestFirst, limit);
            let ids: Vec<String> = expected.iter().map(|(_, _, id)| id.to_string()).collect();
            prop_assert_eq!(&asked, &ids, "page by page, oldest first");
            let mut backwards = pages(&reader, &subject, Order::NewestFirst, limit);
            backwards.reverse();
            prop_assert_eq!(&backwards, &ids, "and newest first");
            let summary = reader.ask(|a| a.summary(&subject, &[], BASE)).expect("an answer").expect("a subject");
            prop_assert_eq!(summary.readings as usize, ids.len());
            let latest = revisions
                .iter()
                .filter(|((s, _), _)| *s == subject)
                .filter_map(|(_, revs)| revs.values().last()?.content.as_ref())
                .map(|c| c.when.instant().unwrap_or(c.when.start()))
                .max();
            prop_assert_eq!(summary.last_at, latest.map(|t| t.to_string()));
        }
        for ((subject, id), revs) in &revisions {
            let found = reader.ask(|a| a.reading(subject, *id)).expect("an answer").expect("a reading");
            let shown: Vec<u32> = found.current.iter().chain(&found.history).map(|r| r.rev).collect();
            let expected: Vec<u32> = revs.values().rev().map(|r| r.rev).collect();
            prop_assert_eq!(shown, expected, "every revision, the greatest first");
            let greatest = revs.values().last().expect("one");
            prop_assert_eq!(found.current.is_some(), greatest.content.is_some());
        }
    }

    #[test]
    fn fed_again_it_is_the_same(all in proptest::collection::vec(sent(), 1..60), cuts in proptest::collection::vec(1..9_usize, 1..20)) {
        let folder = TempDir::new().expect("a folder");
        let world = play(&folder.path().join("a.sqlite"), &all);
        let records = world.records();
        let mut again = Views::open(&folder.path().join("b.sqlite"), INCARNATION).expect("it opens");
        let mut done = 0;
        for size in cuts.iter().cycle() {
            if done >= records.len() {
                break;
            }
            let upto = (done + size).min(records.len());
            // Each batch begins with what was fed before: that is passed over.
            let from = done.saturating_sub(3);
            again.apply(&records[from..upto], at(upto as u64), &schema::schema()).expect("it takes it");
            done = upto;
        }
        prop_assert_eq!(again.content_hash().expect("a hash"), world.content_hash());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// What is left of a file of which subjects were forgotten is what one has that was fed the journal without them; also when both go on.
    #[test]
    fn who_is_forgotten_never_was(all in proptest::collection::vec(sent(), 4..60), gone in 0..3_u8, split in 0.2..1.0_f64) {
        let folder = TempDir::new().expect("a folder");
        let world = play(&folder.path().join("a.sqlite"), &all);
        let gone = Subject::new(&format!("p-{gone}"));
        let records = with_letters(&world.records());
        let without = silenced(&records, &gone);
        let upto = ((records.len() as f64) * split) as usize;
        let mut views = Views::open(&folder.path().join("b.sqlite"), INCARNATION).expect("it opens");
        let mut others = Views::open(&folder.path().join("c.sqlite"), INCARNATION).expect("it opens");
        views.apply(&records[..upto], at(upto as u64), &schema::schema()).expect("it takes it");
        others.apply(&without[..upto], at(upto as u64), &schema::schema()).expect("it takes it");
        let had = (0..upto).any(|i| records[i].entry != without[i].entry);
        prop_assert_eq!(views.content_hash().expect("a hash") != others.content_hash().expect("a hash"), had, "there was something to forget");
        views.forget(std::slice::from_ref(&gone)).expect("forgotten");
        prop_assert_eq!(views.content_hash().expect("a hash"), others.content_hash().expect("a hash"));
        // Opened anew or not: the rest is taken in alike.
        if upto.is_multiple_of(2) {
            drop(views);
            views = Views::open(&folder.path().join("b.sqlite"), INCARNATION).expect("it opens");
        }
        let bytes = std::fs::read(folder.path().join("b.sqlite")).expect("read");
        prop_assert!(!bytes.windows(gone.as_str().len()).any(|w| w == gone.as_str().as_bytes()), "the file still names the subject");
        let next = records.len() as u64;
        views.apply(&without[upto..], at(next), &schema::schema()).expect("it takes it");
        others.apply(&without[upto..], at(next), &schema::schema()).expect("it takes it");
        prop_assert_eq!(views.content_hash().expect("a hash"), others.content_hash().expect("a hash"));
    }
}

/// With some readings something is found and told; after some there is something that was refused, and every now and then what became of it: a letter of one subject may become another's reading.
fn with_letters(records: &[Record]) -> Vec<Record> {
    let mut out: Vec<Record> = Vec::new();
    let mut letters = Vec::new();
    let push = |out: &mut Vec<Record>, arrival: Time, input: Input, effects: Effects| {
        let offset = out.len() as u64;
        out.push(Record { offset, entry: std::sync::Arc::new(vitalog_elog::Entry { arrival, input }), effects });
        offset
    };
    for (i, record) in records.iter().enumerate() {
        let arrival = record.entry.arrival;
        let mut effects = record.effects.clone();
        if let (Input::Reading(reading), 0) = (&record.entry.input, i % 3) {
            // Something is found, and somebody is told.
            let finding = findings::open("made", reading.subject.as_str(), arrival, Severity::Warning);
            effects.push(Effect::Delivery(Box::new(Delivery {
                id: finding.id.0 ^ 1,
                finding: finding.id,
                endpoint: "care".into(),
                to: None,
                kind: "finding.opened".into(),
                body: format!("{{\"subject\": \"{}\"}}", reading.subject).into(),
                not_before: arrival,
            })));
            effects.push(Effect::Finding(Box::new(findings::change(&finding, Change::Opened, arrival))));
        }
        push(&mut out, arrival, record.entry.input.clone(), effects);
        if i % 5 == 2 {
            let by = Party { tenant: (i % 2 == 0).then(|| "ward".into()), account: "meter".into(), token: None };
            push(&mut out, arrival, Input::Sent(metering::Sent { by, readings: 1, refused: i as u32 }), Effects::new());
        }
        let Input::Reading(reading) = &record.entry.input else { continue };
        if i % 3 == 1
            && let Some(letter) = letters.pop()
        {
            let name: std::sync::Arc<str> = reading.given.clone().unwrap_or_else(|| reading.id.to_string().into());
            let outcome = match i % 2 {
                0 => MendingOutcome::Taken { name, rev: reading.rev },
                _ => MendingOutcome::Refused { code: "range".into(), field: None, message: "still too high".into() },
            };
            let mending = Mending { letter, subject: Some(reading.subject.clone()), by: "lee".into(), mended: true, outcome };
            push(&mut out, arrival, Input::Mending(mending), Effects::new());
            letters.insert(0, letter);
        }
        if i % 2 == 0 {
            let letter = DeadLetter {
                subject: (i % 4 != 0).then(|| reading.subject.clone()),
                code: "range".into(),
                field: Some("value".into()),
                message: "too high".into(),
                raw: b"{\"value\": 999}".to_vec().into(),
                sender: "t-1".into(),
            };
            letters.push(push(&mut out, arrival, Input::DeadLetter(letter), Effects::new()));
        }
    }
    out
}

/// The records of a journal of which a subject was erased.
fn silenced(records: &[Record], gone: &Subject) -> Vec<Record> {
    let mut out = records.to_vec();
    for record in &mut out {
        let is_about = match &record.entry.input {
            Input::Reading(reading) => reading.subject == *gone,
            Input::DeadLetter(letter) => letter.subject.as_ref() == Some(gone),
            Input::Mending(mending) => mending.subject.as_ref() == Some(gone),
            _ => false,
        };
        if is_about {
            record.entry = std::sync::Arc::new(vitalog_elog::Entry { arrival: record.entry.arrival, input: Input::Erased });
            record.effects.retain(|effect| !matches!(effect, Effect::Reading(_) | Effect::Delivery(_)));
        }
        record.effects.retain(|effect| !matches!(effect, Effect::Finding(change) if change.finding.subject == *gone));
    }
    out
}

pub fn at(next: u64) -> Position {
    Position { incarnation: INCARNATION, next, chain: chain(next) }
}

fn pages(reader: &vitalog_dashboards::ask::Reader<'_>, subject: &Subject, order: Order, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let query = ReadingQuery { stream: None, from: None, to: None, order, limit, after, as_of: None };
        let page = reader.ask(|a| a.readings(subject, &query)).expect("an answer").expect("a subject");
        assert!(page.readings.len() <= limit);
        ids.extend(page.readings.into_iter().map(|r| r.id));
        match page.next {
            Some(next) => after = Some(parse_cursor(&next).expect("what it said itself")),
            None => return ids,
        }
    }
}

/// Glucose of one subject, a reading a step.
fn some_records(count: u64, step: Span) -> Vec<Record> {
    (0..count)
        .map(|i| {
            let subject = Subject::new("p-1");
            let reading = Reading::present(subject, None, 1, "bg", glucose(BASE + Span(step.0 * i as i64), "100"));
            let entry = vitalog_elog::Entry { arrival: BASE, input: Input::Reading(reading) };
            Record { offset: i, entry: std::sync::Arc::new(entry), effects: [Effect::Reading(Outcome::New)].into() }
        })
        .collect()
}

#[test]
fn it_refuses_what_does_not_belong_to_it() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("views.sqlite");
    let records = some_records(10, Span::minutes(1));
    let mut views = Views::open(&path, INCARNATION).expect("it opens");
    views.apply(&records[..4], at(4), &schema::schema()).expect("it takes it");
    let hash = views.content_hash().expect("a hash");

    let gap = views.apply(&records[5..], at(10), &schema::schema());
    assert!(matches!(gap, Err(ViewsError::Gap { expected: 4, got: 5 })), "{gap:?}");
    let short = views.apply(&records[4..6], at(7), &schema::schema());
    assert!(matches!(short, Err(ViewsError::Gap { expected: 6, got: 7 })), "{short:?}");
    let other = views.apply(&records[4..], Position { incarnation: 9, ..at(10) }, &schema::schema());
    assert!(matches!(other, Err(ViewsError::OtherJournal { .. })), "{other:?}");
    let forked = views.apply(&[], Position { chain: [7; 32], ..at(4) }, &schema::schema());
    assert!(matches!(forked, Err(ViewsError::Forked { next: 4 })), "{forked:?}");
    assert_eq!((views.content_hash().expect("a hash"), views.position().next), (hash, 4), "nothing changed");

    drop(views);
    assert!(matches!(Views::open(&path, 9), Err(ViewsError::OtherJournal { .. })));
    let mut views = Views::open(&path, INCARNATION).expect("its own journal opens it again");
    assert_eq!(views.position(), at(4));
    views.apply(&records, at(10), &schema::schema()).expect("it goes on from there");
    assert_eq!(views.position(), at(10));
}

#[test]
fn a_failed_commit_changes_nothing_and_the_next_one_does() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("views.sqlite");
    // Each is the first of its day.
    let records = some_records(6, Span::days(1));
    let mut views = Views::open(&path, INCARNATION).expect("it opens");
    views.apply(&records[..3], at(3), &schema::schema()).expect("it takes it");
    let hash = views.content_hash().expect("a hash");
    // The same reading is current twice: that breaks the key of the table, so the transaction fails in its middle.
    let mut twice = records[3..5].to_vec();
    twice[1].entry = records[0].entry.clone();
    assert!(matches!(views.apply(&twice, at(5), &schema::schema()), Err(ViewsError::Sql(_))));
    assert_eq!((views.content_hash().expect("a hash"), views.position().next), (hash, 3));
    views.apply(&records[3..], at(6), &schema::schema()).expect("what is right is taken");
    let mut fresh = Views::open(&folder.path().join("fresh.sqlite"), INCARNATION).expect("it opens");
    fresh.apply(&records, at(6), &schema::schema()).expect("it takes it");
    assert_eq!(views.content_hash().expect("a hash"), fresh.content_hash().expect("a hash"));
}

#[test]
fn what_people_answered_stands_until_it_grows_graver_or_opens_again() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("views.sqlite");
    let world = World::new(&path, schema::schema(), None);
    let readers = Readers::open(&path).expect("it opens");
    let finding = findings::open("low_glucose", "p-1", BASE, Severity::Warning);
    let id = finding.id;
    let tell = |finding: &vitalog_elog::Finding, change| {
        world.feed(BASE, Input::Tick, vec![Effect::Finding(Box::new(findings::change(finding, change, BASE)))]);
    };
    let answer = |action| {
        world.feed(BASE, Input::Command(Command { finding: id, action, by: "nurse".into() }), vec![]);
    };
    let look = || {
        let reader = readers.take().expect("a reader");
        let view = reader.ask(|a| a.summary(&Subject::new("p-1"), &[], BASE)).expect("an answer").expect("a subject");
        (view.look.severity, view.look.acknowledged)
    };
    use vitalog_elog::Change::{Amended, Opened, Rescinded, Resolved};
    use vitalog_elog::Severity::{Urgent, Warning};

    tell(&finding, Opened);
    assert_eq!(look(), (Some(Warning), None));
    answer(Action::Acknowledge);
    assert_eq!(look(), (None, Some(Warning)));
    let mut finding = finding;
    finding.revision = 2;
    tell(&finding, Amended);
    assert_eq!(look(), (None, Some(Warning)), "amended as grave as before, it stays acknowledged");
    finding.revision = 3;
    finding.severity = Urgent;
    tell(&finding, Amended);
    assert_eq!(look(), (Some(Urgent), None), "graver, it wants a look again");
    answer(Action::Dismiss);
    assert_eq!(look(), (None, None));
    finding.revision = 4;
    finding.state = FindingState::Rescinded;
    tell(&finding, Rescinded);
    finding.revision = 5;
    finding.state = FindingState::Open;
    tell(&finding, Opened);
    assert_eq!(look(), (Some(Urgent), None), "opened again, it is as if nobody had answered");
    finding.revision = 6;
    finding.state = FindingState::Resolved;
    tell(&finding, Resolved);
    assert_eq!(look(), (None, None));
    answer(Action::Acknowledge);

    let reader = readers.take().expect("a reader");
    let detail = reader.ask(|a| a.recommendation(id)).expect("an answer").expect("it is there");
    let wordings = &detail.recommendation.wordings;
    assert_eq!(wordings, &finding.wordings, "what others are told comes back as it went in");
    assert!(!wordings.is_empty());
    assert_eq!(detail.history.iter().map(|h| h.revision).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1]);
    assert_eq!(
        detail.responses.iter().map(|r| r.action.unwrap_or("")).collect::<Vec<_>>(),
        ["acknowledge", "dismiss", "acknowledge"]
    );
    world.feed(BASE, Input::Command(Command { finding: MatchId(1), action: Action::Dismiss, by: "nurse".into() }), vec![]);
}

#[test]
fn a_correction_says_what_it_overturned() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("views.sqlite");
    let world = World::new(&path, schema::schema(), Some(judge::lows));
    let subject = Subject::new("p-1");
    let give = |minute: i64, value: &str, rev: u32| {
        let name = format!("r{minute}").into();
        let reading = Reading::present(subject.clone(), Some(name), rev, "bg", glucose(BASE + Span::minutes(minute), value));
        world.give(BASE + Span::minutes(minute), vec![Input::Reading(reading)])
    };
    for (minute, value) in [(0, "68"), (5, "66"), (10, "65"), (15, "62")] {
        give(minute, value, 1);
    }
    give(0, "95", 2);
    let readers = Readers::open(&path).expect("it opens");
    let reader = readers.take().expect("a reader");
    let id = MatchId::new("low_glucose", &subject, BASE);
    let detail = reader.ask(|a| a.recommendation(id)).expect("an answer").expect("it is there");
    assert_eq!(detail.recommendation.state, FindingState::Rescinded);
    let because = detail.recommendation.because.reading.as_ref().expect("a reading overturned it");
    let said = |r: &Option<vitalog_dashboards::ask::ReadingView>| r.as_ref().map(|r| r.values["value"].clone());
    assert_eq!(said(&because.before), Some("68 mg/dL".into()));
    assert_eq!(said(&because.after), Some("95 mg/dL".into()));
    let evidence = detail.readings.iter().find(|e| e.changed).expect("one of its readings is not what it was");
    assert_eq!((said(&evidence.then), said(&evidence.now)), (Some("68 mg/dL".into()), Some("95 mg/dL".into())));
    assert_eq!(detail.readings.iter().filter(|e| e.changed).count(), 1);
    assert_eq!(detail.readings.len(), 4);
}
