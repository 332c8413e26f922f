//! What the codes of the rows mean, by the data set's own list (`Data-Codes`), and what its values become.
//!
//! *Which insulin is what.* Regular insulin is taken before meals (the data set's description has it begin in 15 to 45 minutes and last 4 to 6 hours): a
//! bolus. NPH (10 to 14 hours) and UltraLente (24 to 30 hours, hardly a peak) are taken once or twice a day and carry the hours between: basal. Whether
//! a dose of regular insulin also corrected a high is not said, so none is called a correction.

use std::borrow::Cow;

use vitalog_elog::Refusal;

use super::super::raw::Scalar;

/// A code that the list has.
#[derive(Clone, Copy)]
pub(super) enum Code {
    /// The kind of medication, and its drug.
    Insulin(&'static str, &'static str),
    /// Before or after which meal, where it is said.
    Glucose(Option<&'static str>),
    HypoglycaemicSymptoms,
    /// What it was, and how much of it compared with what is usual.
    Diary(&'static str, Option<&'static str>),
}

impl Code {
    pub fn read(code: &str) -> Result<Code, Refusal> {
        Ok(match code {
            "33" => Code::Insulin("bolus", "regular"),
            "34" => Code::Insulin("basal", "NPH"),
            "35" => Code::Insulin("basal", "UltraLente"),
            "48" | "57" => Code::Glucose(None),
            "58" => Code::Glucose(Some("before_breakfast")),
            "59" => Code::Glucose(Some("after_breakfast")),
            "60" => Code::Glucose(Some("before_lunch")),
            "61" => Code::Glucose(Some("after_lunch")),
            "62" => Code::Glucose(Some("before_supper")),
            "63" => Code::Glucose(Some("after_supper")),
            "64" => Code::Glucose(Some("before_snack")),
            "65" => Code::HypoglycaemicSymptoms,
            "66" => Code::Diary("meal", Some("usual")),
            "67" => Code::Diary("meal", Some("more")),
            "68" => Code::Diary("meal", Some("less")),
            "69" => Code::Diary("exercise", Some("usual")),
            "70" => Code::Diary("exercise", Some("more")),
            "71" => Code::Diary("exercise", Some("less")),
            "72" => Code::Diary("event", None),
            other => {
                let message = "the data set's list of codes does not have it";
                return Err(Refusal::of("unknown_code", "code", other, message, "it is one of 33 to 35, 48 and 57 to 72"));
            }
        })
    }

    pub fn stream(self) -> &'static str {
        match self {
            Code::Insulin(..) => "medication",
            Code::Glucose(_) => "bg",
            Code::HypoglycaemicSymptoms => "symptom",
            Code::Diary(..) => "diary",
        }
    }

    /// The fields of the reading.
    ///
    /// # Errors
    /// Where the value is none that such a row has. Whether an amount is plausible is for the stream's declaration to say.
    pub fn fields(self, value: &str) -> Result<Vec<(&'static str, Scalar<'static>)>, Refusal> {
        Ok(match self {
            Code::Insulin(kind, drug) => vec![("kind", word(kind)), ("drug", word(drug)), ("amount", quantity(value, "U")?)],
            Code::Glucose(context) => {
                let context = context.map(|context| ("context", word(context)));
                [("value", quantity(value, "mg/dL")?)].into_iter().chain(context).collect()
            }
            Code::HypoglycaemicSymptoms => {
                nothing(value)?;
                vec![("what", word("hypoglycaemia"))]
            }
            Code::Diary(what, amount) => {
                nothing(value)?;
                let amount = amount.map(|amount| ("amount", word(amount)));
                [("what", word(what))].into_iter().chain(amount).collect()
            }
        })
    }
}

/// A number of a unit, as the native form writes it.
fn quantity(value: &str, unit: &str) -> Result<Scalar<'static>, Refusal> {
    if value.is_empty() {
        return Err(Refusal::of("missing", "value", value, "the row has no value", "fill it in, or leave the row out"));
    }
    let message = match value.trim_start_matches('0').to_ascii_lowercase().as_str() {
        "hi" => "the meter showed that it was more than it can measure, and no number",
        "lo" => "the meter showed that it was less than it can measure, and no number",
        // Whatever stands behind the digits, it must not come to be read as their unit.
        _ if !value.bytes().all(|b| b.is_ascii_digit() || b == b'.') => "it is no number",
        _ => return Ok(Scalar::Text(Cow::Owned(format!("{value} {unit}")))),
    };
    Err(Refusal::of("not_a_number", "value", value, message, "no number is put in its place: see what the diary says"))
}

/// An event has no value: the data set writes 0, with one digit or three.
fn nothing(value: &str) -> Result<(), Refusal> {
    if !value.is_empty() && value.bytes().all(|b| b == b'0') {
        return Ok(());
    }
    Err(Refusal::of(
        "out_of_range",
        "value",
        value,
        "an event's value is 0, and what another one means is not written anywhere",
        "write 0",
    ))
}

fn word(word: &'static str) -> Scalar<'static> {
    Scalar::Text(Cow::Borrowed(word))
}
