//! How far a sink has come in which journal.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a journal. A sink commits it in the same atomic write as its output.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which journal: drawn once when it was created.
    pub incarnation: u128,
    /// The offset of the first input not yet applied.
    pub next: u64,
    /// The chain hash of the group that ends before `next`.
    pub chain: [u8; 32],
}

impl Position {
    /// Before the first input of a journal.
    pub fn start(incarnation: u128) -> Position {
        Position { incarnation, next: 0, chain: [0; 32] }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}@{}", self.incarnation, self.next)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
