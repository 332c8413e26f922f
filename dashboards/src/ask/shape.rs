//! How readings, streams and their fields are written in answers.

use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;
use vitalog_elog::{Amount, Content, FieldKind, ReadingId, Schema, Stream, Subject, Time, Unit, Value, When};

use super::flags::Flag;
use crate::views::{ONGOING, Stored};

/// One revision of a reading in the native form, as it can be sent again: the values as they were sent, each under its field's name.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReadingView {
    pub id: String,
    /// The name its sender gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    pub subject: String,
    pub rev: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    pub values: Map<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// When the gateway accepted this revision.
    pub accepted: String,
    /// The offset of the input that brought it.
    pub record: u64,
    /// What is suspicious about it, where it is current.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// A stream's declaration, as a chart needs it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StreamShape {
    pub name: String,
    /// `instant` or `interval`.
    pub shape: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    pub fields: Vec<FieldShape>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FieldShape {
    pub name: String,
    /// `quantity`, `enum`, `text` or `bool`.
    pub kind: &'static str,
    pub optional: bool,
    /// The unit that numbers of this field are given in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimension: Option<&'static str>,
    /// The units it can be shown in; `per` of the field's own unit make one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitShape>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The plausible range, in the field's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<f64>>)]
    pub range: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct UnitShape {
    pub name: &'static str,
    pub per: f64,
    pub decimals: u8,
}

impl ReadingView {
    /// A stored revision, given the columns beside it.
    pub(crate) fn of(
        schema: &Schema,
        subject: &Subject,
        id: ReadingId,
        place: Option<(u16, i64)>,
        stored: &Stored<'_>,
    ) -> ReadingView {
        let mut view = ReadingView {
            id: id.to_string(),
            given: stored.given.as_deref().map(str::to_owned),
            subject: subject.as_str().to_owned(),
            rev: stored.rev,
            removed: stored.content.is_none(),
            stream: None,
            at: None,
            start: None,
            end: None,
            values: Map::new(),
            source: None,
            seq: None,
            accepted: Time(stored.arrival).to_string(),
            record: stored.record,
            flags: Vec::new(),
        };
        let (Some(content), Some((stream, place))) = (&stored.content, place) else { return view };
        match content.when(place) {
            When::At(t) => view.at = Some(t.to_string()),
            When::During { start, end } => {
                view.start = Some(start.to_string());
                view.end = end.map(|t| t.to_string());
            }
        }
        view.source = content.source.as_deref().map(str::to_owned);
        view.seq = content.seq;
        let Some(stream) = schema.streams.get(usize::from(stream)) else { return view };
        view.stream = Some(stream.name.to_string());
        for (field, value) in stream.fields.iter().zip(content.values.iter()) {
            if let Some(value) = value {
                view.values.insert(field.name.to_string(), as_sent(value, &field.kind));
            }
        }
        view
    }
}

impl StreamShape {
    pub fn of(stream: &Stream) -> StreamShape {
        StreamShape {
            name: stream.name.to_string(),
            shape: if stream.is_interval() { "interval" } else { "instant" },
            every_ms: stream.every.map(|s| s.micros() / 1_000),
            doc: stream.doc.as_deref().map(str::to_owned),
            fields: stream
                .fields
                .iter()
                .map(|f| FieldShape::of(&f.name, &f.kind, f.optional, f.range, f.doc.as_deref()))
                .collect(),
        }
    }
}

impl FieldShape {
    pub fn of(name: &str, kind: &FieldKind, optional: bool, range: Option<(i64, i64)>, doc: Option<&str>) -> FieldShape {
        let mut shape = FieldShape {
            name: name.to_owned(),
            kind: "text",
            optional,
            unit: None,
            dimension: None,
            units: Vec::new(),
            words: Vec::new(),
            range: None,
            doc: doc.map(str::to_owned),
        };
        match kind {
            FieldKind::Quantity(unit) => {
                shape.kind = "quantity";
                shape.unit = Some(unit.name());
                shape.dimension = Some(unit.dimension().name());
                let per = |u: Unit| u.atoms() as f64 / unit.atoms() as f64;
                shape.units =
                    unit.dimension().units().map(|u| UnitShape { name: u.name(), per: per(u), decimals: u.decimals() }).collect();
                let in_unit = |atoms: i64| tidy(atoms as f64 / unit.atoms() as f64);
                shape.range = range.map(|(least, most)| (in_unit(least), in_unit(most)));
            }
            FieldKind::Enum(words) => {
                shape.kind = "enum";
                shape.words = words.iter().map(|w| w.to_string()).collect();
            }
            FieldKind::Bool => shape.kind = "bool",
            FieldKind::TimeOfDay => shape.kind = "time_of_day",
            FieldKind::Text => {}
        }
        shape
    }
}

/// A value as it was sent.
pub fn as_sent(value: &Value, kind: &FieldKind) -> Json {
    match (value, kind) {
        (Value::Quantity(amount), _) => Json::String(amount.to_string()),
        (Value::Enum(i), FieldKind::Enum(words)) => {
            words.get(usize::from(*i)).map_or(Json::Null, |w| Json::String(w.to_string()))
        }
        (Value::Enum(i), _) => Json::from(*i),
        (Value::Text(text), _) => Json::String(text.to_string()),
        (Value::Bool(b), _) => Json::Bool(*b),
        (Value::TimeOfDay(time), _) => Json::String(time.to_string()),
    }
}

/// A value as a chart takes it: a number in the field's unit, the place of a word, a text, a truth.
pub fn as_drawn(value: &Value, kind: &FieldKind) -> Json {
    match (value, kind) {
        (Value::Quantity(amount), FieldKind::Quantity(unit)) => Json::from(in_unit(*amount, *unit)),
        _ => as_sent(value, kind),
    }
}

/// An amount in a unit, for the eye.
pub fn in_unit(amount: Amount, unit: Unit) -> f64 {
    if amount.unit == unit {
        return amount.digits as f64 / 10_f64.powi(i32::from(amount.scale));
    }
    tidy(amount.atoms() as f64 / unit.atoms() as f64)
}

/// Without digits that nobody measures.
fn tidy(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

/// Milliseconds since the epoch; `None` for an interval that goes on.
pub fn millis(place: i64) -> Option<i64> {
    (place != ONGOING).then(|| place.div_euclid(1_000))
}

/// One reading as a chart takes it in: times in milliseconds, and a value per field.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Point {
    pub at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    pub values: Vec<Json>,
}

/// `None` where the stream is not declared.
pub fn point(schema: &Schema, content: &Content) -> Option<Point> {
    let stream = schema.streams.get(usize::from(content.stream.0))?;
    let value = |(i, field): (usize, &vitalog_elog::Field)| match content.values.get(i) {
        Some(Some(value)) => as_drawn(value, &field.kind),
        _ => Json::Null,
    };
    Some(Point {
        at: content.when.instant().map(|t| t.0.div_euclid(1_000)),
        start: stream.is_interval().then(|| content.when.start().0.div_euclid(1_000)),
        values: stream.fields.iter().enumerate().map(value).collect(),
    })
}
