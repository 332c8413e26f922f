//! A journal, and stages that are fed from it wrongly: what each of them lacks, has twice or has otherwise is said of it and of no other, whatever is still under way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::views::Views;
use vitalog_elog::accounting::Scope;
use vitalog_elog::schema::{Field, FieldKind, Shape, Stream};
use vitalog_elog::{
    Amount, Content, Dimension, Effect, Entry, Input, Outcome, Reading, ReadingId, Record, Schema, StreamIx, Subject, Time, Unit,
    Value, When,
};
use vitalog_ingest::journal::Journal;
use vitalog_lakehouse::{Lake, Policy};

use super::history::Revisions;
use super::{Auditor, Stages};
use crate::backup::Running;
use crate::run::Message;

fn schema() -> Arc<Schema> {
    let mmol = Unit::named(Dimension::Glucose, "mmol/L").expect("a unit");
    let value =
        Field { name: "value".into(), kind: FieldKind::Quantity(mmol), optional: false, range: None, usual: None, doc: None };
    let stream = Stream {
        name: "bg".into(),
        shape: Shape::Instant,
        fields: vec![value],
        checks: Vec::new(),
        every: None,
        silent_after: None,
        by: None,
        also_by: Vec::new(),
        doc: None,
    };
    Arc::new(Schema { streams: vec![stream] })
}

fn reading(name: &str, rev: u32, minute: i64, tenths: i64) -> Reading {
    let mmol = Unit::named(Dimension::Glucose, "mmol/L").expect("a unit");
    let amount = Amount { digits: tenths, scale: 1, unit: mmol };
    let content = Content {
        stream: StreamIx(0),
        when: When::At(Time(minute * 60_000_000)),
        values: Box::new([Some(Value::Quantity(amount))]),
        source: Some("g7".into()),
        seq: None,
    };
    Reading::present(Subject::new("p-1"), Some(name.into()), rev, "bg", content)
}

/// What is journaled: twenty readings over two days, one amended, one removed, one amended before it came, one sent twice; and one of the month after, amended.
fn history() -> Vec<Reading> {
    let mut all: Vec<Reading> = (0..20).map(|n| reading(&format!("r{n}"), 1, n * 120, 50 + n)).collect();
    all.push(reading("r4", 2, 480, 99));
    all.push(Reading::removal(Subject::new("p-1"), "r5".into(), 2));
    all.push(reading("late", 2, 30, 70));
    all.push(reading("late", 1, 31, 71));
    all.push(all[3].clone());
    // Forty days on.
    all.push(reading("later", 1, 57_600, 60));
    all.push(reading("later", 2, 57_600, 61));
    all
}

struct House {
    _dir: tempfile::TempDir,
    auditor: Auditor,
    lake: Lake,
}

/// What a stage is fed with in the place of a record.
type Bend<'a> = &'a dyn Fn(Record) -> Vec<Record>;

/// How a stage is fed wrongly, and what is to be said of it.
type Case<'a> = (Bend<'a>, &'a [&'a str]);

fn as_it_is(record: Record) -> Vec<Record> {
    vec![record]
}

/// Stages that have taken in so many of the records, each as it was fed.
async fn house(views: (Bend<'_>, usize), lake: (Bend<'_>, usize)) -> House {
    let dir = tempfile::tempdir().expect("a directory");
    let schema = schema();
    let mut journal = Journal::open(&dir.path().join("journal.db")).expect("made");
    let mut before: BTreeMap<ReadingId, Revisions> = BTreeMap::new();
    let (mut records, mut positions) = (Vec::new(), vec![journal.position()]);
    for (i, reading) in history().into_iter().enumerate() {
        let outcome = before.entry(reading.id).or_default().take_in(&reading);
        let entry = Entry { arrival: Time(i as i64 + 1), input: Input::Reading(reading) };
        positions.push(journal.append(&schema, std::slice::from_ref(&entry)).expect("kept"));
        records.push(Record { offset: i as u64, entry: Arc::new(entry), effects: [Effect::Reading(outcome)].into() });
    }
    let incarnation = journal.position().incarnation;
    // Offsets have to follow each other; only how many there are differs.
    let fed = |bend: Bend<'_>, of: usize| -> Vec<Record> {
        let all = records[..of].iter().cloned().flat_map(bend).enumerate();
        all.map(|(i, record)| Record { offset: i as u64, ..record }).collect()
    };
    let path = dir.path().join("views.db");
    let (of_views, of_lake) = (fed(views.0, views.1), fed(lake.0, lake.1));
    assert_eq!((of_views.len(), of_lake.len()), (views.1, lake.1), "a bent record is in the place of one");
    Views::open(&path, incarnation).expect("made").apply(&of_views, positions[views.1], &schema).expect("fed");
    let store = Lake::open(&dir.path().join("lake"), schema, incarnation).await.expect("made");
    store.apply(&of_lake, positions[lake.1]).expect("fed");
    let auditor = auditor(dir.path(), &path, journal, &store);
    House { _dir: dir, auditor, lake: store }
}

fn auditor(data: &Path, views: &Path, journal: Journal, lake: &Lake) -> Auditor {
    let (door, messages) = channel();
    std::thread::spawn(move || {
        while let Ok(message) = messages.recv() {
            if let Message::Errand(errand) = message {
                errand(&journal, Time::MAX);
            }
        }
    });
    let views = Readers::open(views).expect("opened");
    let stages = Stages { views, lake: lake.clone(), runtime: tokio::runtime::Handle::current() };
    Auditor { journal: Running { data: data.to_owned(), door }, stages }
}

async fn said(house: House) -> (House, Vec<String>) {
    let (house, report) = tokio::task::spawn_blocking(move || {
        let report = house.auditor.audit(&Scope::default()).expect("audited");
        (house, report)
    })
    .await
    .expect("it ends");
    assert_eq!(report.is_equal(), report.differences().next().is_none());
    let found =
        report.differences().map(|d| format!("{} {} {}/{} {}", d.stage.name(), d.kind.name(), d.name, d.rev, d.standing.name()));
    let found = found.collect();
    (house, found)
}

fn is(record: &Record, name: &str, rev: u32) -> bool {
    record.reading().is_some_and(|(r, _)| r.given.as_deref() == Some(name) && r.rev == rev)
}

/// Nothing in its place.
fn without(name: &'static str, rev: u32) -> impl Fn(Record) -> Vec<Record> {
    move |record| {
        let effects = if is(&record, name, rev) { [Effect::Reading(Outcome::Duplicate)].into() } else { record.effects.clone() };
        vec![Record { effects, ..record }]
    }
}

/// Another content in its place.
fn bent(name: &'static str, rev: u32) -> impl Fn(Record) -> Vec<Record> {
    move |record| {
        if !is(&record, name, rev) {
            return vec![record];
        }
        let entry = Entry { arrival: record.entry.arrival, input: Input::Reading(reading(name, rev, 7, 7)) };
        vec![Record { entry: Arc::new(entry), ..record }]
    }
}

/// The one sent twice, taken as another revision that was outdated when it came.
fn twice(record: Record) -> Vec<Record> {
    let is_second = record.effects[..] == [Effect::Reading(Outcome::Duplicate)];
    let effects = if is_second { [Effect::Reading(Outcome::Outdated)].into() } else { record.effects.clone() };
    vec![Record { effects, ..record }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_no_difference() {
    let all = history().len();
    for (views, lake) in [(all, all), (0, 0), (0, all), (all, 0), (20, 22), (21, 20), (23, 24), (all - 1, 3)] {
        let (house, found) = said(house((&as_it_is, views), (&as_it_is, lake)).await).await;
        assert_eq!(found, Vec::<String>::new(), "{views} {lake}");
        house.lake.flush().await.expect("landed");
        assert_eq!(said(house).await.1, Vec::<String>::new(), "{views} {lake} landed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hot_is_looked_at_too_and_what_landed_wrong_stays_wrong() {
    let all = history().len();
    let cases: [Case<'_>; 6] = [
        (&without("r7", 1), &["lost r7/1 current"]),
        (&without("r5", 2), &["lost r5/2 former", "misplaced r5/1 former"]),
        (&without("late", 1), &["lost late/1 former"]),
        (&bent("r9", 1), &["bent r9/1 current"]),
        (&bent("r4", 2), &["bent r4/2 current"]),
        (&twice, &["doubled r3/1 former"]),
    ];
    for (bend, expected) in cases {
        let of = |stages: &[&str]| -> Vec<String> {
            stages.iter().flat_map(|stage| expected.iter().map(move |said| format!("{stage} {said}"))).collect()
        };
        let (house, found) = said(house((&as_it_is, all), (bend, all)).await).await;
        assert_eq!(found, of(&["queryable"]), "hot");
        house.lake.flush().await.expect("landed");
        assert_eq!(said(house).await.1, of(&["lake", "queryable"]), "landed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_views_were_fed_wrongly_is_said_of_them_alone() {
    let all = history().len();
    let cases: [Case<'_>; 3] = [
        (&without("r7", 1), &["views lost r7/1 current"]),
        (&bent("r9", 1), &["views bent r9/1 current"]),
        (&twice, &["views doubled r3/1 former"]),
    ];
    for (bend, expected) in cases {
        assert_eq!(said(house((bend, all), (&as_it_is, all)).await).await.1, expected);
    }
}

/// The revisions of January: one of each of the twenty, one amended, one removed, two of the one that came late.
const OF_JANUARY: u64 = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_past_retention_is_missed_by_nobody_and_counted() {
    let all = history().len();
    let keep = |lake: &Lake, now: &str, held: &[&str]| {
        let now = Time::parse(now).expect("an instant");
        let held = held.iter().map(|name| Subject::new(name)).collect();
        lake.keep(Policy::parse(["1month"]).expect("a policy"), held, Arc::new(move || now), now);
    };
    let past = |house: House| async {
        let audit = move || {
            let report = house.auditor.audit(&Scope::default()).expect("audited").as_json(0);
            (house, report)
        };
        let (house, report) = tokio::task::spawn_blocking(audit).await.expect("it ends");
        let of = |stage: usize| report["stages"][stage]["past_retention"].clone();
        assert_eq!([&report["stages"][1]["stage"], &report["stages"][2]["stage"]], ["views", "lake"]);
        assert_eq!(of(1), 0, "the views keep all");
        (house, [of(2), of(3)])
    };
    let house = house((&as_it_is, all), (&without("r7", 1), all)).await;
    keep(&house.lake, "1970-02-27T23:59:59Z", &[]);
    let (house, found) = said(house).await;
    assert_eq!(found, ["queryable lost r7/1 current"], "while it should be there");
    // A day before it is past nobody asks for it any more: it may go while accounts are taken.
    let mut house = house;
    for (now, held) in [("1970-02-28T00:00:00Z", &[][..]), ("1970-03-01T00:00:00Z", &[]), ("1970-03-30T23:59:59Z", &["p-1"])] {
        keep(&house.lake, now, held);
        let (back, found) = said(house).await;
        assert_eq!(found, Vec::<String>::new(), "{now}, held {held:?}");
        house = back;
    }
    let (house, counted) = past(house).await;
    // No file has anything of the journal yet, so nothing of it is past there.
    assert_eq!(counted, [0, OF_JANUARY]);
    keep(&house.lake, "1970-03-01T00:00:00Z", &[]);
    house.lake.flush().await.expect("landed");
    house.lake.retain().await.expect("passed");
    let (house, found) = said(house).await;
    assert_eq!(found, Vec::<String>::new(), "landed");
    assert_eq!(past(house).await.1, [OF_JANUARY, OF_JANUARY]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_missed_as_ever() {
    let all = history().len();
    let house = house((&as_it_is, all), (&without("later", 2), all)).await;
    let now = Time::parse("1970-03-01T00:00:00Z").expect("an instant");
    house.lake.keep(Policy::parse(["1month"]).expect("a policy"), Default::default(), Arc::new(move || now), now);
    house.lake.flush().await.expect("landed");
    let of = |stage: &str| [format!("{stage} lost later/2 current"), format!("{stage} misplaced later/1 former")];
    assert_eq!(said(house).await.1, [of("lake"), of("queryable")].concat());
}
