//! The way in to the workers: knows the rules in force, splits each group by partition and hands it over as one batch.

use std::ops::Range;
use std::sync::Arc;

use vitalog_cep::driver::{Concerns, split};
use vitalog_cep::plan::Library;
use vitalog_elog::{Entry, Input, Position, Schema, Time};

use super::asking::Question;
use super::batch::Batch;
use super::mind::library_of;
use super::versions::Versions;
use super::workers::Giving;
use crate::failure::Failure;

/// Gives work out, in the journal's order.
pub struct Router {
    pub(super) giving: Giving,
    pub library: Arc<Library>,
    /// All texts that were ever in force; the library was compiled from the last.
    pub versions: Arc<Versions>,
    /// Whether workers are to tell how long each step took.
    pub timed: bool,
    /// The greatest arrival given out.
    pub(super) clock: Time,
}

/// For a group that is under way: whoever puts together what follows needs it.
pub struct Ticket {
    pub batch: Arc<Batch>,
    /// In force after the group.
    pub library: Arc<Library>,
    pub versions: Arc<Versions>,
}

/// For a snapshot that is under way.
pub struct Asked {
    pub position: Position,
    pub is_whole: bool,
    pub library: Arc<Library>,
    pub versions: Arc<Versions>,
}

impl Router {
    /// Hands the inputs of one journaled group to the workers. `entry` gives the input at an offset, in terms of the schema at hand: a rule change may declare what later
    /// inputs of its group need. Blocks while a worker has too much to do.
    ///
    /// # Errors
    /// Those of `entry`; where journaled rules no longer compile (this version of the language does not understand what a former one accepted); where a worker is gone.
    pub fn give(
        &mut self,
        offsets: Range<u64>,
        mut entry: impl FnMut(u64, &Schema) -> Result<Arc<Entry>, Failure>,
    ) -> Result<Ticket, Failure> {
        let first = offsets.start;
        let mut entries = Vec::with_capacity((offsets.end - offsets.start) as usize);
        let mut libraries = Vec::new();
        let mut shares = self.library.schema.shares();
        for offset in offsets {
            let entry = entry(offset, &self.library.schema)?;
            if let Input::Rules(change) = &entry.input {
                self.library = Arc::new(library_of(change, &self.library)?);
                Arc::make_mut(&mut self.versions).add((offset, entry.arrival), change, &self.library);
                libraries.push(((offset - first) as u32, self.library.clone()));
                shares |= self.library.schema.shares();
            }
            entries.push(entry);
        }
        let split = split(self.giving.partitions(), &mut self.clock, entries.iter().map(|e| (e.arrival, concerns(&e.input))));
        let batch = Arc::new(Batch { first, entries, split, libraries, shares, timed: self.timed });
        self.giving.step(&batch)?;
        Ok(Ticket { batch, library: self.library.clone(), versions: self.versions.clone() })
    }

    /// # Errors
    /// Where the worker is gone.
    pub fn why(&self, question: Question) -> Result<(), Failure> {
        self.giving.why(question)
    }

    /// Has workers tell their whole state at a position, or what changed since the last time.
    ///
    /// # Errors
    /// Where a worker is gone.
    pub fn ask_for_snapshot(&self, position: Position, is_whole: bool) -> Result<Asked, Failure> {
        self.giving.snapshot(is_whole)?;
        Ok(Asked { position, is_whole, library: self.library.clone(), versions: self.versions.clone() })
    }
}

fn concerns(input: &Input) -> Concerns<'_> {
    match input {
        Input::Reading(reading) => Concerns::Subject(&reading.subject),
        Input::Profile(change) => Concerns::Subject(&change.subject),
        Input::Rules(_) | Input::Tick => Concerns::All,
        Input::Command(_)
        | Input::Receipt(_)
        | Input::DeadLetter(_)
        | Input::Mending(_)
        | Input::Once(_)
        | Input::Sent(_)
        | Input::Erased => Concerns::Nobody,
    }
}
