//! `readings_as_known`: what was known at any instant, held against the journal up to it; and that predicates go into both tables.

use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_elog::{Record, Time};
use vitalog_lakehouse::{Lake, Limits, SqlError};

use crate::model::{csv, expected_of, lines};
use crate::world::{Dice, INCARNATION, RunLoop, glucose, schema};

/// What stood when the clock showed `until`, by the records alone.
fn naive(run: &RunLoop, until: i64) -> Vec<String> {
    let before: Vec<Record> = run.records.iter().filter(|r| r.entry.arrival.micros() <= until).cloned().collect();
    let mut known: Vec<String> = expected_of(run, &before)
        .readings
        .iter()
        .map(|known| {
            let reading = &known.reading;
            let content = reading.content.as_ref().expect("current readings say something");
            let (stream, given) = (&run.schema.get(content.stream).name, reading.given.as_deref().unwrap_or("-"));
            let instant = content.when.instant().unwrap_or(content.when.start()).micros();
            let source = content.source.as_deref().unwrap_or("-");
            format!("{} {stream} {} {given} {} {instant} {source}", reading.subject, reading.rev, known.arrival.micros())
        })
        .collect();
    known.sort();
    known
}

async fn answered(lake: &Lake, until: i64, filter: &str) -> Vec<String> {
    let columns = "concat_ws(' ', subject, stream, rev, coalesce(id, '-'), arrival::bigint, coalesce(at, start_at)::bigint, coalesce(source, '-'))";
    let until = text(until);
    lines(lake, &format!("SELECT {columns} AS line FROM readings_as_known('{until}') WHERE {filter} ORDER BY line")).await
}

fn text(micros: i64) -> String {
    Time(micros).to_string()
}

async fn assert_known(lake: &Lake, run: &RunLoop, dice: &mut Dice, when: &str) {
    let Some(last) = run.records.last().map(|r| r.entry.arrival.micros()) else { return };
    let first = run.records[0].entry.arrival.micros();
    // At an arrival to the microsecond, just before one, and after all.
    let some = dice.pick(&run.records).entry.arrival.micros();
    for until in [some, some - 1, first - 1, last] {
        let expected = naive(run, until);
        assert_eq!(answered(lake, until, "true").await, expected, "{when}, as known at {}", text(until));
    }
    let one: Vec<String> = naive(run, some).into_iter().filter(|line| line.starts_with("p-001 bg ")).collect();
    assert_eq!(answered(lake, some, "subject = 'p-001' AND stream = 'bg'").await, one, "{when}, of one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_known_is_what_had_been_journaled() {
    for seed in 101..=103 {
        let mut dice = Dice(seed);
        let store = Arc::new(InMemory::new());
        let mut run = RunLoop::new(schema());
        let mut lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
        for step in 0..6 {
            let first = run.records.len();
            for _ in 0..1 + dice.below(50) {
                run.random(&mut dice);
            }
            lake.apply(&run.records[first..], run.position()).unwrap();
            let when = format!("seed {seed} step {step}");
            assert_known(&lake, &run, &mut dice, &format!("{when}, hot")).await;
            match dice.below(4) {
                0 => {}
                1 => {
                    lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
                    let from = lake.position().next as usize;
                    lake.apply(&run.records[from..], run.position()).unwrap();
                }
                _ => drop(lake.flush().await.unwrap()),
            }
            assert_known(&lake, &run, &mut dice, &format!("{when}, landed")).await;
        }
    }
}

/// A question about one subject and a few months opens only the files that may say something of it, of the current and of the former.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn predicates_go_into_both_tables() {
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    for month in 1..=4 {
        let first = run.records.len();
        for subject in ["a", "b"] {
            for (rev, value) in [(1, "6.1"), (2, "5.9")] {
                let reading = glucose(subject, &format!("2026-{month:02}-15T08:00:00Z"), value);
                let given = Some(format!("{subject}-{month}").into());
                run.read(vitalog_elog::Reading::present(reading.subject, given, rev, "bg", reading.content.unwrap()));
            }
        }
        lake.apply(&run.records[first..], run.position()).unwrap();
        lake.flush().await.unwrap();
    }
    let plan = async |filter: &str| {
        // When the second month was being corrected.
        let known = "readings_as_known('2026-03-01T00:00:06Z')";
        csv(&lake, &format!("EXPLAIN FORMAT INDENT SELECT bg_value FROM {known} WHERE {filter}")).await
    };
    let files = |plan: &str, table: &str| {
        plan.matches(&format!("{table}/month=")).count() + plan.matches(&format!("{table}/part")).count()
    };
    let all = plan("true").await;
    assert!(files(&all, "readings") >= 2, "{all}");
    let narrow = plan("at >= '2026-02-01T00:00:00Z' AND at < '2026-03-01T00:00:00Z' AND subject = 'a'").await;
    assert_eq!(files(&narrow, "readings"), 1, "{narrow}");
    let scans: Vec<&str> = narrow.lines().filter(|line| line.contains("DataSourceExec") && line.contains("predicate=")).collect();
    assert_eq!(scans.len(), 2, "{narrow}");
    for scan in scans {
        let predicate = scan.split("predicate=").nth(1).unwrap_or_default();
        assert!(["subject", "at@", "arrival"].iter().all(|column| predicate.contains(column)), "{scan}");
    }
    let nobody = plan("subject = 'zz'").await;
    assert_eq!(files(&nobody, "readings") + files(&nobody, "readings_history"), 0, "{nobody}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instant_is_asked_for() {
    let run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    for (arguments, said) in [
        ("", "takes one constant instant"),
        ("'2026-01-01T00:00:00Z', 'bg'", "takes one constant instant"),
        ("'yesterday'", "yesterday is no instant"),
        ("'2026-01-01T00:00:00'", "with its offset"),
        ("7", "is no instant"),
        ("null", "is no instant"),
    ] {
        match lake.sql(&format!("SELECT * FROM readings_as_known({arguments})"), Limits::default()).await {
            Err(SqlError::Refused(refusal)) => assert!(refusal.message.contains(said), "{arguments}: {refusal}"),
            other => panic!("{arguments}: {other:?}"),
        }
    }
    for instant in ["timestamp '2026-01-01T00:00:00Z'", "'2026-01-01T00:00:00+01:00'", "to_timestamp(0)"] {
        assert_eq!(csv(&lake, &format!("SELECT count(*) AS n FROM readings_as_known({instant})")).await, "n\n0\n");
    }
}
