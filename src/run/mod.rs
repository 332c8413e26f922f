//! The run loop: journal, then step, then dispatch.
//!
//! | thread | takes | gives |
//! |---|---|---|
//! | journal | submissions through the [`inlet::Door`] | synced groups |
//! | engine | groups | acknowledgements, and what followed, to every sink |
//! | one per sink | what followed | rows and position, committed together |
//!
//! INVARIANT (acknowledged is kept): nobody is told `accepted` before the journal's sync has returned.

pub mod clock;
mod contact;
mod directory;
mod in_force;
mod inlet;
mod journaling;
mod landing;
mod mind;
mod replay;
mod rules;
mod sinks;
mod snapshot;
mod start;
mod stepping;
mod watch;

pub use rules::{RuleDesk, RulesError};
pub use start::{Node, Options};
pub use watch::RuleWatch;
