//! Readings that are seen under several subjects.
//!
//! A reading is accepted and accounted once, on the timeline of its own subject, which decides which revision is current. What is current there is put on the
//! timelines of the further subjects that it names, under an id of its own, and taken away where it does not name them any more. Each is decided by itself.

use std::sync::Arc;

use vitalog_elog::{Cause, Effect, Outcome, Reading, ReadingId, Subject};

use super::Engine;

impl Engine {
    /// Takes a reading that may be seen under several subjects.
    pub(super) fn shared(&mut self, reading: &Reading, effects: &mut Vec<Effect>) {
        let schema = self.rules.library.schema.clone();
        let place = self.place(&reading.subject);
        let clock = self.clock.0;
        let former = self.people[place as usize].line.further_subjects(reading, clock, &schema);
        let first = effects.len();
        let cause = Cause::Reading(reading.id);
        self.reading(reading, cause, effects);
        if !matches!(effects.get(first), Some(Effect::Reading(Outcome::New | Outcome::Superseded { .. }))) {
            return;
        }
        let now = reading.content.as_ref().map_or_else(Vec::new, |content| content.further_subjects(&schema));
        let mut all: Vec<&Subject> = former.iter().chain(&now).filter(|s| **s != reading.subject).collect();
        all.sort();
        all.dedup();
        for subject in all {
            let seen = Reading {
                subject: subject.clone(),
                id: ReadingId::seen_from(&reading.subject, reading.id),
                given: Some(Arc::from(reading.subject.as_str())),
                content: reading.content.clone().filter(|_| now.contains(subject)),
                ..*reading
            };
            let outcome = effects.len();
            self.reading(&seen, cause, effects);
            // It was accounted for already.
            effects.remove(outcome);
        }
    }
}
