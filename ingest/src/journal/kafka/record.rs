//! What stands in the topic, as bytes. Openings and heads are in the order's partition, parts in the others.
//!
//! ```text
//! "VtLg"  version  kind  body                         a head and an opening end in half a BLAKE3 hash of all before
//! ```
//!
//! What can't be read, is bent, or stands elsewhere than it says counts for nothing: a group that it took away is missing, and named by what follows it.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Position, Time};

use crate::journal::row::Row;

const MAGIC: &[u8; 4] = b"VtLg";
/// The version of these bytes. A newer one is refused.
pub(super) const VERSION: u8 = 1;
const SUM: usize = 16;

const OPENING: u8 = b'o';
const HEAD: u8 = b'h';
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
    /// It counts for nothing.
    Void,
    /// Of a version that this program does not know.
    Newer(u8),
}

impl Head {
    pub fn of(row: &Row, own: u64, parts: Vec<Pointer>) -> Head {
        Head { own, first: row.first, count: row.count, arrival: row.arrival.0, checksum: row.checksum, chain: row.chain, parts }
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
        summed(HEAD, self)
    }
}

impl Opening {
    pub fn of(position: &Position, writer: u128, partitions: u32, own: u64) -> Opening {
        Opening { own, incarnation: position.incarnation, writer, partitions, next: position.next, chain: position.chain }
    }

    pub fn bytes(&self) -> Vec<u8> {
        summed(OPENING, self)
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
        match kind {
            OPENING => whole(body).filter(|it: &Opening| it.own == at).map_or(Record::Void, Record::Opening),
            HEAD => whole(body).filter(|it: &Head| it.own == at).map_or(Record::Void, Record::Head),
            _ => Record::Void,
        }
    }

    /// The offset of the journal at which it stands; `None` where it counts for nothing.
    pub fn key(&self) -> Option<u64> {
        match self {
            Record::Opening(opening) => Some(opening.next),
            Record::Head(head) => Some(head.first),
            Record::Void | Record::Newer(_) => None,
        }
    }
}

/// The `n`-th piece of the payload of the group at `first`.
pub(super) fn part(first: u64, n: u32, piece: &[u8]) -> Vec<u8> {
    let mut out = begin(PART);
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&n.to_le_bytes());
    out.extend_from_slice(piece);
    out
}

/// The same, read; `None` where it is another.
pub(super) fn piece(bytes: &[u8], first: u64, n: u32) -> Option<&[u8]> {
    let (_, _, rest) = begun(bytes).filter(|(version, kind, _)| (*version, *kind) == (VERSION, PART))?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    (u64::from_le_bytes(*at) == first && u32::from_le_bytes(*number) == n).then_some(rest)
}

fn begin(kind: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[VERSION, kind]);
    out
}

fn begun(bytes: &[u8]) -> Option<(u8, u8, &[u8])> {
    match bytes.strip_prefix(MAGIC)? {
        [version, kind, rest @ ..] => Some((*version, *kind, rest)),
        _ => None,
    }
}

fn summed(kind: u8, body: &impl Serialize) -> Vec<u8> {
    let begun = begin(kind);
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
        Head { own: 41, first: 1_000, count: 20, arrival: -5, checksum: [7; 32], chain: [9; 32], parts }
    }

    #[test]
    fn a_record_counts_where_it_says_that_it_stands_and_nowhere_else() {
        let (head, opening) = (head(), Opening { own: 0, incarnation: 77, writer: 78, partitions: 16, next: 0, chain: [0; 32] });
        assert_eq!(Record::read(41, &head.bytes()), Record::Head(head.clone()));
        assert_eq!(Record::read(0, &opening.bytes()), Record::Opening(opening.clone()));
        for elsewhere in [0, 40, 42, u64::MAX] {
            assert_eq!(Record::read(elsewhere, &head.bytes()), Record::Void);
        }
        assert_eq!(Record::read(1, &opening.bytes()), Record::Void);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_head_is_seen() {
        let bytes = head().bytes();
        for bit in 0..bytes.len() * 8 {
            let mut bent = bytes.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            let read = Record::read(41, &bent);
            assert!(matches!(read, Record::Void | Record::Newer(_)), "bit {bit}: {read:?}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(Record::read(41, &bytes[..cut]), Record::Void, "cut at {cut}");
        }
        assert_eq!(Record::read(0, b""), Record::Void);
        assert_eq!(Record::read(0, b"something else altogether"), Record::Void);
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
        let opening = Opening { own: 3, incarnation: 1 << 100, writer: 1 << 90, partitions: 16, next: 300, chain: [1; 32] };
        assert_eq!(
            [digest(&head().bytes()), digest(&opening.bytes()), digest(&part(300, 2, b"xyz"))],
            ["093504e25ac47b4b", "b6896293b15b79db", "9e0ad7d024059cf7"],
        );
    }
}
