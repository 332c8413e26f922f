//! Readings of generated people in the order in which they come: nine of ten are glucose of a sensor every five minutes, among them meals, pressures and devices.

use std::sync::Arc;

use vitalog_elog::{
    Amount, Content, Dimension, Effect, Entry, Field, FieldKind, Input, Outcome, Position, Reading, Record, Schema, Shape,
    Stream, StreamIx, Subject, Time, Unit, Value, When,
};

pub const INCARNATION: u128 = 0x51;
/// The first of January 2026, in seconds.
pub const FROM: i64 = 1_767_225_600;
/// Between two readings of one subject, in seconds.
pub const EVERY: i64 = 300;

pub struct Life {
    schema: Arc<Schema>,
    subjects: Vec<Subject>,
    sources: Vec<Arc<str>>,
    next: u64,
}

impl Life {
    pub fn new(subjects: u32) -> Life {
        let streams = vec![
            stream("bg", &[("value", Dimension::Glucose, "mg/dL")]),
            stream("carbs", &[("amount", Dimension::Mass, "g")]),
            stream("bp", &[("systolic", Dimension::Pressure, "mmHg"), ("diastolic", Dimension::Pressure, "mmHg")]),
            stream("device", &[("battery", Dimension::Ratio, "%"), ("cpu", Dimension::Ratio, "%")]),
        ];
        Life {
            schema: Arc::new(Schema { streams }),
            subjects: (0..subjects).map(|n| Subject::new(&name(n))).collect(),
            sources: (0..subjects).map(|n| format!("g7/{n:05}").into()).collect(),
            next: 0,
        }
    }

    pub fn schema(&self) -> Arc<Schema> {
        self.schema.clone()
    }

    /// Passes over readings that are there already.
    pub fn skip(&mut self, readings: u64) {
        self.next = readings;
    }

    pub fn next(&mut self, many: usize) -> Vec<Record> {
        (0..many).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> Record {
        let (offset, people) = (self.next, self.subjects.len() as u64);
        self.next += 1;
        let (slot, who) = (offset / people, (offset % people) as usize);
        // Each in its own second of the five minutes, and seen a second and a bit later.
        let at = FROM + slot as i64 * EVERY + (offset % people) as i64 * EVERY / people as i64;
        let arrival = Time(at * 1_000_000 + 1_200_000 + (mixed(offset) % 700_000) as i64);
        let noise = mixed(offset) >> 32;
        let (ix, values): (u16, Vec<i64>) = match (slot + who as u64) % 40 {
            7 => (1, vec![10 + (noise % 80) as i64]),
            17 | 37 => (2, vec![105 + (noise % 50) as i64, 62 + (noise % 30) as i64]),
            27 => (3, vec![(100 - slot % 90) as i64, (noise % 100) as i64]),
            _ => (0, vec![glucose(who as u64, slot, noise)]),
        };
        let declared = &self.schema.streams[usize::from(ix)];
        let values = values.iter().zip(&declared.fields).map(|(digits, field)| {
            let FieldKind::Quantity(unit) = field.kind else { unreachable!("all are quantities") };
            Some(Value::Quantity(Amount { digits: *digits, scale: 0, unit }))
        });
        let content = Content {
            stream: StreamIx(ix),
            when: When::At(Time(at * 1_000_000)),
            values: values.collect(),
            source: Some(self.sources[who].clone()),
            seq: Some(slot),
        };
        let reading = Reading::present(self.subjects[who].clone(), None, 1, &declared.name, content);
        let entry = Arc::new(Entry { arrival, input: Input::Reading(reading) });
        Record { offset, entry, effects: [Effect::Reading(Outcome::New)].into() }
    }
}

pub fn name(n: u32) -> String {
    format!("p-{n:05}")
}

/// A position as a journal of such readings would have it.
pub fn position(next: u64) -> Position {
    let mut chain = [0x5a; 32];
    chain[..8].copy_from_slice(&next.to_le_bytes());
    Position { incarnation: INCARNATION, next, chain }
}

fn stream(name: &str, fields: &[(&str, Dimension, &str)]) -> Stream {
    let fields = fields.iter().map(|(name, dimension, unit)| Field {
        name: (*name).into(),
        kind: FieldKind::Quantity(Unit::named(*dimension, unit).expect("a unit of that dimension")),
        optional: false,
        range: None,
        usual: None,
        doc: None,
    });
    Stream {
        name: name.into(),
        shape: Shape::Instant,
        fields: fields.collect(),
        checks: Vec::new(),
        every: None,
        silent_after: None,
        by: None,
        also_by: Vec::new(),
        doc: None,
    }
}

/// Glucose in mg/dL: it drifts over the day and after meals, and jitters by a few.
fn glucose(who: u64, slot: u64, noise: u64) -> i64 {
    let turn = |period: u64, shift: u64| ((slot + who * shift) % period) as f64 / period as f64 * std::f64::consts::TAU;
    let level = 120 + (mixed(who) % 60) as i64;
    level + (38.0 * turn(288, 37).sin() + 26.0 * turn(67, 11).sin()) as i64 + (noise % 9) as i64
}

fn mixed(n: u64) -> u64 {
    let n = (n.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
