//! The whole state as bytes: a name, a format number, a checksum, and what is inside.

use std::fmt;

use serde::{Deserialize, Serialize};
use vitalog_elog::Time;
use vitalog_elog::id::digest_of;
use vitalog_elog::profile::ProfileChange;

use super::rulebook::Rulebook;
use super::subject::Person;

const NAME: &[u8; 8] = b"vtlg-cep";
/// Raised with every change of what is inside.
const FORMAT: u32 = 8;
const HEAD: usize = 8 + 4 + 16;

/// Why bytes are not a snapshot that this engine can continue from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// They do not begin like a snapshot.
    NotASnapshot,
    /// Written by another version of the engine.
    Version { found: u32, known: u32 },
    /// The checksum is not that of the bytes, or they end early.
    Damaged,
}

/// What is written.
#[derive(Serialize)]
pub struct Written<'a> {
    pub clock: Time,
    pub rules: &'a Rulebook,
    pub people: &'a [Person],
    pub waiting: &'a [ProfileChange],
    /// Subjects whom the clock has reached, and who wait for the next slice.
    pub overdue: Vec<u32>,
}

/// What is read back.
#[derive(Deserialize)]
pub struct Read {
    pub clock: Time,
    pub rules: Rulebook,
    pub people: Vec<Person>,
    pub waiting: Vec<ProfileChange>,
    pub overdue: Vec<u32>,
}

pub fn write(state: &Written<'_>) -> Vec<u8> {
    // Into memory, and no type of ours refuses to be written.
    let body = postcard::to_stdvec(state).unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(NAME);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&digest_of(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

pub fn read(bytes: &[u8]) -> Result<Read, SnapshotError> {
    if !bytes.starts_with(NAME) {
        return Err(SnapshotError::NotASnapshot);
    }
    let rest = &bytes[NAME.len()..];
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(SnapshotError::Damaged)?;
    let found = u32::from_le_bytes(*format);
    if found != FORMAT {
        return Err(SnapshotError::Version { found, known: FORMAT });
    }
    let (checksum, body) = rest.split_first_chunk::<16>().ok_or(SnapshotError::Damaged)?;
    if u128::from_le_bytes(*checksum) != digest_of(body) {
        return Err(SnapshotError::Damaged);
    }
    match postcard::take_from_bytes(body) {
        Ok((state, [])) => Ok(state),
        _ => Err(SnapshotError::Damaged),
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::NotASnapshot => {
                f.write_str("these bytes are no engine snapshot; restore an older one or replay from the beginning")
            }
            SnapshotError::Version { found, known } => {
                write!(f, "the snapshot has format {found}, this engine reads {known}; replay from the beginning")
            }
            SnapshotError::Damaged => f.write_str("the snapshot is damaged; restore an older one or replay from the beginning"),
        }
    }
}

impl std::error::Error for SnapshotError {}
