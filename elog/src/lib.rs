//! The vocabulary of Vitalog: the words that two or more of its crates need.
//!
//! A reading, its subject, exact quantities with units, event time, ids, the declaration of a stream, what a rule found, what is
//! journaled, and how far a sink has come. Everything here is plain data with pure functions on it.
//!
//! Invariant: nothing in this crate does I/O, waits, reads a clock or draws a random number, and it imports no other crate of ours.

// A loop over a hash map runs in an order of chance.
#![deny(clippy::iter_over_hash_type)]

pub mod access;
pub mod accounting;
pub mod effect;
pub mod finding;
pub mod id;
pub mod input;
pub mod metering;
pub mod once;
pub mod policy;
pub mod port;
pub mod position;
pub mod profile;
pub mod quantity;
pub mod reading;
pub mod refusal;
pub mod schema;
pub mod time;
pub mod time_of_day;
pub mod unusual;

pub use effect::{Effect, Effects, Outcome, Record};
pub use finding::{Cause, Change, Finding, FindingChange, FindingKind, FindingState, Quiet, Severity, Wording};
pub use id::{MatchId, ReadingId, Subject};
pub use input::{Entry, Input};
pub use once::{Answered, Once};
pub use position::Position;
pub use quantity::{Amount, Dimension, Unit};
pub use reading::{Atoms, Content, Reading, Value, When, content_hash};
pub use refusal::Refusal;
pub use schema::{Field, FieldIx, FieldKind, Schema, Shape, Stream, StreamIx};
pub use time::{Span, Time};
pub use time_of_day::TimeOfDay;
