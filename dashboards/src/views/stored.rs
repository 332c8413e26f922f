//! How a revision of a reading lies in a row: as few bytes as its content needs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use vitalog_elog::{Content, Reading, Time, Unit, Value, When};

use super::error::ViewsError;

/// Where an interval that goes on stands in its stream: after everything that has an instant.
pub const ONGOING: i64 = i64::MAX;

/// All of a revision but subject, stream, id and instant, which are columns.
#[derive(Serialize, Deserialize)]
pub struct Stored<'a> {
    pub rev: u32,
    /// The offset of the input that brought it.
    pub record: u64,
    /// Its acceptance, in microseconds.
    pub arrival: i64,
    #[serde(borrow)]
    pub given: Option<Cow<'a, str>>,
    /// `None`: this revision says that the reading is removed.
    #[serde(borrow)]
    pub content: Option<StoredContent<'a>>,
}

#[derive(Serialize, Deserialize)]
pub struct StoredContent<'a> {
    /// An interval's start; `None` for an instant.
    pub start: Option<i64>,
    pub values: Cow<'a, [Option<Value>]>,
    #[serde(borrow)]
    pub source: Option<Cow<'a, str>>,
    pub seq: Option<u64>,
}

/// The place of a reading in its stream: its instant, or [`ONGOING`].
pub fn place(when: When) -> i64 {
    when.instant().map_or(ONGOING, |t| t.0)
}

impl<'a> Stored<'a> {
    pub fn of(reading: &'a Reading, record: u64, arrival: Time) -> Stored<'a> {
        Stored {
            rev: reading.rev,
            record,
            arrival: arrival.0,
            given: reading.given.as_deref().map(Cow::Borrowed),
            content: reading.content.as_ref().map(StoredContent::of),
        }
    }

    /// Writes itself over what the buffer held.
    pub fn encode(&self, buffer: &mut Vec<u8>) -> Result<(), ViewsError> {
        buffer.clear();
        let taken = std::mem::take(buffer);
        *buffer = postcard::to_extend(self, taken).map_err(|_| ViewsError::Damaged("a reading could not be encoded"))?;
        Ok(())
    }

    pub fn decode(bytes: &'a [u8]) -> Result<Stored<'a>, ViewsError> {
        let stored: Stored<'a> = postcard::from_bytes(bytes).map_err(|_| ViewsError::Damaged("the row of a reading"))?;
        let known = |v: &Option<Value>| match v {
            Some(Value::Quantity(amount)) => Unit::from_index(amount.unit.index()).is_some(),
            _ => true,
        };
        match &stored.content {
            Some(content) if !content.values.iter().all(known) => Err(ViewsError::Damaged("the unit of a reading")),
            _ => Ok(stored),
        }
    }
}

impl<'a> StoredContent<'a> {
    fn of(content: &'a Content) -> StoredContent<'a> {
        StoredContent {
            start: match content.when {
                When::At(_) => None,
                When::During { start, .. } => Some(start.0),
            },
            values: Cow::Borrowed(&content.values),
            source: content.source.as_deref().map(Cow::Borrowed),
            seq: content.seq,
        }
    }

    /// Whether both say the same where they stand at the same place: an amount by what it is, not by how it was written, and whoever sent it.
    pub fn says_the_same(&self, other: &StoredContent<'_>) -> bool {
        let meaning = |content: &StoredContent<'_>, i: usize| match content.values.get(i) {
            Some(Some(Value::Quantity(amount))) => Some(Err(amount.atoms())),
            Some(Some(other)) => Some(Ok(other.clone())),
            _ => None,
        };
        let fields = self.values.len().max(other.values.len());
        self.start == other.start && (0..fields).all(|i| meaning(self, i) == meaning(other, i))
    }

    /// When it happened, given the place it stands at.
    pub fn when(&self, place: i64) -> When {
        match self.start {
            None => When::At(Time(place)),
            Some(start) => When::During { start: Time(start), end: (place != ONGOING).then_some(Time(place)) },
        }
    }
}
