//! Why somebody was not let in by what the provider said: which part of it, what stood there, and what to do.
//!
//! What stands in it may be logged and shown: addresses, names of programs and algorithms, instants; never a token, a code or whom it is about.

use std::fmt;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Such as `id_token.aud`.
    pub field: &'static str,
    /// Empty where it is secret, or nobody's business.
    pub value: String,
    pub why: String,
    pub remedy: &'static str,
}

impl Refused {
    pub fn of(field: &'static str, value: impl fmt::Display, why: impl Into<String>, remedy: &'static str) -> Refused {
        Refused { field, value: shown(&value.to_string()), why: why.into(), remedy }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.value {
            "" => write!(f, "{}: {}; {}", self.field, self.why, self.remedy),
            value => write!(f, "{}: {value:?}: {}; {}", self.field, self.why, self.remedy),
        }
    }
}

impl std::error::Error for Refused {}

/// As much of what another program said as a line of a log bears.
fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let plain = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut cut: String = plain.take(MOST).collect();
    if cut.len() < text.len() && text.chars().count() > MOST {
        cut.push('…');
    }
    cut
}
