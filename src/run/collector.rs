//! The way out of the workers: puts together what they said, in the journal's order, and steps the notifier over it.
//!
//! Of one input come first the effects in the partition of its subject (the outcome of a reading before all else), then what fell due in the others, by partition. With
//! the last input of a group comes what could be decided only when all of it was there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use vitalog_cep::plan::Library;
use vitalog_elog::{Effect, Record, Time};
use vitalog_notify::Notifier;

use super::batch::Part;
use super::fleeting::forget;
use super::router::{Asked, Ticket};
use super::snapshot::Taken;
use super::workers::Done;
use crate::failure::Failure;

/// Takes what workers give back.
pub struct Collector {
    pub(super) done: Vec<Receiver<Done>>,
    /// The earliest deadline of any partition after the last group.
    pub(super) due: Option<Time>,
    pub(super) notifier: Notifier,
    /// How long steps took, in nanoseconds, where the router asks for it; whoever wants to know takes it.
    pub took: Vec<u32>,
}

impl Collector {
    /// All that follows from each input of the next group under way.
    ///
    /// INVARIANT (a group is one moment): its inputs were accepted together, so a finding that opens and vanishes within it was never there for anyone, and is
    /// left out; so is an amendment that another change of the finding follows. Groups are part of the journal: a replay leaves out the same.
    ///
    /// # Errors
    /// Where a worker is gone.
    pub fn take(&mut self, ticket: &Ticket) -> Result<Vec<Record>, Failure> {
        let mut parts = Vec::new();
        self.due = None;
        for done in &self.done {
            let Ok(Done::Stepped { parts: some, due }) = done.recv() else { return Err(gone()) };
            self.took.extend(some.iter().flat_map(|part| &part.took));
            parts.extend(some);
            self.due = [self.due, due].into_iter().flatten().min();
        }
        let batch = &ticket.batch;
        let numbered = (batch.first..).zip(&batch.entries);
        let mut records: Vec<Record> =
            numbered.map(|(offset, entry)| Record { offset, entry: entry.clone(), effects: Vec::new() }).collect();
        merge(parts, &mut records);
        forget(records.iter_mut().map(|record| &mut record.effects).collect());
        // The notifier comes after all of the group: it is told at each change of rules which policies hold from there on.
        let changed: BTreeMap<u64, &Arc<Library>> =
            batch.libraries.iter().map(|(place, library)| (batch.first + u64::from(*place), library)).collect();
        for record in &mut records {
            let policies = changed.get(&record.offset).map(|library| &library.policies[..]);
            self.notifier.step(record.offset, record.entry.arrival, &record.entry, policies, &mut record.effects);
        }
        Ok(records)
    }

    /// What the workers were asked for, when all before it was taken.
    ///
    /// # Errors
    /// Where a worker is gone.
    pub fn snapshot(&mut self, asked: Asked) -> Result<Taken, Failure> {
        let mut engines = Vec::new();
        for done in &self.done {
            let Ok(Done::Snapshot(some)) = done.recv() else { return Err(gone()) };
            engines.extend(some);
        }
        engines.sort_by_key(|(partition, _)| *partition);
        Ok(Taken {
            position: asked.position,
            is_whole: asked.is_whole,
            library: asked.library,
            versions: asked.versions,
            engines: engines.into_iter().map(|(_, bytes)| bytes).collect(),
            notifier: self.notifier.snapshot(),
        })
    }

    /// The earliest instant at which the clock decides something.
    pub fn next_due(&self) -> Option<Time> {
        [self.due, self.notifier.next_due()].into_iter().flatten().min()
    }
}

fn gone() -> Failure {
    Failure::new("a worker of the engine is gone")
}

/// Gives each record its effects, in an order that does not hang on who had which partition.
fn merge(mut parts: Vec<Part>, records: &mut [Record]) {
    parts.sort_by_key(|part| part.partition);
    let mut add = |place: usize, effects: Vec<Effect>| {
        let into = &mut records[place].effects;
        if into.is_empty() { *into = effects } else { into.extend(effects) }
    };
    for part in &mut parts {
        part.own.drain(..).for_each(|(place, effects)| add(place as usize, effects));
    }
    for part in &mut parts {
        part.due.drain(..).for_each(|(place, effects)| add(place as usize, effects));
    }
    if let Some(last) = records.last_mut() {
        parts.into_iter().for_each(|part| last.effects.extend(part.last));
    }
}
