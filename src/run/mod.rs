//! The run loop: journal, then step, then dispatch.
//!
//! | thread | takes | gives |
//! |---|---|---|
//! | journal | submissions through the [`inlet::Door`] | synced groups |
//! | engine | groups, and questions between them | acknowledgements, and what followed, to every sink; answers |
//! | one per sink | what followed | rows and position, committed together |
//!
//! INVARIANT (acknowledged is kept): nobody is told `accepted` before the journal's sync has returned.

mod arrivals;
mod asking;
pub mod clock;
mod contact;
mod directory;
mod fleeting;
mod in_force;
mod inlet;
mod journaling;
mod landing;
mod mind;
mod past;
mod replay;
mod rules;
mod sinks;
mod snapshot;
mod start;
mod stepping;
mod versions;
mod watch;

pub use arrivals::{Arrival, arrivals, move_to};
pub use asking::{Asker, NotAsked, Question};
pub use fleeting::forget;
pub use past::{Past, Told};
pub use rules::{RuleDesk, RulesError};
pub use start::{Node, Options};
pub use versions::{Version, Versions};
pub use watch::RuleWatch;
