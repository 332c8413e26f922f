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

    /// The bytes that stand for what it says: stream, time, source, and each value in atoms, so that 110 mg/dL is the same content
    /// however many zeros it was written with. `seq` counts sendings, not content.
    fn canonical(&self, stream_name: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        put_text(&mut out, stream_name);
        match self.when {
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
        put_text(&mut out, self.source.as_deref().unwrap_or(""));
        // Trailing absent values are left out: a schema that grew must not change the hash of what was said before.
        let said = self.values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        for value in &self.values[..said] {
            match value {
                None => out.push(0),
                Some(Value::Quantity(amount)) => {
                    out.push(1);
                    out.extend_from_slice(&amount.atoms().to_le_bytes());
                }
                Some(Value::Enum(i)) => {
                    out.push(2);
                    out.extend_from_slice(&i.to_le_bytes());
                }
                Some(Value::Text(text)) => {
                    out.push(3);
                    put_text(&mut out, text);
                }
                Some(Value::Bool(b)) => out.extend_from_slice(&[4, u8::from(*b)]),
                Some(Value::TimeOfDay(t)) => {
                    out.push(5);
                    out.extend_from_slice(&t.minutes().to_le_bytes());
                }
            }
        }
        out
    }
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
