//! The timeline of one subject: its current readings, in order, and its profile.
//!
//! INVARIANT (revisions commute): of each id the greatest (rev, hash) is current, in whatever order the revisions came; a removal is a revision.
//! INVARIANT (visible): tables hold readings whose instant (of an interval without an end: whose start) is not after the clock; the others wait in `ahead`.

mod cold;
mod column;
mod datum;
mod extremes;
mod found;
mod index;
mod profile;
mod quoted;
mod shared;
mod sieve;
mod table;
mod tally;
mod turns;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::effect::Former;
use vitalog_elog::{Content, FieldIx, Outcome, Reading, ReadingId, StreamIx, Time, When};

use crate::plan::Edge;
pub use cold::{ColdLine, Depth, Floors};
pub use column::{Cell, Column};
pub use datum::{Datum, Said};
pub use found::FoundRow;
use index::ById;
pub use index::ByName;
pub use profile::{Profile, Set};
use quoted::Quoted;
pub use sieve::Sieve;
use table::Tail;
pub use table::{Mark, Table};
pub use tally::{Counted, Tally, hangs_on_the_reading};

/// One subject's current readings.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Timeline {
    streams: Vec<Option<Box<Stream>>>,
    /// Derived streams, by their places.
    #[serde(skip)]
    found: Vec<Option<Box<Table>>>,
    /// The same by onset or end, where a rule asks for that.
    #[serde(skip)]
    found_edges: BTreeMap<(StreamIx, Edge), Table>,
    /// What the rules ask of streams, also of those of which nothing came yet.
    #[serde(skip)]
    wanted: Arc<Wanted>,
    /// Readings whose instant the clock has not reached.
    ahead: BTreeMap<(i64, ReadingId), Reading>,
    /// Ids whose current revision is a removal.
    removed: BTreeMap<ReadingId, Revision>,
    /// Revisions that were seen and are not current, sorted; only of ids that have any.
    older: BTreeMap<ReadingId, Vec<Revision>>,
    pub profile: Profile,
    /// The least instant of all visible readings.
    enrolled: Option<i64>,
    /// So many readings with an instant are at hand.
    rows: u32,
    /// What lies at this instant or later may change with what is at hand; `None`: all may, nothing is cut off.
    since: Option<i64>,
    /// Where the current revision of an id is. Not stored: it is made again from the rest.
    ///
    /// INVARIANT (plain): the id of a reading that was sent without a name, as its first revision, is a hash of all it says, its place too. It is found
    /// where it says it stands and needs no entry, as long as nobody names it.
    #[serde(skip)]
    index: ById<Place>,
    /// Plain readings have entries too: somebody named one.
    #[serde(skip)]
    is_complete: bool,
    #[serde(skip)]
    quoted: Quoted,
}

/// What the rules ask the tables to keep.
#[derive(Debug, Default)]
pub struct Wanted {
    /// What streams are called, by their places.
    pub names: Vec<Arc<str>>,
    /// Fields that keep running sums.
    pub sums: Vec<(StreamIx, FieldIx)>,
    /// Streams that are kept by where their intervals or findings begin or end, too.
    pub edges: Vec<(StreamIx, Edge)>,
}

/// The end of a stream, where its next readings go; made by [`Timeline::end_of`].
#[derive(Debug)]
pub struct End<'t> {
    tail: Tail<'t>,
    index: &'t ById<Place>,
    rows: &'t mut u32,
}

/// What orders the revisions of an id.
type Revision = (u32, u128);

/// The readings of one stream: those with an instant, and intervals that go on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stream {
    ended: Table,
    endless: Option<Box<Table>>,
    /// All of them by their starts, where a rule asks for that.
    begun: Option<Box<Table>>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    shelf: Shelf,
    stream: StreamIx,
    at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    Ended,
    Endless,
    Ahead,
    Removed,
}

impl End<'_> {
    /// The newest instant of the stream.
    #[inline]
    pub fn last(&self) -> i64 {
        self.tail.last()
    }

    /// What is there.
    #[inline]
    pub fn table(&self) -> &Table {
        self.tail.table
    }

    /// Takes in a plain reading of an instant that the clock has reached and that is later than all of its stream: so it is a new one. `false`: it is none, and nothing was done.
    #[inline]
    pub fn append(&mut self, reading: &Reading, content: &Content, at: i64) -> bool {
        // Another reading of its id would be at its instant, or would have been named.
        let appended = is_plain(reading) && !self.index.has(&reading.id) && self.tail.push(at, reading, content);
        *self.rows += u32::from(appended);
        appended
    }
}

/// A visible reading that came or went.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    pub stream: StreamIx,
    /// Its instant; `None` for an interval without an end.
    pub at: Option<i64>,
    /// What it covers: an instant itself, an interval from start to end (or to the end of time).
    pub from: i64,
    pub to: i64,
    /// It came.
    pub came: bool,
}

impl Timeline {
    /// Looks at itself, for whoever comes next; see `engine::foresee`.
    pub fn glance(&self) -> u64 {
        let lists = [self.streams.len(), self.found.len(), self.ahead.len(), self.removed.len(), self.older.len()];
        lists.into_iter().fold(u64::from(self.rows), |seen, n| seen ^ n as u64)
    }

    /// Ids of its readings as a list that may be shared with whoever quoted the same last.
    pub fn quoted(&self, ids: &[ReadingId]) -> Arc<[ReadingId]> {
        self.quoted.list(ids)
    }

    /// What these ids were quoted as last, in whatever order they are, if it was noted.
    #[inline]
    pub fn quoted_again(&self, ids: &[ReadingId]) -> Option<Arc<[ReadingId]>> {
        self.quoted.again(ids)
    }

    /// Notes of the list quoted last which ids it is of, as they were given.
    pub fn note_quoted(&self, ids: &[ReadingId]) {
        self.quoted.note(ids);
    }

    /// Takes a revision in. Appends what became or ceased to be visible to `touched`.
    pub fn put(&mut self, reading: &Reading, clock: i64, touched: &mut Vec<Touch>) -> Outcome {
        if let Some(content @ Content { stream, when: When::At(Time(at)), .. }) = &reading.content
            && *at <= clock
            && let Some(mut end) = self.end_of(*stream)
            && end.append(reading, content, *at)
        {
            touched.push(Touch { stream: *stream, at: Some(*at), from: *at, to: *at, came: true });
            return Outcome::New;
        }
        let place = place_of(reading, clock);
        let Some(old) = self.find(reading, place) else {
            if !is_plain(reading) || self.is_complete {
                self.index.set(reading.id, place);
            }
            self.shelve(reading, place, touched);
            return Outcome::New;
        };
        let (rev, hash) = self.revision_at(reading.id, old);
        match reading.revision().cmp(&(rev, hash)) {
            Ordering::Equal => Outcome::Duplicate,
            Ordering::Less if self.note_older(reading.id, reading.revision()) => Outcome::Outdated,
            Ordering::Less => Outcome::Duplicate,
            Ordering::Greater => {
                self.note_older(reading.id, (rev, hash));
                self.take(reading.id, old, touched);
                self.index.set(reading.id, place);
                self.shelve(reading, place, touched);
                let place = (old.shelf != Shelf::Removed).then_some((old.stream, Time(old.at)));
                Outcome::superseded(Former { rev, hash, place })
            }
        }
    }

    /// Where plain readings of a stream may be put that are later than all of it, if nothing else hangs on them.
    #[inline]
    pub fn end_of(&mut self, stream: StreamIx) -> Option<End<'_>> {
        if self.is_complete || !self.ahead.is_empty() {
            return None;
        }
        let place = usize::from(stream.0);
        let of = self.streams.get_mut(place)?.as_mut().filter(|of| of.begun.is_none())?;
        let tail = of.ended.tail(self.wanted.names.get(place)?)?;
        debug_assert!(
            self.enrolled.is_some_and(|enrolled| enrolled <= tail.last()),
            "nobody is enrolled by a reading that is later than another"
        );
        Some(End { tail, index: &self.index, rows: &mut self.rows })
    }

    /// Where the current revision of the reading's id is, if there is one. `place` is where this one will be.
    #[inline]
    fn find(&mut self, reading: &Reading, place: Place) -> Option<Place> {
        if !is_plain(reading) && !self.is_complete && names_a_plain_one(reading) {
            self.complete_index();
        }
        if let Some(known) = self.index.get(&reading.id) {
            return Some(known);
        }
        if self.is_complete || !is_plain(reading) {
            return None;
        }
        // What waits is there until it joins, also when the clock has passed it.
        if !self.ahead.is_empty() && self.ahead.contains_key(&(place.at, reading.id)) {
            return Some(Place { shelf: Shelf::Ahead, ..place });
        }
        self.shelf(place).is_some_and(|table| table.find(place.at, reading.id).is_some()).then_some(place)
    }

    /// Makes visible what the clock has reached.
    pub fn join(&mut self, clock: i64, touched: &mut Vec<Touch>) {
        while let Some(entry) = self.ahead.first_entry().filter(|e| e.key().0 <= clock) {
            let reading = entry.remove();
            let place = place_of(&reading, clock);
            if !is_plain(&reading) || self.is_complete {
                self.index.set(reading.id, place);
            }
            self.shelve(&reading, place, touched);
        }
    }

    /// The next instant at which a reading becomes visible.
    pub fn next_joining(&self) -> Option<i64> {
        self.ahead.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn enrolled(&self) -> Option<i64> {
        self.enrolled
    }

    /// The readings of a stream that have an instant.
    #[inline]
    pub fn table(&self, stream: StreamIx) -> Option<&Table> {
        match self.streams.get(usize::from(stream.0)) {
            Some(s) => Some(&s.as_ref()?.ended),
            None => self.found_at(stream),
        }
    }

    #[cold]
    fn found_at(&self, stream: StreamIx) -> Option<&Table> {
        self.found.get(stream.derived()?)?.as_deref()
    }

    /// Its intervals that go on, by start.
    pub fn endless(&self, stream: StreamIx) -> Option<&Table> {
        self.streams.get(usize::from(stream.0))?.as_ref()?.endless.as_deref()
    }

    /// Its readings by the instants of one of their edges.
    #[inline]
    pub fn edge(&self, stream: StreamIx, edge: Edge) -> Option<&Table> {
        let Some(of) = self.streams.get(usize::from(stream.0)) else {
            return if edge == Edge::End { self.found_at(stream) } else { self.found_edges.get(&(stream, edge)) };
        };
        let of = of.as_ref()?;
        match (edge, &of.begun) {
            (Edge::Start, Some(begun)) => Some(begun),
            _ => Some(&of.ended),
        }
    }

    /// A profile field is another from an instant on.
    pub fn change_profile(&mut self, field: u16, at: i64, value: Option<Set>) {
        self.profile.change(field, at, value);
        let streams = self.streams.iter_mut().flatten().map(|s| &mut s.ended);
        streams.chain(self.found.iter_mut().flatten().map(|table| &mut **table)).for_each(|table| table.recount(at));
    }

    /// From now on with what the rules want. The derived streams that have to be made again for it.
    pub fn keep(&mut self, wanted: &Arc<Wanted>) -> Vec<StreamIx> {
        self.wanted = wanted.clone();
        for (i, stream) in self.streams.iter_mut().enumerate() {
            if let Some(stream) = stream {
                stream.keep(wanted, StreamIx(i as u16));
            }
        }
        let of_findings = wanted.edges.iter().filter(|(stream, _)| stream.derived().is_some());
        of_findings.filter(|(stream, edge)| self.keep_found(*stream, *edge)).map(|(stream, _)| *stream).collect()
    }

    /// Makes the index again, after the rest was read from a snapshot.
    pub fn restore_index(&mut self) {
        self.index_all(|plain| !plain);
    }

    fn complete_index(&mut self) {
        self.is_complete = true;
        self.index_all(|plain| plain);
    }

    /// Enters the readings that are plain, or those that are not, into the index.
    fn index_all(&mut self, which: impl Fn(bool) -> bool) {
        for (i, stream) in self.streams.iter().enumerate() {
            let Some(stream) = stream else { continue };
            let shelves = [(Some(&stream.ended), Shelf::Ended), (stream.endless.as_deref(), Shelf::Endless)];
            for (table, shelf) in shelves.into_iter().filter_map(|(table, shelf)| Some((table?, shelf))) {
                for row in (0..table.len()).filter(|&row| which(table.is_plain(row))) {
                    self.index.set(table.id(row), Place { shelf, stream: StreamIx(i as u16), at: table.at(row) });
                }
            }
        }
        for reading in self.ahead.values().filter(|r| which(is_plain(r))) {
            self.index.set(reading.id, place_of(reading, i64::MIN));
        }
        for id in self.removed.keys().filter(|_| which(false)) {
            self.index.set(*id, Place { shelf: Shelf::Removed, stream: StreamIx(0), at: 0 });
        }
    }

    fn shelf(&self, place: Place) -> Option<&Table> {
        let stream = self.streams.get(usize::from(place.stream.0))?.as_ref()?;
        if place.shelf == Shelf::Endless { stream.endless.as_deref() } else { Some(&stream.ended) }
    }

    fn revision_at(&self, id: ReadingId, place: Place) -> Revision {
        let revision = match place.shelf {
            Shelf::Removed => self.removed.get(&id).copied(),
            Shelf::Ahead => self.ahead.get(&(place.at, id)).map(Reading::revision),
            Shelf::Ended | Shelf::Endless => self.shelf(place).and_then(|table| {
                let mark = table.mark(table.find(place.at, id)?);
                Some((mark.rev, mark.hash))
            }),
        };
        // Every place that is known holds the reading.
        revision.unwrap_or_default()
    }

    /// Remembers a revision that is not current; whether it was not known yet.
    fn note_older(&mut self, id: ReadingId, revision: Revision) -> bool {
        let older = self.older.entry(id).or_default();
        match older.binary_search(&revision) {
            Ok(_) => false,
            Err(place) => {
                older.insert(place, revision);
                true
            }
        }
    }

    fn shelve(&mut self, reading: &Reading, place: Place, touched: &mut Vec<Touch>) {
        let Some(content) = &reading.content else {
            self.removed.insert(reading.id, reading.revision());
            return;
        };
        let mark = Mark { id: reading.id, hash: reading.hash, rev: reading.rev, plain: is_plain(reading) };
        match place.shelf {
            Shelf::Ahead => {
                self.ahead.insert((place.at, reading.id), reading.clone());
                return;
            }
            Shelf::Removed => return,
            Shelf::Ended | Shelf::Endless => {}
        }
        // Workers share what is wanted: it is looked at, never held, or each reading would have them wait for each other's count.
        let stream = stream_of(&mut self.streams, &self.wanted, place.stream);
        let name = self.wanted.names.get(usize::from(place.stream.0));
        let table = if place.shelf == Shelf::Ended { &mut stream.ended } else { stream.endless.get_or_insert_default() };
        let row = table.insert(place.at, mark, content, name);
        if let Some(begun) = &mut stream.begun {
            begun.copy_newest(table, row, place.shelf == Shelf::Ended);
        }
        self.rows += 1;
        if self.enrolled.is_none_or(|e| place.at < e) {
            self.enrolled = Some(place.at);
        }
        touched.push(touch(place, content.when.start().0, true));
    }

    fn take(&mut self, id: ReadingId, place: Place, touched: &mut Vec<Touch>) {
        let table = match place.shelf {
            Shelf::Removed => {
                self.removed.remove(&id);
                return;
            }
            Shelf::Ahead => {
                self.ahead.remove(&(place.at, id));
                return;
            }
            Shelf::Ended => &mut self.stream(place.stream).ended,
            Shelf::Endless => self.stream(place.stream).endless.get_or_insert_default(),
        };
        let Some(row) = table.find(place.at, id) else { return };
        let start = table.start(row);
        table.remove(row);
        if let Some(begun) = &mut self.stream(place.stream).begun
            && let Some(row) = begun.find(start, id)
        {
            begun.remove(row);
        }
        self.rows -= 1;
        touched.push(touch(place, start, false));
        if self.enrolled == Some(place.at) {
            let firsts =
                self.streams.iter().flatten().flat_map(|s| [s.ended.first(), s.endless.as_ref().and_then(|t| t.first())]);
            self.enrolled = firsts.flatten().min();
        }
    }

    fn stream(&mut self, ix: StreamIx) -> &mut Stream {
        stream_of(&mut self.streams, &self.wanted, ix)
    }
}

fn stream_of<'s>(streams: &'s mut Vec<Option<Box<Stream>>>, wanted: &Wanted, ix: StreamIx) -> &'s mut Stream {
    let place = usize::from(ix.0);
    if streams.len() <= place {
        streams.reserve_exact(place + 1 - streams.len());
        streams.resize_with(place + 1, || None);
    }
    streams[place].get_or_insert_with(|| {
        let mut fresh = Box::<Stream>::default();
        fresh.keep(wanted, ix);
        fresh
    })
}

impl Stream {
    fn keep(&mut self, wanted: &Wanted, ours: StreamIx) {
        wanted.sums.iter().filter(|(stream, _)| *stream == ours).for_each(|(_, field)| self.ended.keep_sums(*field));
        if self.begun.is_none() && wanted.edges.contains(&(ours, Edge::Start)) {
            self.begun = Some(Box::new(Table::by_start(&self.ended, self.endless.as_deref())));
        }
    }
}

/// Whether its id follows from what it says.
#[inline]
fn is_plain(reading: &Reading) -> bool {
    reading.given.is_none() && reading.rev == 1 && reading.content.is_some()
}

/// Whether a reading with a name may mean one that was sent without.
fn names_a_plain_one(reading: &Reading) -> bool {
    reading.given.as_ref().is_none_or(|name| ReadingId::from_printed(name).is_some())
}

#[inline]
fn place_of(reading: &Reading, clock: i64) -> Place {
    let Some(Content { stream, when, .. }) = &reading.content else {
        return Place { shelf: Shelf::Removed, stream: StreamIx(0), at: 0 };
    };
    let (ended, at) = match when.instant() {
        Some(end) => (Shelf::Ended, end.0),
        None => (Shelf::Endless, when.start().0),
    };
    Place { shelf: if at > clock { Shelf::Ahead } else { ended }, stream: *stream, at }
}

fn touch(place: Place, start: i64, came: bool) -> Touch {
    let (at, to) = match place.shelf {
        Shelf::Endless => (None, i64::MAX),
        _ => (Some(place.at), place.at),
    };
    Touch { stream: place.stream, at, from: start, to, came }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitalog_elog::{Subject, When};

    use super::*;

    fn reading(given: Option<&str>, rev: u32, at: i64) -> Reading {
        let content = Content { stream: StreamIx(1), when: When::At(Time(at)), values: Box::default(), source: None, seq: None };
        Reading::present(Subject::new("s"), given.map(Arc::from), rev, "bg", content)
    }

    #[test]
    fn a_reading_without_a_name_is_known_again_and_found_when_it_is_named() {
        let mut line = Timeline::default();
        let mut touched = Vec::new();
        let mut put = |line: &mut Timeline, r: &Reading| line.put(r, 100, &mut touched);
        let plain = reading(None, 1, 50);
        assert_eq!(put(&mut line, &plain), Outcome::New);
        assert_eq!(put(&mut line, &reading(None, 1, 60)), Outcome::New);
        assert_eq!(put(&mut line, &plain), Outcome::Duplicate);
        let name = plain.id.to_string();
        let amended = reading(Some(&name), 2, 70);
        let place = Some((StreamIx(1), Time(50)));
        assert_eq!(put(&mut line, &amended), Outcome::superseded(Former { rev: 1, hash: plain.hash, place }));
        assert_eq!(put(&mut line, &plain), Outcome::Duplicate);
        assert_eq!(line.table(StreamIx(1)).map(|t| (0..t.len()).map(|row| t.at(row)).collect::<Vec<_>>()), Some(vec![60, 70]));
        assert_eq!(line.enrolled(), Some(60));
    }

    #[test]
    fn an_amendment_may_come_before_what_it_amends() {
        let plain = reading(None, 1, 50);
        let amended = reading(Some(&plain.id.to_string()), 2, 70);
        let mut line = Timeline::default();
        let mut touched = Vec::new();
        assert_eq!(line.put(&amended, 100, &mut touched), Outcome::New);
        assert_eq!(line.put(&plain, 100, &mut touched), Outcome::Outdated);
        assert_eq!(line.put(&plain, 100, &mut touched), Outcome::Duplicate);
        assert_eq!(touched.len(), 1);
    }

    #[test]
    fn what_is_ahead_of_the_clock_waits_and_is_known_while_it_waits() {
        let mut line = Timeline::default();
        let mut touched = Vec::new();
        let early = reading(None, 1, 50);
        assert_eq!(line.put(&early, 40, &mut touched), Outcome::New);
        assert_eq!(line.put(&early, 40, &mut touched), Outcome::Duplicate);
        assert!(touched.is_empty() && line.enrolled().is_none());
        assert_eq!(line.next_joining(), Some(50));
        assert_eq!(line.put(&early, 60, &mut touched), Outcome::Duplicate, "the clock has passed it, and it has not joined yet");
        line.join(50, &mut touched);
        assert_eq!((touched.len(), line.enrolled(), line.next_joining()), (1, Some(50), None));
        assert_eq!(line.put(&early, 50, &mut touched), Outcome::Duplicate);
    }
}
