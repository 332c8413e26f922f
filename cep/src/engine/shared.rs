//! Readings that are seen under several subjects.
//!
//! A reading is accepted and accounted once, on the timeline of its own subject, which decides which revision is current. What is current there is put on the
//! timelines of the further subjects that it names, under an id of its own, and taken away where it does not name them any more. Each is decided by itself.
//!
//! Where subjects are split over engines, that of the reading's own subject says what is seen where ([`Seen`]), and whoever drives them carries it there.

use std::sync::Arc;

use vitalog_elog::{Cause, Effect, Outcome, Reading, ReadingId, Schema, Subject};

use super::Engine;

/// What a reading shows, or shows no longer, to a further subject.
#[derive(Clone, Debug)]
pub struct Seen {
    reading: Reading,
    cause: Cause,
}

impl Seen {
    pub fn subject(&self) -> &Subject {
        &self.reading.subject
    }

    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }
}

impl Engine {
    /// Takes a reading that may be seen under several subjects. What further ones see is shown to them, or left in `left`.
    pub(super) fn shared(&mut self, reading: &Reading, place: u32, effects: &mut Vec<Effect>, mut left: Option<&mut Vec<Seen>>) {
        let schema = self.rules.library.schema.clone();
        let clock = self.clock.0;
        let former = self.people[place as usize].line.further_subjects(reading, clock, &schema);
        let first = effects.len();
        let cause = Cause::Reading(reading.id);
        self.reading(reading, place, cause, effects);
        if !matches!(effects.get(first), Some(Effect::Reading(Outcome::New | Outcome::Superseded { .. }))) {
            return;
        }
        for reading in shown(reading, &former, &schema) {
            let seen = Seen { reading, cause };
            match &mut left {
                Some(left) => left.push(seen),
                None => self.show(&seen, effects),
            }
        }
    }

    /// What further subjects would be shown.
    pub(super) fn seen_elsewhere(&mut self, reading: &Reading, clock: i64) -> Vec<Reading> {
        let schema = self.rules.library.schema.clone();
        let place = self.places.get(&reading.subject);
        let former = place.map(|place| self.people[place as usize].line.further_subjects(reading, clock, &schema));
        shown(reading, &former.unwrap_or_default(), &schema)
    }

    pub(super) fn show(&mut self, seen: &Seen, effects: &mut Vec<Effect>) {
        let place = self.place(&seen.reading.subject);
        self.catch_up(place, effects);
        let outcome = effects.len();
        self.reading(&seen.reading, place, seen.cause, effects);
        // It was accounted for already.
        effects.remove(outcome);
    }
}

/// What each further subject is shown that a reading names, or that its former revision named.
fn shown(reading: &Reading, former: &[Subject], schema: &Schema) -> Vec<Reading> {
    let now = reading.content.as_ref().map_or_else(Vec::new, |content| content.further_subjects(schema));
    let mut all: Vec<&Subject> = former.iter().chain(&now).filter(|s| **s != reading.subject).collect();
    all.sort();
    all.dedup();
    let show = |subject: &Subject| Reading {
        subject: subject.clone(),
        id: ReadingId::seen_from(&reading.subject, reading.id),
        given: Some(Arc::from(reading.subject.as_str())),
        content: reading.content.clone().filter(|_| now.contains(subject)),
        ..*reading
    };
    all.into_iter().map(show).collect()
}
