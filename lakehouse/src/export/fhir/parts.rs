//! The elements of FHIR that resources here are made of, as far as they are used.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use vitalog_elog::{Amount, Reading, Time, When};

use super::ucum;
use crate::exact::write_decimal;

pub const LOINC: &str = "http://loinc.org";
pub const UCUM: &str = "http://unitsofmeasure.org";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Patient {
    pub resource_type: &'static str,
    pub id: String,
    pub identifier: [Identifier; 1],
}

#[derive(Serialize)]
pub struct Identifier {
    pub system: &'static str,
    pub value: String,
}

#[derive(Serialize)]
pub struct Reference {
    pub reference: String,
}

#[derive(Serialize)]
pub struct Coding {
    pub system: String,
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<&'static str>,
}

#[derive(Serialize)]
pub struct Concept {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Serialize)]
pub struct Quantity {
    pub value: Decimal,
    pub unit: &'static str,
    pub system: &'static str,
    pub code: &'static str,
}

/// A number, digit for digit.
pub struct Decimal(pub String);

#[derive(Serialize)]
pub struct Period {
    pub start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// Which revision it is, when it was accepted, and what it came from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub version_id: String,
    pub last_updated: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// When it was: one of the two.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effective {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_date_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_period: Option<Period>,
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl Concept {
    pub fn text(text: impl Into<String>) -> Concept {
        Concept { coding: Vec::new(), text: Some(text.into()) }
    }
}

impl Quantity {
    /// As it was sent: its digits, in its unit.
    pub fn of(amount: Amount) -> Quantity {
        let (unit, code) = ucum::of(amount.unit);
        Quantity { value: Decimal(write_decimal(amount.digits, amount.scale)), unit, system: UCUM, code }
    }
}

impl Meta {
    pub fn of(reading: &Reading, source: Option<&str>, arrival: Time) -> Meta {
        Meta {
            version_id: reading.rev.to_string(),
            last_updated: arrival.to_string(),
            source: source.filter(|source| !source.is_empty()).map(|source| format!("urn:vitalog:source:{}", escaped(source))),
        }
    }
}

impl Effective {
    pub fn of(when: When) -> Effective {
        match when {
            When::At(at) => Effective { effective_date_time: Some(at.to_string()), effective_period: None },
            When::During { start, end } => Effective {
                effective_date_time: None,
                effective_period: Some(Period { start: start.to_string(), end: end.map(|end| end.to_string()) }),
            },
        }
    }

    /// From an instant on.
    pub fn since(at: Time) -> Effective {
        Effective { effective_date_time: None, effective_period: Some(Period { start: at.to_string(), end: None }) }
    }
}

/// What the sender called it, or the id that its receipt told.
pub fn identifier(reading: &Reading) -> [Identifier; 1] {
    let value = reading.given.as_deref().map_or_else(|| reading.id.to_string(), str::to_owned);
    [Identifier { system: "urn:vitalog:reading", value }]
}

/// A text, where FHIR has it: not an empty one, and of control characters none but those that break lines.
pub fn text(said: &str) -> Option<String> {
    let kept = said.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\r' | '\t') { '\u{fffd}' } else { c });
    (!said.trim().is_empty()).then(|| kept.collect())
}

/// As it may stand in a URN: RFC 3986 leaves these alone.
fn escaped(text: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
    text.bytes().map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
