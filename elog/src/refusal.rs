//! Why something was refused: which field, which value, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A refusal that a person can act upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable name (`out_of_range`, `unknown_stream`, …).
    pub code: String,
    /// The field at fault (`value`, `at`, `systolic`), where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What was found, shortened where it is long.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// A lower-case sentence that says what is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Refusal {
    /// A refusal of a field's value. The value is cut to 80 characters, and control characters are escaped.
    pub fn of(code: &str, field: &str, value: &str, message: impl Into<String>, remedy: impl Into<String>) -> Refusal {
        Refusal {
            code: code.to_owned(),
            field: Some(field.to_owned()),
            value: Some(shorten(value)),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// A refusal of the whole.
    pub fn whole(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Refusal {
        Refusal { code: code.to_owned(), field: None, value: None, message: message.into(), remedy: remedy.into() }
    }
}

fn shorten(value: &str) -> String {
    const LONGEST: usize = 80;
    let mut out: String = value.chars().take(LONGEST).flat_map(escape).collect();
    if value.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

fn escape(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(value) = &self.value {
            write!(f, " (got {value:?})")?;
        }
        write!(f, "; {}", self.remedy)
    }
}

impl std::error::Error for Refusal {}
