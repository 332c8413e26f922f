//! Snapshots on disk: the state of engines, notifier and rules after the input before an offset, kept as a whole one with increments upon it.
//!
//! | file | has |
//! |---|---|
//! | `OFFSET.snapshot` | a whole state |
//! | `OFFSET.increment` | what changed since the snapshot before it, whose link it names |
//!
//! Workers write what changed and nothing else, so that they stand still in proportion to it. A thread of its own writes the file ([`writer`]), and where increments
//! have come to as much as the whole below them, lays them onto it, from the files, without asking any engine ([`store`]).
//!
//! INVARIANT (whole or nothing): a file counts if its checksum is right, and an increment if it was taken from the very state it is laid onto. What does not count is
//! passed over with a warning: the last state before it, and the journal from there, lead to the same.

mod bases;
mod file;
mod forget;
mod sliced;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_cep::plan::Library;
use vitalog_elog::Position;

use super::versions::Versions;
pub use bases::Bases;
pub use store::{MOST_INCREMENTS, Store, survey};
pub use writer::{Wish, Writer};

/// What workers and notifier gave at a position.
pub struct Taken {
    pub position: Position,
    /// Everything; else what changed since the last was taken.
    pub is_whole: bool,
    pub library: Arc<Library>,
    pub versions: Arc<Versions>,
    /// By partition.
    pub engines: Vec<Vec<u8>>,
    pub notifier: Vec<u8>,
}

/// Everything that the run loop would otherwise have to compute again from the journal.
pub struct State {
    pub library: Arc<Library>,
    pub versions: Arc<Versions>,
    /// By partition.
    pub engines: Vec<Engine>,
    pub notifier: Vec<u8>,
}
