//! Exports as they stream: they begin before they have ended, hold nothing but what waits, and never pass off a part as the whole.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use object_store::memory::InMemory;
use vitalog_elog::Subject;
use vitalog_lakehouse::io::{Export, ExportLimits, Exported};
use vitalog_lakehouse::{Eyes, Form, Lake, SqlError};

use crate::world::{Dice, INCARNATION, RunLoop, glucose, schema};

async fn lake(run: &RunLoop) -> Lake {
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    if run.next() > 0 {
        lake.apply(&run.records, run.position()).unwrap();
    }
    lake
}

/// All of it, and the code of what broke it off.
async fn taken(mut export: Export) -> (Vec<u8>, Option<String>) {
    let mut out = Vec::new();
    while let Some(piece) = export.next().await {
        match piece {
            Ok(bytes) => out.extend_from_slice(&bytes),
            Err(error) => return (out, Some(code(error))),
        }
    }
    (out, None)
}

fn code(error: SqlError) -> String {
    match error {
        SqlError::Refused(refusal) => refusal.code,
        SqlError::Lake(error) => panic!("{error}"),
    }
}

fn of(sql: &str) -> Exported {
    Exported::Statement(sql.to_owned())
}

const ENDLESS: &str =
    "select value, 'a text that takes some room, so that not all of it can wait' as text from generate_series(1, 1000000000)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_bytes_come_long_before_the_last_and_whoever_leaves_ends_it() {
    let lake = lake(&RunLoop::new(schema())).await;
    // More than may run at once, one after the other: each gives its turn back when nobody takes it any more.
    for form in [Form::Csv, Form::Arrow, Form::Parquet, Form::Csv] {
        let mut export = lake.export(Eyes::All, of(ENDLESS), form, ExportLimits::default()).await.unwrap();
        for _ in 0..20 {
            assert!(!export.next().await.unwrap().unwrap().is_empty());
        }
    }
    let held = [
        lake.export(Eyes::All, of(ENDLESS), Form::Csv, ExportLimits::default()).await.unwrap(),
        lake.export(Eyes::All, of(ENDLESS), Form::Csv, ExportLimits::default()).await.unwrap(),
    ];
    let third = lake.export(Eyes::All, of("select 1"), Form::Csv, ExportLimits::default()).await;
    assert_eq!(third.err().map(code).as_deref(), Some("exports_busy"));
    // SQL has its own turns.
    assert_eq!(lake.sql("select 1 as one", vitalog_lakehouse::Limits::default()).await.unwrap().rows(), 1);
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_breaks_off_and_has_no_end() {
    let lake = lake(&RunLoop::new(schema())).await;
    let whole = ExportLimits::default();
    let many = "select value from generate_series(1, 100000)";
    let small = "select value from generate_series(1, 10)";
    for (limits, sql, expected) in [
        (ExportLimits { rows: 9_000, ..whole }, many, "export_rows"),
        (ExportLimits { bytes: 100_000, ..whole }, many, "export_bytes"),
        (ExportLimits { time: Duration::from_millis(300), ..whole }, ENDLESS, "sql_timeout"),
    ] {
        let (bytes, broken) = taken(lake.export(Eyes::All, of(sql), Form::Csv, limits).await.unwrap()).await;
        assert!(broken.as_deref() == Some(expected) && bytes.starts_with(b"value"), "{expected}: {broken:?} {}", bytes.len());
    }
    let (bytes, broken) =
        taken(lake.export(Eyes::All, of(small), Form::Csv, ExportLimits { rows: 10, ..whole }).await.unwrap()).await;
    assert_eq!((bytes.as_slice(), broken), (b"value\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n".as_slice(), None));
    // Nobody takes anything for a while.
    let limits = ExportLimits { stalled: Duration::from_millis(100), ..whole };
    let export = lake.export(Eyes::All, of(ENDLESS), Form::Csv, limits).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(taken(export).await.1.is_some(), "it went on though nobody took it");
    // A failure after rows were given is no end either; one before is told at once.
    let late = "select 1 / (50000 - value) as x from generate_series(1, 100000)";
    assert_eq!(taken(lake.export(Eyes::All, of(late), Form::Csv, whole).await.unwrap()).await.1.as_deref(), Some("sql_failed"));
    let early = lake.export(Eyes::All, of("select 1 / (1 - value) as x from generate_series(1, 10)"), Form::Csv, whole).await;
    assert_eq!(early.err().map(code).as_deref(), Some("sql_failed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_readings_go_out_in_every_form_those_of_others_never() {
    let mut dice = Dice(11);
    let mut run = RunLoop::new(schema());
    (0..3_000).for_each(|_| run.random(&mut dice));
    run.read(glucose("p-009", "2026-01-01T08:00:00Z", "6.10"));
    let lake = lake(&run).await;
    for subject in ["p-001", "p-002", "a-subject-with-a-name-of-some-length"] {
        let sql = format!("select count(*) as n, count(distinct stream) as s from readings where subject = '{subject}'");
        let answer = lake.sql(&sql, vitalog_lakehouse::Limits::default()).await.unwrap();
        let csv = String::from_utf8(answer.write(vitalog_lakehouse::Format::Csv).unwrap()).unwrap();
        let rows: usize = csv.lines().nth(1).and_then(|line| line.split(',').next()).unwrap().parse().unwrap();
        assert!(rows > 300, "{rows}");
        let readings = || Exported::Readings { subject: Subject::new(subject), from: None, to: None };
        let export = lake.export(Eyes::All, readings(), Form::Fhir, ExportLimits::default()).await.unwrap();
        let (bytes, broken) = taken(export).await;
        assert_eq!(broken, None);
        let bundle: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(bundle["entry"].as_array().unwrap().len(), rows + 1);
        assert!(!String::from_utf8(bytes).unwrap().contains("p-009"));
        // Under eyes that do not see the subject there is none.
        let others = Eyes::only([Subject::new("p-009")]);
        let refused = lake.export(others, readings(), Form::Csv, ExportLimits::default()).await;
        assert_eq!(refused.err().map(code).as_deref(), Some("unknown_subject"));
    }
    let sent = Exported::Readings { subject: Subject::new("p-009"), from: None, to: None };
    let (bytes, _) = taken(lake.export(Eyes::All, sent, Form::Csv, ExportLimits::default()).await.unwrap()).await;
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.lines().nth(1), Some("p-009,bg,2026-01-01T08:00:00Z,,,,1,,,6.10,,,,,,"), "{text}");
}
