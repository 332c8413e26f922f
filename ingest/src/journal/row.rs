//! A group as a home of the journal stores it, whatever the home: the header that is chained, and the payload that it seals.

use vitalog_elog::{Position, Time};

/// The version of what is chained: the same in all formats and homes, so that a journal goes on in another format.
const CHAINED: u32 = 1;

/// Where the journal ends.
pub(super) struct Head {
    pub next: u64,
    pub chain: [u8; 32],
}

/// When a group came, and where it lies.
pub(super) struct Outline {
    pub first: u64,
    pub count: u64,
    pub arrival: Time,
}

/// One group as it is stored.
pub(super) struct Row {
    pub first: u64,
    pub count: u64,
    /// Of the group's last entry.
    pub arrival: Time,
    pub checksum: [u8; 32],
    pub chain: [u8; 32],
    pub payload: Vec<u8>,
}

impl Row {
    /// The row that follows `position`.
    pub fn next(position: &Position, count: u64, arrival: Time, payload: Vec<u8>) -> Row {
        let checksum = *blake3::hash(&payload).as_bytes();
        let mut row = Row { first: position.next, count, arrival, checksum, chain: [0; 32], payload };
        row.chain = row.chained_to(position);
        row
    }

    /// The chain hash this row must have if it follows `position`: over the predecessor's, the header, and the payload by its checksum.
    pub fn chained_to(&self, position: &Position) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&position.chain);
        hasher.update(&CHAINED.to_le_bytes());
        hasher.update(&position.incarnation.to_le_bytes());
        hasher.update(&self.first.to_le_bytes());
        hasher.update(&self.count.to_le_bytes());
        hasher.update(&self.arrival.0.to_le_bytes());
        hasher.update(&self.checksum);
        *hasher.finalize().as_bytes()
    }

    pub fn position_after(&self, incarnation: u128) -> Position {
        Position { incarnation, next: self.first + self.count, chain: self.chain }
    }
}
