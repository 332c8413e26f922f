//! The bytes of a group. Three formats are read, by the first byte: [`v1`], in clear; [`sealed`], which is the one that is written; and [`split`], which is written where the home has partitions.
//!
//! The mirror types of each are the format. Changing one is a new version beside them; tests hold their bytes.

#[cfg(test)]
mod fuzz;
mod names;
mod sealed;
mod split;
mod stored;
mod v1;

use vitalog_elog::{Entry, Input, Schema, Subject, Time};

use super::error::JournalError;
use super::home::Placing;
use crate::keys::{KeyId, Keys};

pub(super) use sealed::subjects_without_key;
#[cfg(feature = "kafka")]
pub(super) use split::cuts;

use sealed::Outline;
use split::SPLIT;

/// The first byte of a payload that is written now.
pub const PAYLOAD_VERSION: u8 = 2;
/// The first byte of a payload in clear.
const IN_CLEAR: u8 = 1;

/// What an input is of, as far as it can be told without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Reading,
    Profile,
    Rules,
    Command,
    Receipt,
    DeadLetter,
    Tick,
    /// From format 3 on.
    Mending,
    /// From format 4 on.
    Once,
    /// From format 5 on.
    Sent,
}

impl Kind {
    /// In the order of their numbers in the file, which are for ever.
    pub const ALL: [Kind; 10] = [
        Kind::Reading,
        Kind::Profile,
        Kind::Rules,
        Kind::Command,
        Kind::Receipt,
        Kind::DeadLetter,
        Kind::Tick,
        Kind::Mending,
        Kind::Once,
        Kind::Sent,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Reading => "reading",
            Kind::Profile => "profile",
            Kind::Rules => "rules",
            Kind::Command => "command",
            Kind::Receipt => "receipt",
            Kind::DeadLetter => "dead_letter",
            Kind::Tick => "tick",
            Kind::Mending => "mending",
            Kind::Once => "once",
            Kind::Sent => "sent",
        }
    }
}

/// Where a group stands: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub incarnation: u128,
    pub first: u64,
}

/// Arrival and kind of each entry of a group.
pub(super) type Listed = Vec<(Time, Kind)>;

/// A group's entries, opened as far as they can be.
pub(super) struct Payload {
    outline: Listed,
    body: Body,
}

enum Body {
    Clear(v1::Payload),
    Sealed(sealed::Opened),
    /// Of each entry: its part, and its place there.
    Split {
        parts: Vec<sealed::Opened>,
        places: Vec<(u32, u32)>,
    },
}

/// The bytes of a group at a place, cut as its home wants it. `keys` has one for each of its subjects.
pub(super) fn seal(
    schema: &Schema,
    entries: &[Entry],
    place: Place,
    keys: &Keys,
    placing: Option<Placing>,
) -> Result<Vec<u8>, JournalError> {
    match placing {
        None => sealed::seal(schema, entries, place, keys),
        Some(placing) => split::seal(schema, entries, place, keys, placing),
    }
}

/// The payload of the group at a place, whose checksum was found right.
pub(super) fn decode(place: Place, bytes: &[u8], keys: &Keys) -> Result<Payload, JournalError> {
    if bytes.first() == Some(&SPLIT) {
        return split::decode(place, bytes, keys);
    }
    let (outline, body) = match Outline::of(place.first, bytes)? {
        Some(outline) => {
            let opened = outline.open(place, keys)?;
            (outline.entries, Body::Sealed(opened))
        }
        None => {
            let payload = v1::decode(place.first, &bytes[1..])?;
            (payload.outline().collect(), Body::Clear(payload))
        }
    };
    Ok(Payload { outline, body })
}

/// Arrival and kind of each entry, and the keys that its segments are sealed under (`None`: it is in clear). Takes no key.
pub(super) fn outline(place: Place, bytes: &[u8]) -> Result<(Listed, Option<Vec<KeyId>>), JournalError> {
    if bytes.first() == Some(&SPLIT) {
        let (entries, keys) = split::outline(place.first, bytes)?;
        return Ok((entries, Some(keys)));
    }
    match Outline::of(place.first, bytes)? {
        Some(outline) => {
            let keys = outline.keys().collect();
            Ok((outline.entries, Some(keys)))
        }
        None => Ok((v1::decode(place.first, &bytes[1..])?.outline().collect(), None)),
    }
}

/// The subjects that a payload names in clear; `None` where it is sealed.
pub(super) fn named_in_clear(place: Place, bytes: &[u8]) -> Result<Option<Vec<Subject>>, JournalError> {
    if bytes.first() == Some(&SPLIT) {
        return Ok(None);
    }
    match Outline::of(place.first, bytes)? {
        Some(_) => Ok(None),
        None => Ok(Some(v1::decode(place.first, &bytes[1..])?.subjects().cloned().collect())),
    }
}

fn undecodable(offset: u64, detail: impl Into<String>) -> JournalError {
    JournalError::Undecodable { offset, detail: detail.into() }
}

impl Payload {
    pub fn len(&self) -> usize {
        self.outline.len()
    }

    pub fn arrival(&self, i: usize) -> Option<Time> {
        self.outline.get(i).map(|(arrival, _)| *arrival)
    }

    pub fn kind(&self, i: usize) -> Option<Kind> {
        self.outline.get(i).map(|(_, kind)| *kind)
    }

    pub fn is_erased(&self, i: usize) -> bool {
        match &self.body {
            Body::Clear(_) => false,
            Body::Sealed(opened) => opened.is_erased(i),
            Body::Split { parts, places } => {
                places.get(i).is_some_and(|(part, place)| parts[*part as usize].is_erased(*place as usize))
            }
        }
    }

    pub fn is_in_clear(&self) -> bool {
        matches!(self.body, Body::Clear(_))
    }

    /// The `i`-th entry in terms of the schema at hand.
    pub fn entry(&self, i: usize, offset: u64, schema: &Schema) -> Result<Entry, JournalError> {
        let arrival = self.arrival(i).ok_or_else(|| undecodable(offset, "no such entry"))?;
        let input: Input = match &self.body {
            Body::Clear(payload) => payload.input(i, offset, schema)?,
            Body::Sealed(opened) => opened.input(i, offset, schema)?,
            Body::Split { parts, places } => {
                let (part, place) = places.get(i).ok_or_else(|| undecodable(offset, "no such entry"))?;
                parts[*part as usize].input(*place as usize, offset, schema)?
            }
        };
        Ok(Entry { arrival, input })
    }
}
