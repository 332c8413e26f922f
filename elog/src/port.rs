//! The port through which an edge hands inputs to the run loop.
//!
//! The edges never meet: whoever accepts something that decides (a reading, an acknowledgement, a delivery receipt) gives it to an [`Inlet`],
//! and the shell journals it, steps the engine and answers.

use std::fmt;

use crate::effect::Outcome;
use crate::input::Input;
use crate::position::Position;
use crate::time::Time;

/// Takes inputs in; answers once they are on stable storage and the engine has stepped over them.
pub trait Inlet: Send + Sync {
    /// All of `inputs` or none. They are journaled in this order, as one piece. `done` is called exactly once, from another thread.
    fn submit(&self, inputs: Vec<Input>, done: Answer);
}

/// Tells how far in the journal an instant reaches.
pub trait Past: Send + Sync {
    /// `done` is called at most once, from another thread; never where nobody can tell any more.
    fn reach(&self, instant: Time, done: Reach);
}

/// Called with an offset before which everything lies that was accepted up to the instant, or ever will be; with `None` where that is not settled yet, for the
/// instant is not over.
pub type Reach = Box<dyn FnOnce(Option<u64>) + Send>;

/// Called with one acknowledgement per input, in their order.
pub type Answer = Box<dyn FnOnce(Result<Accepted, Unavailable>) + Send>;

/// They are kept.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The offset of the first; the others follow without a gap.
    pub first: u64,
    /// When they were accepted; of nothing, what the clock of acceptance says now. Nothing that is submitted later is accepted before.
    pub arrival: Time,
    /// For each input: what it was to the set of readings, where it is a reading.
    pub outcomes: Vec<Option<Outcome>>,
    /// After the last: a read that waits for it sees them.
    pub position: Position,
}

/// They are not acknowledged, and why; to be tried again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// More is waiting than may wait.
    Overloaded,
    /// The process is ending.
    Closing,
    /// The disk is nearly full.
    NoRoom,
    /// Where the journal is kept does not answer, or refuses. It may have been kept all the same, and is not acknowledged: sent again it is a duplicate then.
    JournalAway,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unavailable::Overloaded => "too much is waiting to be stored",
            Unavailable::Closing => "the server is closing",
            Unavailable::NoRoom => "the disk is nearly full",
            Unavailable::JournalAway => "the journal can't be written just now",
        })
    }
}

impl std::error::Error for Unavailable {}
