//! A payload of version 2: an outline in clear, and one sealed segment for each subject and one for the house.
//!
//! The outline says when each entry came, of what kind it is, and in which segment it lies; so offsets, counts and the chain can be verified, and time goes on, without any
//! key. A segment has all that a group says of one subject, under that subject's key, and names the key by its id. The house's segment has what is about nobody, and the names
//! of the streams.
//!
//! ```text
//! version  nonce  entries (arrival, kind, segment)  segments (key id, sealed bytes)
//! ```
//!
//! INVARIANT (one nonce): a key seals at most one segment of a group, so the group's nonce, drawn anew for each, does for all of them.
//! INVARIANT (in its place): a segment opens only in its journal, at its offset, under its outline.

use std::collections::HashMap;
use std::sync::Arc;

use vitalog_elog::input::DeadLetter;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Entry, Input, Reading, ReadingId, Schema, Subject, Time};

use super::names::{Dictionary, Places, StoredRules, StreamNames};
use super::stored::{Stored, StoredMending, StoredOnce, StoredReading, StoredSent, taken};
use super::{IN_CLEAR, Kind, PAYLOAD_VERSION, Place, undecodable};
use crate::journal::error::JournalError;
use crate::keys::{Found, KeyId, Keys, NONCE, random};

/// What can be read of a payload without a key.
pub struct Outline<'b> {
    pub entries: Vec<(Time, Kind)>,
    nonce: &'b [u8; NONCE],
    /// The segment of each entry, from 1 on; 0 for a tick, which says nothing.
    places: Vec<u32>,
    segments: Vec<(KeyId, &'b [u8])>,
    hash: [u8; 32],
}

/// What is under the seals, as far as there are keys.
pub(super) struct Opened {
    /// Segment, and place in it.
    places: Vec<(u32, u32)>,
    segments: Vec<Segment>,
    streams: Vec<StreamNames>,
}

enum Segment {
    Of { subject: Option<Subject>, entries: Vec<Stored>, sources: Vec<Arc<str>> },
    Erased,
}

/// Whom an input is about: whose key it is sealed under.
pub(super) fn subject_of(input: &Input) -> Option<&Subject> {
    match input {
        Input::Reading(reading) => Some(&reading.subject),
        Input::Profile(change) => Some(&change.subject),
        Input::DeadLetter(letter) => letter.subject.as_ref(),
        Input::Mending(mending) => mending.subject.as_ref(),
        Input::Once(once) => once.subject.as_ref(),
        Input::Rules(_) | Input::Command(_) | Input::Receipt(_) | Input::Sent(_) | Input::Tick | Input::Erased => None,
    }
}

/// The subjects of a group that have no key yet, each once.
pub(crate) fn subjects_without_key(entries: &[Entry], keys: &Keys) -> Vec<Subject> {
    let subjects = entries.iter().filter_map(|entry| subject_of(&entry.input));
    let mut without: Vec<Subject> = subjects.filter(|subject| keys.current(Some(subject)).is_none()).cloned().collect();
    without.sort_unstable();
    without.dedup();
    without
}

/// The bytes of a group at a place. `keys` has one for each of its subjects.
pub(crate) fn seal(schema: &Schema, entries: &[Entry], place: Place, keys: &Keys) -> Result<Vec<u8>, JournalError> {
    seal_those(schema, (place.first..).zip(entries), place, keys, None)
}

/// The bytes of some entries of a group at a place, each with its offset; they open only together with what they are `bound` to.
pub(super) fn seal_those<'e>(
    schema: &Schema,
    entries: impl Iterator<Item = (u64, &'e Entry)>,
    place: Place,
    keys: &Keys,
    bound: Option<[u8; 32]>,
) -> Result<Vec<u8>, JournalError> {
    let mut sealing = Sealing { schema, keys, segments: Vec::new(), by_key: HashMap::new(), dictionary: Dictionary::default() };
    let mut outline = Vec::with_capacity(entries.size_hint().0);
    let mut before = 0;
    for (offset, entry) in entries {
        let arrival = entry.arrival.0;
        let (kind, segment) = sealing.take(&entry.input, offset)?;
        outline.push((arrival.wrapping_sub(before), kind as u8, segment));
        before = arrival;
    }
    sealing.finish(place, &outline, bound)
}

/// A segment that is being written.
struct Writing {
    key: u32,
    bytes: Vec<u8>,
    sources: Places<Arc<str>>,
}

struct Sealing<'s> {
    schema: &'s Schema,
    keys: &'s Keys,
    segments: Vec<Writing>,
    by_key: HashMap<u32, u32>,
    dictionary: Dictionary,
}

impl Sealing<'_> {
    /// Puts an input into its segment, and says of what kind it is and which segment that is.
    fn take(&mut self, input: &Input, offset: u64) -> Result<(Kind, u32), JournalError> {
        let (kind, subject) = match input {
            Input::Reading(reading) => (Kind::Reading, Some(&reading.subject)),
            Input::Profile(change) => (Kind::Profile, Some(&change.subject)),
            Input::Rules(_) => (Kind::Rules, None),
            Input::Command(_) => (Kind::Command, None),
            Input::Receipt(_) => (Kind::Receipt, None),
            Input::DeadLetter(letter) => (Kind::DeadLetter, letter.subject.as_ref()),
            Input::Mending(mending) => (Kind::Mending, mending.subject.as_ref()),
            Input::Once(once) => (Kind::Once, once.subject.as_ref()),
            Input::Sent(_) => (Kind::Sent, None),
            Input::Tick => return Ok((Kind::Tick, 0)),
            Input::Erased => return Err(JournalError::NotAnInput { offset }),
        };
        let segment = self.segment(subject, offset)?;
        let Writing { bytes, sources, .. } = &mut self.segments[segment as usize];
        let room = std::mem::take(bytes);
        let written = match input {
            Input::Reading(reading) => {
                let content = reading.content.as_ref().map(|c| self.dictionary.content(self.schema, c, sources)).transpose()?;
                let stored = StoredReading {
                    id: reading.id.0.to_le_bytes(),
                    given: reading.given.clone(),
                    rev: reading.rev,
                    hash: reading.hash.to_le_bytes(),
                    content,
                };
                postcard::to_extend(&stored, room)
            }
            Input::Profile(change) => postcard::to_extend(&(&change.field, &change.value, change.at), room),
            Input::Rules(change) => postcard::to_extend(&(StoredRules::of(change), &change.by), room),
            Input::Command(command) => postcard::to_extend(command, room),
            Input::Receipt(receipt) => postcard::to_extend(receipt, room),
            Input::DeadLetter(l) => postcard::to_extend(&(&l.code, &l.field, &l.message, &l.raw, &l.sender), room),
            Input::Mending(mending) => postcard::to_extend(&StoredMending::of(mending), room),
            Input::Once(once) => postcard::to_extend(&StoredOnce::of(once), room),
            Input::Sent(sent) => postcard::to_extend(&StoredSent::of(sent), room),
            Input::Tick | Input::Erased => Ok(room),
        };
        *bytes = written.map_err(|e| undecodable(offset, e.to_string()))?;
        Ok((kind, segment + 1))
    }

    fn segment(&mut self, subject: Option<&Subject>, offset: u64) -> Result<u32, JournalError> {
        // The house's comes first wherever there is anything: it has the names of the streams.
        if self.segments.is_empty() {
            self.open(None, offset)?;
        }
        match subject {
            None => Ok(0),
            Some(_) => self.open(subject, offset),
        }
    }

    fn open(&mut self, subject: Option<&Subject>, offset: u64) -> Result<u32, JournalError> {
        let key = self.keys.current(subject).ok_or(JournalError::NoKey { offset })?;
        let (segments, fresh) = (&mut self.segments, self.by_key.len() as u32);
        Ok(*self.by_key.entry(key).or_insert_with(|| {
            segments.push(Writing { key, bytes: Vec::with_capacity(160), sources: Places::default() });
            fresh
        }))
    }

    fn finish(self, place: Place, outline: &[(i64, u8, u32)], bound: Option<[u8; 32]>) -> Result<Vec<u8>, JournalError> {
        let failed = |e: postcard::Error| undecodable(place.first, e.to_string());
        let nonce: [u8; NONCE] = random().map_err(JournalError::Random)?;
        let written: usize = self.segments.iter().map(|segment| segment.bytes.len() + 64).sum();
        let mut out = Vec::with_capacity(64 + 8 * outline.len() + written);
        out.push(PAYLOAD_VERSION);
        out.extend_from_slice(&nonce);
        let from = out.len();
        out = postcard::to_extend(outline, out).map_err(failed)?;
        let mut hash = *blake3::hash(&out[from..]).as_bytes();
        if let Some(bound) = bound {
            hash = together(hash, bound);
        }
        out = postcard::to_extend(&(self.segments.len() as u32), out).map_err(failed)?;
        for (i, mut segment) in self.segments.into_iter().enumerate() {
            let held = self.keys.at(segment.key);
            segment.bytes = if i == 0 {
                postcard::to_extend(&self.dictionary.streams, segment.bytes).map_err(failed)?
            } else {
                postcard::to_extend(&segment.sources.list, segment.bytes).map_err(failed)?
            };
            let sealed = held.secret.seal(&nonce, &about(place, held.id, &hash), &mut segment.bytes);
            sealed.map_err(|_| JournalError::GroupTooLarge { bytes: segment.bytes.len() })?;
            out.extend_from_slice(&held.id.0);
            out = postcard::to_extend(&(segment.bytes.len() as u32), out).map_err(failed)?;
            out.extend_from_slice(&segment.bytes);
        }
        Ok(out)
    }
}

/// What a segment is sealed together with, and so bound to.
pub(super) fn about(place: Place, key: KeyId, outline: &[u8; 32]) -> [u8; 1 + 16 + 8 + 16 + 32] {
    let mut bytes = [0; 73];
    bytes[0] = PAYLOAD_VERSION;
    bytes[1..17].copy_from_slice(&place.incarnation.to_le_bytes());
    bytes[17..25].copy_from_slice(&place.first.to_le_bytes());
    bytes[25..41].copy_from_slice(&key.0);
    bytes[41..].copy_from_slice(outline);
    bytes
}

/// Of an outline and what it is bound to.
fn together(outline: [u8; 32], bound: [u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&outline);
    hasher.update(&bound);
    *hasher.finalize().as_bytes()
}

impl<'b> Outline<'b> {
    /// One that opens only together with something else.
    pub(super) fn bound(mut self, to: [u8; 32]) -> Outline<'b> {
        self.hash = together(self.hash, to);
        self
    }

    /// That of a whole payload; `None` for one in clear.
    pub fn of(offset: u64, bytes: &'b [u8]) -> Result<Option<Outline<'b>>, JournalError> {
        match bytes.split_first() {
            Some((&PAYLOAD_VERSION, rest)) => Outline::read(offset, rest).map(Some),
            Some((&IN_CLEAR, _)) => Ok(None),
            Some((version, _)) => Err(undecodable(offset, format!("its payload has version {version}"))),
            None => Err(undecodable(offset, "its payload is empty")),
        }
    }

    /// The keys that its segments are sealed under.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.segments.iter().map(|(key, _)| *key)
    }

    /// Reads what stands in clear behind the version.
    pub fn read(offset: u64, bytes: &'b [u8]) -> Result<Outline<'b>, JournalError> {
        let broken = |what: &str| undecodable(offset, what);
        let (nonce, rest) = bytes.split_first_chunk::<NONCE>().ok_or_else(|| broken("it ends in its nonce"))?;
        let (listed, after): (Vec<(i64, u8, u32)>, _) =
            postcard::take_from_bytes(rest).map_err(|e| undecodable(offset, e.to_string()))?;
        let hash = *blake3::hash(&rest[..rest.len() - after.len()]).as_bytes();
        let (count, mut rest): (u32, _) = postcard::take_from_bytes(after).map_err(|e| undecodable(offset, e.to_string()))?;
        let mut segments = Vec::new();
        for _ in 0..count {
            let (key, after) = rest.split_first_chunk::<16>().ok_or_else(|| broken("it ends in a segment"))?;
            let (len, after): (u32, _) = postcard::take_from_bytes(after).map_err(|e| undecodable(offset, e.to_string()))?;
            let (sealed, after) = after.split_at_checked(len as usize).ok_or_else(|| broken("it ends in a segment"))?;
            segments.push((KeyId(*key), sealed));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(undecodable(offset, format!("{} bytes too many", rest.len())));
        }
        let mut outline = Outline { entries: Vec::with_capacity(listed.len()), nonce, places: Vec::new(), segments, hash };
        let mut arrival = 0_i64;
        for (later, kind, segment) in listed {
            arrival = arrival.wrapping_add(later);
            let kind = *Kind::ALL.get(usize::from(kind)).ok_or_else(|| broken("an entry is of no known kind"))?;
            if segment as usize > outline.segments.len() || (segment == 0) != (kind == Kind::Tick) {
                return Err(broken("an entry lies in no segment"));
            }
            outline.entries.push((Time(arrival), kind));
            outline.places.push(segment);
        }
        Ok(outline)
    }

    /// Opens every segment that has a key.
    pub(super) fn open(&self, place: Place, keys: &Keys) -> Result<Opened, JournalError> {
        let mut kinds: Vec<Vec<Kind>> = vec![Vec::new(); self.segments.len()];
        let mut places = Vec::with_capacity(self.places.len());
        for ((_, kind), segment) in self.entries.iter().zip(&self.places) {
            let Some(of) = segment.checked_sub(1).and_then(|s| kinds.get_mut(s as usize)) else {
                places.push((0, 0));
                continue;
            };
            places.push((*segment, of.len() as u32));
            of.push(*kind);
        }
        let mut opened = Opened { places, segments: Vec::with_capacity(kinds.len()), streams: Vec::new() };
        for ((id, sealed), kinds) in self.segments.iter().zip(kinds) {
            let held = match keys.find(*id) {
                Found::Key(held) => held,
                Found::Erased => {
                    opened.segments.push(Segment::Erased);
                    continue;
                }
                Found::Nowhere => return Err(JournalError::KeyMissing { offset: place.first, key: *id }),
            };
            let plain = held
                .secret
                .open(self.nonce, &about(place, *id, &self.hash), sealed)
                .map_err(|_| JournalError::BadSeal { offset: place.first, key: *id })?;
            opened.take(held.subject.clone(), &plain, &kinds).map_err(|e| undecodable(place.first, e.to_string()))?;
        }
        Ok(opened)
    }
}

impl Opened {
    fn take(&mut self, subject: Option<Subject>, plain: &[u8], kinds: &[Kind]) -> Result<(), postcard::Error> {
        let mut rest = plain;
        let mut entries = Vec::with_capacity(kinds.len());
        for kind in kinds {
            entries.push(Stored::read(*kind, &mut rest)?);
        }
        let sources = if self.segments.is_empty() {
            self.streams = taken(&mut rest)?;
            Vec::new()
        } else {
            taken(&mut rest)?
        };
        self.segments.push(Segment::Of { subject, entries, sources });
        if rest.is_empty() { Ok(()) } else { Err(postcard::Error::DeserializeBadEncoding) }
    }

    pub fn is_erased(&self, i: usize) -> bool {
        self.segment(i).is_some_and(|(segment, _)| matches!(segment, Segment::Erased))
    }

    fn segment(&self, i: usize) -> Option<(&Segment, usize)> {
        let (segment, place) = self.places.get(i)?;
        Some((self.segments.get(segment.checked_sub(1)? as usize)?, *place as usize))
    }

    pub fn input(&self, i: usize, offset: u64, schema: &Schema) -> Result<Input, JournalError> {
        let Some((segment, place)) = self.segment(i) else { return Ok(Input::Tick) };
        let Segment::Of { subject, entries, sources } = segment else { return Ok(Input::Erased) };
        let stored = entries.get(place).ok_or_else(|| undecodable(offset, "no such entry"))?;
        let whose = || subject.clone().ok_or_else(|| undecodable(offset, "it is of no subject"));
        Ok(match stored {
            Stored::Reading(stored) => {
                let dictionary = (&self.streams[..], &sources[..]);
                Input::Reading(Reading {
                    subject: whose()?,
                    id: ReadingId(u128::from_le_bytes(stored.id)),
                    given: stored.given.clone(),
                    rev: stored.rev,
                    hash: u128::from_le_bytes(stored.hash),
                    content: stored.content.as_ref().map(|c| c.content(dictionary, offset, schema)).transpose()?,
                })
            }
            Stored::Profile(stored) => Input::Profile(ProfileChange {
                subject: whose()?,
                field: stored.field.clone(),
                value: stored.value.clone(),
                at: stored.at,
            }),
            Stored::Rules(stored, by) => Input::Rules(stored.by(by.clone())),
            Stored::Command(command) => Input::Command(command.clone()),
            Stored::Receipt(receipt) => Input::Receipt(receipt.clone()),
            Stored::DeadLetter(stored) => Input::DeadLetter(DeadLetter {
                subject: subject.clone(),
                code: stored.code.clone(),
                field: stored.field.clone(),
                message: stored.message.clone(),
                raw: stored.raw.clone(),
                sender: stored.sender.clone(),
            }),
            Stored::Mending(stored) => Input::Mending(stored.mending(subject.clone())),
            Stored::Once(stored) => Input::Once(stored.once(subject.clone())),
            Stored::Sent(stored) => Input::Sent(stored.sent()),
        })
    }
}
