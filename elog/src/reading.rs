//! A reading and its revisions.
//!
//! INVARIANT (revisions commute): of all revisions of one id, the current one is the greatest by (`rev`, `hash`). It does not matter
//! in which order they came, and a revision or a removal may come before its original.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{ReadingId, Subject, digest_of};
use crate::quantity::Amount;
use crate::schema::{Schema, StreamIx};
use crate::time::Time;
use crate::time_of_day::TimeOfDay;

/// One revision of one reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub subject: Subject,
    pub id: ReadingId,
    /// The name its sender gave it; `None` where the id is derived from the content.
    pub given: Option<Arc<str>>,
    /// 1 for a first sending that says nothing else.
    pub rev: u32,
    /// Of the content, or of the fact that it is removed.
    pub hash: u128,
    /// `None`: this revision says that the reading is removed.
    pub content: Option<Content>,
}

/// What a reading says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub stream: StreamIx,
    pub when: When,
    /// One place per declared field, in their order; a schema that grew since leaves the rest off.
    pub values: Box<[Option<Value>]>,
    /// The device or app that sent it.
    pub source: Option<Arc<str>>,
    /// Its count at the source, to see gaps by.
    pub seq: Option<u64>,
}

/// When it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum When {
    At(Time),
    /// `end` is `None` while it goes on.
    During {
        start: Time,
        end: Option<Time>,
    },
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Exact, and as sent.
    Quantity(Amount),
    /// The place of the word in the field's declaration.
    Enum(u16),
    Text(Arc<str>),
    Bool(bool),
    /// Only of the profile.
    TimeOfDay(TimeOfDay),
}

/// A value as it counts for what a reading says, whatever it was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atoms<'a> {
    Quantity(i64),
    Enum(u16),
    Text(&'a str),
    Bool(bool),
    TimeOfDay(TimeOfDay),
}

impl When {
    /// The instant that orders it on the timeline: an interval stands at its end. `None` while it goes on.
    pub fn instant(self) -> Option<Time> {
        match self {
            When::At(t) => Some(t),
            When::During { end, .. } => end,
        }
    }

    pub fn start(self) -> Time {
        match self {
            When::At(t) => t,
            When::During { start, .. } => start,
        }
    }
}

impl Reading {
    /// A present revision. Without a given name the id is derived from subject, stream, time, source and content.
    pub fn present(subject: Subject, given: Option<Arc<str>>, rev: u32, stream_name: &str, content: Content) -> Reading {
        let mut bytes = content.canonical(stream_name);
        let hash = digest_of(&bytes);
        let id = match &given {
            Some(text) => ReadingId::given(text),
            None => derived_id(&mut bytes, &subject),
        };
        Reading { subject, id, given, rev, hash, content: Some(content) }
    }

    /// A revision that removes the reading of that name.
    pub fn removal(subject: Subject, given: Arc<str>, rev: u32) -> Reading {
        let id = ReadingId::given(&given);
        Reading { subject, id, given: Some(given), rev, hash: digest_of(b"removed"), content: None }
    }

    /// What orders the revisions of one id: the greatest is current.
    pub fn revision(&self) -> (u32, u128) {
        (self.rev, self.hash)
    }
}

impl Content {
    /// The further subjects it names: on their timelines the reading is seen too. What cannot be a subject's name names nobody.
    pub fn further_subjects(&self, schema: &Schema) -> Vec<Subject> {
        let Some(stream) = schema.streams.get(usize::from(self.stream.0)) else { return Vec::new() };
        let named = stream.also_by.iter().filter_map(|field| match self.values.get(usize::from(field.0)) {
            Some(Some(Value::Text(name))) if Subject::is_valid(name) => Some(Subject::new(name)),
            _ => None,
        });
        let mut all: Vec<Subject> = named.collect();
        all.sort();
        all.dedup();
        all
    }

    /// The id of a reading that was given no name.
    pub fn derived_id(&self, subject: &Subject, stream_name: &str) -> ReadingId {
        derived_id(&mut self.canonical(stream_name), subject)
    }

    /// The bytes that stand for what it says.
    fn canonical(&self, stream_name: &str) -> Vec<u8> {
        let atoms = self.values.iter().map(|value| value.as_ref().map(Value::atoms));
        canonical(stream_name, self.when, self.source.as_deref(), atoms)
    }
}

impl Value {
    fn atoms(&self) -> Atoms<'_> {
        match self {
            Value::Quantity(amount) => Atoms::Quantity(amount.atoms()),
            Value::Enum(place) => Atoms::Enum(*place),
            Value::Text(text) => Atoms::Text(text),
            Value::Bool(b) => Atoms::Bool(*b),
            Value::TimeOfDay(time) => Atoms::TimeOfDay(*time),
        }
    }
}

/// The hash of a content that says this: the one that [`Reading::present`] gives it. For who keeps what a reading says, and not the reading.
pub fn content_hash<'a>(
    stream_name: &str,
    when: When,
    source: Option<&str>,
    values: impl Iterator<Item = Option<Atoms<'a>>>,
) -> u128 {
    digest_of(&canonical(stream_name, when, source, values))
}

/// The bytes that stand for a content: stream, time, source, and each value in atoms, so that 110 mg/dL is the same content
/// however many zeros it was written with. `seq` counts sendings, not content.
#[inline]
fn canonical<'a>(
    stream_name: &str,
    when: When,
    source: Option<&str>,
    values: impl Iterator<Item = Option<Atoms<'a>>>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    put_text(&mut out, stream_name);
    match when {
        When::At(t) => {
            out.push(0);
            out.extend_from_slice(&t.0.to_le_bytes());
        }
        When::During { start, end } => {
            out.push(if end.is_some() { 2 } else { 1 });
            out.extend_from_slice(&start.0.to_le_bytes());
            out.extend_from_slice(&end.unwrap_or_default().0.to_le_bytes());
        }
    }
    put_text(&mut out, source.unwrap_or(""));
    // Trailing absent values are left out: a schema that grew must not change the hash of what was said before.
    let mut absent = 0;
    for value in values {
        let Some(value) = value else {
            absent += 1;
            continue;
        };
        out.resize(out.len() + std::mem::take(&mut absent), 0);
        match value {
            Atoms::Quantity(atoms) => {
                out.push(1);
                out.extend_from_slice(&atoms.to_le_bytes());
            }
            Atoms::Enum(place) => {
                out.push(2);
                out.extend_from_slice(&place.to_le_bytes());
            }
            Atoms::Text(text) => {
                out.push(3);
                put_text(&mut out, text);
            }
            Atoms::Bool(b) => out.extend_from_slice(&[4, u8::from(b)]),
            Atoms::TimeOfDay(time) => {
                out.push(5);
                out.extend_from_slice(&time.minutes().to_le_bytes());
            }
        }
    }
    out
}

/// Of the canonical bytes of a content, and of whom it is.
fn derived_id(bytes: &mut Vec<u8>, subject: &Subject) -> ReadingId {
    put_text(bytes, subject.as_str());
    ReadingId(digest_of(bytes))
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
