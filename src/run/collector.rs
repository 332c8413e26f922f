//! The way out of the workers: puts together what they said, in the journal's order, and steps the notifier over it.
//!
//! Of one input come first the effects in the partition of its subject (the outcome of a reading before all else), then what fell due in the others, by partition. With
//! the last input of a group comes what could be decided only when all of it was there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use vitalog_cep::plan::Library;
use vitalog_elog::{Effects, Record, Time};
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
    /// The greatest arrival of any group taken: what the engines' clocks say.
    pub(super) clock: Time,
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
        self.clock = batch.entries.iter().map(|entry| entry.arrival).fold(self.clock, Time::max);
        let numbered = (batch.first..).zip(&batch.entries);
        let mut records: Vec<Record> =
            numbered.map(|(offset, entry)| Record { offset, entry: entry.clone(), effects: Effects::new() }).collect();
        merge(parts, &mut records);
        forget(records.iter_mut().map(|record| &mut record.effects));
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

    /// Whether an engine owes something that the clock has reached: each further input, and a tick if none comes, decides a slice of it.
    pub fn owes(&self) -> bool {
        self.due.is_some_and(|due| due <= self.clock)
    }
}

fn gone() -> Failure {
    Failure::new("a worker of the engine is gone")
}

/// Gives each record its effects, in an order that does not hang on who had which partition.
fn merge(mut parts: Vec<Part>, records: &mut [Record]) {
    parts.sort_by_key(|part| part.partition);
    let mut add = |place: usize, effects: Effects| {
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

#[cfg(test)]
mod tests {
    use vitalog_elog::effect::Former;
    use vitalog_elog::{Effect, Entry, Input, Outcome};

    use super::*;

    /// Effects that can be told apart.
    fn told(numbers: &[u32]) -> Effects {
        let effect = |rev: &u32| Effect::Reading(Outcome::superseded(Former { rev: *rev, hash: 0, place: None }));
        numbers.iter().map(effect).collect()
    }

    #[test]
    fn of_each_input_come_its_own_effects_then_what_fell_due_then_what_waited_for_all() {
        let entry = Arc::new(Entry { arrival: Time(1), input: Input::Tick });
        let mut records: Vec<Record> =
            (7..10).map(|offset| Record { offset, entry: entry.clone(), effects: Effects::new() }).collect();
        // As two workers give them back, the one with the odd partitions first.
        let parts = vec![
            Part {
                partition: 1,
                own: vec![(0, told(&[1, 2])), (1, told(&[10]))],
                due: vec![(1, told(&[12])), (2, told(&[21]))],
                last: told(&[24]).into_vec(),
                ..Part::default()
            },
            Part { partition: 3, due: vec![(1, told(&[13])), (2, told(&[22]))], last: told(&[25]).into_vec(), ..Part::default() },
            Part { partition: 0, due: vec![(1, told(&[11])), (2, told(&[20]))], last: told(&[23]).into_vec(), ..Part::default() },
            Part { partition: 2, own: vec![(0, told(&[3]))], last: Vec::new(), ..Part::default() },
        ];
        merge(parts, &mut records);
        let effects: Vec<_> = records.into_iter().map(|record| record.effects).collect();
        assert_eq!(effects, [told(&[1, 2, 3]), told(&[10, 11, 12, 13]), told(&[20, 21, 22, 23, 24, 25])]);
    }
}
