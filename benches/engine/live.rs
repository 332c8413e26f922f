//! What engines are given by `cargo bench --bench spine -- ingest`, live: two thousand subjects of whom each sends a reading every two seconds, a thousand in a group, behind what the gateway said of contact
//! when it heard of them first. Rules for the night cost more when it is night, so the hour can be said.

use std::sync::Arc;
use std::time::Duration;

use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, EngineInput, FORESIGHT};
use vitalog_elog::{Amount, Content, Dimension, Effect, FieldKind, Reading, Schema, Subject, Time, Unit, Value, When};

use crate::clock::Clock;
use crate::readings::{SUBJECTS, Said, What, said};
use crate::run::{Options, START, print};

const PARTS: u64 = 4;
const GROUP: u64 = 1_000;
/// Of each part.
const GROUPS: u64 = 250;
/// Between two of a subject.
const EVERY: i64 = 2_000_000;
const HOUR: i64 = 3_600_000_000;

pub fn run(library: &Arc<Library>, options: &Options) {
    let now = START.0 + options.hour * HOUR;
    let from = now - (GROUPS * GROUP / SUBJECTS) as i64 * EVERY;
    let mut engine = Engine::new();
    engine.set_slice(options.slice);
    let mut effects = Vec::new();
    engine.step(0, START, EngineInput::Library { effective: Time::MIN, library: library.clone() }, &mut effects);
    let (mut took, mut readings, mut changes) = (Duration::ZERO, 0, 0);
    for number in 0..GROUPS {
        for part in 0..PARTS {
            // As fast as they are sent, not as they were measured.
            let arrival = Time(now + readings as i64 * 10);
            let heard = if number == 0 { 0..SUBJECTS } else { 0..0 };
            let mut group: Vec<Reading> =
                heard.map(|subject| contact(&library.schema, part * 1_000 + subject, arrival)).collect();
            group.extend((number * GROUP..(number + 1) * GROUP).map(|n| reading(&library.schema, part, n, from)));
            readings += group.len() as u64;
            let begin = Clock::now();
            engine.begin();
            for (place, reading) in group.iter().enumerate() {
                if place % FORESIGHT == 0 {
                    engine.foresee(&group[place..]);
                }
                engine.step(0, arrival, EngineInput::Reading(reading), &mut effects);
            }
            engine.settle(&mut effects);
            took += begin.elapsed();
            changes += effects.drain(..).filter(|effect| matches!(effect, Effect::Finding(_))).count() as u64;
        }
    }
    print("live", library, readings, changes, took);
}

fn contact(schema: &Arc<Schema>, subject: u64, at: Time) -> Reading {
    of(schema, subject, "contact", at, &[])
}

fn reading(schema: &Arc<Schema>, part: u64, n: u64, from: i64) -> Reading {
    let Said { subject, slot, what } = said(part, n);
    let at = Time(from + slot as i64 * EVERY + (n % SUBJECTS) as i64 * 1_000);
    let percent = |n: u64| (Dimension::Ratio, "%", n);
    match what {
        What::Glucose(n) => of(schema, subject, "bg", at, &[("value", (Dimension::Glucose, "mg/dL", n))]),
        What::Carbs(n) => of(schema, subject, "carbs", at, &[("amount", (Dimension::Mass, "g", n))]),
        What::Bolus(n) => of(schema, subject, "medication", at, &[("amount", (Dimension::Insulin, "U", n))]),
        What::Pressure { systolic, diastolic } => {
            let pressure = |n| (Dimension::Pressure, "mmHg", n);
            of(schema, subject, "bp", at, &[("systolic", pressure(systolic)), ("diastolic", pressure(diastolic))])
        }
        What::Device { battery, cpu } => {
            of(schema, subject, "device", at, &[("battery", percent(battery)), ("cpu", percent(cpu))])
        }
    }
}

/// A reading of a stream that says these numbers; of words the first, where one has to be said.
fn of(schema: &Arc<Schema>, subject: u64, stream: &str, at: Time, said: &[(&str, (Dimension, &str, u64))]) -> Reading {
    let place = schema.stream(stream).expect("it is declared");
    let value = |field: &vitalog_elog::Field| match &field.kind {
        FieldKind::Quantity(_) => {
            let (_, (dimension, unit, n)) = said.iter().find(|(name, _)| *name == &*field.name)?;
            Some(Value::Quantity(Amount { digits: *n as i64, scale: 0, unit: Unit::named(*dimension, unit)? }))
        }
        FieldKind::Enum { .. } => (!field.optional).then_some(Value::Enum(0)),
        _ => None,
    };
    let values = schema.get(place).fields.iter().map(value).collect();
    let content = Content { stream: place, when: When::At(at), values, source: None, seq: None };
    Reading::present(Subject::new(&format!("s{subject}")), None, 1, stream, content)
}
