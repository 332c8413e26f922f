//! A reading as an Observation.

use serde::Serialize;
use vitalog_elog::{Content, Field, FieldKind, Reading, Stream, Time, Unit, Value, When};

use super::codes::{known, of_field, of_stream, of_word};
use super::parts::{Coding, Concept, Decimal, Effective, Identifier, Meta, Quantity, Reference, UCUM, identifier, text};
use crate::exact::write_decimal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    resource_type: &'static str,
    id: String,
    meta: Meta,
    identifier: [Identifier; 1],
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    category: Vec<Concept>,
    code: Concept,
    subject: Reference,
    #[serde(flatten)]
    effective: Effective,
    issued: String,
    #[serde(flatten)]
    value: Said,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    component: Vec<Component>,
}

#[derive(Serialize)]
struct Component {
    code: Concept,
    #[serde(flatten)]
    value: Said,
}

/// What was said: one of these, or none.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    value_quantity: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_codeable_concept: Option<Concept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_boolean: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_time: Option<String>,
}

/// A reading, and when it was accepted.
pub fn observation(
    id: String,
    of: Reference,
    stream: &Stream,
    reading: &Reading,
    content: &Content,
    arrival: Time,
) -> Observation {
    let known = known(&stream.name);
    let mut value = Said::default();
    let mut sent = None;
    let mut component = Vec::new();
    for (field, said) in stream.fields.iter().zip(&content.values) {
        let Some((said, unit)) = said.as_ref().and_then(|said| Said::of(stream, field, said)) else { continue };
        if known.main == Some(&*field.name) {
            (value, sent) = (said, unit);
        } else {
            component.push(Component { code: of_field(&stream.name, &field.name, unit), value: said });
        }
    }
    if known.lasts {
        value.value_quantity = lasted(content.when);
    }
    let category = |code: &str| {
        let system = "http://terminology.hl7.org/CodeSystem/observation-category".to_owned();
        Concept { coding: vec![Coding { system, code: code.to_owned(), display: None }], text: None }
    };
    Observation {
        resource_type: "Observation",
        id,
        meta: Meta::of(reading, content.source.as_deref(), arrival),
        identifier: identifier(reading),
        status: status(reading, content.when),
        category: known.category.into_iter().map(category).collect(),
        code: of_stream(stream, sent),
        subject: of,
        effective: Effective::of(content.when),
        issued: arrival.to_string(),
        value,
        component,
    }
}

fn status(reading: &Reading, when: When) -> &'static str {
    match when {
        // It goes on.
        When::During { end: None, .. } => "preliminary",
        _ if reading.rev > 1 => "amended",
        _ => "final",
    }
}

/// How long it lasted: whole minutes as such, else seconds, so that the number is exact.
fn lasted(when: When) -> Option<Quantity> {
    const MINUTE: i64 = 60_000_000;
    let When::During { start, end: Some(end) } = when else { return None };
    let micros = end.micros() - start.micros();
    let (number, unit) = if micros % MINUTE == 0 {
        ((micros / MINUTE).to_string(), "min")
    } else {
        (write_decimal(micros, 6).trim_end_matches('0').trim_end_matches('.').to_owned(), "s")
    };
    Some(Quantity { value: Decimal(number), unit, system: UCUM, code: unit })
}

impl Said {
    /// With the unit it was sent in, if it has one. An empty text says nothing.
    fn of(stream: &Stream, field: &Field, value: &Value) -> Option<(Said, Option<Unit>)> {
        let said = match value {
            Value::Quantity(amount) => {
                return Some((Said { value_quantity: Some(Quantity::of(*amount)), ..Said::default() }, Some(amount.unit)));
            }
            Value::Enum(place) => {
                let FieldKind::Enum(words) = &field.kind else { return None };
                let word = words.get(usize::from(*place))?;
                Said { value_codeable_concept: Some(of_word(&stream.name, &field.name, word)), ..Said::default() }
            }
            Value::Text(said) => Said { value_string: Some(text(said)?), ..Said::default() },
            Value::Bool(b) => Said { value_boolean: Some(*b), ..Said::default() },
            Value::TimeOfDay(time) => Said { value_time: Some(format!("{time}:00")), ..Said::default() },
        };
        Some((said, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        let during = |micros: i64| When::During { start: Time(5), end: Some(Time(5 + micros)) };
        for (micros, value, unit) in [(60_000_000, "1", "min"), (90_000_000, "90", "s"), (1, "0.000001", "s"), (0, "0", "min")] {
            let lasted = lasted(during(micros)).unwrap();
            assert_eq!((&*lasted.value.0, lasted.unit), (value, unit));
        }
        assert!(lasted(When::During { start: Time(0), end: None }).is_none());
    }
}
