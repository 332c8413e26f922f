//! A payload of version 3: that of a group whose home has partitions. Each part is a payload of version 2, with what the group says of the subjects of one partition.
//!
//! ```text
//! version  header (the part of each entry; partition and length of each part)  parts
//! ```
//!
//! A home stores and fetches parts apart ([`cuts`]) and knows nothing else of them. Which entry lies in which part is in clear, as the outlines are: it says of a subject no more than in which
//! partition it is.
//!
//! INVARIANT (in its order): a part opens only in its number, under the order of all entries.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use vitalog_elog::{Entry, Schema};

use super::sealed::{Outline, seal_those, subject_of};
use super::{Body, Listed, Payload, Place, undecodable};
use crate::journal::error::JournalError;
use crate::journal::home::Placing;
use crate::keys::{KeyId, Keys};

/// The first byte of such a payload.
pub(super) const SPLIT: u8 = 3;

#[derive(Serialize, Deserialize)]
struct Header {
    /// In which part each entry lies, behind those of it that came before.
    of: Vec<u32>,
    /// Partition, and bytes.
    parts: Vec<(u32, u64)>,
}

/// The bytes of a group at a place, in parts.
pub(crate) fn seal(
    schema: &Schema,
    entries: &[Entry],
    place: Place,
    keys: &Keys,
    placing: Placing,
) -> Result<Vec<u8>, JournalError> {
    let failed = |e: postcard::Error| undecodable(place.first, e.to_string());
    let mut by_partition: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (i, entry) in entries.iter().enumerate() {
        // What is about nobody lies in the first.
        let partition = subject_of(&entry.input).map_or(0, |subject| (placing.of)(subject, placing.partitions));
        by_partition.entry(partition).or_default().push(i);
    }
    let mut header = Header { of: vec![0; entries.len()], parts: Vec::with_capacity(by_partition.len()) };
    for (n, members) in by_partition.values().enumerate() {
        members.iter().for_each(|i| header.of[*i] = n as u32);
    }
    let (bound, mut bodies) = (bound(&header.of), Vec::with_capacity(by_partition.len()));
    for (n, (partition, members)) in by_partition.into_iter().enumerate() {
        let those = members.iter().map(|i| (place.first + *i as u64, &entries[*i]));
        let body = seal_those(schema, those, place, keys, Some(bound(n)))?;
        header.parts.push((partition, body.len() as u64));
        bodies.push(body);
    }
    let mut out = vec![SPLIT];
    out = postcard::to_extend(&header, out).map_err(failed)?;
    bodies.iter().for_each(|body| out.extend_from_slice(body));
    Ok(out)
}

/// Header and parts.
fn read(offset: u64, bytes: &[u8]) -> Result<(Header, Vec<Range<usize>>), JournalError> {
    let body = bytes.get(1..).ok_or_else(|| undecodable(offset, "its payload is empty"))?;
    let (header, rest): (Header, _) = postcard::take_from_bytes(body).map_err(|e| undecodable(offset, e.to_string()))?;
    let mut at = bytes.len() - rest.len();
    let mut parts = Vec::with_capacity(header.parts.len());
    for (_, len) in &header.parts {
        let end = usize::try_from(*len).ok().and_then(|len| at.checked_add(len)).filter(|end| *end <= bytes.len());
        let end = end.ok_or_else(|| undecodable(offset, "it ends in a part"))?;
        parts.push(at..end);
        at = end;
    }
    if at != bytes.len() {
        return Err(undecodable(offset, format!("{} bytes too many", bytes.len() - at)));
    }
    Ok((header, parts))
}

/// A partition, and what of a payload goes there.
#[cfg(feature = "kafka")]
pub(crate) type Cut = (u32, Range<usize>);

/// What of a payload goes into which partition; one after the other they are the whole of it. `None` where it is not split.
#[cfg(feature = "kafka")]
pub(crate) fn cuts(offset: u64, bytes: &[u8]) -> Result<Option<Vec<Cut>>, JournalError> {
    if bytes.first() != Some(&SPLIT) {
        return Ok(None);
    }
    let (header, parts) = read(offset, bytes)?;
    let mut from = 0;
    let cut = |((partition, _), part): (&(u32, u64), Range<usize>)| {
        // The header goes with the first.
        let range = from..part.end;
        from = part.end;
        (*partition, range)
    };
    Ok(Some(header.parts.iter().zip(parts).map(cut).collect()))
}

/// What a part is bound to: its number, and in which part each entry lies.
fn bound(of: &[u32]) -> impl Fn(usize) -> [u8; 32] + use<> {
    let mut hasher = blake3::Hasher::new();
    for part in of {
        hasher.update(&part.to_le_bytes());
    }
    move |n| {
        let mut hasher = hasher.clone();
        hasher.update(&(n as u64).to_le_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// The outline of each part.
fn outlines<'b>(offset: u64, bytes: &'b [u8]) -> Result<(Header, Vec<Outline<'b>>), JournalError> {
    let (header, parts) = read(offset, bytes)?;
    let bound = bound(&header.of);
    let outline = |(n, part): (usize, Range<usize>)| {
        let outline = Outline::of(offset, &bytes[part])?.map(|outline| outline.bound(bound(n)));
        outline.ok_or_else(|| undecodable(offset, "a part of it is in clear"))
    };
    let outlines = parts.into_iter().enumerate().map(outline).collect::<Result<Vec<_>, _>>()?;
    Ok((header, outlines))
}

/// Of each entry: its part, and its place there.
fn places(offset: u64, header: &Header, lengths: &[usize]) -> Result<Vec<(u32, u32)>, JournalError> {
    let mut taken = vec![0_u32; lengths.len()];
    let places = header.of.iter().map(|part| {
        let place = taken.get_mut(*part as usize)?;
        *place += 1;
        Some((*part, *place - 1))
    });
    let places = places.collect::<Option<Vec<_>>>().ok_or_else(|| undecodable(offset, "an entry lies in no part"))?;
    if taken.iter().zip(lengths).any(|(taken, length)| *taken as usize != *length) {
        return Err(undecodable(offset, "a part holds another number of entries than lie in it"));
    }
    Ok(places)
}

/// Arrival and kind of each entry, and the keys of all segments.
pub(super) fn outline(offset: u64, bytes: &[u8]) -> Result<(Listed, Vec<KeyId>), JournalError> {
    let (header, outlines) = outlines(offset, bytes)?;
    let lengths: Vec<usize> = outlines.iter().map(|outline| outline.entries.len()).collect();
    let places = places(offset, &header, &lengths)?;
    let entries = places.iter().map(|(part, place)| outlines[*part as usize].entries[*place as usize]).collect();
    Ok((entries, outlines.iter().flat_map(Outline::keys).collect()))
}

pub(super) fn decode(place: Place, bytes: &[u8], keys: &Keys) -> Result<Payload, JournalError> {
    let (header, outlines) = outlines(place.first, bytes)?;
    let lengths: Vec<usize> = outlines.iter().map(|outline| outline.entries.len()).collect();
    let places = places(place.first, &header, &lengths)?;
    let outline = places.iter().map(|(part, place)| outlines[*part as usize].entries[*place as usize]).collect();
    let parts = outlines.iter().map(|outline| outline.open(place, keys)).collect::<Result<Vec<_>, _>>()?;
    Ok(Payload { outline, body: Body::Split { parts, places } })
}
