//! The state as bytes: a name, a format number, a checksum, and what is inside. Whole, or what changed since the one before.
//!
//! What all subjects share is followed by subjects one after the other, each as a piece of its own: whoever lays increments onto a whole exchanges pieces and need
//! not know what is in them ([`merge`]).
//!
//! INVARIANT (a whole is a whole): what is merged is, byte for byte, the whole that the engine would have written instead of the last increment.
//!
//! That each increment is laid onto the very state it was taken from is for whoever keeps them to see to; what can't have been is refused here.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use vitalog_elog::id::digest_of;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Subject, Time};

use super::rulebook::Rulebook;
use super::subject::Person;

const NAME: &[u8; 8] = b"vtlg-cep";
/// Raised with every change of what is inside; fixtures of the new one are made by the command in `cep/tests/cases/formats.rs`.
const FORMAT: u32 = 13;
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
    /// It tells changes of another state than the one that it is laid onto.
    Apart,
}

/// What is written.
pub struct Written<'a> {
    pub clock: Time,
    /// `None`: the same as in the snapshot before.
    pub rules: Option<&'a Rulebook>,
    pub waiting: &'a [ProfileChange],
    /// Who owes what the clock has passed, and since when; by place.
    pub owed: Vec<(u32, i64)>,
    /// How many subjects the snapshot before has, and how many there are.
    pub known: usize,
    pub count: usize,
}

/// What is read back.
pub struct Read {
    pub clock: Time,
    pub rules: Rulebook,
    pub people: Vec<Person>,
    pub waiting: Vec<ProfileChange>,
    pub owed: Vec<(u32, i64)>,
}

/// What all subjects share.
#[derive(Serialize, Deserialize)]
struct Shared<'a> {
    clock: Time,
    #[serde(borrow)]
    rules: Option<&'a [u8]>,
    waiting: Vec<ProfileChange>,
    owed: Vec<(u32, i64)>,
    known: u32,
    count: u32,
    /// How many subjects follow.
    told: u32,
}

/// A subject's place, and what is written of it.
type Piece<'a> = (u32, &'a [u8]);

/// Writes what all share, then each of `people` with its place; places ascend.
pub fn write<'p>(state: &Written<'_>, people: impl ExactSizeIterator<Item = (u32, &'p Person)>) -> Vec<u8> {
    let rules = state.rules.map(|rules| encoded(rules, Vec::new()));
    let shared = Shared {
        clock: state.clock,
        rules: rules.as_deref(),
        waiting: state.waiting.to_vec(),
        owed: state.owed.clone(),
        known: state.known as u32,
        count: state.count as u32,
        told: people.len() as u32,
    };
    let mut bytes = begin(&shared);
    let mut scratch = Vec::new();
    for (place, person) in people {
        scratch.clear();
        scratch = encoded(person, scratch);
        bytes = append(bytes, (place, &scratch));
    }
    seal(bytes)
}

/// The state that a whole snapshot and the increments upon it lead to.
pub fn read(snapshots: &[&[u8]]) -> Result<Read, SnapshotError> {
    let Sum { shared, people } = Sum::of(snapshots)?;
    Ok(Read {
        clock: shared.clock,
        rules: decoded(shared.rules.unwrap_or_default())?,
        people: people.into_iter().map(decoded).collect::<Result<_, _>>()?,
        waiting: shared.waiting,
        owed: shared.owed,
    })
}

/// One whole snapshot of a whole one and the increments upon it, in their order. Subjects are moved unread.
///
/// # Errors
/// What [`SnapshotError`] says of any of them.
pub fn merge(snapshots: &[&[u8]]) -> Result<Vec<u8>, SnapshotError> {
    let Sum { shared, people } = Sum::of(snapshots)?;
    let pieces = (0..).zip(people);
    Ok(seal(pieces.fold(begin(&shared), append)))
}

/// One whole snapshot of a whole one and the increments upon it, in their order, as if of these subjects nothing had ever come.
///
/// # Errors
/// What [`SnapshotError`] says of any of them.
pub fn without(snapshots: &[&[u8]], gone: &[Subject]) -> Result<Vec<u8>, SnapshotError> {
    let Sum { mut shared, people } = Sum::of(snapshots)?;
    shared.waiting.retain(|change| !gone.contains(&change.subject));
    let mut left = Vec::with_capacity(people.len());
    let mut owed = std::mem::take(&mut shared.owed).into_iter().peekable();
    for (place, person) in (0..).zip(people) {
        let owes = owed.next_if(|(owes, _)| *owes == place);
        if !gone.contains(&decoded::<Person>(person)?.name) {
            shared.owed.extend(owes.map(|(_, due)| (left.len() as u32, due)));
            left.push(person);
        }
    }
    shared.count = left.len() as u32;
    shared.told = shared.count;
    Ok(seal((0..).zip(left).fold(begin(&shared), append)))
}

/// Snapshots laid onto each other.
struct Sum<'a> {
    shared: Shared<'a>,
    people: Vec<&'a [u8]>,
}

impl<'a> Sum<'a> {
    fn of(snapshots: &[&'a [u8]]) -> Result<Sum<'a>, SnapshotError> {
        let nothing =
            Shared { clock: Time::MIN, rules: None, waiting: Vec::new(), owed: Vec::new(), known: 0, count: 0, told: 0 };
        let mut sum = Sum { shared: nothing, people: Vec::new() };
        for bytes in snapshots {
            sum.add(opened(bytes)?)?;
        }
        if sum.shared.rules.is_none() {
            return Err(SnapshotError::Apart);
        }
        sum.shared.known = 0;
        sum.shared.told = sum.shared.count;
        Ok(sum)
    }

    fn add(&mut self, body: &'a [u8]) -> Result<(), SnapshotError> {
        let (shared, mut rest): (Shared<'a>, _) = postcard::take_from_bytes(body).map_err(|_| SnapshotError::Damaged)?;
        if shared.known as usize != self.people.len() || shared.count < shared.known {
            return Err(SnapshotError::Apart);
        }
        let mut least = 0;
        for _ in 0..shared.told {
            let (piece, after): (Piece<'a>, _) = postcard::take_from_bytes(rest).map_err(|_| SnapshotError::Damaged)?;
            rest = after;
            let (place, person) = (piece.0 as usize, piece.1);
            if place < least {
                return Err(SnapshotError::Damaged);
            }
            least = place + 1;
            match place.cmp(&self.people.len()) {
                Ordering::Less => self.people[place] = person,
                Ordering::Equal => self.people.push(person),
                Ordering::Greater => return Err(SnapshotError::Damaged),
            }
        }
        if !rest.is_empty() || self.people.len() != shared.count as usize {
            return Err(SnapshotError::Damaged);
        }
        let rules = shared.rules.or(self.shared.rules);
        self.shared = Shared { rules, ..shared };
        Ok(())
    }
}

fn begin(shared: &Shared<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD);
    bytes.extend_from_slice(NAME);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.resize(HEAD, 0);
    encoded(shared, bytes)
}

fn append(bytes: Vec<u8>, (place, person): Piece<'_>) -> Vec<u8> {
    let mut bytes = encoded(&(place, person.len()), bytes);
    bytes.extend_from_slice(person);
    bytes
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = digest_of(&bytes[HEAD..]);
    bytes[HEAD - 16..HEAD].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What is inside, once name, format and checksum are right.
fn opened(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let rest = bytes.strip_prefix(NAME).ok_or(SnapshotError::NotASnapshot)?;
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(SnapshotError::Damaged)?;
    let found = u32::from_le_bytes(*format);
    if found != FORMAT {
        return Err(SnapshotError::Version { found, known: FORMAT });
    }
    let (checksum, body) = rest.split_first_chunk::<16>().ok_or(SnapshotError::Damaged)?;
    if u128::from_le_bytes(*checksum) != digest_of(body) {
        return Err(SnapshotError::Damaged);
    }
    Ok(body)
}

/// Appends to bytes: into memory, and no type of ours refuses to be written.
fn encoded<T: Serialize + ?Sized>(value: &T, bytes: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, bytes).unwrap_or_default()
}

fn decoded<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, SnapshotError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
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
            SnapshotError::Apart => f.write_str(
                "the increment is not of the snapshot it was laid onto; restore the state before it, or replay from the beginning",
            ),
        }
    }
}

impl std::error::Error for SnapshotError {}
