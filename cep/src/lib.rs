//! The engine: given a compiled library of rules and journaled inputs, it says what stands.
//!
//! Pure, synchronous and deterministic: the same inputs give the same effects and the same snapshot, byte for byte. Time comes in with the
//! inputs.
//!
//! Invariant: this crate does not know that a text language, a journal, a network or a wall clock exist. It imports `vitalog-elog` only.

// A loop over a hash map runs in an order of chance.
#![deny(clippy::iter_over_hash_type)]

mod decide;
pub mod driver;
mod engine;
mod eval;
mod grow;
mod lazy;
mod newest;
pub mod plan;
mod timeline;
pub mod why;

pub use engine::{
    Engine, EngineInput, FORESIGHT, Horizon, LayerId, NotThatLayer, Parted, Seen, SnapshotError, Told, Unknown, Want, nothing_cut,
};
