//! A journal that was trimmed: what is derived from it can't be made again from all of it, and whoever would have to says so.
//!
//! INVARIANT (no part for the whole): nothing is ever made from what is left of a journal alone. Views, outbox and lake that lack inputs from before its beginning, and a start without a state that is not before it, are refused.

use vitalog_ingest::journal::Journal;

use crate::failure::Failure;

/// What helps whoever lost what can't be made again.
pub const RESTORE: &str =
    "restore a backup that was made since the journal was trimmed (docs/operations.md, \"How long the journal is kept\")";

/// What helps where snapshots or layers are damaged. Moved and not removed: of a journal that was trimmed they can't be made again, and the next start says so.
pub const STATE_ANEW: &str = "stop the server, move `cold/` and `snapshots/` out of the data directory, and start it: both are made again from the journal. Where it says that the journal was trimmed, put them back, or restore a backup";

/// What is not in a journal any more, in words; `None`: it has everything.
pub fn gone(journal: &Journal) -> Option<String> {
    let beginning = journal.beginning()?;
    Some(format!(
        "the journal begins at offset {}, since what had arrived up to {} is past its retention",
        beginning.position.next, beginning.arrival
    ))
}

/// A sink that can't be opened. Its own words may say that it is made again when it is moved away: here it is not.
pub fn not_opened(journal: &Journal, sink: &str, error: &dyn std::fmt::Display) -> Failure {
    match gone(journal) {
        None => Failure::new(format!("{sink}: {error}")),
        Some(gone) => Failure::new(format!("{sink}: {error}\nit can't be made again: {gone}")).hint(RESTORE),
    }
}

/// # Errors
/// Where something would have to be made again from what is gone.
pub fn can_make_again(journal: &Journal, what: &str) -> Result<(), Failure> {
    match gone(journal) {
        None => Ok(()),
        Some(gone) => Err(Failure::new(format!("{what} can't be made again: {gone}")).hint(RESTORE)),
    }
}

/// # Errors
/// Where a sink has not come as far as to where the journal begins.
pub fn must_have(journal: &Journal, sink: &str, next: u64) -> Result<(), Failure> {
    let Some(gone) = gone(journal).filter(|_| next < journal.first()) else { return Ok(()) };
    let lacks = match next {
        0 => format!("the {sink} is missing, or begins anew"),
        next => format!("the {sink} has come to offset {next} only"),
    };
    Err(Failure::new(format!("{lacks}, and can't be fed: {gone}")).hint(RESTORE))
}

/// # Errors
/// Where a question goes to the journal's first input, and that is gone.
pub fn must_be_whole(journal: &Journal, question: &str, instead: &str) -> Result<(), Failure> {
    match gone(journal) {
        None => Ok(()),
        Some(gone) => Err(Failure::new(format!("{question}: {gone}")).hint(instead)),
    }
}
