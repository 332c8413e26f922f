//! A raw reading: what a sender said, word for word, before it is held against any declaration.
//!
//! INVARIANT (digits): a number is kept as the text it was written in. No float is made on the way from the wire to an exact amount.

use std::borrow::Cow;
use std::fmt::Write;

use vitalog_elog::{Refusal, Time};

/// One reading of a body, or why it is none.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Its place among the readings of the body, from 0.
    pub index: usize,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The bytes it was read from; none where it was put together from columns (see [`Item::as_sent`]).
    pub bytes: &'a [u8],
    pub reading: Result<RawReading<'a>, Refusal>,
}

impl Item<'_> {
    /// What to keep of it: its bytes, or the reading as a line of JSON where it has none of its own.
    pub fn as_sent(&self) -> Cow<'_, [u8]> {
        match &self.reading {
            Ok(raw) if self.bytes.is_empty() => Cow::Owned(raw.to_json().into_bytes()),
            _ => Cow::Borrowed(self.bytes),
        }
    }
}

/// What a sender said of one reading. The names are those of the native form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawReading<'a> {
    pub subject: Option<Scalar<'a>>,
    pub stream: Option<Scalar<'a>>,
    pub at: Option<Scalar<'a>>,
    pub start: Option<Scalar<'a>>,
    pub end: Option<Scalar<'a>>,
    pub id: Option<Scalar<'a>>,
    pub rev: Option<Scalar<'a>>,
    pub removed: Option<Scalar<'a>>,
    pub source: Option<Scalar<'a>>,
    pub seq: Option<Scalar<'a>>,
    /// All other names, in the order they came.
    pub fields: Vec<(Cow<'a, str>, Scalar<'a>)>,
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A JSON number, by its text.
    Number(Cow<'a, str>),
    /// A JSON string.
    Text(Cow<'a, str>),
    /// A cell of a table: its form does not say whether it is a number, a word or a time.
    Cell(Cow<'a, str>),
    Bool(bool),
    /// An array or an object, where none may stand.
    Nested,
    /// An instant that an importer has already worked out.
    Instant(Time),
}

/// The most names that one reading may have.
pub(super) const MAX_NAMES: usize = 128;

impl<'a> RawReading<'a> {
    /// Sets what `name` stands for. The caller sees to it that no name comes twice.
    pub(super) fn set(&mut self, name: Cow<'a, str>, value: Scalar<'a>) {
        let slot = match &*name {
            "subject" => &mut self.subject,
            "stream" => &mut self.stream,
            "at" => &mut self.at,
            "start" => &mut self.start,
            "end" => &mut self.end,
            "id" => &mut self.id,
            "rev" => &mut self.rev,
            "removed" => &mut self.removed,
            "source" => &mut self.source,
            "seq" => &mut self.seq,
            _ => return self.fields.push((name, value)),
        };
        *slot = Some(value);
    }

    /// As one line of native NDJSON, without the line's end.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(128);
        out.push('{');
        let known = [
            ("subject", &self.subject),
            ("stream", &self.stream),
            ("at", &self.at),
            ("start", &self.start),
            ("end", &self.end),
            ("id", &self.id),
            ("rev", &self.rev),
            ("removed", &self.removed),
            ("source", &self.source),
            ("seq", &self.seq),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                put_member(&mut out, name, value);
            }
        }
        for (name, value) in &self.fields {
            put_member(&mut out, name, value);
        }
        out.push('}');
        out
    }
}

impl<'a> Scalar<'a> {
    /// What it reads as, for a refusal to show.
    pub fn shown(&self) -> Cow<'_, str> {
        match self {
            Scalar::Number(text) | Scalar::Text(text) | Scalar::Cell(text) => Cow::Borrowed(text),
            Scalar::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Scalar::Nested => Cow::Borrowed("an array or object"),
            Scalar::Instant(t) => Cow::Owned(t.to_string()),
        }
    }

    /// The text of a JSON string or a cell.
    pub fn text(&self) -> Option<&str> {
        match self {
            Scalar::Text(text) | Scalar::Cell(text) => Some(text),
            _ => None,
        }
    }
}

fn put_member(out: &mut String, name: &str, value: &Scalar<'_>) {
    if out.len() > 1 {
        out.push(',');
    }
    put_string(out, name);
    out.push(':');
    match value {
        Scalar::Number(text) => out.push_str(text),
        Scalar::Cell(text) if is_json_number(text) => out.push_str(text),
        Scalar::Text(text) | Scalar::Cell(text) => put_string(out, text),
        Scalar::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Scalar::Nested => out.push_str("[]"),
        Scalar::Instant(t) => put_string(out, &t.to_string()),
    }
}

/// Whether a cell can stand in JSON as a number, digit for digit.
fn is_json_number(text: &str) -> bool {
    text.len() <= 64 && !text.starts_with('"') && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

fn put_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a String cannot fail.
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
