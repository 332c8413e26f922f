//! Names of things: subjects, readings, findings.
//!
//! A reading's id is 128 bits: the hash of the name its sender gave it, or, where the sender gave none, the hash of what the reading
//! says. Sending the same reading twice is therefore harmless, and two different doses in one minute stay two.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// Whom a reading is about: a person, a device, a listing. Compared and ordered by its text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject(Arc<str>);

impl Subject {
    /// The longest accepted name, in bytes.
    pub const MAX_LEN: usize = 64;

    pub fn new(text: &str) -> Subject {
        Subject(Arc::from(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text may name a subject or a reading: 1 to 64 of `A-Z a-z 0-9 . _ : @ ~ -`, not beginning with a dot.
    /// Such a name is safe in a path, a log line, a header and a file name.
    pub fn is_valid(text: &str) -> bool {
        (1..=Self::MAX_LEN).contains(&text.len())
            && !text.starts_with('.')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:@~-".contains(&b))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What a reading is called, within its subject.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReadingId(pub u128);

impl ReadingId {
    /// The id for a name given by a sender. The printed form of an id names that id itself, so a reading without a given name can be
    /// amended by the id its receipt told.
    pub fn given(text: &str) -> ReadingId {
        if let Some(id) = ReadingId::from_printed(text) {
            return id;
        }
        ReadingId(digest(b"given", &[text.as_bytes()]))
    }

    /// What a reading is called on the timeline of a further subject that it names: names that senders give are unique within one subject only.
    pub fn seen_from(subject: &Subject, id: ReadingId) -> ReadingId {
        ReadingId(digest(b"seen", &[subject.as_str().as_bytes(), &id.0.to_le_bytes()]))
    }

    /// Reads `~` and 32 hexadecimal digits, the printed form of an id.
    pub fn from_printed(text: &str) -> Option<ReadingId> {
        let hex = text.strip_prefix('~')?;
        if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return None;
        }
        u128::from_str_radix(hex, 16).ok().map(ReadingId)
    }
}

impl fmt::Display for ReadingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~{:032x}", self.0)
    }
}

impl fmt::Debug for ReadingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a finding is called; people, views and deliveries know it by this name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MatchId(pub u128);

impl MatchId {
    /// `hash(rule name, subject, onset)`.
    pub fn new(rule: &str, subject: &Subject, onset: Time) -> MatchId {
        const PURPOSE: &[u8; 9] = b"\x05\0\0\0match";
        let (rule, subject, onset) = (rule.as_bytes(), subject.as_str().as_bytes(), onset.0.to_le_bytes());
        let mut buffer = [0; 192];
        let length = PURPOSE.len() + 4 + rule.len() + 4 + subject.len() + 4 + onset.len();
        let Some(bytes) = buffer.get_mut(..length) else { return MatchId(digest(b"match", &[rule, subject, &onset])) };
        // What [`digest`] does, without going over the parts.
        let (purpose, rest) = bytes.split_at_mut(PURPOSE.len());
        purpose.copy_from_slice(PURPOSE);
        let (head, rest) = rest.split_at_mut(4 + rule.len());
        head[..4].copy_from_slice(&(rule.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(rule);
        let (head, rest) = rest.split_at_mut(4 + subject.len());
        head[..4].copy_from_slice(&(subject.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(subject);
        rest[..4].copy_from_slice(&8_u32.to_le_bytes());
        rest[4..].copy_from_slice(&onset);
        MatchId(digest_of(bytes))
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<MatchId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(MatchId)
    }
}

impl fmt::Display for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The first 128 bits of BLAKE3 over a purpose and parts, each preceded by its length, so that no two lists of parts collide by
/// their seams.
pub fn digest(purpose: &[u8], parts: &[&[u8]]) -> u128 {
    let all = || std::iter::once(&purpose).chain(parts);
    let length = all().map(|part| 4 + part.len()).sum();
    // Names and instants fit; what does not has a buffer of its own.
    let (mut short, mut long) = ([0; 192], Vec::new());
    let buffer = match short.get_mut(..length) {
        Some(buffer) => buffer,
        None => {
            long.resize(length, 0);
            &mut *long
        }
    };
    let mut rest = &mut *buffer;
    for part in all() {
        let (head, tail) = rest.split_at_mut(4 + part.len());
        head[..4].copy_from_slice(&(part.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(part);
        rest = tail;
    }
    digest_of(buffer)
}

/// The first 128 bits of BLAKE3 of bytes that already say where each part ends.
pub fn digest_of(bytes: &[u8]) -> u128 {
    let hash = blake3::hash(bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(first)
}
