//! Native JSON: an array of readings, a single one, or one per line.
//!
//! A body that is one document is read as a whole or refused as a whole: after an error in its form nobody can say what the rest was meant to be.
//! Lines stand for themselves: a bad one is refused alone. Values are taken over as text; nesting is skipped without recursion, so depth costs nothing.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use vitalog_elog::Refusal;

use super::raw::{Item, MAX_NAMES, RawReading, Scalar};

/// The longest line that is looked at, in bytes.
pub const MAX_LINE: usize = 256 * 1024;

/// A JSON array of readings, or a single reading.
///
/// # Errors
/// Where the body is not one JSON document of that form.
pub fn document(body: &[u8]) -> Result<Vec<Item<'_>>, Refusal> {
    let first = body.iter().position(|b| !b.is_ascii_whitespace());
    let elements = match first.map(|i| body[i]) {
        None => return Err(empty()),
        Some(b'[') => serde_json::from_slice::<Vec<&RawValue>>(body).map_err(|e| malformed(&e, true))?,
        _ => vec![serde_json::from_slice::<&RawValue>(body).map_err(|e| malformed(&e, true))?],
    };
    let mut lines = LineCounter::new(body);
    let items = elements.iter().enumerate().map(|(index, element)| {
        let text = element.get();
        Item { index, line: lines.line_of(text.as_bytes()), bytes: text.as_bytes(), reading: object(text.as_bytes()) }
    });
    Ok(items.collect())
}

/// One reading per line. Empty lines are passed over.
pub fn lines(body: &[u8]) -> impl Iterator<Item = Item<'_>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    split_lines(body).zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty()).enumerate().map(|(index, (bytes, line))| {
        let bytes = bytes.trim_ascii();
        let reading = if bytes.len() > MAX_LINE { Err(too_long(bytes.len())) } else { object(bytes) };
        Item { index, line, bytes, reading }
    })
}

/// What stands between line feeds; as `split`, but many bytes at a time.
fn split_lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut begin = 0;
    memchr::memchr_iter(b'\n', body).chain(std::iter::once(body.len())).map(move |end| {
        let line = &body[begin..end];
        begin = end + 1;
        line
    })
}

/// One reading. `null` says the same as leaving the name out.
///
/// # Errors
/// Where the bytes are not a JSON object, name something twice, or have too many names.
pub fn object(bytes: &[u8]) -> Result<RawReading<'_>, Refusal> {
    let mut reading = RawReading::default();
    for (name, value) in told_once(bytes)? {
        if let Some(value) = scalar(value)? {
            reading.set(name, value);
        }
    }
    Ok(reading)
}

/// A member of an object: its name and its value, `None` for `null`.
pub type Member<'a> = (Cow<'a, str>, Option<Scalar<'a>>);

/// The members of a JSON object in their order.
///
/// # Errors
/// As [`object`].
pub fn members(bytes: &[u8]) -> Result<Vec<Member<'_>>, Refusal> {
    told_once(bytes)?.into_iter().map(|(name, value)| Ok((name, scalar(value)?))).collect()
}

/// The members of a JSON object, none of which has the name of another.
fn told_once(bytes: &[u8]) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Refusal> {
    let Members(members) = serde_json::from_slice(bytes).map_err(|e| malformed(&e, false))?;
    if members.len() > MAX_NAMES {
        let message = format!("an object with {} names", members.len());
        return Err(Refusal::whole("too_many_fields", message, format!("send at most {MAX_NAMES}")));
    }
    let is_former = |i: usize, name: &str| members[..i].iter().any(|(former, _)| former == name);
    if let Some((_, (name, _))) = members.iter().enumerate().find(|(i, (name, _))| is_former(*i, name)) {
        return Err(Refusal {
            code: "duplicate_key".to_owned(),
            field: Some(name.chars().take(80).collect()),
            value: None,
            message: "the name stands twice in one object".to_owned(),
            remedy: "say it once: two values of one name contradict each other".to_owned(),
        });
    }
    Ok(members)
}

/// The members of an object in their order, repeated names included.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reading, which is a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visit)
    }
}

/// `None` for `null`.
fn scalar(value: &RawValue) -> Result<Option<Scalar<'_>>, Refusal> {
    let text = value.get();
    Ok(Some(match text.as_bytes().first() {
        Some(b'"') if !text.contains('\\') => Scalar::Text(Cow::Borrowed(&text[1..text.len() - 1])),
        Some(b'"') => Scalar::Text(Cow::Owned(serde_json::from_str(text).map_err(|e| malformed(&e, false))?)),
        Some(b't') => Scalar::Bool(true),
        Some(b'f') => Scalar::Bool(false),
        Some(b'n') => return Ok(None),
        Some(b'{' | b'[') => Scalar::Nested,
        _ => Scalar::Number(Cow::Borrowed(text)),
    }))
}

pub(super) fn empty() -> Refusal {
    Refusal::whole("empty_body", "the body is empty", "send at least one reading")
}

fn too_long(bytes: usize) -> Refusal {
    Refusal::whole(
        "line_too_long",
        format!("a line of {bytes} bytes"),
        format!("send readings of at most {MAX_LINE} bytes, one per line"),
    )
}

fn malformed(error: &serde_json::Error, whole_body: bool) -> Refusal {
    let told = error.to_string();
    let what = told.rsplit_once(" at line ").map_or(told.as_str(), |(what, _)| what);
    let place = match (whole_body, error.line(), error.column()) {
        (_, 0, _) => String::new(),
        (true, line, column) => format!(" at line {line}, column {column}"),
        (false, _, column) => format!(" at column {column}"),
    };
    let remedy = if what.contains("trailing characters") && whole_body {
        "for one reading per line send the content type application/x-ndjson"
    } else {
        "send a JSON object such as {\"subject\":\"p-001\",\"stream\":\"bg\",\"at\":\"2026-11-20T08:00:00Z\",\"value\":\"6.1 mmol/L\"}"
    };
    Refusal::whole("malformed_json", format!("no valid JSON: {what}{place}"), remedy)
}

/// Lines of pieces of a body, asked in their order.
struct LineCounter<'a> {
    body: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(body: &'a [u8]) -> Self {
        LineCounter { body, counted: 0, line: 1 }
    }

    /// The line on which a piece of the body begins.
    fn line_of(&mut self, piece: &[u8]) -> u64 {
        let start = (piece.as_ptr() as usize).saturating_sub(self.body.as_ptr() as usize).min(self.body.len());
        if start > self.counted {
            self.line += self.body[self.counted..start].iter().filter(|b| **b == b'\n').count() as u64;
            self.counted = start;
        }
        self.line
    }
}
