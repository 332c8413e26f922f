//! The run loop: journal, then step, then dispatch.
//!
//! | thread | takes | gives |
//! |---|---|---|
//! | journal | submissions through the [`inlet::Door`] | synced groups |
//! | engine | groups, and questions between them | each group, split by partition, to every worker |
//! | one per worker | batches | what its partitions' engines say of each input; answers |
//! | collector | what the workers said | acknowledgements, and what followed, to every sink; snapshots |
//! | one per sink | what followed | rows and position, committed together |
//! | snapshots | states as the collector has them | files |
//!
//! Where the journal is kept for a time only, a further one lets go of it ([`crate::trimming`]).
//!
//! Queues between them are bounded: whoever is slow holds up who is before it, and in the end the door.
//!
//! INVARIANT (acknowledged is kept): nobody is told `accepted` before the journal's sync has returned.

mod ahead;
mod arrivals;
mod asked;
mod asking;
mod away;
mod batch;
mod beginning;
mod beyond;
pub mod clock;
mod collector;
mod contact;
mod cutting;
mod directory;
mod due;
mod erasing;
mod figures;
mod fleeting;
mod gathering;
mod in_force;
mod inlet;
mod journaling;
mod landing;
mod mind;
mod notices;
mod own;
mod past;
mod queue;
mod replay;
mod retention;
mod room;
mod router;
mod rules;
mod sinks;
mod snapshot;
#[cfg(test)]
mod spread;
mod start;
mod stepping;
mod versions;
mod watch;
mod workers;

pub use arrivals::{Arrival, arrivals, move_to};
pub use asked::{Outcome, erase_asked};
pub use asking::{Asker, NotAsked, Question};
pub use beginning::{STATE_ANEW, gone};
pub use beyond::copy_layers;
pub use clock::{Now, wall as wall_clock};
pub use directory::{Directory, ELSEWHERE, MOST_PARTITIONS, elsewhere, has_journal, kek, placing};
pub use erasing::{Unknown, erase, open as open_finished};
pub use fleeting::forget;
pub use inlet::Message;
pub use mind::{Mind, Spread};
pub use notices::Notices;
pub use past::{Past, Told};
pub use retention::{NOTE as RETENTION, Note as RetentionNote, held as held_by_law, is_erasing, tell as tell_retention};
pub use room::{FLOOR, Room, free};
pub use rules::{RuleDesk, RulesError};
pub use snapshot::{Bases, Wish, survey};
pub use start::{HORIZON, Node, Options, cores, sinks};
pub use versions::{Version, Versions};
pub use watch::RuleWatch;
pub use workers::QUEUE;
