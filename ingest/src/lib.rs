//! The way in: who may send, what it means, whether it is plausible, and that it is kept.
//!
//! [`decode`] turns bytes of a known form into raw readings, [`admit`] holds each against the declared streams, [`journal`] puts what was
//! accepted (and what was not) on stable storage, under the [`keys`] of whom it is about, [`access`] says who may do what, and [`io`] is the HTTP gateway over them.
//!
//! Invariant: nothing here knows the engine, and nothing outside [`io`] waits or reads a clock, but that the journal waits for its brokers ([`journal::kafka`]). What is declared of streams comes from
//! outside; no stream, field or threshold of health is known by name but to the importers of exports ([`decode::aim94`], [`decode::t1d_uom`]).

pub mod access;
pub mod admit;
pub mod decode;
pub mod io;
pub mod journal;
pub mod keys;
pub mod live;

#[cfg(test)]
#[path = "../tests/fuzz/changes.rs"]
mod changes;
#[cfg(test)]
#[path = "../tests/fuzz/effort.rs"]
mod effort;
