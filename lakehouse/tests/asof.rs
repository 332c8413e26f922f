//! `asof`: each row with the latest of another table, held against a join that compares all with all.

use std::sync::Arc;

use expect_test::expect;
use object_store::memory::InMemory;
use vitalog_elog::Schema;
use vitalog_lakehouse::{Lake, Limits, SqlError};

use crate::model::{csv, lines};
use crate::world::{Dice, INCARNATION, RunLoop, glucose, grown};

async fn lake(streams: Arc<Schema>) -> (Lake, RunLoop) {
    let run = RunLoop::new(streams);
    (Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap(), run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_by_then() {
    let (lake, mut run) = lake(grown()).await;
    for (at, value) in [("08:00", "6.0"), ("09:00", "7.0"), ("09:30", "8.0")] {
        run.read(glucose("a", &format!("2026-01-01T{at}:00Z"), value));
    }
    run.read(glucose("b", "2026-01-01T08:30:00Z", "5.0"));
    lake.apply(&run.records, run.position()).unwrap();
    // A table with itself: at the same instant it was there by then.
    expect![[r#"
        subject,at,value,bg_at,bg_value
        a,2026-01-01T08:00:00Z,6.0,2026-01-01T08:00:00Z,6.0
        a,2026-01-01T09:00:00Z,7.0,2026-01-01T09:00:00Z,7.0
        a,2026-01-01T09:30:00Z,8.0,2026-01-01T09:30:00Z,8.0
        b,2026-01-01T08:30:00Z,5.0,2026-01-01T08:30:00Z,5.0
    "#]]
    .assert_eq(&csv(&lake, "SELECT subject, at, value, bg_at, bg_value FROM asof('bg', 'bg') ORDER BY subject, at").await);
    for (sql, said) in [
        ("SELECT * FROM asof('bg')", "takes the names of two tables"),
        ("SELECT * FROM asof('bg', 'nothing')", "knows no table \"nothing\""),
        ("SELECT * FROM asof('bg', 'matches')", "knows no table \"matches\""),
        ("SELECT * FROM asof('bg', 'bp', 3)", "takes the names of two tables"),
        ("SELECT * FROM asof(1, 'bp')", "names of tables as texts"),
    ] {
        match lake.sql(sql, Limits::default()).await {
            Err(SqlError::Refused(refusal)) => assert!(refusal.message.contains(said), "{sql}: {refusal}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

/// Random readings, half in files and half hot; instants coincide, intervals go on, subjects lack the one or the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_the_join_that_compares_all_with_all() {
    for seed in 1..=2 {
        let mut dice = Dice(seed);
        let (lake, mut run) = lake(grown()).await;
        for _ in 0..2 {
            let first = run.records.len();
            (0..200).for_each(|_| run.random(&mut dice));
            lake.apply(&run.records[first..], run.position()).unwrap();
            if first == 0 {
                lake.flush().await.unwrap();
            }
        }
        for (left, left_at, right, right_at) in
            [("bg", "at", "carbs", "at"), ("carbs", "at", "exercise", "end_at"), ("exercise", "start_at", "bp", "at")]
        {
            for longest in [None, Some("interval '3 days'")] {
                let more = longest.map(|span| format!(", {span}")).unwrap_or_default();
                let recent = longest.map(|span| format!("AND r.{right_at} >= l.{left_at} - {span}")).unwrap_or_default();
                let line = "concat_ws(' ', l.subject, l.rev, l.arrival::bigint, {}::bigint, coalesce({}, '-')) AS line";
                let said = |at: &str, id: &str| line.replacen("{}", at, 1).replacen("{}", id, 1);
                let ours = said(&format!("l.{right}_{right_at}"), &format!("l.{right}_id"));
                let ours = lines(&lake, &format!("SELECT {ours} FROM asof('{left}', '{right}'{more}) l ORDER BY line")).await;
                let naive = format!(
                    "WITH both AS (SELECT l.*, r.{right_at} AS r_at, r.id AS r_id, row_number() OVER (PARTITION BY l.subject, l.arrival, l.rev \
                     ORDER BY r.{right_at} DESC NULLS LAST, r.arrival DESC) AS place FROM {left} l LEFT JOIN {right} r \
                     ON l.subject = r.subject AND r.{right_at} <= l.{left_at} {recent}) SELECT {} FROM both l WHERE place = 1 ORDER BY line",
                    said("l.r_at", "l.r_id")
                );
                let naive = lines(&lake, &naive).await;
                assert!(!naive.is_empty(), "seed {seed}: nothing on the left of {left}, {right}");
                assert_eq!(ours, naive, "seed {seed}: {left} asof {right}{more}");
            }
        }
    }
}

/// A filter on the subject reaches the files of both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subject_is_found_in_few_files() {
    let (lake, mut run) = lake(grown()).await;
    for subject in ["a", "b", "c"] {
        let first = run.records.len();
        run.read(glucose(subject, "2026-01-01T08:00:00Z", "6.0"));
        lake.apply(&run.records[first..], run.position()).unwrap();
        lake.flush().await.unwrap();
    }
    let plan = csv(&lake, "EXPLAIN FORMAT INDENT SELECT value, bg_value FROM asof('bg', 'bg') WHERE subject = 'b'").await;
    let scans = plan.lines().filter(|line| line.contains("DataSourceExec") && line.contains("subject@"));
    assert_eq!(scans.count(), 2, "{plan}");
}
