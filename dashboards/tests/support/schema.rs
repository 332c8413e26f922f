//! Streams and profile fields like the shipped ones, as far as the pages show them.

#![allow(dead_code, reason = "the tests need some of the streams, the example all of them")]

use std::sync::Arc;

use vitalog_elog::profile::ProfileField;
use vitalog_elog::{
    Amount, Content, Dimension, Field, FieldKind, Schema, Shape, Span, Stream, StreamIx, Time, Unit, Value, When,
};

pub const BG: StreamIx = StreamIx(0);
pub const BP: StreamIx = StreamIx(1);
pub const CARBS: StreamIx = StreamIx(2);
pub const MEDICATION: StreamIx = StreamIx(3);
pub const SLEEP: StreamIx = StreamIx(4);
pub const EXERCISE: StreamIx = StreamIx(5);
pub const DEVICE: StreamIx = StreamIx(6);
pub const MOOD: StreamIx = StreamIx(7);

pub fn unit(dimension: Dimension, name: &str) -> Unit {
    Unit::named(dimension, name).expect("a unit of that name")
}

pub fn mgdl() -> Unit {
    unit(Dimension::Glucose, "mg/dL")
}

fn quantity(name: &str, unit: Unit, optional: bool) -> Field {
    Field { name: name.into(), kind: FieldKind::Quantity(unit), optional, range: None, usual: None, doc: None }
}

fn words(name: &str, words: &[&str], optional: bool) -> Field {
    let words = words.iter().map(|w| Arc::from(*w)).collect();
    Field { name: name.into(), kind: FieldKind::Enum(words), optional, range: None, usual: None, doc: None }
}

fn text(name: &str) -> Field {
    Field { name: name.into(), kind: FieldKind::Text, optional: true, range: None, usual: None, doc: None }
}

fn stream(name: &str, shape: Shape, fields: Vec<Field>, every: Option<Span>) -> Stream {
    Stream { name: name.into(), shape, fields, checks: vec![], every, silent_after: None, by: None, also_by: vec![], doc: None }
}

pub fn schema() -> Arc<Schema> {
    let mut bg = quantity("value", mgdl(), false);
    bg.range = Some((20 * mgdl().atoms(), 1000 * mgdl().atoms()));
    bg.usual = Some((34 * mgdl().atoms(), 600 * mgdl().atoms()));
    let mmhg = unit(Dimension::Pressure, "mmHg");
    let percent = unit(Dimension::Ratio, "%");
    let gram = unit(Dimension::Mass, "g");
    Arc::new(Schema {
        streams: vec![
            stream("bg", Shape::Instant, vec![bg], Some(Span::minutes(5))),
            stream(
                "bp",
                Shape::Instant,
                vec![
                    quantity("systolic", mmhg, false),
                    quantity("diastolic", mmhg, false),
                    quantity("pulse", unit(Dimension::Rate, "/min"), true),
                ],
                None,
            ),
            stream("carbs", Shape::Instant, vec![quantity("amount", gram, false), text("meal"), text("note")], None),
            stream(
                "medication",
                Shape::Instant,
                vec![
                    words("kind", &["bolus", "correction", "basal", "oral", "other"], false),
                    text("drug"),
                    quantity("amount", unit(Dimension::Insulin, "U"), true),
                ],
                None,
            ),
            stream("sleep", Shape::Interval, vec![quantity("deep", unit(Dimension::Time, "min"), true)], None),
            stream(
                "exercise",
                Shape::Interval,
                vec![words("intensity", &["light", "moderate", "vigorous"], false), text("type")],
                None,
            ),
            stream(
                "device",
                Shape::Instant,
                vec![quantity("cpu", percent, true), quantity("memory", percent, true), quantity("battery", percent, true)],
                Some(Span::minutes(5)),
            ),
            stream("mood", Shape::Instant, vec![quantity("score", unit(Dimension::Count, "count"), false), text("note")], None),
        ],
    })
}

pub fn profile() -> Vec<ProfileField> {
    let number = |name: &str, value: i64, unit: Unit| ProfileField {
        name: name.into(),
        kind: FieldKind::Quantity(unit),
        default: Some(Value::Quantity(Amount { digits: value, scale: 0, unit })),
        range: None,
        doc: None,
    };
    let mmhg = unit(Dimension::Pressure, "mmHg");
    vec![
        ProfileField {
            name: "time_zone".into(),
            kind: FieldKind::Text,
            default: Some(Value::Text("UTC".into())),
            range: None,
            doc: Some("Where the subject lives.".into()),
        },
        ProfileField {
            name: "units".into(),
            kind: FieldKind::Enum(vec!["mg_dl".into(), "mmol_l".into()]),
            default: Some(Value::Enum(0)),
            range: None,
            doc: None,
        },
        number("bg_low", 70, mgdl()),
        number("bg_very_low", 54, mgdl()),
        number("bg_high", 180, mgdl()),
        number("bg_very_high", 250, mgdl()),
        number("bp_systolic_high", 135, mmhg),
        number("bp_diastolic_high", 85, mmhg),
    ]
}

pub fn amount(text: &str, unit: Unit) -> Option<Value> {
    Some(Value::Quantity(Amount::parse(text, unit).expect("an amount")))
}

pub fn content(stream: StreamIx, when: When, values: Vec<Option<Value>>) -> Content {
    Content { stream, when, values: values.into(), source: Some("g7/8J2K".into()), seq: None }
}

pub fn glucose(at: Time, value: &str) -> Content {
    content(BG, When::At(at), vec![amount(value, mgdl())])
}
