//! What is asked of the lake, by its own SQL.

use std::time::{Duration, Instant};

use vitalog_elog::Time;
use vitalog_lakehouse::{Eyes, Lake, Limits};

use crate::life::{EVERY, FROM, name};

/// How often each question is asked; the first time counts like any other.
pub const TIMES: usize = 5;
/// How many subjects' fortnights.
pub const FORTNIGHTS: u32 = 50;

/// The fortnight up to the last reading.
pub fn since(readings: u32) -> String {
    Time((FROM + (i64::from(readings) * EVERY - 14 * 86_400).max(0)) * 1_000_000).to_string()
}

/// Over everything: a name, our SQL, and DuckDB's for the same, which has no function of that name.
pub const QUESTIONS: [(&str, &str, &str); 4] = [
    (
        "time in range per subject",
        "select subject, time_in_range(value, 70, 180) as share from bg group by subject",
        "select subject, 100.0 * count(*) filter (bg_value between 70 and 180) / count(*) as share from {readings} where stream = 'bg' group by subject",
    ),
    (
        "the same in plain SQL",
        "select subject, 100.0 * count(*) filter (where value between 70 and 180) / count(*) as share from bg group by subject",
        "select subject, 100.0 * count(*) filter (bg_value between 70 and 180) / count(*) as share from {readings} where stream = 'bg' group by subject",
    ),
    (
        "readings and means per stream and day",
        "select stream, date_trunc('day', at) as day, count(*) as n, avg(bg_value) as mean from readings group by stream, day",
        r#"select stream, date_trunc('day', "at") as day, count(*) as n, avg(bg_value) as mean from {readings} group by stream, day"#,
    ),
    (
        "lows of one night, all subjects",
        "select subject, min(value) as lowest from bg where at >= '2026-01-10T00:00:00Z' and at < '2026-01-10T06:00:00Z' and value < 70 group by subject",
        r#"select subject, min(bg_value) as lowest from {readings} where stream = 'bg' and "at" >= '2026-01-10T00:00:00Z' and "at" < '2026-01-10T06:00:00Z' and bg_value < 70 group by subject"#,
    ),
];

pub fn fortnight(subject: &str, readings: u32) -> String {
    format!("select at, value from bg where subject = '{subject}' and at >= '{}' order by at", since(readings))
}

/// Asks everything, and prints how long it took.
pub async fn ask(lake: &Lake, subjects: u32, readings: u32) {
    let limits = Limits { memory: 2 << 30, time: Duration::from_secs(600), rows: 1_000_000 };
    let asked = async |sql: &str| {
        let began = Instant::now();
        let rows = lake.sql_for(Eyes::All, sql, limits).await.unwrap_or_else(|e| panic!("{sql}: {e}")).rows();
        (began.elapsed(), rows)
    };
    let mut times = Vec::new();
    let mut rows = 0;
    for n in 0..FORTNIGHTS {
        let (time, found) = asked(&fortnight(&name(n * 7_919 % subjects), readings)).await;
        times.push(time);
        rows += found;
    }
    times.sort();
    println!(
        "one subject's fortnight: p50 {:.1} ms, p95 {:.1} ms, worst {:.1} ms ({rows} rows of {FORTNIGHTS} subjects)",
        ms(times[times.len() / 2]),
        ms(times[times.len() * 95 / 100]),
        ms(times[times.len() - 1])
    );
    for (what, sql, _) in QUESTIONS {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..TIMES {
            let (time, found) = asked(sql).await;
            times.push(time);
            rows = found;
        }
        times.sort();
        println!(
            "{what}: the middle of {TIMES} {:.0} ms, worst {:.0} ms ({rows} rows)",
            ms(times[TIMES / 2]),
            ms(times[TIMES - 1])
        );
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
