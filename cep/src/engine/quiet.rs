//! The quick way of a reading that changes nothing but its own timeline.
//!
//! Of a device that sends all day most readings are the newest of their stream, and every rule that they concern rests and goes on resting. Such a reading is appended to its
//! columns, and nobody is asked anything: what the long way would look up and put back again stays where it is.
//!
//! INVARIANT (quiet): where a reading is taken so, the long way would have come to the same state and have said the same. Where it is not, nothing was done.

use vitalog_elog::{Content, Reading, StreamIx, When};

use super::Engine;
use super::calm::Calm;
use super::coming::Coming;
use super::rulebook::Rulebook;
use super::subject::Person;
use crate::timeline::End;

impl Engine {
    /// Takes a reading in if it is one that nobody need be asked about; it is a new one then.
    #[inline]
    pub(super) fn takes_quietly(&mut self, reading: &Reading, place: u32) -> bool {
        self.take_quietly(place, std::iter::once((self.clock.0, reading))) == 1
    }

    /// Takes in the first of a subject's readings, each with the clock as it comes, as long as they are of one stream and nobody need be asked about them: all of them are new ones. How many.
    #[inline]
    pub(super) fn take_quietly<'r>(&mut self, place: u32, readings: impl Iterator<Item = (i64, &'r Reading)>) -> usize {
        let mut readings = readings.peekable();
        let first = readings.peek().and_then(|(_, reading)| reading.content.as_ref());
        let Some(stream) = first.map(|content| content.stream) else { return 0 };
        let due = match readings.peek() {
            // What waits for the clock, or for the end of the moment, is told for the last that touched it.
            Some((clock, _)) => self.put_off(place, *clock),
            None => return 0,
        };
        let Some(mut quiet) = self.people.unmarked(place as usize).quiet(&self.rules, stream) else { return 0 };
        let (mut taken, mut reached) = (0, i64::MIN);
        for (clock, reading) in readings {
            let Some(content @ Content { when: When::At(at), .. }) = &reading.content else { break };
            if !(content.stream == stream && at.0 <= clock && clock < due && quiet.takes(reading, content, at.0)) {
                break;
            }
            (taken, reached) = (taken + 1, clock);
        }
        if taken > 0 {
            self.people[place as usize].reach(reached);
            self.quietly += taken as u64;
            self.look_after(place);
        }
        taken
    }
}

impl Engine {
    /// When the clock is to look at a subject. What it reached by now is mostly noted too early, for readings moved it away: that is put right, and nothing need be looked at.
    #[inline]
    fn put_off(&mut self, place: u32, clock: i64) -> i64 {
        let due = self.alarms.get_mut().of(place);
        if !self.alarms.get_mut().is_due(place, clock) {
            return due;
        }
        self.alarms.get_mut().take_due_of(place, clock);
        let due = self.people.unmarked(place as usize).put_right(&self.rules, clock);
        due.inspect(|due| self.alarms.get_mut().set(place, *due)).unwrap_or(i64::MAX)
    }
}

/// A stream of a subject whose next readings nobody need be asked about, where they are as told.
struct Quiet<'p> {
    end: End<'p>,
    /// Nothing later is decided.
    front: i64,
    /// Who is concerned rests as long as this holds; `None`: nobody is.
    calm: Option<&'p Calm>,
}

impl Quiet<'_> {
    /// Takes a reading in that comes in this stream, if all whom it concerns go on resting, and nothing hangs on it but its timeline.
    #[inline]
    fn takes(&mut self, reading: &Reading, content: &Content, at: i64) -> bool {
        let after = at.saturating_sub(self.end.last());
        let coming = Coming { content, table: Some(self.end.table()), at, after };
        let is_calm = self.calm.is_none_or(|calm| at > self.front && calm.sleeps_on(&coming));
        is_calm && self.end.append(reading, content, at)
    }
}

impl Person {
    /// What the newest readings of a stream must be for nobody to be asked, where there are such.
    #[inline]
    fn quiet(&mut self, rules: &Rulebook, stream: StreamIx) -> Option<Quiet<'_>> {
        // Whoever rests elsewhere as long as nothing comes here is to be told.
        if self.waits || self.calms.is_counted_on(stream) {
            return None;
        }
        let calm = match rules.route(stream) {
            Some(_) => Some(self.calms.at_rest(stream)?),
            None => None,
        };
        Some(Quiet { end: self.line.end_of(stream)?, front: self.fronts.of(stream), calm })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitalog_elog::{Schema, Shape, Stream, Subject, Time, Value};

    use super::*;
    use crate::engine::EngineInput;
    use crate::engine::still::tests::{amount, episode};
    use crate::plan::Library;

    /// Under `when value < 10`.
    fn engine() -> Engine {
        let stream = Stream {
            name: Arc::from("bg"),
            shape: Shape::Instant,
            fields: vec![],
            checks: vec![],
            every: None,
            silent_after: None,
            by: None,
            also_by: vec![],
            doc: None,
        };
        let schema = Arc::new(Schema { streams: vec![stream] });
        let library = Arc::new(Library { schema, rules: vec![episode(10)], ..Library::default() });
        let mut engine = Engine::new();
        engine.step(0, Time(100), EngineInput::Library { effective: Time::MIN, library }, &mut Vec::new());
        engine
    }

    fn reading(given: Option<&str>, source: Option<&str>, at: i64, number: i64) -> Reading {
        let values = Box::new([Some(Value::Quantity(amount(number)))]);
        let content = Content { stream: StreamIx(0), when: When::At(Time(at)), values, source: source.map(Arc::from), seq: None };
        Reading::present(Subject::new("s"), given.map(Arc::from), 1, "bg", content)
    }

    /// Whether it goes the quick way; the long one else.
    fn goes_quietly(engine: &mut Engine, reading: &Reading) -> bool {
        let place = engine.place(&reading.subject);
        let quietly = engine.takes_quietly(reading, place);
        if !quietly {
            engine.step(0, engine.clock(), EngineInput::Reading(reading), &mut Vec::new());
        }
        quietly
    }

    #[test]
    fn those_alone_go_the_quick_way_that_change_nothing_but_their_timeline() {
        let mut engine = engine();
        let mut goes = |given, source, at, number| goes_quietly(&mut engine, &reading(given, source, at, number));
        assert!(!goes(None, None, 10, 20) && !goes(None, None, 11, 20), "who rests is known when it was asked once");
        assert!(goes(None, None, 20, 20) && goes(None, None, 30, 10), "it is no lower than the rule has it");
        assert!(!goes(None, None, 30, 10), "it was there");
        assert!(!goes(None, None, 25, 20), "it is late");
        assert!(!goes(None, None, 140, 20), "it is ahead of the clock");
        assert!(!goes(None, None, 40, 20), "while one waits for the clock");
        engine.step(0, Time(150), EngineInput::Tick, &mut Vec::new());
        let mut goes = |given, source, at, number| goes_quietly(&mut engine, &reading(given, source, at, number));
        assert!(!goes(None, None, 141, 9), "the rule finds something");
        assert!(!goes(Some("a"), None, 142, 9), "it has a name");
        assert!(!goes(None, None, 143, 9), "with a name among them hashes are kept");
    }

    #[test]
    fn the_first_from_another_source_has_hashes_kept() {
        let mut engine = engine();
        let mut goes = |source, at| goes_quietly(&mut engine, &reading(None, source, at, 20));
        assert!(!goes(Some("meter"), 1) && !goes(Some("meter"), 2));
        assert!(goes(Some("meter"), 3) && !goes(Some("sensor"), 4) && !goes(Some("meter"), 5));
    }
}
