//! What the lake should say, said naively from the records alone; and what it does say.

use std::collections::BTreeMap;

use vitalog_elog::{Input, Outcome, Reading, ReadingId, Record, Subject, Time};
use vitalog_lakehouse::{Accepted, Format, Lake, Limits, Selection};

use crate::world::RunLoop;

/// Everything that can be asked, as text; two of them are compared.
#[derive(Debug, PartialEq)]
pub struct Said {
    pub readings: Vec<Accepted>,
    pub history: Vec<String>,
    pub matches: Vec<String>,
    pub recommendations: Vec<String>,
    pub letters: Vec<String>,
}

/// The naive answer.
pub fn expected(run: &RunLoop) -> Said {
    expected_of(run, &run.records)
}

pub fn expected_of(run: &RunLoop, records: &[Record]) -> Said {
    expected_where(run, records, &|_| true)
}

/// A row, as far as it matters for how long it is kept.
pub struct Dated<'a> {
    pub subject: Option<&'a Subject>,
    /// The stream; `-` of a removal, `findings`, `dead_letters`.
    pub of: &'a str,
    /// `None`: it goes on.
    pub at: Option<Time>,
}

fn dated<'a>(run: &'a RunLoop, reading: &'a Reading, arrival: Time, is_current: bool) -> Dated<'a> {
    let subject = Some(&reading.subject);
    match &reading.content {
        None => Dated { subject, of: "-", at: Some(arrival) },
        Some(c) if is_current => Dated { subject, of: &run.schema.get(c.stream).name, at: c.when.instant() },
        Some(c) => Dated { subject, of: &run.schema.get(c.stream).name, at: Some(c.when.instant().unwrap_or(c.when.start())) },
    }
}

/// The naive answer of a lake that keeps some rows.
pub fn expected_where(run: &RunLoop, records: &[Record], stays: &dyn Fn(Dated<'_>) -> bool) -> Said {
    let mut current: BTreeMap<(Subject, ReadingId), Accepted> = BTreeMap::new();
    let mut said = Said { readings: vec![], history: vec![], matches: vec![], recommendations: vec![], letters: vec![] };
    let mut latest: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for record in records {
        let arrival = record.entry.arrival;
        if let Some((reading, outcome)) = record.reading().filter(|(_, outcome)| **outcome != Outcome::Duplicate) {
            let key = (reading.subject.clone(), reading.id);
            let removal = reading.content.is_none();
            let outdated = *outcome == Outcome::Outdated;
            let former = if outdated { None } else { current.remove(&key) };
            if let Some(was) = former.filter(|was| stays(dated(run, &was.reading, was.arrival, false))) {
                let reason = if removal { "removed" } else { "superseded" };
                said.history.push(history_line(run, &was.reading, was.arrival, arrival, reason));
            }
            if removal || outdated {
                let reason = if removal { "removal" } else { "outdated" };
                if stays(dated(run, reading, arrival, false)) {
                    said.history.push(history_line(run, reading, arrival, arrival, reason));
                }
            } else {
                let mut reading = reading.clone();
                // The streams may have grown since: places of newer fields are there, and absent.
                if let Some(content) = &mut reading.content {
                    let mut values = std::mem::take(&mut content.values).into_vec();
                    values.resize(run.schema.get(content.stream).fields.len(), None);
                    content.values = values.into();
                }
                current.insert(key, Accepted { arrival, reading });
            }
        }
        for change in record.changes() {
            let f = &change.finding;
            if !stays(Dated { subject: Some(&f.subject), of: "findings", at: Some(f.onset) }) {
                continue;
            }
            said.matches.push(format!("{} {} {} {}", f.id, f.revision, f.text, record.offset));
            let line = format!("{} {} {}", f.id, f.revision, f.text);
            let known = latest.entry(f.id.to_string()).or_default();
            if known.0 < f.revision {
                *known = (f.revision, line);
            }
        }
        if let Input::DeadLetter(letter) = &record.entry.input
            && stays(Dated { subject: letter.subject.as_ref(), of: "dead_letters", at: Some(arrival) })
        {
            let raw: String = letter.raw.iter().map(|b| format!("{b:02x}")).collect();
            said.letters.push(format!("{} {} {raw}", record.offset, letter.code));
        }
    }
    said.recommendations = latest.into_values().map(|(_, line)| line).collect();
    said.readings = current.into_values().filter(|r| stays(dated(run, &r.reading, r.arrival, true))).collect();
    said.readings.sort_by_key(place);
    said.history.sort();
    said
}

fn place(r: &Accepted) -> (Subject, Option<Time>, ReadingId) {
    let time = r.reading.content.as_ref().map(|c| c.when.instant().unwrap_or(c.when.start()));
    (r.reading.subject.clone(), time, r.reading.id)
}

fn history_line(run: &RunLoop, reading: &Reading, arrival: Time, superseded: Time, reason: &str) -> String {
    let stream = reading.content.as_ref().map_or("-", |c| &run.schema.get(c.stream).name);
    let given = reading.given.as_deref().unwrap_or("-");
    let (a, s) = (arrival.micros(), superseded.micros());
    format!("{} {stream} {} {given} {a} {s} {reason}", reading.subject, reading.rev)
}

/// What the lake answers.
pub async fn answered(lake: &Lake) -> Said {
    let history = "SELECT concat_ws(' ', subject, coalesce(stream, '-'), rev, coalesce(id, '-'), arrival::bigint, superseded_at::bigint, reason) \
                   AS line FROM readings_history ORDER BY line";
    Said {
        readings: lake.readings(&Selection::default()).await.unwrap(),
        history: lines(lake, history).await,
        matches: lines(lake, "SELECT concat_ws(' ', id, revision, text, \"offset\") AS line FROM matches ORDER BY \"offset\"")
            .await,
        recommendations: lines(lake, "SELECT concat_ws(' ', id, revision, text) AS line FROM recommendations ORDER BY id").await,
        letters: lines(
            lake,
            "SELECT concat_ws(' ', \"offset\", code, encode(raw, 'hex')) AS line FROM dead_letters ORDER BY \"offset\"",
        )
        .await,
    }
}

/// The texts of a column named `line`.
pub async fn lines(lake: &Lake, sql: &str) -> Vec<String> {
    let answer = lake.sql(sql, Limits::default()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&answer.write(Format::Json).unwrap()).unwrap();
    rows.iter().map(|row| row["line"].as_str().unwrap().to_owned()).collect()
}

/// The rows as a table, a line each, for comparing with a text.
pub async fn csv(lake: &Lake, sql: &str) -> String {
    let answer = lake.sql(sql, Limits::default()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    String::from_utf8(answer.write(Format::Csv).unwrap()).unwrap()
}

pub async fn assert_same(lake: &Lake, run: &RunLoop, when: &str) {
    assert_said(lake, expected(run), when).await;
}

pub async fn assert_said(lake: &Lake, expected: Said, when: &str) {
    let answered = answered(lake).await;
    assert_eq!(answered.readings.len(), expected.readings.len(), "current readings {when}");
    if answered != expected {
        let (answered, expected) = (format!("{answered:#?}"), format!("{expected:#?}"));
        let only = |a: &str, b: &str| -> String {
            a.lines().filter(|line| !b.lines().any(|l| l == *line)).collect::<Vec<_>>().join("\n")
        };
        panic!("{when}\nonly expected:\n{}\nonly answered:\n{}", only(&expected, &answered), only(&answered, &expected));
    }
    // By SQL too, which counts without decoding.
    let count = csv(lake, "SELECT count(*) FROM readings").await;
    assert_eq!(count.lines().nth(1), Some(&*expected.readings.len().to_string()), "count {when}");
}
