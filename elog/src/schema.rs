//! What a stream's readings look like: its fields, their units and plausible ranges, and how often readings are expected.
//!
//! INVARIANT (append only): the place of a stream in a [`Schema`], and of a field in its stream, never changes during the life of a data
//! directory. Later declarations add at the end; a change of kind is refused. So an index means the same in every snapshot.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::quantity::Unit;
use crate::time::Span;

/// The place of a stream in its schema.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct StreamIx(pub u16);

/// The place of a field in its stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct FieldIx(pub u16);

/// All declared streams.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    pub streams: Vec<Stream>,
}

/// One declared stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    pub name: Arc<str>,
    pub shape: Shape,
    pub fields: Vec<Field>,
    /// Of each pair the first must be greater than the second where both are said (`check systolic > diastolic`); else the reading is refused.
    /// Both are quantities of one dimension.
    pub checks: Vec<(FieldIx, FieldIx)>,
    /// How often a reading is expected (`every 5 min`).
    pub every: Option<Span>,
    /// After how long without one the stream counts as silent.
    pub silent_after: Option<Span>,
    /// What its subject is (`by guest`), where that is said.
    pub by: Option<Arc<str>>,
    /// Text fields that name further subjects, on whose timelines its readings are seen too (`also by card`). For the life of a data directory.
    pub also_by: Vec<FieldIx>,
    pub doc: Option<Arc<str>>,
}

/// Whether a reading happens at an instant or lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    Instant,
    /// From a start to an end; the end may not be known yet.
    Interval,
}

/// One field of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    pub name: Arc<str>,
    pub kind: FieldKind,
    pub optional: bool,
    /// The least and the greatest plausible value, in atoms, both included. What lies outside is refused.
    pub range: Option<(i64, i64)>,
    /// Within what it usually lies, likewise. What lies outside is taken, and [flagged](super::unusual).
    #[serde(default)]
    pub usual: Option<(i64, i64)>,
    pub doc: Option<Arc<str>>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FieldKind {
    /// A quantity; a bare number is in this unit.
    Quantity(Unit),
    /// One of these words, in their declared order (`light < moderate < vigorous`).
    Enum(Vec<Arc<str>>),
    Text,
    Bool,
    /// Hours and minutes; only of the profile.
    TimeOfDay,
}

impl StreamIx {
    /// Places from here on are findings of rules, seen as readings by other rules. No reading is sent under them.
    pub const DERIVED: u16 = 0x8000;

    /// The place among the derived streams, if it is one.
    pub fn derived(self) -> Option<usize> {
        self.0.checked_sub(StreamIx::DERIVED).map(usize::from)
    }
}

impl Schema {
    pub fn stream(&self, name: &str) -> Option<StreamIx> {
        self.streams.iter().position(|s| &*s.name == name).map(|i| StreamIx(i as u16))
    }

    pub fn get(&self, ix: StreamIx) -> &Stream {
        &self.streams[usize::from(ix.0)]
    }

    /// Whether the readings of any stream are seen under several subjects.
    pub fn shares(&self) -> bool {
        self.streams.iter().any(|s| !s.also_by.is_empty())
    }

    pub fn iter(&self) -> impl Iterator<Item = (StreamIx, &Stream)> {
        self.streams.iter().enumerate().map(|(i, s)| (StreamIx(i as u16), s))
    }
}

impl Stream {
    pub fn field(&self, name: &str) -> Option<FieldIx> {
        self.fields.iter().position(|f| &*f.name == name).map(|i| FieldIx(i as u16))
    }

    pub fn get(&self, ix: FieldIx) -> &Field {
        &self.fields[usize::from(ix.0)]
    }

    pub fn is_interval(&self) -> bool {
        self.shape == Shape::Interval
    }
}
