//! A dose, or a pump's rate from an instant on, as a MedicationAdministration.
//!
//! A correction shows in `meta.versionId` alone: the status has no word for it. Of a rate it is not known how long it was given, so its status is `unknown` and its period open.

use serde::Serialize;
use vitalog_elog::{Amount, Content, Dimension, FieldKind, Reading, Stream, Time, Value};

use super::codes::of_word;
use super::parts::{Coding, Concept, Effective, Identifier, Meta, Quantity, Reference, identifier, text};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Administration {
    resource_type: &'static str,
    id: String,
    meta: Meta,
    identifier: [Identifier; 1],
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Concept>,
    medication_codeable_concept: Concept,
    subject: Reference,
    #[serde(flatten)]
    effective: Effective,
    #[serde(skip_serializing_if = "Option::is_none")]
    dosage: Option<Dosage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dosage {
    #[serde(skip_serializing_if = "Option::is_none")]
    dose: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_quantity: Option<Quantity>,
}

/// A reading of `medication`, and when it was accepted.
pub fn administration(
    id: String,
    of: Reference,
    stream: &Stream,
    reading: &Reading,
    content: &Content,
    arrival: Time,
) -> Administration {
    let value = |name: &str| {
        let place = stream.fields.iter().position(|field| &*field.name == name)?;
        content.values.get(place)?.as_ref()
    };
    let amount = |name: &str| match value(name) {
        Some(Value::Quantity(amount)) => Some(*amount),
        _ => None,
    };
    let (dose, rate) = (amount("amount").or_else(|| amount("mass")), amount("rate"));
    let drug = match value("drug") {
        Some(Value::Text(drug)) => text(drug),
        _ => None,
    };
    let is_rate = rate.is_some() && dose.is_none();
    let dosage = (dose.is_some() || rate.is_some())
        .then(|| Dosage { dose: dose.map(Quantity::of), rate_quantity: rate.map(Quantity::of) });
    Administration {
        resource_type: "MedicationAdministration",
        id,
        meta: Meta::of(reading, content.source.as_deref(), arrival),
        identifier: identifier(reading),
        status: if is_rate { "unknown" } else { "completed" },
        category: kind(stream, value("kind")),
        medication_codeable_concept: medication(drug, dose.or(rate)),
        subject: of,
        effective: if is_rate { Effective::since(content.when.start()) } else { Effective::of(content.when) },
        dosage,
    }
}

/// A bolus, a basal dose, a tablet.
fn kind(stream: &Stream, value: Option<&Value>) -> Option<Concept> {
    let Some(Value::Enum(place)) = value else { return None };
    let FieldKind::Enum(words) = &stream.fields.iter().find(|field| &*field.name == "kind")?.kind else { return None };
    Some(of_word(&stream.name, "kind", words.get(usize::from(*place))?))
}

/// The drug in the sender's word, with the class of ATC (WHO) where that word is one of ours for a class of insulins.
fn medication(drug: Option<String>, amount: Option<Amount>) -> Concept {
    let is_insulin = amount.is_some_and(|a| matches!(a.unit.dimension(), Dimension::Insulin | Dimension::InsulinRate));
    let Some(drug) = drug else { return Concept::text(if is_insulin { "insulin" } else { "not said" }) };
    let class = match &*drug {
        "rapid" if is_insulin => Some(("A10AB", "Insulins and analogues for injection, fast-acting")),
        "long" if is_insulin => Some(("A10AE", "Insulins and analogues for injection, long-acting")),
        _ => None,
    };
    let coding = |(code, display): (&str, &'static str)| Coding {
        system: "http://www.whocc.no/atc".to_owned(),
        code: code.to_owned(),
        display: Some(display),
    };
    Concept { coding: class.into_iter().map(coding).collect(), text: Some(drug) }
}
