//! Names and numbers that every reading may have: subject, id, revision, source, sequence.
//!
//! What may name a subject or a reading is safe in a path, a log line, a header and a file name, so it is refused here and escaped nowhere.

use std::sync::Arc;

use vitalog_elog::{Refusal, Subject};

use super::{missing, wrong_type};
use crate::decode::Scalar;

/// The longest name of a source, in bytes.
const MAX_SOURCE: usize = 128;

const SAFE: &str = "use 1 to 64 letters, digits and any of . _ : @ ~ -, not beginning with a dot";

pub(super) fn subject(said: Option<&Scalar<'_>>) -> Result<Subject, Refusal> {
    let said = said.ok_or_else(|| missing("subject", "say whom the reading is about"))?;
    let text = said.text().ok_or_else(|| wrong_type("subject", said, "a name in quotes"))?;
    if !Subject::is_valid(text) {
        return Err(Refusal::of("bad_subject", "subject", text, "it can't name a subject", SAFE));
    }
    Ok(Subject::new(text))
}

pub(super) fn given(said: &Scalar<'_>) -> Result<Arc<str>, Refusal> {
    let text = match said {
        // A bare number is a name too: many devices count their readings.
        Scalar::Text(text) | Scalar::Cell(text) | Scalar::Number(text) => text,
        _ => return Err(wrong_type("id", said, "a name in quotes")),
    };
    if !Subject::is_valid(text) {
        return Err(Refusal::of("bad_id", "id", text, "it can't name a reading", SAFE));
    }
    Ok(Arc::from(&**text))
}

pub(super) fn rev(said: &Scalar<'_>) -> Result<u32, Refusal> {
    let text = digits(said).ok_or_else(|| wrong_type("rev", said, "a whole number from 1 on"))?;
    match text.parse::<u32>() {
        Ok(0) => Err(Refusal::of(
            "bad_rev",
            "rev",
            text,
            "there is no revision 0",
            "the first sending has revision 1; each change one more",
        )),
        Ok(rev) => Ok(rev),
        Err(_) => {
            Err(Refusal::of("bad_rev", "rev", text, "it is too large for a revision", "count changes by one, up to 4294967295"))
        }
    }
}

pub(super) fn seq(said: &Scalar<'_>) -> Result<u64, Refusal> {
    let text = digits(said).ok_or_else(|| wrong_type("seq", said, "a whole number from 0 on"))?;
    text.parse().map_err(|_| {
        Refusal::of("out_of_range", "seq", text, "it is too large for a sequence number", "it is at most 18446744073709551615")
    })
}

pub(super) fn removed(said: Option<&Scalar<'_>>) -> Result<bool, Refusal> {
    match said {
        None | Some(Scalar::Bool(false)) => Ok(false),
        Some(Scalar::Bool(true)) => Ok(true),
        Some(Scalar::Cell(text)) if text == "true" => Ok(true),
        Some(Scalar::Cell(text)) if text == "false" => Ok(false),
        Some(other) => Err(wrong_type("removed", other, "true or false")),
    }
}

pub(super) fn source(said: &Scalar<'_>) -> Result<Arc<str>, Refusal> {
    let text = said.text().ok_or_else(|| wrong_type("source", said, "a name in quotes"))?;
    let fits = (1..=MAX_SOURCE).contains(&text.len()) && !text.chars().any(char::is_control) && text.trim() == text;
    if !fits {
        let remedy = "use 1 to 128 bytes of text without control characters, such as g7/8J2K";
        return Err(Refusal::of("bad_source", "source", text, "it can't name a source", remedy));
    }
    Ok(Arc::from(text))
}

fn digits<'a>(said: &'a Scalar<'_>) -> Option<&'a str> {
    match said {
        Scalar::Number(text) | Scalar::Cell(text) => {
            Some(&**text).filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))
        }
        _ => None,
    }
}
