//! A timeline without what lies before a horizon.
//!
//! What is cut off is kept by somebody else, and put back before anything touches it. It goes in layers, the newest of which is put back first: each knows how far the timeline
//! could be touched before it was taken off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use vitalog_elog::{Reading, ReadingId, StreamIx};

use super::{Place, Shelf, Sieve, Stream, Table, Timeline, is_plain, names_a_plain_one, place_of};

/// What was cut off at once.
#[derive(Debug, Serialize, Deserialize)]
pub struct ColdLine {
    since: Option<i64>,
    tables: Vec<(StreamIx, Table)>,
}

/// From where on streams are needed, and the single instants that are needed before.
#[derive(Debug, Default)]
pub struct Floors {
    floors: BTreeMap<StreamIx, i64>,
    pins: BTreeMap<StreamIx, Vec<i64>>,
}

/// What taking a reading in would look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// The least instant that it touches.
    pub least: i64,
    /// Its id, where that may be among what was cut off.
    pub stranger: Option<Stranger>,
}

/// An id that is not known at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// Sieves know it if it was cut off.
    Named(ReadingId),
    /// It may be that of a reading which was sent without a name: nobody knows.
    Printed,
}

impl Stranger {
    pub fn may_be_in(self, sieve: &Sieve) -> bool {
        match self {
            Stranger::Named(id) => sieve.may_have(id),
            Stranger::Printed => true,
        }
    }
}

impl Floors {
    pub fn lower(&mut self, stream: StreamIx, floor: i64) {
        self.floors.entry(stream).and_modify(|known| *known = floor.min(*known)).or_insert(floor);
    }

    pub fn pin(&mut self, stream: StreamIx, at: i64) {
        self.pins.entry(stream).or_default().push(at);
    }

    /// Nobody asked for it: `None`.
    pub fn of(&self, stream: StreamIx) -> Option<i64> {
        self.floors.get(&stream).copied()
    }

    fn pins(&self, stream: StreamIx) -> &[i64] {
        self.pins.get(&stream).map_or(&[], |pins| pins)
    }
}

impl Timeline {
    /// What lies there or later may change with what is at hand.
    pub fn since(&self) -> i64 {
        self.since.unwrap_or(i64::MIN)
    }

    /// How many readings are at hand.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// No interval of a stream was ever longer.
    pub fn longest(&self, stream: StreamIx) -> i64 {
        self.table(stream).map_or(0, Table::longest)
    }

    /// The least instant that a reading names that the clock has not reached.
    pub fn least_ahead(&self) -> Option<i64> {
        self.ahead.values().filter_map(|r| Some(r.content.as_ref()?.when.start().0)).min()
    }

    /// How many readings [`Timeline::part`] would take.
    pub fn parting(&self, since: i64, floors: &Floors) -> usize {
        let floor = |i: usize| floors.of(StreamIx(i as u16)).unwrap_or(since).min(since);
        let tables = self.streams.iter().enumerate().filter_map(|(i, s)| Some((i, &s.as_ref()?.ended)));
        tables.map(|(i, table)| table.left_from(floor(i)).saturating_sub(1)).sum()
    }

    /// Takes off what nobody needs as long as nothing before `since` is touched. The ids that a sieve has to know go with it.
    pub fn part(&mut self, since: i64, floors: &Floors, missed: &Arc<AtomicBool>) -> (ColdLine, Sieve) {
        let mut cold = ColdLine { since: self.since, tables: Vec::new() };
        let mut named = Vec::new();
        for (i, stream) in self.streams.iter_mut().enumerate() {
            let (ix, Some(stream)) = (StreamIx(i as u16), stream) else { continue };
            let floor = floors.of(ix).unwrap_or(since).min(since);
            let Some(table) = stream.ended.part(floor, floors.pins(ix)) else { continue };
            stream.ended.watch(missed);
            stream.begin_again(missed);
            for (id, is_plain) in (0..table.len()).map(|row| (table.id(row), table.is_plain(row))) {
                if !is_plain {
                    named.push(id);
                }
                if !is_plain || self.is_complete {
                    self.index.remove(&id);
                }
            }
            self.rows -= table.len() as u32;
            cold.tables.push((ix, table));
        }
        self.since = Some(since);
        (cold, Sieve::of(&named))
    }

    /// Puts back what was taken off last.
    pub fn unite(&mut self, cold: ColdLine, missed: &Arc<AtomicBool>) {
        for (ix, table) in cold.tables {
            for row in 0..table.len() {
                if !table.is_plain(row) || self.is_complete {
                    self.index.set(table.id(row), Place { shelf: Shelf::Ended, stream: ix, at: table.at(row) });
                }
            }
            self.rows += table.len() as u32;
            let stream = self.stream(ix);
            stream.ended.join(table);
            stream.ended.watch(missed);
            stream.begin_again(missed);
        }
        self.since = cold.since;
    }

    /// After a restore: what looks at what was cut off is to raise this.
    pub fn watch(&mut self, missed: &Arc<AtomicBool>) {
        for stream in self.streams.iter_mut().flatten() {
            stream.ended.watch(missed);
            if let Some(begun) = &mut stream.begun {
                begun.watch(missed);
            }
        }
    }

    /// Findings that began before `floor` are not rows any more.
    pub fn cut_found(&mut self, stream: StreamIx, floor: Option<i64>, missed: &Arc<AtomicBool>) {
        let table = stream.derived().and_then(|place| self.found.get_mut(place)?.as_mut());
        if let Some(table) = table {
            table.set_cut(floor, missed);
        }
        for (_, table) in self.found_edges.iter_mut().filter(|((s, _), _)| *s == stream) {
            table.set_cut(floor, missed);
        }
    }

    /// What taking a reading in would look at.
    pub fn depth(&mut self, reading: &Reading, clock: i64) -> Depth {
        let when = reading.content.as_ref().map(|content| content.when);
        let mut least = when.map_or(i64::MAX, |when| when.start().min(when.instant().unwrap_or(when.start())).0);
        let plain = is_plain(reading);
        match self.find(reading, place_of(reading, clock)) {
            Some(place) => least = least.min(self.least_of(reading.id, place)),
            None if !plain && names_a_plain_one(reading) => return Depth { least, stranger: Some(Stranger::Printed) },
            // One without a name, too: somebody may have amended it before it came, to stand elsewhere.
            None => return Depth { least, stranger: Some(Stranger::Named(reading.id)) },
        }
        Depth { least, stranger: None }
    }

    fn least_of(&self, id: ReadingId, place: Place) -> i64 {
        match place.shelf {
            Shelf::Removed => i64::MAX,
            Shelf::Ahead => {
                let ahead = self.ahead.get(&(place.at, id)).and_then(|r| r.content.as_ref());
                ahead.map_or(place.at, |content| content.when.start().0.min(place.at))
            }
            Shelf::Ended | Shelf::Endless => {
                let start = self.shelf(place).and_then(|table| Some(table.start(table.find(place.at, id)?)));
                start.unwrap_or(place.at).min(place.at)
            }
        }
    }
}

impl Stream {
    /// Makes the table by starts again, if there is one.
    fn begin_again(&mut self, missed: &Arc<AtomicBool>) {
        if let Some(begun) = &mut self.begun {
            **begun = Table::by_start(&self.ended, self.endless.as_deref());
            // Who starts later ends later.
            begun.set_cut(self.ended.cut(), missed);
        }
    }
}
