//! A value held against what its field is declared to hold.

use std::sync::Arc;

use vitalog_elog::{FieldKind, Refusal, TimeOfDay, Value};

use super::limits::Limits;
use super::{near, quantity, wrong_type};
use crate::decode::Scalar;

/// The value of a declared field (of a stream or of the profile).
///
/// # Errors
/// Where the value is of another kind, has the wrong unit, is no declared word, or lies outside the plausible range (in atoms, both ends included).
pub fn admit_value(
    name: &str,
    kind: &FieldKind,
    range: Option<(i64, i64)>,
    said: &Scalar<'_>,
    limits: &Limits,
) -> Result<Value, Refusal> {
    match kind {
        FieldKind::Quantity(unit) => quantity::admit(name, *unit, range, said).map(Value::Quantity),
        FieldKind::Enum(words) => {
            let text = said.text().ok_or_else(|| wrong_type(name, said, "one of its words in quotes"))?;
            match words.iter().position(|word| &**word == text) {
                Some(place) => Ok(Value::Enum(place as u16)),
                None => {
                    let remedy = near::remedy(text, words.iter().map(|w| &**w), "words");
                    Err(Refusal::of("unknown_word", name, text, "it is none of the declared words", remedy))
                }
            }
        }
        FieldKind::Text => {
            let text = said.text().ok_or_else(|| wrong_type(name, said, "text in quotes"))?;
            if text.len() > limits.text_bytes {
                let message = format!("the text has {} bytes", text.len());
                return Err(Refusal::of("too_long", name, text, message, format!("send at most {} bytes", limits.text_bytes)));
            }
            if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                let remedy = "send plain text; of control characters only line feed and tab may stand in it";
                return Err(Refusal::of("control_character", name, text, "the text holds a control character", remedy));
            }
            Ok(Value::Text(Arc::from(text)))
        }
        FieldKind::Bool => match said {
            Scalar::Bool(b) => Ok(Value::Bool(*b)),
            Scalar::Cell(text) if matches!(&**text, "true" | "false") => Ok(Value::Bool(text == "true")),
            other => Err(wrong_type(name, other, "true or false")),
        },
        FieldKind::TimeOfDay => {
            let text = said.text().ok_or_else(|| wrong_type(name, said, "a time of day in quotes, such as \"22:00\""))?;
            TimeOfDay::parse(text).map(Value::TimeOfDay).ok_or_else(|| {
                let remedy = "send hours and minutes from 00:00 to 23:59, such as \"22:00\"";
                Refusal::of("bad_time_of_day", name, text, "it is no time of day", remedy)
            })
        }
    }
}
