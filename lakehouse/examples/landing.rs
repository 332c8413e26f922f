//! How fast readings land in the lake, how many bytes one takes there, and how long SQL over them takes.
//!
//! `cargo run --release -p vitalog-lakehouse --example landing -- [SUBJECTS] [DAYS] [FLUSHES]`
//!
//! The readings are continuous glucose as a sensor sends it: one each five minutes with jitter, a random walk between 2.2 and 22 mmol/L in steps
//! of 0.1, a source, a counter, arriving a few seconds after. They come as the run loop gives them: in the order of time, a thousand records at
//! once. Of 200 readings one is amended later, as calibrations are.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use vitalog_elog::effect::Former;
use vitalog_elog::{
    Amount, Content, Dimension, Effect, Entry, Field, FieldKind, Input, Outcome, Position, Reading, Record, Schema, Shape,
    Stream, StreamIx, Subject, Time, Unit, Value, When,
};
use vitalog_lakehouse::{Lake, Limits, Selection};

const FIVE_MINUTES: i64 = 300_000_000;
const START: i64 = 1_767_225_600_000_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u64>());
    let mut argument = |default| arguments.next().transpose().map(|a| a.unwrap_or(default));
    let (subjects, days, flushes) = (argument(200)?, argument(14)?, argument(14)?.max(1));
    let folder = std::env::temp_dir().join(format!("vitalog-landing-{}", std::process::id()));
    let lake = Lake::open(&folder, schema()?, 1).await?;
    let result = run(&lake, &folder, subjects, days, flushes).await;
    std::fs::remove_dir_all(&folder)?;
    result
}

async fn run(lake: &Lake, folder: &Path, subjects: u64, days: u64, flushes: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut sensors = Sensors::new(subjects);
    let rounds = days * 288;
    let (mut applying, mut flushing, mut rows, mut written) = (0.0, 0.0, 0_u64, 0_u64);
    let mut records: Vec<Record> = Vec::new();
    for round in 0..rounds {
        sensors.round(round, &mut records);
        let last = round + 1 == rounds;
        while records.len() >= 1000 || (last && !records.is_empty()) {
            let piece: Vec<Record> = records.drain(..records.len().min(1000)).collect();
            let next = piece.last().map_or(0, |r| r.offset + 1);
            let start = Instant::now();
            lake.apply(&piece, Position { incarnation: 1, next, chain: [1; 32] })?;
            applying += start.elapsed().as_secs_f64();
            rows += piece.len() as u64;
        }
        if last || (round + 1) % (rounds / flushes).max(1) == 0 {
            let start = Instant::now();
            written += lake.flush().await?.rows;
            flushing += start.elapsed().as_secs_f64();
        }
    }
    let (files, bytes) = size(&folder.join("readings"))?;
    let current = lake.sql("SELECT count(*) FROM readings", Limits::default()).await?;
    println!("{rows} readings of {subjects} subjects over {days} days, {flushes} flushes; answered {} row", current.rows());
    println!("apply   {:>12.0} readings/s", rows as f64 / applying);
    println!(
        "flush   {:>12.0} readings/s ({:.2} rows written per reading)",
        rows as f64 / flushing,
        written as f64 / rows as f64
    );
    println!("land    {:>12.0} readings/s (both, one after the other)", rows as f64 / (applying + flushing));
    println!("files   {files:>12} with {bytes} bytes, {:.2} bytes per reading", bytes as f64 / rows as f64);
    for (name, sql) in [
        ("count", "SELECT count(*) FROM readings"),
        ("by subject", "SELECT subject, avg(value), count(*) FROM bg GROUP BY subject"),
        (
            "one subject, one day",
            "SELECT * FROM bg WHERE subject = 's-0007' AND at >= '2026-01-05T00:00:00Z' AND at < '2026-01-06T00:00:00Z'",
        ),
        ("hourly", "SELECT date_trunc('hour', at), avg(value) FROM bg GROUP BY 1"),
    ] {
        let start = Instant::now();
        let answer = lake.sql(sql, Limits::default()).await?;
        println!("sql     {:>12.1} ms  {name}: {} rows", start.elapsed().as_secs_f64() * 1e3, answer.rows());
    }
    let start = Instant::now();
    let read = lake.readings(&Selection::default()).await?.len();
    println!("read    {:>12.0} readings/s back", read as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

/// Parquet files that the newest version of a table refers to; what it no longer does isn't counted.
fn size(table: &Path) -> std::io::Result<(usize, u64)> {
    let mut live = std::collections::BTreeMap::new();
    let mut names: Vec<_> = std::fs::read_dir(table.join("_delta_log"))?.filter_map(|e| Some(e.ok()?.path())).collect();
    names.retain(|n| n.extension().is_some_and(|e| e == "json"));
    names.sort();
    for name in names {
        for line in std::fs::read_to_string(name)?.lines() {
            let action: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            if let Some(path) = action["add"]["path"].as_str() {
                live.insert(path.to_owned(), action["add"]["size"].as_u64().unwrap_or(0));
            }
            if let Some(path) = action["remove"]["path"].as_str() {
                live.remove(path);
            }
        }
    }
    Ok((live.len(), live.values().sum()))
}

/// Sensors, one per subject.
struct Sensors {
    state: u64,
    next: u64,
    glucose: Vec<i64>,
    /// Readings that may still be amended.
    recent: Vec<Reading>,
}

impl Sensors {
    fn new(subjects: u64) -> Sensors {
        Sensors { state: 42, next: 0, glucose: vec![65; subjects as usize], recent: Vec::new() }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % n
    }

    fn round(&mut self, round: u64, out: &mut Vec<Record>) {
        for i in 0..self.glucose.len() {
            let step = self.below(7) as i64 - 3;
            self.glucose[i] = (self.glucose[i] + step).clamp(22, 220);
            // A sensor's clock drifts by seconds; it says whole milliseconds.
            let at = Time(START + round as i64 * FIVE_MINUTES + self.below(2_000) as i64 * 1_000);
            let subject = Subject::new(&format!("s-{i:04}"));
            let reading = Reading::present(subject, None, 1, "bg", content(self.glucose[i], at, i, round));
            let arrival = Time(at.micros() + 3_000_000 + self.below(10_000_000) as i64);
            if self.below(200) == 0 && self.recent.len() < 64 {
                self.recent.push(reading.clone());
            }
            self.journal(arrival, reading, Outcome::New, out);
        }
        if self.recent.len() == 64 {
            for former in std::mem::take(&mut self.recent) {
                self.amend(former, out);
            }
        }
    }

    fn amend(&mut self, former: Reading, out: &mut Vec<Record>) {
        let Some(mut content) = former.content.clone() else { return };
        let When::At(at) = content.when else { return };
        content.values = values(70);
        let was = Former { rev: former.rev, hash: former.hash, place: Some((StreamIx(0), at)) };
        let amended = Reading::present(former.subject, Some(former.id.to_string().into()), 2, "bg", content);
        self.journal(Time(at.micros() + FIVE_MINUTES * 12), amended, Outcome::superseded(was), out);
    }

    fn journal(&mut self, arrival: Time, reading: Reading, outcome: Outcome, out: &mut Vec<Record>) {
        let entry = Arc::new(Entry { arrival, input: Input::Reading(reading) });
        out.push(Record { offset: self.next, entry, effects: [Effect::Reading(outcome)].into() });
        self.next += 1;
    }
}

fn content(tenths: i64, at: Time, sensor: usize, count: u64) -> Content {
    let source = Some(format!("g7/{sensor:04}").into());
    Content { stream: StreamIx(0), when: When::At(at), values: values(tenths), source, seq: Some(count) }
}

fn values(tenths: i64) -> Box<[Option<Value>]> {
    let unit = Unit::named(Dimension::Glucose, "mmol/L").unwrap_or(Dimension::Glucose.usual_unit());
    Box::new([Some(Value::Quantity(Amount { digits: tenths, scale: 1, unit }))])
}

/// The streams that people have; only glucose is sent, the others are columns of nulls.
fn schema() -> Result<Arc<Schema>, Box<dyn std::error::Error>> {
    let quantity = |name: &str, dimension: Dimension, unit: &str| {
        let unit = Unit::named(dimension, unit).ok_or_else(|| format!("no unit {unit}"))?;
        Ok::<_, String>(Field {
            name: name.into(),
            kind: FieldKind::Quantity(unit),
            optional: true,
            range: None,
            usual: None,
            doc: None,
        })
    };
    let stream = |name: &str, fields| Stream {
        name: name.into(),
        shape: Shape::Instant,
        fields,
        checks: Vec::new(),
        every: None,
        silent_after: None,
        by: None,
        also_by: vec![],
        doc: None,
    };
    let streams = vec![
        stream("bg", vec![quantity("value", Dimension::Glucose, "mmol/L")?]),
        stream(
            "bp",
            vec![quantity("systolic", Dimension::Pressure, "mmHg")?, quantity("diastolic", Dimension::Pressure, "mmHg")?],
        ),
        stream("carbs", vec![quantity("amount", Dimension::Mass, "g")?]),
        stream("insulin", vec![quantity("dose", Dimension::Insulin, "U")?]),
        stream("steps", vec![quantity("count", Dimension::Count, "count")?]),
    ];
    Ok(Arc::new(Schema { streams }))
}
