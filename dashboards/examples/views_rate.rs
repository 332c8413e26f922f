//! How many readings a second the views take in, on one core: `cargo run --release -p vitalog-dashboards --example views_rate -- [readings] [subjects] [group] [groups]`.
//!
//! Glucose of many subjects, every five minutes each, one reading in a hundred amended and one in a thousand giving a finding: what a sink is fed with.

use std::sync::Arc;
use std::time::Instant;

use vitalog_dashboards::views::{Views, ViewsError};
use vitalog_elog::effect::Former;
use vitalog_elog::{
    Amount, Cause, Change, Content, Dimension, Effect, Entry, Field, FieldKind, Finding, FindingChange, FindingKind,
    FindingState, Input, MatchId, Outcome, Position, Reading, Record, Schema, Severity, Shape, Span, Stream, StreamIx, Subject,
    Time, Unit, Value, When,
};

fn main() -> Result<(), ViewsError> {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let readings = arguments.next().unwrap_or(2_000_000);
    let subjects = arguments.next().unwrap_or(1_000);
    let group = arguments.next().unwrap_or(1_000);
    let groups = arguments.next().unwrap_or(20);
    let Some(unit) = Unit::named(Dimension::Glucose, "mg/dL") else { return Ok(()) };
    let schema = schema(unit);
    let folder = std::env::temp_dir().join(format!("views-rate-{}", std::process::id()));
    let path = folder.join("views.sqlite");
    std::fs::create_dir_all(&folder).map_err(|_| ViewsError::Damaged("no folder to work in"))?;
    let mut views = Views::open(&path, 1)?;
    let mut spent = std::time::Duration::ZERO;
    let mut position = Position::start(1);
    while position.next < readings {
        let upto = (position.next + group * groups).min(readings);
        let records: Vec<Record> = (position.next..upto).map(|i| record(i, subjects, unit)).collect();
        let records: Vec<&[Record]> = records.chunks(group as usize).collect();
        position.next = upto;
        let began = Instant::now();
        views.apply_groups(&records, position, &schema)?;
        spent += began.elapsed();
    }
    drop(views);
    let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
    println!(
        "{readings} readings of {subjects} subjects in groups of {group}, {groups} a commit: {:.0} readings/s, {:.1} bytes each",
        readings as f64 / spent.as_secs_f64(),
        bytes as f64 / readings as f64
    );
    // It was made by this run.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}

fn schema(unit: Unit) -> Schema {
    let field =
        Field { name: "value".into(), kind: FieldKind::Quantity(unit), optional: false, range: None, usual: None, doc: None };
    let stream = Stream {
        name: "bg".into(),
        shape: Shape::Instant,
        fields: vec![field],
        checks: vec![],
        every: Some(Span::minutes(5)),
        silent_after: None,
        by: None,
        also_by: vec![],
        doc: None,
    };
    Schema { streams: vec![stream] }
}

fn reading(i: u64, subjects: u64, unit: Unit, rev: u32) -> Reading {
    let subject = Subject::new(&format!("p-{:05}", i % subjects));
    let at = Time(1_790_000_000_000_000) + Span::minutes(5 * (i / subjects) as i64);
    let amount = Amount { digits: 70 + ((i * 7919) % 180) as i64 + i64::from(rev), scale: 0, unit };
    let content = Content {
        stream: StreamIx(0),
        when: When::At(at),
        values: Box::new([Some(Value::Quantity(amount))]),
        source: Some("g7/8J2K".into()),
        seq: Some(i / subjects),
    };
    let given = i.is_multiple_of(100).then(|| Arc::from(format!("r{i}")));
    Reading::present(subject, given, rev, "bg", content)
}

fn record(i: u64, subjects: u64, unit: Unit) -> Record {
    let (reading, outcome) = if i % 100 == 1 && i > subjects {
        let was = reading(i - 1, subjects, unit, 1);
        let former = Former { rev: 1, hash: was.hash, place: was.content.as_ref().map(|c| (c.stream, c.when.start())) };
        (self::reading(i - 1, subjects, unit, 2), Outcome::superseded(former))
    } else {
        (reading(i, subjects, unit, 1), Outcome::New)
    };
    let mut effects = vec![Effect::Reading(outcome)];
    if i % 1_000 == 7 {
        effects.push(Effect::Finding(Box::new(finding(&reading))));
    }
    let arrival = Time(1_790_000_000_000_000) + Span(i as i64);
    Record { offset: i, entry: Arc::new(Entry { arrival, input: Input::Reading(reading) }), effects: effects.into() }
}

fn finding(reading: &Reading) -> FindingChange {
    let at = reading.content.as_ref().map_or(Time(0), |c| c.when.start());
    FindingChange {
        change: Change::Opened,
        finding: Finding {
            id: MatchId::new("low_glucose", &reading.subject, at),
            revision: 1,
            rule: "low_glucose".into(),
            version: 1,
            title: "Low glucose".into(),
            subject: reading.subject.clone(),
            kind: FindingKind::Episode,
            state: FindingState::Open,
            severity: Severity::Warning,
            onset: at,
            at,
            end: None,
            resolved_at: None,
            evidence: [reading.id].into(),
            text: "Glucose is low".into(),
            wordings: Vec::new(),
            notify: None,
            cite: None,
            quiet: None,
            by_clock: false,
        },
        cause: Cause::Reading(reading.id),
        decided_at: at,
    }
}
