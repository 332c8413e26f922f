//! Which codes of LOINC streams and fields have, and what stands where there is none.
//!
//! A stream is always called by its own name, too (`urn:vitalog:stream`), and a field by its stream's and its own (`urn:vitalog:field`): so nothing has to be guessed from a code that
//! several streams share. A code that stands for one kind of quantity only is given where the reading was sent in such a unit: glucose in mg/dL and in mmol/L are two codes.
//!
//! The codes of vital signs are those of the FHIR R4 vital signs profiles. The table has not been held against a release of LOINC: what a test checks is each code's check digit.

use vitalog_elog::{Stream, Unit};

use super::parts::{Coding, Concept, LOINC};

/// The stream that becomes MedicationAdministration.
pub const MEDICATION: &str = "medication";

/// What is known of a stream.
pub struct Known {
    /// Of FHIR's own categories of observations.
    pub category: Option<&'static str>,
    /// The stream as a whole.
    codes: &'static [(&'static str, &'static str)],
    /// The field whose value is the observation's own; the others are its components.
    pub main: Option<&'static str>,
    /// Its own value is how long it lasted.
    pub lasts: bool,
}

const OTHER: Known = Known { category: None, codes: &[], main: None, lasts: false };

const KNOWN: &[(&str, Known)] = &[
    ("bg", Known { category: Some("laboratory"), main: Some("value"), ..OTHER }),
    ("ketones", Known { category: Some("laboratory"), main: Some("value"), ..OTHER }),
    ("a1c", Known { category: Some("laboratory"), main: Some("value"), ..OTHER }),
    (
        "bp",
        Known {
            category: Some("vital-signs"),
            codes: &[("85354-9", "Blood pressure panel with all children optional")],
            ..OTHER
        },
    ),
    ("spo2", Known { category: Some("vital-signs"), main: Some("saturation"), ..OTHER }),
    ("carbs", Known { main: Some("amount"), ..OTHER }),
    ("symptom", Known { main: Some("what"), ..OTHER }),
    ("diary", Known { main: Some("what"), ..OTHER }),
    ("bg_limit", Known { category: Some("laboratory"), main: Some("shown"), ..OTHER }),
    ("sleep", Known { category: Some("activity"), codes: &[("93832-4", "Sleep duration")], lasts: true, ..OTHER }),
    ("exercise", Known { category: Some("activity"), codes: &[("55411-3", "Exercise duration")], lasts: true, ..OTHER }),
    ("activity", Known { category: Some("activity"), ..OTHER }),
    ("wearable", Known { category: Some("activity"), ..OTHER }),
];

/// Stream, field, the unit it was sent in where that matters, code, and what LOINC calls it (left off where it is told by another release otherwise).
const FIELDS: &[(&str, &str, &str, &str, &str)] = &[
    ("bg", "value", "mg/dL", "2339-0", "Glucose [Mass/volume] in Blood"),
    ("bg", "value", "mmol/L", "15074-8", "Glucose [Moles/volume] in Blood"),
    ("ketones", "value", "mmol/L", "104816-4", "Beta hydroxybutyrate [Moles/volume] in Blood"),
    ("a1c", "value", "", "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"),
    ("bp", "systolic", "", "8480-6", "Systolic blood pressure"),
    ("bp", "diastolic", "", "8462-4", "Diastolic blood pressure"),
    ("bp", "pulse", "", "8867-4", "Heart rate"),
    // The profile of oxygen saturation asks for both.
    ("spo2", "saturation", "", "2708-6", "Oxygen saturation in Arterial blood"),
    ("spo2", "saturation", "", "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    ("carbs", "amount", "", "9059-7", ""),
    ("sleep", "deep", "", "93831-6", "Deep sleep duration"),
    ("sleep", "light", "", "93830-8", "Light sleep duration"),
    ("sleep", "rem", "", "93829-0", "REM sleep duration"),
    ("exercise", "type", "", "73985-4", "Exercise activity"),
    ("exercise", "steps", "", "55423-8", "Number of steps in unspecified time Pedometer"),
    ("exercise", "energy", "", "41981-2", "Calories burned"),
    ("activity", "steps", "", "55423-8", "Number of steps in unspecified time Pedometer"),
    ("activity", "energy", "", "41981-2", "Calories burned"),
    ("wearable", "heart_rate", "", "8867-4", "Heart rate"),
    ("wearable", "resting_heart_rate", "", "40443-4", "Heart rate --resting"),
];

pub fn known(stream: &str) -> &'static Known {
    KNOWN.iter().find(|(name, _)| *name == stream).map_or(&OTHER, |(_, known)| known)
}

/// What a reading of a stream is called; `sent`: the unit of its own value.
pub fn of_stream(stream: &Stream, sent: Option<Unit>) -> Concept {
    let known = known(&stream.name);
    let mut coding: Vec<Coding> = known.codes.iter().map(|(code, display)| loinc(code, display)).collect();
    if let Some(main) = known.main {
        coding.extend(of_loinc(&stream.name, main, sent));
    }
    coding.push(Coding { system: "urn:vitalog:stream".to_owned(), code: stream.name.to_string(), display: None });
    Concept { coding, text: None }
}

/// What a field is called; `sent`: the unit it was sent in.
pub fn of_field(stream: &str, field: &str, sent: Option<Unit>) -> Concept {
    let mut coding: Vec<Coding> = of_loinc(stream, field, sent).collect();
    coding.push(Coding { system: "urn:vitalog:field".to_owned(), code: format!("{stream}.{field}"), display: None });
    Concept { coding, text: None }
}

/// A word of an enumeration.
pub fn of_word(stream: &str, field: &str, word: &str) -> Concept {
    let coding = Coding { system: format!("urn:vitalog:word:{stream}.{field}"), code: word.to_owned(), display: None };
    Concept { coding: vec![coding], text: Some(word.replace('_', " ")) }
}

fn of_loinc(stream: &str, field: &str, sent: Option<Unit>) -> impl Iterator<Item = Coding> {
    let fits = move |of: &str| of.is_empty() || sent.is_some_and(|unit| unit.name() == of);
    FIELDS
        .iter()
        .filter(move |(s, f, unit, ..)| *s == stream && *f == field && fits(unit))
        .map(|(.., code, display)| loinc(code, display))
}

fn loinc(code: &str, display: &'static str) -> Coding {
    Coding { system: LOINC.to_owned(), code: code.to_owned(), display: (!display.is_empty()).then_some(display) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last digit of a code checks the others: LOINC has it from mod 10 (Luhn).
    fn is_code(code: &str) -> bool {
        let Some((number, check)) = code.split_once('-') else { return false };
        let double = |(i, c): (usize, char)| {
            let digit = c.to_digit(10).unwrap_or(99);
            if i % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        };
        let sum: u32 = number.chars().rev().enumerate().map(double).sum();
        check.parse() == Ok((10 - sum % 10) % 10)
    }

    #[test]
    fn codes_are_well_formed() {
        let all =
            FIELDS.iter().map(|field| field.3).chain(KNOWN.iter().flat_map(|(_, known)| known.codes.iter().map(|code| code.0)));
        for code in all {
            assert!(is_code(code), "{code}");
        }
        assert!(!is_code("8867-5"));
    }
}
