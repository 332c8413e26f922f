//! The quick way of a reading that changes nothing but its own timeline.
//!
//! Of a device that sends all day most readings are the newest of their stream, and every rule that they concern rests and goes on resting. Such a reading is appended to its
//! columns, and nobody is asked anything: what the long way would look up and put back again stays where it is.
//!
//! INVARIANT (quiet): where a reading is taken so, the long way would have come to the same state and have said the same. Where it is not, nothing was done.

use vitalog_elog::{Content, Reading, StreamIx, When};

use super::Engine;
use super::resting::Coming;
use super::rulebook::Rulebook;
use super::subject::Person;

impl Engine {
    /// Takes a reading in if it is one that nobody need be asked about; it is a new one then.
    #[inline]
    pub(super) fn takes_quietly(&mut self, reading: &Reading, place: u32) -> bool {
        let clock = self.clock.0;
        let Some(content @ Content { stream, when: When::At(at), .. }) = &reading.content else { return false };
        // What waits for the clock, or for the end of the moment, is told for the last that touched it.
        if at.0 > clock || self.alarms.get_mut().is_due(place, clock) {
            return false;
        }
        let person = self.people.unmarked(place as usize);
        if person.waits || !person.stays_calm(&self.rules, content, *stream, at.0) || !person.line.append(reading, content, at.0)
        {
            return false;
        }
        self.people[place as usize].reach(clock);
        self.look_after(place);
        true
    }
}

impl Person {
    /// Whether all that the newest reading of a stream concerns rest, go on resting when this one comes, and have decided nothing later.
    #[inline]
    fn stays_calm(&self, rules: &Rulebook, content: &Content, stream: StreamIx, at: i64) -> bool {
        if rules.route(stream).is_none() {
            return true;
        }
        if at <= self.fronts.of(stream) {
            return false;
        }
        let last = self.line.table(stream).and_then(|table| table.last());
        self.calms.all_rest(stream, &Coming { content, at, after: last.map_or(i64::MAX, |last| at.saturating_sub(last)) })
    }
}
