//! The bytes of a group. Two formats are read, by the first byte: [`v1`], in clear, and [`sealed`], which is the one that is written.
//!
//! The mirror types of each are the format. Changing one is a new version beside them; tests hold their bytes.

#[cfg(test)]
mod fuzz;
mod names;
mod sealed;
mod v1;

use vitalog_elog::{Entry, Input, Schema, Subject, Time};

use super::error::JournalError;
use crate::keys::Keys;

pub(super) use sealed::{Outline, seal, subjects_without_key};

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
}

impl Kind {
    /// In the order of their numbers in the file, which are for ever.
    pub const ALL: [Kind; 8] =
        [Kind::Reading, Kind::Profile, Kind::Rules, Kind::Command, Kind::Receipt, Kind::DeadLetter, Kind::Tick, Kind::Mending];

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
        }
    }
}

/// Where a group stands: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub incarnation: u128,
    pub first: u64,
}

/// A group's entries, opened as far as they can be.
pub(super) struct Payload {
    /// Arrival and kind of each.
    outline: Vec<(Time, Kind)>,
    body: Body,
}

enum Body {
    Clear(v1::Payload),
    Sealed(sealed::Opened),
}

/// The payload of the group at a place, whose checksum was found right.
pub(super) fn decode(place: Place, bytes: &[u8], keys: &Keys) -> Result<Payload, JournalError> {
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

/// Arrival and kind of each entry, which take no key.
pub(super) fn outline(place: Place, bytes: &[u8]) -> Result<Vec<(Time, Kind)>, JournalError> {
    match Outline::of(place.first, bytes)? {
        Some(outline) => Ok(outline.entries),
        None => Ok(v1::decode(place.first, &bytes[1..])?.outline().collect()),
    }
}

/// The subjects that a payload names in clear; `None` where it is sealed.
pub(super) fn named_in_clear(place: Place, bytes: &[u8]) -> Result<Option<Vec<Subject>>, JournalError> {
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
        matches!(&self.body, Body::Sealed(opened) if opened.is_erased(i))
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
        };
        Ok(Entry { arrival, input })
    }
}
