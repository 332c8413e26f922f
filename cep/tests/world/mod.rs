//! A small world to test in: four streams, a profile, readings by name, scripts of inputs, and a way to print them.
//!
//! It is large enough to have every kind of field and both shapes, and small enough that random readings keep colliding.

pub mod drive;
pub mod script;
pub mod show;
mod tree;

use std::sync::Arc;

use vitalog_cep::plan::{Derived, DerivedField};
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{
    Amount, Dimension, Field, FieldIx, FieldKind, Schema, Shape, Span, Stream, StreamIx, Time, TimeOfDay, Unit, Value,
};

/// `sugar`: value (glucose), mood (enum, optional), flag (bool, optional). Instants.
pub const SUGAR: StreamIx = StreamIx(0);
/// `meal`: amount (mass, optional), note (text, optional). Instants.
pub const MEAL: StreamIx = StreamIx(1);
/// `lab`: value (glucose, optional), steps (count). Instants.
pub const LAB: StreamIx = StreamIx(2);
/// `nap`: depth (enum, optional), score (count, optional). Intervals.
pub const NAP: StreamIx = StreamIx(3);

pub const F0: FieldIx = FieldIx(0);
pub const F1: FieldIx = FieldIx(1);
pub const F2: FieldIx = FieldIx(2);

/// Places of the profile's fields, as far as tests name them.
pub const TARGET: u16 = 0;
pub const LIMIT: u16 = 1;
pub const MODE: u16 = 2;
pub const ACTIVE: u16 = 3;
pub const PORTION: u16 = 5;
pub const BEDTIME: u16 = 7;

pub const WORDS: [&str; 3] = ["low", "mid", "high"];

/// What a field or profile field holds, as far as expressions care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Glucose,
    Mass,
    Count,
    Enum,
    Text,
    Bool,
    /// Of the profile only.
    TimeOfDay,
}

/// Streams with their fields.
pub fn fields(stream: StreamIx) -> &'static [(&'static str, Kind, bool)] {
    match stream {
        SUGAR => &[("value", Kind::Glucose, false), ("mood", Kind::Enum, true), ("flag", Kind::Bool, true)],
        MEAL => &[("amount", Kind::Mass, true), ("note", Kind::Text, true)],
        LAB => &[("value", Kind::Glucose, true), ("steps", Kind::Count, false)],
        NAP => &[("depth", Kind::Enum, true), ("score", Kind::Count, true)],
        // What every rule of the tests says of its findings.
        _ => &[("severity", Kind::Enum, false), ("value", Kind::Glucose, true), ("score", Kind::Count, true)],
    }
}

/// The derived streams of the rules `r0` to `r3`.
pub const FOUND: [StreamIx; 4] = [
    StreamIx(StreamIx::DERIVED),
    StreamIx(StreamIx::DERIVED + 1),
    StreamIx(StreamIx::DERIVED + 2),
    StreamIx(StreamIx::DERIVED + 3),
];

/// Each rule may look at those of lesser numbers.
pub fn derived() -> Vec<Derived> {
    let field = |name: &str| DerivedField { name: Arc::from(name), kind: Arc::from("") };
    let fields: Vec<DerivedField> = fields(FOUND[0]).iter().map(|(name, _, _)| field(name)).collect();
    let stream = |i: usize| Derived { rule: Arc::from(format!("r{i}")), fields: fields.clone(), uses: FOUND[..i].to_vec() };
    (0..FOUND.len()).map(stream).collect()
}

pub const STREAMS: [(StreamIx, &str, Shape); 4] = [
    (SUGAR, "sugar", Shape::Instant),
    (MEAL, "meal", Shape::Instant),
    (LAB, "lab", Shape::Instant),
    (NAP, "nap", Shape::Interval),
];

pub const PROFILE: [(&str, Kind); 8] = [
    ("target", Kind::Glucose),
    ("limit", Kind::Glucose),
    ("mode", Kind::Enum),
    ("active", Kind::Bool),
    ("time_zone", Kind::Text),
    ("portion", Kind::Mass),
    ("night", Kind::Text),
    ("bedtime", Kind::TimeOfDay),
];

pub fn schema() -> Arc<Schema> {
    let stream = |(ix, name, shape): (StreamIx, &str, Shape)| Stream {
        name: Arc::from(name),
        shape,
        fields: fields(ix)
            .iter()
            .map(|(name, kind, optional)| Field {
                name: Arc::from(*name),
                kind: kind.field_kind(),
                optional: *optional,
                range: None,
                usual: None,
                doc: None,
            })
            .collect(),
        every: None,
        silent_after: None,
        by: None,
        also_by: vec![],
        checks: vec![],
        doc: None,
    };
    Arc::new(Schema { streams: STREAMS.into_iter().map(stream).collect() })
}

/// The same, with meals also seen under whoever their note names.
pub fn shared_schema() -> Arc<Schema> {
    let mut schema = Schema::clone(&schema());
    schema.streams[usize::from(MEAL.0)].also_by = vec![F1];
    Arc::new(schema)
}

/// `target` and `mode` have a default; the others are unknown until they are set.
pub fn profile() -> Vec<ProfileField> {
    let default = |name: &str| match name {
        "target" => Some(glucose(100)),
        "mode" => Some(Value::Enum(1)),
        // Short, and soon over.
        "night" => Some(Value::Text(Arc::from("23:10 to 23:40"))),
        _ => None,
    };
    let field = |(name, kind): (&str, Kind)| ProfileField {
        name: Arc::from(name),
        kind: kind.field_kind(),
        default: default(name),
        range: None,
        doc: None,
    };
    PROFILE.into_iter().map(field).collect()
}

impl Kind {
    pub fn field_kind(self) -> FieldKind {
        match self {
            Kind::Glucose => FieldKind::Quantity(unit(Dimension::Glucose)),
            Kind::Mass => FieldKind::Quantity(unit(Dimension::Mass)),
            Kind::Count => FieldKind::Quantity(unit(Dimension::Count)),
            Kind::Enum => FieldKind::Enum(words()),
            Kind::Text => FieldKind::Text,
            Kind::Bool => FieldKind::Bool,
            Kind::TimeOfDay => FieldKind::TimeOfDay,
        }
    }

    /// Atoms in one of the small whole numbers that tests speak in.
    pub fn atoms(self) -> i64 {
        match self {
            Kind::Glucose => unit(Dimension::Glucose).atoms(),
            Kind::Mass => unit(Dimension::Mass).atoms(),
            _ => 1,
        }
    }

    /// `n` as a value: mg/dL, g, a count, a word's place, a letter, whether it is even, minutes after midnight.
    pub fn value(self, n: i64) -> Value {
        match self {
            Kind::Glucose => glucose(n),
            Kind::Mass => amount(n, Dimension::Mass),
            Kind::Count => amount(n, Dimension::Count),
            Kind::Enum => Value::Enum(n.rem_euclid(3) as u16),
            Kind::Text => Value::Text(Arc::from(["a", "b", "c"][n.rem_euclid(3) as usize])),
            Kind::Bool => Value::Bool(n % 2 == 0),
            Kind::TimeOfDay => Value::TimeOfDay(TimeOfDay::new(n.rem_euclid(24 * 60) as u16).expect("within a day")),
        }
    }
}

pub fn unit(dimension: Dimension) -> Unit {
    dimension.usual_unit()
}

pub fn words() -> Vec<Arc<str>> {
    WORDS.iter().map(|w| Arc::from(*w)).collect()
}

/// `n` mg/dL.
pub fn glucose(n: i64) -> Value {
    amount(n, Dimension::Glucose)
}

fn amount(n: i64, dimension: Dimension) -> Value {
    Value::Quantity(Amount { digits: n, scale: 0, unit: unit(dimension) })
}

/// 2026-11-19T23:00:00Z: an hour before midnight, so that texts have to say the date now and then.
pub const EPOCH: Time = Time(1_795_129_200_000_000);

/// `n` minutes after the beginning of the tests' time.
pub fn minute(n: i64) -> Time {
    EPOCH + Span::minutes(n)
}
