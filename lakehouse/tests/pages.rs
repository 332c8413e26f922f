//! A file of many pages, with rows that are no longer current and others that have not landed: conditions that are moved into their scan answer as over the whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_elog::{Amount, Content, Dimension, Entry, Input, Outcome, Reading, Record, StreamIx, Subject, Time, Value, When};
use vitalog_lakehouse::{Eyes, Format, Lake, Limits};

use crate::world::{Dice, INCARNATION, RunLoop, position, schema, time, unit};

/// Several pages of them.
const GLUCOSE: u64 = 140_000;
const PRESSURES: u64 = 9_000;
const NAMES: [&str; 3] = ["p-001", "p-002", "p-003"];

/// The n-th glucose.
fn glucose(n: u64, rev: u32, value: i64) -> Reading {
    let amount = Amount { digits: value, scale: 0, unit: unit(Dimension::Glucose, "mmol/L") };
    let content = |value| Content { stream: StreamIx(0), when: at(n), values: Box::new([Some(value)]), source: None, seq: None };
    Reading::present(subject(n), Some(format!("g{n}").into()), rev, "bg", content(Value::Quantity(amount)))
}

fn pressure(n: u64) -> Reading {
    let amount = |digits| Some(Value::Quantity(Amount { digits, scale: 0, unit: unit(Dimension::Pressure, "mmHg") }));
    let values = Box::new([amount(120), amount(80), None]);
    Reading::present(subject(n), None, 1, "bp", Content { stream: StreamIx(1), when: at(n), values, source: None, seq: None })
}

fn subject(n: u64) -> Subject {
    Subject::new(NAMES[(n % 3) as usize])
}

fn at(n: u64) -> When {
    When::At(Time(time("2026-01-01T00:00:00Z").micros() + n as i64 * 10_000_000))
}

fn value(n: u64) -> i64 {
    (n * 7_919 % 20) as i64
}

/// New readings, as the run loop would hand them over; their ids are known to be new.
fn new(from: u64, readings: impl Iterator<Item = Reading>) -> Vec<Record> {
    let record = |(n, reading): (usize, Reading)| {
        let (offset, input) = (from + n as u64, Input::Reading(reading));
        let arrival = Time(time("2026-03-01T00:00:00Z").micros() + offset as i64);
        Record {
            offset,
            entry: Arc::new(Entry { arrival, input }),
            effects: [vitalog_elog::Effect::Reading(Outcome::New)].into(),
        }
    };
    readings.enumerate().map(record).collect()
}

async fn asked(lake: &Lake, eyes: Eyes, sql: &str) -> String {
    let answer = lake.sql_for(eyes, sql, Limits::default()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let text = String::from_utf8(answer.write(Format::Csv).expect("written")).expect("text");
    text.lines().skip(1).collect::<Vec<_>>().join(" ")
}

/// The lake, and which readings of glucose were removed of it.
async fn filled() -> (Lake, BTreeSet<u64>) {
    let run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema, INCARNATION).await.expect("a lake");
    let mut next = 0;
    let mut apply = |readings: Vec<Record>| {
        next += readings.len() as u64;
        lake.apply(&readings, position(next)).expect("applied");
        next
    };
    let next = apply(new(0, (0..GLUCOSE).map(|n| glucose(n, 1, value(n)))));
    let next = apply(new(next, (0..PRESSURES).map(pressure)));
    lake.flush().await.expect("landed");
    // Some are removed, and wait for their files to be rewritten.
    let mut dice = Dice(4_711);
    let gone: BTreeSet<u64> =
        (0..300).map(|i| if i % 3 == 0 { GLUCOSE - 1 - dice.below(3_000) } else { dice.below(GLUCOSE) }).collect();
    let removed = gone.iter().map(|&n| Reading::removal(subject(n), format!("g{n}").into(), 2));
    let mut records = new(next, removed);
    for (record, &n) in records.iter_mut().zip(&gone) {
        let former = glucose(n, 1, value(n));
        let place = former.content.as_ref().map(|c| (c.stream, c.when.instant().expect("an instant")));
        let was = vitalog_elog::effect::Former { rev: 1, hash: former.hash, place };
        record.effects = [vitalog_elog::Effect::Reading(Outcome::superseded(was))].into();
    }
    let next = apply(records);
    // And some of both have not landed.
    let next = apply(new(next, (GLUCOSE..GLUCOSE + 10).map(|n| glucose(n, 1, value(n)))));
    apply(new(next, (PRESSURES..PRESSURES + 5).map(pressure)));
    (lake, gone)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_rows_is_asked_in_every_page_and_once() {
    let (lake, gone) = filled().await;
    let held = |whose: Option<&str>, below: i64| {
        let of = |n: &u64| whose.is_none_or(|name| NAMES[(n % 3) as usize] == name);
        (0..GLUCOSE + 10).filter(|n| !gone.contains(n) && of(n) && value(*n) < below).count()
    };
    let all = held(None, 20);
    for (sql, told) in [
        ("select count(*) from bg", all.to_string()),
        ("select count(*), count(distinct stream) from readings where stream = 'bg'", format!("{all},1")),
        ("select stream, count(*) from readings group by stream order by stream", format!("bg,{all} bp,{}", PRESSURES + 5)),
        ("select count(*) from bp where systolic = 120", (PRESSURES + 5).to_string()),
        ("select count(*) from bg where value < 3", held(None, 3).to_string()),
        ("select count(*) from bg where subject = 'p-002' and value < 3", held(Some("p-002"), 3).to_string()),
        ("select count(*) from readings where stream = 'bg' and stream = 'bp'", "0".to_owned()),
        ("select count(*) from readings where stream = 'bg' or stream = 'bp'", (all as u64 + PRESSURES + 5).to_string()),
        ("select count(*) from readings where stream <> 'bg'", (PRESSURES + 5).to_string()),
        ("select count(*) from exercise", "0".to_owned()),
        ("select count(*) from readings where stream = 'nothing'", "0".to_owned()),
        ("select count(*) from (select * from bp limit 8999)", "8999".to_owned()),
        ("select count(*) from (select * from bg limit 200000)", all.to_string()),
        // Rows that are no longer current are history, of their own stream.
        ("select count(*) from readings_history where stream = 'bg'", gone.len().to_string()),
    ] {
        assert_eq!(asked(&lake, Eyes::All, sql).await, told, "{sql}");
    }
    let eyes = Eyes::only([Subject::new("p-003")]);
    assert_eq!(asked(&lake, eyes, "select count(*), min(subject) from bg").await, format!("{},p-003", held(Some("p-003"), 20)));
    // A condition is moved into the scan of the files once, whoever moves it there, and nothing is left to be asked above.
    let plan = asked(&lake, Eyes::All, "explain select count(*) from bg where value < 3").await;
    let scan = plan.split("DataSourceExec: file_groups").nth(1).unwrap_or_else(|| panic!("no scan of files: {plan}"));
    let predicate = scan.split("pruning_predicate").next().expect("its predicate");
    assert_eq!((predicate.matches("bg_value").count(), predicate.matches("stream@").count()), (1, 1), "{plan}");
    assert!(!plan.split("DataSourceExec").next().expect("above").contains("FilterExec: bg"), "{plan}");
    // When all has landed, rewritten, it is the same.
    lake.flush().await.expect("landed");
    assert_eq!(asked(&lake, Eyes::All, "select count(*) from bg").await, all.to_string());
    assert_eq!(asked(&lake, Eyes::All, "select count(*) from bg where value < 3").await, held(None, 3).to_string());
}
