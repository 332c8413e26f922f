//! What the next readings will look at, brought to the processor while nobody waits for it.
//!
//! A subject lies in some forty places of memory, each found through another. Of more subjects than the caches hold, each is a wait of some hundred instructions: with two thousand of them more than
//! half of the time of a step. Readings of different subjects do not hang on each other, so what they will look at is looked up together, level by level: the waits of one level overlap.
//!
//! INVARIANT (idle): nothing is decided, kept or changed by it; an engine that never foresees says the same.

use std::hint::black_box;

use vitalog_elog::{Reading, StreamIx};

use super::Engine;
use super::calm::Calm;
use super::rulebook::Rulebook;
use super::subject::Person;
use crate::timeline::Table;

/// Of how many readings at once: enough to overlap, and few enough that what they look at stays in the nearest caches.
pub const FORESIGHT: usize = 16;

/// Under fewer rules a step looks at so little that to look it up before costs more than it saves: with one rule and five hundred subjects a fifth.
const FEW: usize = 16;

/// Of fewer versions that are asked at once each finds its own way.
const SOME: usize = 16;

impl Engine {
    /// Whether there are so many rules that looking ahead is of use.
    pub fn has_foresight(&self) -> bool {
        self.rules.versions.len() >= FEW
    }

    /// Looks up what stepping over these readings will look at, of the first [`FORESIGHT`] of them. Of use right before they are stepped over, where there are many subjects.
    pub fn foresee<'a>(&self, readings: impl IntoIterator<Item = &'a Reading>) {
        let mut ahead = [None; FORESIGHT];
        let (mut seen, mut until) = (0, self.clock.0);
        for (slot, reading) in ahead.iter_mut().zip(readings) {
            let (Some(content), Some(place)) = (&reading.content, self.places.get(&reading.subject)) else { continue };
            seen ^= content.values.len() as u64;
            until = until.max(content.when.start().0);
            *slot = Some((&self.people[place as usize], content.stream));
        }
        // Each level is found through the one before.
        let levels: [fn(&Person, StreamIx) -> u64; 5] =
            [Person::glance, Person::glance_within, Person::glance_at_stream, Person::glance_at_newest, Person::glance_at_awake];
        for level in levels {
            for (person, stream) in ahead.iter().flatten() {
                seen ^= level(person, *stream);
            }
        }
        // By the time of the last of them the clock has reached what others wait for.
        let alarms = self.alarms.borrow();
        let others = || alarms.soon(until).map(|place| &self.people[place as usize]);
        seen = others().fold(seen, |seen, person| seen ^ person.glance_itself());
        seen = others().fold(seen, |seen, person| seen ^ person.glance_at_due());
        seen = others().fold(seen, |seen, person| seen ^ person.glance_at_heard(&self.rules));
        // Else nothing of it need be done.
        black_box(seen);
    }
}

impl Person {
    fn glance(&self, _: StreamIx) -> u64 {
        self.glance_itself()
    }

    fn glance_itself(&self) -> u64 {
        let parts = self.line.glance() ^ self.calms.glance() ^ self.dues.glance() ^ self.fronts.glance();
        parts ^ (self.states.len() ^ self.books.len()) as u64
    }

    fn glance_within(&self, stream: StreamIx) -> u64 {
        let known = u64::from(self.line.table(stream).is_some()) ^ u64::from(self.calms.at(stream).is_some());
        known ^ self.dues.first().unwrap_or(0) as u64 ^ self.fronts.of(stream) as u64
    }

    fn glance_at_stream(&self, stream: StreamIx) -> u64 {
        self.line.table(stream).map_or(0, Table::glance) ^ self.calms.at(stream).map_or(0, Calm::glance)
    }

    fn glance_at_newest(&self, stream: StreamIx) -> u64 {
        self.line.table(stream).map_or(0, Table::glance_at_newest) ^ self.calms.at(stream).map_or(0, Calm::glance_within)
    }

    fn glance_at_awake(&self, stream: StreamIx) -> u64 {
        let awake = self.calms.at(stream).into_iter().flat_map(|calm| calm.awake.ground.iter().chain(&calm.awake.above));
        let states = awake.map(|version| self.states[*version as usize].glance() ^ u64::from(self.dues.is_noted(*version)));
        states.fold(self.line.table(stream).map_or(0, Table::glance_at_columns), |seen, n| seen ^ n)
    }

    /// What telling these versions something will look at. Those that a reading wakes lie scattered, each in a handful of places: where they are many, the waits overlap.
    pub(super) fn foresee_asking(&self, rules: &Rulebook, versions: &[u32]) {
        if versions.len() < SOME {
            return;
        }
        let places = || versions.iter().map(|version| *version as usize);
        let noted = |version: u32| (self.dues.of(version) ^ self.fronts.of_version(version)) as u64;
        let known = |place: usize| self.states[place].glance() ^ rules.versions[place].glance() ^ noted(place as u32);
        let mut seen = places().fold(0, |seen, place| seen ^ known(place));
        seen =
            places().fold(seen, |seen, place| seen ^ self.states[place].glance_within() ^ rules.versions[place].glance_within());
        seen = places().fold(seen, |seen, place| seen ^ self.states[place].glance_at_last());
        black_box(places().fold(seen, |seen, place| seen ^ self.states[place].glance_at_going()));
    }

    fn glance_at_due(&self) -> u64 {
        self.dues.soon().map(|version| self.states[version as usize].glance()).fold(0, |seen, n| seen ^ n)
    }

    /// What those hang on who have a deadline next: when their streams were heard last.
    fn glance_at_heard(&self, rules: &Rulebook) -> u64 {
        let streams = self.dues.soon().flat_map(|version| &rules.versions[version as usize].scope.streams);
        streams.map(|stream| self.line.table(*stream).and_then(Table::last).unwrap_or(0) as u64).fold(0, |seen, n| seen ^ n)
    }
}
