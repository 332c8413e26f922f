//! Functions of the field: what they say of little (nothing, one reading, equal instants, disorder, what is no number), how they refuse, and that by
//! group, over all and in a window that moves they are the same function. What they say of real data is held against other tools in `tests/metrics.rs` of the binary.

use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_lakehouse::{Lake, Limits, SqlError};

use crate::model::csv;
use crate::world::{Dice, INCARNATION, RunLoop, glucose, schema};

async fn empty() -> Lake {
    let run = RunLoop::new(schema());
    Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap()
}

/// Readings as SQL: instants in minutes of a day.
fn rows(readings: &str) -> String {
    let each = readings.split_whitespace().map(|reading| {
        let (minute, value) = reading.split_once('=').unwrap();
        let at = match minute {
            "null" => "null::timestamp".to_owned(),
            minute => format!("timestamp '2026-01-05T00:00:00Z' + interval '{minute} minutes'"),
        };
        format!("({at}, {value}::double)")
    });
    let all = each.collect::<Vec<_>>().join(", ");
    if all.is_empty() {
        return "(SELECT timestamp '2026-01-05T00:00:00Z' AS at, 1.0 AS v WHERE false) t".to_owned();
    }
    format!("(VALUES {all}) t(at, v)")
}

async fn says(lake: &Lake, function: &str, readings: &str) -> String {
    let answer = csv(lake, &format!("SELECT {function} AS x FROM {}", rows(readings))).await;
    answer.lines().nth(1).unwrap_or("no row").trim_matches('"').replace("\"\"", "'")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_little_there_is_little_to_say() {
    let lake = empty().await;
    let functions = [
        // Of nothing, of a null, of one reading of 100 mg/dL, of two equal ones, of NaN.
        ("time_in_range(v, 70, 180)", ["", "", "100.0", "100.0", "NaN"]),
        ("time_below(v, 70)", ["", "", "0.0", "0.0", "NaN"]),
        ("time_above(v, 70)", ["", "", "100.0", "100.0", "NaN"]),
        ("gri(v, 'mg/dL')", ["", "", "0.0", "0.0", "NaN"]),
        ("gmi(v, 'mg/dL')", ["", "", "5.702", "5.702", "NaN"]),
        ("cv(v)", ["", "", "", "0.0", "NaN"]),
        ("j_index(v, 'mg/dL')", ["", "", "", "10.0", "NaN"]),
        ("round(lbgi(v, 'mg/dL'), 6)", ["", "", "0.482051", "0.482051", "NaN"]),
        ("hbgi(v, 'mg/dL')", ["", "", "0.0", "0.0", "NaN"]),
        ("mage(at, v)", ["", "", "", "", "NaN"]),
        ("modd(at, v)", ["", "", "", "", "NaN"]),
        ("conga(at, v, interval '1 hour')", ["", "", "", "", "NaN"]),
        ("adrr(at, v, 'mg/dL')", ["", "", "", "", "NaN"]),
        ("cardinality(agp(at, v))", ["", "", "96", "96", "refused"]),
        ("cardinality(grid(at, v, interval '5 minutes'))", ["", "", "1", "2", "refused"]),
        ("cardinality(episodes_below(at, v, 70))", ["", "", "0", "0", "refused"]),
        ("cardinality(episodes_above(at, v, 70, interval '0'))", ["", "", "1", "1", "refused"]),
    ];
    let given = ["", "0=null null=null", "0=100 null=null", "5=100 0=100", "0=100 5='nan'"];
    for (function, expected) in functions {
        for (readings, expected) in given.into_iter().zip(expected) {
            // A reading lacks an instant where that matters, and counts where it doesn't: nothing has one here.
            if expected == "refused" {
                let sql = format!("SELECT {function} FROM {}", rows(readings));
                assert!(message(&lake, &sql).await.contains("not finite; leave it out"), "{function}");
            } else {
                assert_eq!(says(&lake, function, readings).await, expected, "{function} of [{readings}]");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounds_order_and_equal_instants() {
    let lake = empty().await;
    for (function, readings, expected) in [
        // A bound belongs to the range.
        ("time_in_range(v, 70, 180)", "0=70 1=180 2=69.99 3=180.01", "50.0"),
        ("time_below(v, 70)", "0=70 1=69.99", "50.0"),
        ("time_above(v, 180)", "0=180 1=180.01", "50.0"),
        // A tenth of each weight of Klonoff's, but two tenths of the lesser ones: 3.0 + 2 × 2.4 + 2 × 0.8 + 1.6, times ten.
        ("round(gri(v, 'mg/dL'), 6)", "0=53.9 1=54 2=69.9 3=70 4=180 5=181 6=250 7=251 8=100 9=100", "100.0"),
        ("round(gri(v, 'mg/dL'), 6)", "0=54 1=70 2=181 3=251 4=180 5=180 6=180 7=180 8=180 9=180", "48.0"),
        ("gri(v, 'mg/dL')", "0=40", "100.0"),
        ("gmi(v, 'mmol/L')", "0=5 1=7", "5.8956563200000005"),
        // The mean of an instant's readings is its reading, whatever their order.
        ("mage(at, v)", "0=100 5=100 10=150 10=250 15=100", "100.0"),
        ("mage(at, v)", "15=100 10=250 0=100 10=150 5=100", "100.0"),
        // The first swing is down, so swings down count.
        ("mage(at, v)", "0=200 5=100 10=190 15=80 20=85", "105.0"),
        ("modd(at, v)", "0=100 1440=110 1445=90", "10.0"),
        // Seven and a half minutes are near, eight are not; of two as near the earlier.
        ("modd(at, v)", "0=100 1447=110", "10.0"),
        ("modd(at, v)", "0=100 1448=110", ""),
        ("modd(at, v, interval '8 minutes')", "0=100 1448=110", "10.0"),
        ("modd(at, v)", "0=100 10=110 1445=150", "50.0"),
        ("conga(at, v, interval '1 hour')", "0=100 60=110 120=130", "7.0710678118654755"),
        // Two days have three readings, of 100 to 300 and of 100 only; the third has two.
        ("round(adrr(at, v, 'mg/dL'), 6)", "0=100 5=300 10=100 1440=100 1445=100 1450=100 2880=40 2885=40", "17.0"),
    ] {
        let said = says(&lake, function, readings).await;
        if function.contains("adrr") {
            let risk = |g: f64| 10.0 * (1.509 * (g.ln().powf(1.084) - 5.381)).powi(2);
            let expected = (risk(100.0) + risk(300.0) + risk(100.0)) / 2.0;
            assert!((said.parse::<f64>().unwrap() - expected).abs() < 1e-5, "{function}: {said}");
        } else {
            assert_eq!(said, expected, "{function} of [{readings}]");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists() {
    let lake = empty().await;
    for (function, readings, expected) in [
        // Five, ten and fifteen minutes: it lasted to the first that is back, and ends with it.
        (
            "episodes_below(at, v, 70)",
            "0=80 5=60 10=50 15=65 20=75 25=80 30=90 35=90",
            "[{'start_at':'00:05','end_at':'00:20','minutes':15.0,'readings':3,'extreme':50.0,'recovered':true}]",
        ),
        ("episodes_below(at, v, 70)", "0=80 5=60 10=50 15=75 20=75 25=80 30=90 35=90", "[]"),
        // Back for ten minutes is not back.
        (
            "episodes_below(at, v, 70)",
            "0=60 5=60 10=60 15=75 20=75 25=60 30=90 45=90",
            "[{'start_at':'00:00','end_at':'00:30','minutes':30.0,'readings':4,'extreme':60.0,'recovered':true}]",
        ),
        // A hole proves nothing, nor does the end.
        (
            "episodes_below(at, v, 70)",
            "0=60 15=60 46=60 61=60",
            "[{'start_at':'00:00','end_at':'00:15','minutes':15.0,'readings':2,'extreme':60.0,'recovered':false},{'start_at':'00:46','end_at':'01:01','minutes':15.0,'readings':2,'extreme':60.0,'recovered':false}]",
        ),
        (
            "episodes_above(at, v, 180, interval '2 hours')",
            "0=181 30=200 60=200 90=200 120=180 135=170",
            "[{'start_at':'00:00','end_at':'02:00','minutes':120.0,'readings':4,'extreme':200.0,'recovered':true}]",
        ),
        (
            "episodes_above(at, v, 180, interval '0', interval '0')",
            "0=181 5=180 10=200",
            "[{'start_at':'00:00','end_at':'00:05','minutes':5.0,'readings':1,'extreme':181.0,'recovered':true},{'start_at':'00:10','end_at':'00:10','minutes':0.0,'readings':1,'extreme':200.0,'recovered':false}]",
        ),
        (
            "grid(at, v, interval '5 minutes')",
            "1=100 4=110 17=120 70=100",
            "[{'at':'00:00','value':105.0,'filled':false},{'at':'00:05','value':110.0,'filled':true},{'at':'00:10','value':115.0,'filled':true},{'at':'00:15','value':120.0,'filled':false},{'at':'00:20','value':null,'filled':false},{'at':'00:25','value':null,'filled':false},{'at':'00:30','value':null,'filled':false},{'at':'00:35','value':null,'filled':false},{'at':'00:40','value':null,'filled':false},{'at':'00:45','value':null,'filled':false},{'at':'00:50','value':null,'filled':false},{'at':'00:55','value':null,'filled':false},{'at':'01:00','value':null,'filled':false},{'at':'01:05','value':null,'filled':false},{'at':'01:10','value':100.0,'filled':false}]",
        ),
        (
            "agp(at, v, interval '12 hours')",
            "0=100 1440=200 2880=300 4320=400 5760=500 700=70",
            "[{'time':'00:00','readings':6,'p05':77.5,'p25':125.0,'p50':250.0,'p75':375.0,'p95':475.0},{'time':'12:00','readings':0,'p05':null,'p25':null,'p50':null,'p75':null,'p95':null}]",
        ),
    ] {
        let said = says(&lake, function, readings).await;
        let said = said.replace("2026-01-05T", "").replace(":00Z'", "'").replace(":00'", "'");
        assert_eq!(said, expected, "{function} of [{readings}]");
    }
}

async fn message(lake: &Lake, sql: &str) -> String {
    match lake.sql(sql, Limits::default()).await {
        Err(SqlError::Refused(refusal)) => refusal.message,
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_refused() {
    let (lake, readings) = (empty().await, rows("0=100"));
    for (call, said) in [
        ("gmi()", "gmi takes 1 to 2 arguments, not 0"),
        ("gmi(at)", "argument 1 of gmi is a number, not Timestamp"),
        ("gmi(v)", "the unit of what gmi is given is not known: name it last, as in gmi(value, 'mg/dL')"),
        ("adrr(at, v)", "as in adrr(at, value, 'mg/dL')"),
        ("gmi(v, 'mmHg')", "\"mmHg\" is no unit of it"),
        ("gmi(v, null)", "\"\" is no unit of it"),
        ("gmi(v, concat('mg', v::text))", "argument 2 of gmi must be a constant"),
        ("gmi(distinct v, 'mg/dL')", "does not take DISTINCT"),
        ("time_in_range(v, 70)", "takes 3 arguments, not 2"),
        ("time_in_range(v, 'low', 180)", "is a number, not Utf8"),
        ("mage(v, at)", "argument 1 of mage is a timestamp, not Float64"),
        ("conga(at, v)", "takes 3 to 4 arguments"),
        ("conga(at, v, 60)", "argument 3 of conga is an interval, not Int64"),
        ("conga(at, v, interval '0')", "must be longer than nothing"),
        ("conga(at, v, interval '1 month')", "must have a fixed length"),
        ("conga(at, v, interval '-1 hour')", "must not be negative"),
        ("agp(at, v, interval '7 minutes')", "divide it"),
        ("agp(at AT TIME ZONE 'Europe/London', v)", "by local_time(at, zone)"),
        (
            "grid(at, v, interval '1 minute') FROM (VALUES (to_timestamp(0), 1.0), (to_timestamp(1e9), 1.0)) t(at, v) --",
            "at most 1000000 are made",
        ),
        ("episodes_below(at, v, v)", "argument 3 of episodes_below must be a constant"),
        ("episodes_below(at, v, null)", "argument 3 of episodes_below must be a number"),
        ("local_time(at AT TIME ZONE 'UTC', 'Nowhere')", "there is no time zone \"Nowhere\""),
        ("local_time(at, 'Europe/London')", "is an instant (a timestamp with a zone)"),
        ("to_unit(v, 'mg/dL', 'mmol/L')", "are units of glucose and of ketones: name which"),
        ("to_unit(v, 'mg/dL', 'mmHg')", "are not units of one dimension"),
        ("to_unit(v, 'g', 'kg', 'glucose')", "are not both units of glucose"),
        ("to_unit(v, 'g', 'kg', 'weight')", "there is no dimension \"weight\""),
        ("to_unit(v, v::text, 'kg')", "must be constants"),
    ] {
        let said_really = message(&lake, &format!("SELECT {call} FROM {readings}")).await;
        assert!(said_really.contains(said), "{call}: {said_really}");
        assert!(!said_really.contains("coercion failed"), "{call}: {said_really}");
    }
    // The column is in mmol/L, and says so through views, subqueries and unions, hot and landed.
    for (sql, said) in [
        ("SELECT gmi(value, 'mg/dL') FROM bg", "gmi is told mg/dL, but the column is in mmol/L"),
        ("SELECT to_unit(value, 'mg/dL', 'mmol/L', 'glucose') FROM bg", "to_unit is told mg/dL, but the column is in mmol/L"),
        ("SELECT gmi(systolic) FROM bp", "gmi is of glucose"),
    ] {
        assert!(message(&lake, sql).await.contains(said), "{sql}: {}", message(&lake, sql).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_and_clocks() {
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    run.read(glucose("a", "2026-03-29T00:30:00Z", "6.1"));
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    let first = run.records.len();
    run.read(glucose("b", "2026-03-29T01:30:00Z", "13.2"));
    lake.apply(&run.records[first..], run.position()).unwrap();
    for (sql, expected) in [
        ("SELECT to_unit(value, 'mmol/L', 'mg/dL', 'glucose') AS x FROM bg ORDER BY x", "x\n109.8976\n237.8112\n"),
        (
            "SELECT to_unit(x, 'mg/dL', 'mmol/L', 'glucose') AS x FROM (SELECT to_unit(value, 'mmol/L', 'mg/dL', 'glucose') AS x FROM bg) ORDER BY x",
            "x\n6.1\n13.2\n",
        ),
        (
            "SELECT to_unit(1.0, 'kPa', 'mmHg') AS a, to_unit(90, 'min', 'h') AS b, to_unit(null, 'g', 'kg') AS c",
            "a,b,c\n7.500617,1.5,\n",
        ),
        // The unit of the column is known, whichever way it came.
        ("SELECT round(gmi(value), 6) AS x FROM bg", "x\n7.468597\n"),
        ("SELECT round(gmi(g), 6) AS x FROM (SELECT value AS g FROM bg UNION ALL SELECT value FROM bg)", "x\n7.468597\n"),
        ("SELECT round(gmi(bg_value), 6) AS x FROM readings GROUP BY stream", "x\n7.468597\n"),
        ("SELECT round(gmi(to_unit(value, 'mmol/L', 'mg/dL', 'glucose')), 6) AS x FROM bg", "x\n7.468597\n"),
        ("SELECT round(gmi(value) OVER (ORDER BY at), 6) AS x FROM bg ORDER BY at", "x\n5.938751\n7.468597\n"),
        // The clocks go forward at one; each subject has its own.
        (
            "SELECT local_time(at, CASE subject WHEN 'a' THEN 'Europe/London' ELSE 'Europe/Berlin' END) AS x FROM bg ORDER BY x",
            "x\n2026-03-29T00:30:00\n2026-03-29T03:30:00\n",
        ),
        (
            "SELECT local_time('2026-07-01T12:00:00Z', 'America/New_York') AS x, local_time(null, 'UTC') AS y",
            "x,y\n2026-07-01T08:00:00,\n",
        ),
        (
            "SELECT last_known(v) OVER (PARTITION BY s ORDER BY n) AS x FROM (VALUES ('a', 1, null), ('a', 2, 5), ('a', 3, null), ('b', 4, null)) t(s, n, v) ORDER BY n",
            "x\n\n5\n5\n\n",
        ),
    ] {
        assert_eq!(csv(&lake, sql).await.replace("\n\"\"\n", "\n\n").replace("\n\"\"\n", "\n\n"), expected, "{sql}");
    }
}

/// In a window that moves, readings come and go: what is said is what the readings that are left say by themselves. By group likewise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_is_a_group_and_a_group_is_a_whole() {
    let lake = empty().await;
    let mut dice = Dice(11);
    let readings = (0..40).map(|i| match dice.below(12) {
        0 => format!("{}=null", i * 5),
        1 => format!("{}={}", i * 5 - 5, 40 + dice.below(300)),
        _ => format!("{}={}.{}", i * 5, 40 + dice.below(300), dice.below(10)),
    });
    let table = rows(&readings.collect::<Vec<_>>().join(" "));
    let numbered = format!("WITH r AS (SELECT row_number() OVER (ORDER BY at, v) AS n, at, v FROM {table})");
    for function in [
        "time_in_range(X.v, 70, 180)",
        "time_below(X.v, 70)",
        "time_above(X.v, 180)",
        "gri(X.v, 'mg/dL')",
        "gmi(X.v, 'mg/dL')",
        "cv(X.v)",
        "j_index(X.v, 'mg/dL')",
        "lbgi(X.v, 'mg/dL')",
        "hbgi(X.v, 'mg/dL')",
        "mage(X.at, X.v)",
        "conga(X.at, X.v, interval '10 minutes')",
        "modd(X.at, X.v)",
        "adrr(X.at, X.v, 'mg/dL')",
        "agp(X.at, X.v, interval '12 hours')",
        "grid(X.at, X.v, interval '5 minutes')",
        "episodes_above(X.at, X.v, 180)",
    ] {
        let of = |table: &str| function.replace("X.", &format!("{table}."));
        for frame in [0, 9] {
            let window = format!(
                "{numbered} SELECT n, {} OVER (ORDER BY n ROWS BETWEEN {frame} PRECEDING AND CURRENT ROW) AS x FROM r ORDER BY n",
                of("r")
            );
            let group = format!(
                "{numbered} SELECT a.n, {} AS x FROM r a JOIN r b ON b.n BETWEEN a.n - {frame} AND a.n GROUP BY a.n ORDER BY n",
                of("b")
            );
            let (window, group) = (csv(&lake, &window).await, csv(&lake, &group).await);
            assert_eq!(window, group, "{function} over {frame}");
        }
        let last =
            csv(&lake, &format!("{numbered} SELECT n, {} OVER (ORDER BY n) AS x FROM r ORDER BY n DESC LIMIT 1", of("r"))).await;
        let whole = csv(&lake, &format!("{numbered} SELECT max(n) AS n, {} AS x FROM r", of("r"))).await;
        assert_eq!(last, whole, "{function} over all");
    }
}

/// Bounds may be a column: each reading is held against its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounds_may_differ_by_row() {
    let lake = empty().await;
    let sql = "SELECT time_in_range(v, low, high) AS x FROM (VALUES (100.0, 70, 180), (100.0, 110, 180), (100.0, null, 180)) t(v, low, high)";
    assert_eq!(csv(&lake, sql).await, "x\n50.0\n");
}

/// Rows of a list: sorted, grouped and told apart by what they hold, though each list belongs to one subject.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_lists_are_rows() {
    let lake = empty().await;
    let lists =
        "SELECT s, unnest(array_agg(v)) AS x FROM (VALUES ('a', 3), ('a', 1), ('a', 3), ('b', 2), ('b', 1)) t(s, v) GROUP BY s";
    let table = format!("({lists})");
    for (sql, expected) in [
        (format!("SELECT * FROM {table} ORDER BY s, x"), "s,x\na,1\na,3\na,3\nb,1\nb,2\n"),
        (format!("SELECT * FROM {table} ORDER BY s, x DESC"), "s,x\na,3\na,3\na,1\nb,2\nb,1\n"),
        (format!("{lists} ORDER BY s, x"), "s,x\na,1\na,3\na,3\nb,1\nb,2\n"),
        (format!("{lists} ORDER BY x DESC, s"), "s,x\na,3\na,3\nb,2\na,1\nb,1\n"),
        (format!("SELECT s, count(*) AS n FROM {table} GROUP BY s ORDER BY s"), "s,n\na,3\nb,2\n"),
        (format!("SELECT s, x, count(*) AS n FROM {table} GROUP BY s, x ORDER BY s, x"), "s,x,n\na,1,1\na,3,2\nb,1,1\nb,2,1\n"),
        (format!("SELECT count(*) AS n FROM (SELECT s, x FROM {table} GROUP BY s, x)"), "n\n4\n"),
        (format!("SELECT count(*) AS n FROM (SELECT DISTINCT s, x FROM {table})"), "n\n4\n"),
        (
            format!("WITH w AS {table} SELECT s, x, count(*) AS n FROM w GROUP BY s, x ORDER BY s, x"),
            "s,x,n\na,1,1\na,3,2\nb,1,1\nb,2,1\n",
        ),
        (
            format!("WITH w AS {table}, u AS (SELECT s, x + 1 AS y FROM w) SELECT y, s FROM u ORDER BY s, y DESC"),
            "y,s\n4,a\n4,a\n2,a\n3,b\n2,b\n",
        ),
        (
            format!("SELECT a.s, a.x FROM {table} a JOIN {table} b ON a.s = b.s AND a.x = b.x ORDER BY a.s, a.x"),
            "s,x\na,1\na,3\na,3\na,3\na,3\nb,1\nb,2\n",
        ),
        (
            format!("SELECT s, (SELECT max(x) FROM {table} b WHERE b.s = a.s) AS top FROM (VALUES ('a'), ('b')) a(s) ORDER BY s"),
            "s,top\na,3\nb,2\n",
        ),
        (format!("SELECT s, x FROM {table} WHERE s = 'b' ORDER BY s, x LIMIT 1"), "s,x\nb,1\n"),
    ] {
        assert_eq!(csv(&lake, &sql).await, expected, "{sql}");
    }
}

/// Lists may be much longer than what they are made of; memory is reserved before they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_counted() {
    let lake = empty().await;
    let limits = Limits { memory: 16 << 20, ..Limits::default() };
    let groups = "FROM (SELECT g.value AS k, to_timestamp(t.value * 31536000) AS at, 1.0 AS v FROM generate_series(1, 2000) g, generate_series(1, 2) t) GROUP BY k";
    for call in ["grid(at, v, interval '1 hour')", "agp(at, v, interval '1 minute')"] {
        let sql = format!("SELECT count(*) AS n FROM (SELECT cardinality({call}) AS c {groups}) WHERE c > 0");
        match lake.sql(&sql, limits).await {
            Err(SqlError::Refused(refusal)) => assert_eq!(refusal.code, "sql_memory", "{call}: {refusal}"),
            other => panic!("{call}: {other:?}"),
        }
    }
}
