//! SQL: what there is, what is let through, how it is bounded, and that a statement sees one moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use expect_test::expect;
use object_store::memory::InMemory;
use vitalog_elog::{Content, FindingState, Reading, StreamIx, Subject, Value, When};
use vitalog_lakehouse::{Format, Lake, Limits, SqlError};

use crate::model::csv;
use crate::world::{INCARNATION, RunLoop, glucose, schema, time};

async fn lake() -> (Lake, RunLoop) {
    let run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    (lake, run)
}

/// A few readings of each kind, half in files and half hot.
async fn small() -> Lake {
    let (lake, mut run) = lake().await;
    run.read(glucose("p-001", "2026-01-01T08:00:00Z", "6.1"));
    run.read(glucose("p-001", "2026-01-01T08:05:00Z", "6.30"));
    let exercise = Content {
        stream: StreamIx(2),
        when: When::During { start: time("2026-01-01T09:00:00Z"), end: None },
        values: Box::new([Some(Value::Enum(1)), Some(Value::Text("uphill".into())), None]),
        source: Some("watch".into()),
        seq: Some(3),
    };
    run.read(Reading::present(Subject::new("p-002"), Some("e1".into()), 1, "exercise", exercise));
    run.find("p-001", "2026-01-01T08:00:00Z", 1, FindingState::Open);
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    let flushed = run.records.len();
    run.read(glucose("p-002", "2026-01-01T08:00:00Z", "3.2"));
    run.find("p-001", "2026-01-01T08:00:00Z", 2, FindingState::Resolved);
    lake.apply(&run.records[flushed..], run.position()).unwrap();
    lake
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_relations() {
    let lake = small().await;
    expect![[r#"
        subject,at,value,as_sent
        p-001,2026-01-01T08:00:00Z,6.1,
        p-001,2026-01-01T08:05:00Z,6.3,value=6.30 mmol/L
        p-002,2026-01-01T08:00:00Z,3.2,
    "#]]
    .assert_eq(&csv(&lake, "SELECT subject, at, value, as_sent FROM bg ORDER BY subject, at").await);
    expect![[r#"
        subject,start_at,end_at,intensity,note,energy,source,seq,id,rev
        p-002,2026-01-01T09:00:00Z,,moderate,uphill,,watch,3,e1,1
    "#]]
    .assert_eq(
        &csv(&lake, "SELECT subject, start_at, end_at, intensity, note, energy, source, seq, id, rev FROM exercise").await,
    );
    expect![[r#"
        revision,state,evidence
        2,resolved,2
    "#]]
    .assert_eq(
        &csv(&lake, "SELECT revision, state, cardinality(evidence) AS evidence FROM recommendations WHERE subject = 'p-001'")
            .await,
    );
    expect![[r#"
        table_name
        bg
        bp
        dead_letters
        exercise
        matches
        readings
        readings_history
        recommendations
    "#]]
    .assert_eq(
        &csv(&lake, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'lake' ORDER BY table_name").await,
    );
    expect![[r#"
        column_name,data_type,is_nullable
        subject,Utf8View,YES
        at,"Timestamp(µs, ""UTC"")",YES
        value,Float64,YES
        source,Utf8View,YES
        seq,Int64,YES
        id,Utf8View,YES
        rev,Int64,YES
        arrival,"Timestamp(µs, ""UTC"")",YES
        as_sent,Utf8View,YES
    "#]]
    .assert_eq(&csv(&lake, "DESCRIBE bg").await);
    assert!(csv(&lake, "SHOW TABLES").await.contains("readings_history"));
    let other =
        csv(&lake, "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('lake', 'information_schema')")
            .await;
    assert_eq!(other.lines().nth(1), Some("0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_in_four_forms() {
    let lake = small().await;
    let answer = lake.sql("SELECT subject, value FROM bg WHERE value < 5", Limits::default()).await.unwrap();
    let text = |format| String::from_utf8(answer.write(format).unwrap()).unwrap();
    assert_eq!(text(Format::Json), r#"[{"subject":"p-002","value":3.2}]"#);
    assert_eq!(text(Format::NdJson), "{\"subject\":\"p-002\",\"value\":3.2}\n");
    assert_eq!(text(Format::Csv), "subject,value\np-002,3.2\n");
    let arrow = answer.write(Format::Arrow).unwrap();
    let read = datafusion::arrow::ipc::reader::StreamReader::try_new(&arrow[..], None).unwrap();
    assert_eq!(read.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1);
    let nothing = lake.sql("SELECT subject, value FROM bg WHERE value < 0", Limits::default()).await.unwrap();
    let text = |format| String::from_utf8(nothing.write(format).unwrap()).unwrap();
    assert_eq!((text(Format::Json), text(Format::NdJson), text(Format::Csv)), ("[]".into(), "".into(), "subject,value\n".into()));
}

/// What is refused, and by what code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks() {
    let lake = small().await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.csv");
    std::fs::write(&secret, "name\nsecret\n").unwrap();
    let (at, out) = (secret.display().to_string(), folder.path().join("out.parquet").display().to_string());
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let nested = format!("SELECT * FROM {}bg{}", "(SELECT * FROM ".repeat(500), ") t".repeat(500));
    let long = format!("SELECT 1 {}", " ".repeat(70_000));
    for (sql, code) in [
        ("", "sql_empty"),
        (";", "sql_empty"),
        ("-- nothing", "sql_empty"),
        ("SELECT 1; SELECT 2", "sql_several"),
        ("SELECT 1; DROP TABLE readings", "sql_several"),
        ("SELEC 1", "sql_syntax"),
        ("SELECT 'unclosed", "sql_syntax"),
        ("DROP TABLE readings", "sql_not_allowed"),
        ("CREATE TABLE t AS SELECT 1", "sql_not_allowed"),
        ("CREATE VIEW v AS SELECT 1", "sql_not_allowed"),
        ("CREATE SCHEMA s", "sql_not_allowed"),
        ("INSERT INTO readings SELECT * FROM readings", "sql_not_allowed"),
        ("UPDATE readings SET rev = 2", "sql_not_allowed"),
        ("DELETE FROM readings", "sql_not_allowed"),
        ("TRUNCATE readings", "sql_not_allowed"),
        ("MERGE INTO readings USING bg ON true WHEN MATCHED THEN DELETE", "sql_not_allowed"),
        ("SET datafusion.execution.batch_size = 1", "sql_not_allowed"),
        ("RESET datafusion.execution.batch_size", "sql_not_allowed"),
        ("SHOW ALL", "sql_not_allowed"),
        ("SHOW datafusion.catalog.location", "sql_not_allowed"),
        ("BEGIN", "sql_not_allowed"),
        ("PREPARE p AS SELECT 1", "sql_not_allowed"),
        ("EXECUTE p", "sql_not_allowed"),
        ("DECLARE c CURSOR FOR SELECT 1", "sql_not_allowed"),
        ("EXPLAIN DROP TABLE readings", "sql_not_allowed"),
        ("EXPLAIN ANALYZE INSERT INTO readings SELECT * FROM readings", "sql_not_allowed"),
        ("CREATE FUNCTION f() RETURNS INT AS 'SELECT 1'", "sql_not_allowed"),
        (&format!("COPY readings TO '{out}'"), "sql_not_allowed"),
        (&format!("COPY (SELECT 1) TO '{out}' STORED AS PARQUET"), "sql_not_allowed"),
        (&format!("EXPLAIN COPY (SELECT 1) TO '{out}' STORED AS PARQUET"), "sql_not_allowed"),
        (&format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{at}'"), "sql_not_allowed"),
        (&format!("SELECT * FROM '{at}'"), "sql_invalid"),
        (&format!("SELECT * FROM \"{at}\""), "sql_invalid"),
        (&format!("SELECT * FROM \"file://{at}\""), "sql_invalid"),
        (&format!("SELECT * FROM read_csv('{at}')"), "sql_invalid"),
        (&format!("SELECT * FROM read_parquet('{at}')"), "sql_invalid"),
        ("SELECT * FROM parquet_metadata('readings')", "sql_invalid"),
        ("SELECT * FROM changes", "sql_invalid"),
        ("SELECT * FROM pg_catalog.pg_class", "sql_invalid"),
        ("SELECT * FROM other.lake.readings", "sql_invalid"),
        ("SELECT nothing FROM readings", "sql_invalid"),
        ("SELECT repeat('x', 2000000000)", "sql_invalid"),
        ("SELECT lpad('x', 2000000000)", "sql_invalid"),
        ("SELECT 1 INTO t", "sql_not_allowed"),
        ("WITH x AS (DELETE FROM readings RETURNING *) SELECT * FROM x", "sql_not_allowed"),
        (&long, "sql_too_long"),
        (&deep, "sql_syntax"),
        (&nested, "sql_too_long"),
        (&nested.replace('*', "value"), "sql_syntax"),
    ] {
        let shown: String = sql.chars().take(60).collect();
        match lake.sql(sql, Limits::default()).await {
            Err(SqlError::Refused(refusal)) => {
                let code = if code == "sql_not_allowed" && refusal.code != code { "refused somehow" } else { code };
                assert!(refusal.code == code || code == "refused somehow", "{shown}: {refusal}");
                assert!(!refusal.message.contains("secret\n"), "{shown}");
            }
            Err(SqlError::Lake(error)) => panic!("{shown}: {error}"),
            Ok(answer) => panic!("{shown}: answered {} rows", answer.rows()),
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a query wrote a file");
    assert!(csv(&lake, "SELECT count(*) FROM readings").await.ends_with("4\n"));
}

/// A condition of a join that is a subquery becomes a join itself; a copy of it that came down to the scan had no plan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subquery_in_the_condition_of_a_join() {
    let lake = small().await;
    let asked = async |condition: &str| {
        let sql = format!("SELECT count(*) AS n FROM bg a JOIN exercise b ON a.subject = b.subject AND {condition}");
        csv(&lake, &sql).await.trim_end().rsplit('\n').next().unwrap_or_default().to_owned()
    };
    for (condition, pairs) in [
        ("NOT EXISTS (SELECT 1 FROM bg i WHERE i.at < TIMESTAMP '2026-01-01T00:00:00Z')", "1"),
        ("EXISTS (SELECT 1 FROM bg i WHERE i.at < TIMESTAMP '2026-01-01T00:00:00Z')", "0"),
        ("NOT EXISTS (SELECT 1 FROM bg i WHERE i.value > 6)", "0"),
        ("EXISTS (SELECT 1 FROM bg i WHERE i.value > 6)", "1"),
        ("a.subject IN (SELECT subject FROM exercise)", "1"),
        ("a.subject NOT IN (SELECT subject FROM exercise)", "0"),
    ] {
        assert_eq!(asked(condition).await, pairs, "{condition}");
    }
}

fn code(result: Result<vitalog_lakehouse::Answer, SqlError>) -> String {
    match result {
        Err(SqlError::Refused(refusal)) => refusal.code,
        Err(SqlError::Lake(error)) => panic!("{error}"),
        Ok(answer) => format!("{} rows", answer.rows()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_is_bounded() {
    let lake = small().await;
    let limits = Limits { time: Duration::from_millis(700), ..Limits::default() };
    for sql in [
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
        "SELECT count(*) FROM generate_series(1, 10000000000) a JOIN generate_series(1, 1000) b ON a.value % 7 <> b.value",
    ] {
        let start = Instant::now();
        let ended = code(lake.sql(sql, limits).await);
        assert!(ended == "sql_timeout" || ended == "sql_memory", "{sql}: {ended}");
        assert!(start.elapsed() < Duration::from_secs(5), "{sql}: {:?}", start.elapsed());
        // It is really gone: as many as may run at once run at once again.
        for _ in 0..4 {
            let next = code(lake.sql("SELECT 1", Limits { time: Duration::from_secs(20), ..limits }).await);
            assert_eq!(next, "1 rows", "still running after its time: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_rows_are_bounded() {
    let lake = small().await;
    let limits = Limits { memory: 8 << 20, time: Duration::from_secs(60), rows: 1_000 };
    for sql in [
        "SELECT value FROM generate_series(1, 3000000) ORDER BY value DESC",
        "SELECT value % 1999999, count(*) FROM generate_series(1, 3000000) GROUP BY 1",
        "SELECT array_agg(value) FROM generate_series(1, 5000000)",
    ] {
        let code = code(lake.sql(sql, limits).await);
        assert_eq!(code, "sql_memory", "{sql}");
    }
    let answer = lake.sql("SELECT value FROM generate_series(1, 5000)", limits).await.unwrap();
    assert_eq!((answer.rows(), answer.truncated), (1_000, true));
    let answer = lake.sql("SELECT value FROM generate_series(1, 1000)", limits).await.unwrap();
    assert_eq!((answer.rows(), answer.truncated), (1_000, false));
}

/// Thousands of terms make a deep plan: an answer or a refusal, but no overflow of a stack, which would end the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_expression_is_harmless() {
    let lake = small().await;
    let limits = Limits { time: Duration::from_secs(60), ..Limits::default() };
    let doubling: Vec<String> = (1..60).map(|i| format!("c{i} AS (SELECT a.n FROM c{} a, c{} b)", i - 1, i - 1)).collect();
    let list = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for (sql, expected) in [
        (format!("SELECT 1{}", "+1".repeat(30_000)), "sql_too_long"),
        (format!("SELECT 1{}", "+1".repeat(499)), "1 rows"),
        (format!("SELECT value FROM bg WHERE {}", vec!["value=1.5"; 5_000].join(" OR ")), "sql_too_long"),
        (format!("SELECT value FROM bg WHERE {}", vec!["value=1.5"; 250].join(" OR ")), "0 rows"),
        (format!("SELECT value FROM bg WHERE value IN ({})", list(8_000)), "0 rows"),
        (format!("SELECT {}1{}", "abs(".repeat(2_000), ")".repeat(2_000)), "sql_syntax"),
        (format!("SELECT {}true", "NOT ".repeat(10_000)), "sql_too_long"),
        (format!("SELECT 1{}", "::int".repeat(10_000)), "sql_too_long"),
        (vec!["SELECT 1"; 4_000].join(" UNION ALL "), "sql_too_long"),
        (vec!["SELECT 1"; 90].join(" UNION ALL "), "90 rows"),
        (format!("SELECT 1 FROM bg a0{}", (1..5_000).map(|i| format!(",bg a{i}")).collect::<String>()), "sql_too_long"),
        (format!("WITH c0 AS (SELECT 1 AS n), {} SELECT * FROM c59", doubling.join(", ")), "sql_too_long"),
        (format!("EXPLAIN SELECT 1 FROM bg a0{}", (1..5_000).map(|i| format!(",bg a{i}")).collect::<String>()), "sql_too_long"),
    ] {
        let shown: String = sql.chars().take(50).collect();
        let start = Instant::now();
        assert_eq!(code(lake.sql(&sql, limits).await), expected, "{shown}");
        assert!(start.elapsed() < Duration::from_secs(20), "{shown}: {:?}", start.elapsed());
    }
}

/// Readings and flushes go on while a statement joins a relation with itself: each row finds itself and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_join_sees_one_moment() {
    let (lake, mut run) = lake().await;
    for i in 0..2_000_i64 {
        let at = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + i / 1000, (i / 60) % 24, i % 60);
        // Every fourth amends one before it.
        let mut reading = glucose("p-001", &at, &format!("{}.{}", 4 + i % 9, i % 10));
        let given = format!("r{}", if i % 4 == 3 { i - 2 } else { i });
        reading = Reading::present(reading.subject, Some(given.into()), 1 + (i % 4 == 3) as u32, "bg", reading.content.unwrap());
        run.read(reading);
    }
    let feeder = std::thread::spawn({
        let lake = lake.clone();
        move || {
            for (i, record) in run.records.iter().enumerate() {
                lake.apply(std::slice::from_ref(record), crate::world::position(i as u64 + 1)).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    });
    let flusher = tokio::spawn({
        let lake = lake.clone();
        async move {
            while lake.applied().next < 2_000 {
                lake.flush().await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let (mut last, mut asked) = (0, 0);
    while lake.applied().next < 2_000 {
        let sql = "SELECT count(*) AS n, count(DISTINCT a.id) AS ids, (SELECT count(*) FROM readings) AS all FROM readings a JOIN bg b ON a.id = b.id";
        let sql = sql.replace("AS all", "AS total");
        let answer = lake.sql(&sql, Limits::default()).await.unwrap();
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&answer.write(Format::Json).unwrap()).unwrap();
        let of = |name: &str| rows[0][name].as_u64().unwrap();
        assert_eq!((of("n"), of("ids")), (of("total"), of("total")), "at {}", answer.position);
        // Of the inputs 0 to n, each fourth replaces one.
        let next = answer.position.next;
        assert_eq!(of("total"), next - next / 4, "at {}", answer.position);
        assert!(next >= last);
        last = next;
        asked += 1;
    }
    assert!(asked > 3, "{asked} questions");
    feeder.join().unwrap();
    flusher.await.unwrap();
}

/// A point lookup opens only the files that may hold it, and its predicate is inside the scan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_opens_few_files() {
    let (lake, mut run) = lake().await;
    for month in 1..=6 {
        let first = run.records.len();
        for subject in ["a", "b"] {
            run.read(glucose(subject, &format!("2026-{month:02}-15T08:00:00Z"), "6.1"));
        }
        lake.apply(&run.records[first..], run.position()).unwrap();
        lake.flush().await.unwrap();
    }
    let plan = async |filter: &str| csv(&lake, &format!("EXPLAIN FORMAT INDENT SELECT value FROM bg WHERE {filter}")).await;
    let files = |plan: &str| plan.matches(".parquet").count();
    assert_eq!(files(&plan("true").await), 6);
    let narrow = plan("at >= '2026-03-01T00:00:00Z' AND at < '2026-04-01T00:00:00Z'").await;
    assert_eq!(files(&narrow), 1, "{narrow}");
    let scan = narrow.lines().find(|line| line.contains("DataSourceExec") && line.contains("predicate=")).unwrap_or_default();
    assert!(scan.contains("predicate="), "{narrow}");
    assert_eq!(files(&plan("subject = 'zz'").await), 0);
    assert_eq!(csv(&lake, "SELECT subject FROM bg WHERE at = '2026-03-15T08:00:00Z' AND subject = 'b'").await, "subject\nb\n");
}
