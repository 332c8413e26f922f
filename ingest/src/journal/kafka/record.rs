//! What stands in the topic, as bytes. Openings, heads and notes are in the order's partition, parts in the others.
//!
//! ```text
//! "VtLg"  version  kind  body                         all but a part end in half a BLAKE3 hash of all before
//! ```
//!
//! From the first note on every record of the order is of version 2 and says behind its body where the note in force stands: so the last record tells where the journal begins, and a program that would not ask refuses the topic.
//!
//! What can't be read, is bent, or stands elsewhere than it says counts for nothing: a group that it took away is missing, and named by what follows it.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Position, Time};

use crate::journal::row::Row;
use crate::journal::trim::Beginning;

const MAGIC: &[u8; 4] = b"VtLg";
/// What a journal has that was never trimmed; and of parts, always.
const FIRST: u8 = 1;
/// Of the order of one that was.
const NOTED: u8 = 2;
/// The newest version of these bytes. A newer one is refused.
pub(super) const VERSION: u8 = NOTED;
const SUM: usize = 16;

const OPENING: u8 = b'o';
const HEAD: u8 = b'h';
const NOTE: u8 = b'n';
const PART: u8 = b'p';

/// A writer begins here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    /// The offset at which it stands.
    pub own: u64,
    pub incarnation: u128,
    /// Drawn anew by each process that opens the journal.
    pub writer: u128,
    /// Into how many partitions the topic's groups are cut.
    pub partitions: u32,
    /// Where the journal ended when it began.
    pub next: u64,
    pub chain: [u8; 32],
    /// Where the note stands that is in force.
    #[serde(skip)]
    pub note: Option<u64>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The offset at which it stands.
    pub own: u64,
    pub first: u64,
    pub count: u64,
    pub arrival: i64,
    pub checksum: [u8; 32],
    pub chain: [u8; 32],
    /// What its payload was cut into, in order.
    pub parts: Vec<Pointer>,
    /// Where the note stands that is in force.
    #[serde(skip)]
    pub note: Option<u64>,
}

/// Where the journal begins from here on. It says of the journal what an opening says, for the first opening goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The offset at which it stands.
    pub own: u64,
    pub incarnation: u128,
    pub writer: u128,
    pub partitions: u32,
    /// Where the journal ended when it was written.
    pub next: u64,
    pub chain: [u8; 32],
    /// Where it begins.
    pub begins: u64,
    pub begins_chain: [u8; 32],
    pub arrival: i64,
    pub at: i64,
    /// Of each partition, the order's first: from which offset on its records are needed. What stands before may go.
    pub lows: Vec<u64>,
    /// Whether that was looked up for this beginning; else they are those of the one before, and less may go than could.
    pub is_surveyed: bool,
}

/// Where a part lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pointer {
    pub partition: u32,
    pub offset: u64,
    pub bytes: u32,
}

/// What stands at an offset of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Opening(Opening),
    Head(Head),
    Note(Note),
    /// It counts for nothing.
    Void,
    /// Of a version that this program does not know.
    Newer(u8),
}

impl Head {
    pub fn of(row: &Row, own: u64, parts: Vec<Pointer>, note: Option<u64>) -> Head {
        let (arrival, checksum, chain) = (row.arrival.0, row.checksum, row.chain);
        Head { own, first: row.first, count: row.count, arrival, checksum, chain, parts, note }
    }

    pub fn row(&self, payload: Vec<u8>) -> Row {
        let arrival = Time(self.arrival);
        Row { first: self.first, count: self.count, arrival, checksum: self.checksum, chain: self.chain, payload }
    }

    /// Where the journal ends behind it.
    pub fn end(&self) -> (u64, [u8; 32]) {
        (self.first.saturating_add(self.count), self.chain)
    }

    pub fn bytes(&self) -> Vec<u8> {
        pointing(HEAD, self, self.note)
    }
}

impl Opening {
    pub fn of(position: &Position, writer: u128, partitions: u32, own: u64, note: Option<u64>) -> Opening {
        let Position { incarnation, next, chain } = *position;
        Opening { own, incarnation, writer, partitions, next, chain, note }
    }

    pub fn bytes(&self) -> Vec<u8> {
        pointing(OPENING, self, self.note)
    }
}

impl Note {
    pub fn bytes(&self) -> Vec<u8> {
        summed(NOTED, NOTE, self)
    }

    pub fn beginning(&self) -> Beginning {
        let position = Position { incarnation: self.incarnation, next: self.begins, chain: self.begins_chain };
        Beginning { position, arrival: Time(self.arrival), at: Time(self.at) }
    }

    /// From which offset of a partition on its records are needed.
    pub fn low(&self, partition: usize) -> u64 {
        self.lows.get(partition).copied().unwrap_or(0)
    }
}

impl Record {
    /// What stands at the offset `at` of the order.
    pub fn read(at: u64, bytes: &[u8]) -> Record {
        let Some((version, kind, rest)) = begun(bytes) else { return Record::Void };
        if version > VERSION {
            return Record::Newer(version);
        }
        let Some((body, sum)) = rest.split_last_chunk::<SUM>() else { return Record::Void };
        if blake3::hash(&bytes[..bytes.len() - SUM]).as_bytes()[..SUM] != *sum {
            return Record::Void;
        }
        let record = match (version, kind) {
            (FIRST, OPENING) => whole(body).map(Record::Opening),
            (FIRST, HEAD) => whole(body).map(Record::Head),
            (NOTED, OPENING) => whole(body).map(|(it, note)| Record::Opening(Opening { note: Some(note), ..it })),
            (NOTED, HEAD) => whole(body).map(|(it, note)| Record::Head(Head { note: Some(note), ..it })),
            (NOTED, NOTE) => whole(body).map(Record::Note),
            _ => None,
        };
        record.filter(|record| record.own() == Some(at)).unwrap_or(Record::Void)
    }

    /// Where it says that it stands.
    fn own(&self) -> Option<u64> {
        match self {
            Record::Opening(opening) => Some(opening.own),
            Record::Head(head) => Some(head.own),
            Record::Note(note) => Some(note.own),
            Record::Void | Record::Newer(_) => None,
        }
    }

    /// The offset of the journal at which it stands; `None` where it counts for nothing.
    pub fn key(&self) -> Option<u64> {
        match self {
            Record::Opening(opening) => Some(opening.next),
            Record::Head(head) => Some(head.first),
            Record::Note(note) => Some(note.next),
            Record::Void | Record::Newer(_) => None,
        }
    }
}

/// The `n`-th piece of the payload of the group at `first`.
pub(super) fn part(first: u64, n: u32, piece: &[u8]) -> Vec<u8> {
    let mut out = begin(FIRST, PART);
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&n.to_le_bytes());
    out.extend_from_slice(piece);
    out
}

/// The same, read; `None` where it is another.
pub(super) fn piece(bytes: &[u8], first: u64, n: u32) -> Option<&[u8]> {
    let (_, _, rest) = begun(bytes).filter(|(version, kind, _)| (*version, *kind) == (FIRST, PART))?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    (u64::from_le_bytes(*at) == first && u32::from_le_bytes(*number) == n).then_some(rest)
}

fn begin(version: u8, kind: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[version, kind]);
    out
}

fn begun(bytes: &[u8]) -> Option<(u8, u8, &[u8])> {
    match bytes.strip_prefix(MAGIC)? {
        [version, kind, rest @ ..] => Some((*version, *kind, rest)),
        _ => None,
    }
}

/// A record that says where the note in force stands, if there is one.
fn pointing(kind: u8, body: &impl Serialize, note: Option<u64>) -> Vec<u8> {
    match note {
        None => summed(FIRST, kind, body),
        Some(note) => summed(NOTED, kind, &(body, note)),
    }
}

fn summed(version: u8, kind: u8, body: &impl Serialize) -> Vec<u8> {
    let begun = begin(version, kind);
    // Integers, arrays and a list: postcard has no way to fail on them, and what it left out would not verify.
    let mut out = postcard::to_extend(body, begun).unwrap_or_default();
    let sum = *blake3::hash(&out).as_bytes();
    out.extend_from_slice(&sum[..SUM]);
    out
}

fn whole<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Option<T> {
    let (it, rest) = postcard::take_from_bytes(body).ok()?;
    rest.is_empty().then_some(it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let parts = vec![Pointer { partition: 3, offset: 70_000, bytes: 12 }, Pointer { partition: 16, offset: 0, bytes: 900 }];
        Head { own: 41, first: 1_000, count: 20, arrival: -5, checksum: [7; 32], chain: [9; 32], parts, note: None }
    }

    fn opening(own: u64) -> Opening {
        let (incarnation, writer, chain) = (1 << 100, 1 << 90, [1; 32]);
        Opening { own, incarnation, writer, partitions: 16, next: 300, chain, note: None }
    }

    fn note() -> Note {
        let (lows, chains) = (vec![7, 0, 70_000, 12], [[1; 32], [2; 32]]);
        let (incarnation, writer, [chain, begins_chain]) = (1 << 100, 1 << 90, chains);
        let (own, partitions, next, begins, arrival, at) = (41, 16, 1_000, 600, -5, 9);
        Note { own, incarnation, writer, partitions, next, chain, begins, begins_chain, arrival, at, lows, is_surveyed: true }
    }

    #[test]
    fn a_record_counts_where_it_says_that_it_stands_and_nowhere_else() {
        let (head, opening) = (head(), opening(0));
        assert_eq!(Record::read(41, &head.bytes()), Record::Head(head.clone()));
        assert_eq!(Record::read(0, &opening.bytes()), Record::Opening(opening.clone()));
        assert_eq!(Record::read(41, &note().bytes()), Record::Note(note()));
        for elsewhere in [0, 40, 42, u64::MAX] {
            assert_eq!(Record::read(elsewhere, &head.bytes()), Record::Void);
            assert_eq!(Record::read(elsewhere, &note().bytes()), Record::Void);
        }
        assert_eq!(Record::read(1, &opening.bytes()), Record::Void);
    }

    /// A program of the first version must not pass over it: it would not know where the journal begins.
    #[test]
    fn behind_a_note_every_record_says_where_it_stands_and_is_of_a_version_that_says_so() {
        let (head, opening) = (Head { note: Some(77_000), ..head() }, Opening { note: Some(0), ..opening(3) });
        assert_eq!(Record::read(41, &head.bytes()), Record::Head(head.clone()));
        assert_eq!(Record::read(3, &opening.bytes()), Record::Opening(opening.clone()));
        for bytes in [head.bytes(), opening.bytes(), note().bytes()] {
            assert_eq!(bytes[4], NOTED);
        }
        // Neither is the other in disguise.
        for (bytes, version) in [(head.bytes(), FIRST), (self::head().bytes(), NOTED)] {
            let mut other = bytes[..bytes.len() - SUM].to_vec();
            other[4] = version;
            let sum = *blake3::hash(&other).as_bytes();
            other.extend_from_slice(&sum[..SUM]);
            assert_eq!(Record::read(41, &other), Record::Void);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_head_and_a_note_is_seen() {
        for bytes in [head().bytes(), note().bytes()] {
            no_bit_is_passed_over(&bytes);
        }
        assert_eq!(Record::read(0, b""), Record::Void);
        assert_eq!(Record::read(0, b"something else altogether"), Record::Void);
    }

    fn no_bit_is_passed_over(bytes: &[u8]) {
        for bit in 0..bytes.len() * 8 {
            let mut bent = bytes.to_vec();
            bent[bit / 8] ^= 1 << (bit % 8);
            let read = Record::read(41, &bent);
            assert!(matches!(read, Record::Void | Record::Newer(_)), "bit {bit}: {read:?}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(Record::read(41, &bytes[..cut]), Record::Void, "cut at {cut}");
        }
    }

    #[test]
    fn a_piece_is_of_its_group_and_its_place_there() {
        let bytes = part(1_000, 1, b"sealed");
        assert_eq!(piece(&bytes, 1_000, 1), Some(&b"sealed"[..]));
        assert_eq!((piece(&bytes, 1_001, 1), piece(&bytes, 1_000, 0), piece(&bytes[..10], 1_000, 1)), (None, None, None));
        assert_eq!(piece(&head().bytes(), 1_000, 1), None);
    }

    /// The bytes are a format: what is in topics must be read for ever.
    #[test]
    fn the_bytes_of_the_first_version_stay_as_they_are() {
        let digest = |bytes: &[u8]| blake3::hash(bytes).to_hex()[..16].to_owned();
        assert_eq!(
            [digest(&head().bytes()), digest(&opening(3).bytes()), digest(&part(300, 2, b"xyz"))],
            ["093504e25ac47b4b", "b6896293b15b79db", "9e0ad7d024059cf7"],
        );
    }

    #[test]
    fn the_bytes_of_the_second_version_stay_as_they_are() {
        let digest = |bytes: &[u8]| blake3::hash(bytes).to_hex()[..16].to_owned();
        let (head, opening) = (Head { note: Some(300), ..head() }, Opening { note: Some(300), ..opening(3) });
        assert_eq!(
            [digest(&head.bytes()), digest(&opening.bytes()), digest(&note().bytes())],
            ["585d40e98db1bbd4", "1130f1e3d28b7ef9", "d88f543cf41a079c"],
        );
    }
}
