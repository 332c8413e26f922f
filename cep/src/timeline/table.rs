//! The current readings of one stream of one subject, as columns sorted by instant.
//!
//! A reading in order is appended; a late one is moved in. What lies before a horizon may be cut off ([`Table::part`]).

mod cut;
mod marks;
mod tail;
mod windows;

use std::cell::{Cell, RefCell, RefMut};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use vitalog_elog::{Content, FieldIx, ReadingId, Time, When, content_hash};

use self::marks::{Hashes, Marks, Origin};
pub use self::tail::Tail;
use self::windows::Guess;
use super::column::Column;
use super::datum::Datum;
use super::found::FoundRow;
use super::tally::Tally;
use crate::grow;
use crate::newest::{first_not, first_not_near};

/// Which revision of which reading a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub id: ReadingId,
    pub hash: u128,
    pub rev: u32,
    /// Its id follows from its content, and it was never amended.
    pub plain: bool,
}

/// What rows of findings have besides.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Found {
    ends: Vec<i64>,
    evidence: Vec<Arc<[ReadingId]>>,
    /// The instants that opened them, where the rows stand at another edge.
    opened: Option<Vec<i64>>,
}

/// In the place of an end that is not known.
const ENDLESS: i64 = i64::MIN;

/// Rows sorted by `at`; rows of one instant in the order in which they came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Table {
    /// Instants; in a table of intervals without an end, their starts.
    at: Vec<i64>,
    columns: Vec<Column>,
    /// Where in `marks` that of a row is: they are wide, and a late reading would move those of every row after it. None are kept while each row's is
    /// at its own place.
    slots: Vec<u32>,
    marks: Marks,
    /// Where the windows of a few lengths began when they were last asked for: the next one mostly begins there or a row later. Only ever a guess.
    #[serde(skip)]
    begins: [Cell<Guess>; 4],
    /// The row after the one that came late last: what is asked for it is mostly near it. Only ever a guess, too; 0: none.
    #[serde(skip)]
    late: u32,
    /// Starts of intervals; `None` while all rows are instants.
    start: Option<Vec<i64>>,
    /// No interval was ever longer.
    longest: i64,
    /// Of findings: their ends (`i64::MAX` while they go on), and by slot what they rest on.
    found: Option<Box<Found>>,
    /// Places in `marks` that removed rows left.
    vacant: Vec<u32>,
    /// Of intervals that go on.
    endless: bool,
    /// Fields whose columns keep running sums.
    summed: Vec<FieldIx>,
    /// A table of intervals by their starts: `start` holds their ends, [`ENDLESS`] where one goes on.
    by_start: bool,
    /// Counts of conditions, made where long windows ask for them.
    #[serde(skip)]
    tallies: RefCell<Vec<Tally>>,
    /// Rows before this instant were cut off, all or some.
    cut: Option<i64>,
    /// Raised by who looks beyond it.
    #[serde(skip)]
    missed: Option<Arc<AtomicBool>>,
}

impl Table {
    #[inline]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Looks at itself, for whoever comes next; see `engine::foresee`.
    pub fn glance(&self) -> u64 {
        let lists = [self.at.len(), self.columns.len(), self.summed.len(), self.slots.len(), self.vacant.len()];
        let first = self.begins[0].get().span as u64 ^ self.longest as u64 ^ self.marks.glance();
        lists.into_iter().fold(first, |seen, n| seen ^ n as u64)
    }

    /// The same, one level further: the newest row, and where windows begin.
    pub fn glance_at_newest(&self) -> u64 {
        let last = self.last().unwrap_or(0) as u64;
        let mark = self.marks.glance_at_newest();
        let begins = self.begins.iter().map(|guess| self.at.get(guess.get().row as usize).map_or(0, |at| *at as u64));
        begins.chain(self.columns.iter().map(Column::glance)).fold(last ^ mark, |seen, n| seen ^ n)
    }

    /// The same of what the columns say there.
    pub fn glance_at_columns(&self) -> u64 {
        let begins = || self.begins.iter().map(|guess| guess.get().row as usize);
        self.columns.iter().map(|column| column.glance_at(begins())).fold(0, |seen, n| seen ^ n)
    }

    #[inline]
    pub fn at(&self, row: usize) -> i64 {
        self.at[row]
    }

    /// The instants of neighbouring rows.
    #[inline]
    pub fn instants(&self, rows: Range<usize>) -> &[i64] {
        &self.at[rows]
    }

    pub fn first(&self) -> Option<i64> {
        self.at.first().copied()
    }

    #[inline]
    pub fn last(&self) -> Option<i64> {
        self.at.last().copied()
    }

    /// Whether the last row alone stands at an instant.
    #[inline]
    pub fn is_newest(&self, at: i64) -> bool {
        match self.at[..] {
            [.., before, last] => last == at && before < at,
            [only] => only == at,
            [] => false,
        }
    }

    /// No interval was ever longer.
    pub fn longest(&self) -> i64 {
        self.longest
    }

    pub fn start(&self, row: usize) -> i64 {
        self.start.as_ref().map_or(self.at[row], |s| s[row])
    }

    /// Whether rows stand elsewhere than at their instants.
    pub fn is_by_edge(&self) -> bool {
        self.by_start || self.opened().is_some()
    }

    fn opened(&self) -> Option<&Vec<i64>> {
        self.found.as_ref()?.opened.as_ref()
    }

    /// Where what a row says begins.
    #[inline]
    pub fn begin(&self, row: usize) -> i64 {
        if self.by_start { self.at[row] } else { self.start(row) }
    }

    /// Its instant on the timeline; `None` of an interval that goes on.
    #[inline]
    pub fn instant(&self, row: usize) -> Option<i64> {
        if self.by_start { self.end(row) } else { Some(self.opened().map_or(self.at[row], |all| all[row])) }
    }

    /// Where it ends; `None` where it goes on.
    #[inline]
    pub fn end(&self, row: usize) -> Option<i64> {
        if self.by_start {
            return self.start.as_ref().map(|ends| ends[row]).filter(|end| *end != ENDLESS);
        }
        match &self.found {
            None => Some(self.at[row]),
            Some(found) => Some(found.ends[row]).filter(|end| *end != i64::MAX),
        }
    }

    /// The readings that a row rests on: of a reading itself.
    pub fn evidence(&self, row: usize) -> &[ReadingId] {
        let slot = self.slot(row);
        match &self.found {
            None => std::slice::from_ref(&self.marks.ids()[slot]),
            Some(found) => &found.evidence[slot],
        }
    }

    /// The ids of neighbouring rows of readings, if they lie side by side.
    #[inline]
    pub fn ids_of(&self, rows: Range<usize>) -> Option<&[ReadingId]> {
        if self.slots.is_empty() && self.found.is_none() { self.marks.ids().get(rows) } else { None }
    }

    /// The rows with an instant in common with the open interval from `after` to `before`.
    pub fn overlapping(&self, after: i64, before: i64) -> impl Iterator<Item = usize> {
        self.meeting(after.saturating_add(1), before.saturating_sub(1))
    }

    /// The rows that begin at `begins` or before, and end at `ends` or later.
    pub fn meeting(&self, ends: i64, begins: i64) -> impl Iterator<Item = usize> {
        let rows = match &self.found {
            // A row may begin at `begins` and end long after it.
            None => self.from(ends)..self.after(begins.saturating_add(self.longest)),
            Some(_) => 0..self.len(),
        };
        let found = self.found.as_ref().map(|found| &found.ends);
        rows.filter(move |&row| self.start(row) <= begins && found.is_none_or(|all| all[row] >= ends))
    }

    /// The same intervals, those of both tables, by their starts.
    pub fn by_start(ended: &Table, endless: Option<&Table>) -> Table {
        let mut table = Table { by_start: true, start: Some(Vec::new()), ..Table::default() };
        for from in [Some(ended), endless].into_iter().flatten() {
            for row in 0..from.len() {
                let end = if std::ptr::eq(from, ended) { from.at(row) } else { ENDLESS };
                table.copy(from, row, end);
            }
        }
        table
    }

    /// For findings that stand at an edge.
    pub fn by_edge() -> Table {
        let found = Found { opened: Some(Vec::new()), ..Found::default() };
        Table { found: Some(Box::new(found)), ..Table::default() }
    }

    /// Puts a row of another table where it begins.
    pub fn copy_newest(&mut self, from: &Table, row: usize, ended: bool) {
        self.copy(from, row, if ended { from.at(row) } else { ENDLESS });
    }

    fn copy(&mut self, from: &Table, from_row: usize, end: i64) {
        let at = from.start(from_row);
        // Of one instant by id: this table is made again at times, and then nobody knows how they came.
        let (tie, id) = (self.left_from(at)..self.left_after(at), from.id(from_row));
        let row = tie.clone().find(|&row| self.id(row) > id).unwrap_or(tie.end);
        while self.columns.len() < from.columns.len() {
            self.columns.push(Column::absent(self.at.len()));
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.insert_cell(row, from.columns.get(i).and_then(|c| c.cell(from_row)));
        }
        // Of a copy nobody asks for more.
        let slot = self.take_slot(row);
        self.marks.put_id(slot, id);
        grow::insert(&mut self.at, row, at);
        grow::insert(self.start.get_or_insert_default(), row, end);
    }

    /// Of a reading's row.
    pub fn mark(&self, row: usize) -> Mark {
        let hash = match &self.marks.hashes {
            Hashes::None => 0,
            Hashes::Follow(origin) => self.hash(row, origin),
            Hashes::Kept(hashes) => hashes[self.slot(row)],
        };
        Mark { hash, ..self.mark_without_hash(row) }
    }

    fn mark_without_hash(&self, row: usize) -> Mark {
        let slot = self.slot(row);
        let rev = self.marks.rev(slot);
        Mark { id: self.marks.id(slot), hash: 0, rev: rev.unwrap_or(1), plain: rev.is_none() }
    }

    /// Whether the id of a reading's row follows from its content, and it was never amended.
    pub fn is_plain(&self, row: usize) -> bool {
        self.marks.rev(self.slot(row)).is_none()
    }

    /// The hash of the content that a row holds.
    fn hash(&self, row: usize, origin: &Origin) -> u128 {
        let (at, start) = (Time(self.at[row]), Time(self.start(row)));
        let when = match self.endless {
            true => When::During { start: at, end: None },
            false if start == at => When::At(at),
            false => When::During { start, end: Some(at) },
        };
        let values = self.columns.iter().map(|column| column.cell(row)?.atoms());
        content_hash(&origin.stream, when, origin.source.as_deref(), values)
    }

    /// Whether its row holds all that a content says.
    #[inline]
    fn can_hold(&self, content: &Content) -> bool {
        // Without a length it would look like an instant.
        let has_length = match content.when {
            When::At(_) | When::During { end: None, .. } => true,
            When::During { start, end: Some(end) } => start < end,
        };
        let mut values = content.values.iter().enumerate().filter_map(|(i, value)| Some((i, value.as_ref()?)));
        has_length && values.all(|(i, value)| self.columns.get(i).is_none_or(|column| column.can_hold(value)))
    }

    /// From now on with the hash of each row.
    fn keep_hashes(&mut self) {
        let zeros = || vec![0; self.marks.len()];
        let all = match &self.marks.hashes {
            Hashes::Kept(_) => return,
            Hashes::None => zeros(),
            Hashes::Follow(origin) => {
                let mut all = zeros();
                (0..self.len()).for_each(|row| all[self.slot(row)] = self.hash(row, origin));
                all
            }
        };
        self.marks.hashes = Hashes::Kept(all);
    }

    #[inline]
    pub fn id(&self, row: usize) -> ReadingId {
        self.marks.id(self.slot(row))
    }

    #[inline]
    fn slot(&self, row: usize) -> usize {
        if self.slots.is_empty() { row } else { self.slots[row] as usize }
    }

    #[inline]
    pub fn column(&self, field: FieldIx) -> Option<&Column> {
        self.columns.get(usize::from(field.0))
    }

    /// Whether no row says anything in a field.
    pub fn is_silent_in(&self, field: FieldIx) -> bool {
        self.column(field).is_none_or(Column::is_silent)
    }

    /// The first row with `at >= t`.
    #[inline]
    pub fn from(&self, t: i64) -> usize {
        self.look(t);
        self.search(t, |at| at < t)
    }

    /// The first row with `at > t`.
    #[inline]
    pub fn after(&self, t: i64) -> usize {
        self.look(t.saturating_add(1));
        self.search(t, |at| at <= t)
    }

    /// The rows of the instant of `row`, which must be the first of them.
    #[inline]
    pub fn tie(&self, row: usize) -> Range<usize> {
        let at = self.at[row];
        let mut end = row + 1;
        while self.at.get(end) == Some(&at) {
            end += 1;
        }
        row..end
    }

    /// The rows at an instant.
    pub fn rows_at(&self, t: i64) -> Range<usize> {
        let from = self.from(t);
        if self.at.get(from) == Some(&t) { self.tie(from) } else { from..from }
    }

    /// The least instant after `t`.
    pub fn next(&self, t: i64) -> Option<i64> {
        self.at.get(self.after(t)).copied()
    }

    #[inline]
    pub fn find(&self, at: i64, id: ReadingId) -> Option<usize> {
        if self.last().is_none_or(|last| last < at) {
            return None;
        }
        // Whoever may mean a row that was cut off has it put back first.
        let from = self.left_from(at);
        (from..self.len()).take_while(|&row| self.at[row] == at).find(|&row| self.id(row) == id)
    }

    /// The end of it, where plain readings of instants may be put whose hashes follow: there are rows, all such, and each is at its own place.
    #[inline]
    pub fn tail(&mut self, stream: &Arc<str>) -> Option<Tail<'_>> {
        let is_in_place = self.slots.is_empty() && self.at.len() == self.marks.len();
        let is_of_instants = self.start.is_none() && !self.endless;
        let last = self.last().filter(|_| is_in_place && is_of_instants && self.marks.follows(stream))?;
        Some(Tail { table: self, last })
    }

    /// Puts the row of a reading after all rows of its instant; `stream` is its stream's name, where that is known.
    pub fn insert(&mut self, at: i64, mark: Mark, content: &Content, stream: Option<&Arc<str>>) -> usize {
        self.endless = content.when.instant().is_none();
        let follows = mark.plain
            && self.can_hold(content)
            && stream.is_some_and(|stream| self.marks.follow(stream, content.source.as_ref()));
        if !follows {
            self.keep_hashes();
        }
        let newest = self.at.last().is_none_or(|&last| last <= at);
        let row = if newest { self.at.len() } else { self.after(at) };
        self.columns.reserve_exact(content.values.len().saturating_sub(self.columns.len()));
        while self.columns.len() < content.values.len() {
            let mut column = Column::absent(self.at.len());
            if self.summed.contains(&FieldIx(self.columns.len() as u16)) {
                column.keep_sums();
            }
            self.columns.push(column);
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.insert(row, content.values.get(i).and_then(Option::as_ref));
        }
        if !newest {
            self.late = row as u32 + 1;
            self.tallies.get_mut().iter_mut().for_each(|t| t.changed(row));
        }
        let start = content.when.start().0;
        if let Some(starts) = &mut self.start {
            grow::insert(starts, row, start);
        } else if matches!(content.when, When::During { .. }) {
            let mut starts = self.at.clone();
            starts.insert(row, start);
            self.start = Some(starts);
        }
        self.longest = self.longest.max(at.saturating_sub(start));
        let slot = self.take_slot(row);
        self.marks.put(slot, &mark);
        grow::insert(&mut self.at, row, at);
        debug_assert_eq!(self.mark(row), mark, "a hash that is not kept follows from the row");
        row
    }

    /// Puts the row of a finding at the instant `at`, at which it stands; those of one instant lie by id, for where they lie is to be a function of what stands.
    pub fn insert_found(&mut self, at: i64, found_row: &FoundRow) {
        let FoundRow { onset, end, ref values, ref evidence, .. } = *found_row;
        let (from, to) = (self.left_from(at), self.left_after(at));
        let row = (from..to).find(|&row| self.id(row) > found_row.id).unwrap_or(to);
        while self.columns.len() < values.len() {
            self.columns.push(Column::absent(self.at.len()));
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.put(row, values.get(i).unwrap_or(&Datum::Unknown));
        }
        self.tallies.get_mut().iter_mut().for_each(|t| t.changed(row));
        self.start.get_or_insert_default().insert(row, onset);
        let slot = self.take_slot(row);
        self.marks.put_id(slot, found_row.id);
        let found = self.found.get_or_insert_default();
        found.ends.insert(row, end.unwrap_or(i64::MAX));
        if let Some(opened) = &mut found.opened {
            opened.insert(row, found_row.at);
        }
        match found.evidence.get_mut(slot) {
            Some(place) => *place = evidence.clone(),
            None => found.evidence.push(evidence.clone()),
        }
        self.at.insert(row, at);
    }

    pub fn remove(&mut self, row: usize) {
        self.tallies.get_mut().iter_mut().for_each(|t| t.changed(row));
        self.part_slots();
        self.at.remove(row);
        self.vacant.push(self.slots.remove(row));
        if let Some(found) = &mut self.found {
            found.ends.remove(row);
            if let Some(opened) = &mut found.opened {
                opened.remove(row);
            }
        }
        if let Some(starts) = &mut self.start {
            starts.remove(row);
        }
        for column in &mut self.columns {
            column.remove(row);
        }
    }

    /// Where the mark of a row goes that comes in, before its instant does.
    #[inline]
    fn take_slot(&mut self, row: usize) -> usize {
        if self.slots.is_empty() && row == self.marks.len() {
            return row;
        }
        self.part_slots();
        let slot = self.vacant.pop().map_or(self.marks.len(), |slot| slot as usize);
        grow::insert(&mut self.slots, row, slot as u32);
        slot
    }

    /// From now on rows and slots are not the same.
    fn part_slots(&mut self) {
        if self.slots.is_empty() {
            self.slots.extend(0..self.at.len() as u32);
        }
    }

    /// The counts of conditions that windows ask for.
    pub fn tallies(&self) -> RefMut<'_, Vec<Tally>> {
        self.tallies.borrow_mut()
    }

    /// What conditions say of rows from an instant on may be another.
    pub fn recount(&mut self, from: i64) {
        let row = self.search(from, |at| at < from);
        self.tallies.get_mut().iter_mut().for_each(|t| t.changed(row));
    }

    /// From now on with running sums of a field.
    pub fn keep_sums(&mut self, field: FieldIx) {
        if !self.summed.contains(&field) {
            self.summed.push(field);
            if let Some(column) = self.columns.get_mut(usize::from(field.0)) {
                column.keep_sums();
            }
        }
    }

    /// The first row for which `earlier` is false, which is near `t`; the newest rows are asked first, for most questions are about now.
    #[inline]
    fn search(&self, t: i64, earlier: impl Fn(i64) -> bool) -> usize {
        match self.at.last() {
            Some(&last) if !earlier(last) && self.late > 0 => self.search_late(t, last, earlier),
            Some(&last) if !earlier(last) => first_not(&self.at, |at| earlier(*at)),
            _ => self.at.len(),
        }
    }

    /// The same where some came late.
    #[inline(never)]
    fn search_late(&self, t: i64, last: i64, earlier: impl Fn(i64) -> bool) -> usize {
        let late = self.late as usize - 1;
        match self.at.get(late) {
            Some(&at) if t.abs_diff(at) < t.abs_diff(last) => first_not_near(&self.at, late, |at| earlier(*at)),
            _ => first_not(&self.at, |at| earlier(*at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::{StreamIx, Time};

    fn table(instants: &[i64]) -> Table {
        let mut table = Table::default();
        for (i, at) in instants.iter().enumerate() {
            let content =
                Content { stream: StreamIx(0), when: When::At(Time(*at)), values: Box::default(), source: None, seq: None };
            table.insert(*at, Mark { id: ReadingId(i as u128), hash: 0, rev: 1, plain: true }, &content, None);
        }
        table
    }

    #[test]
    fn rows_stand_by_instant_and_ties_in_the_order_they_came() {
        let mut table = table(&[5, 9, 1, 5, 7]);
        let ids = |table: &Table| (0..table.len()).map(|row| (table.at(row), table.id(row).0)).collect::<Vec<_>>();
        assert_eq!(ids(&table), [(1, 2), (5, 0), (5, 3), (7, 4), (9, 1)]);
        table.remove(2);
        assert_eq!(table.find(5, ReadingId(3)), None);
        assert_eq!(ids(&table), [(1, 2), (5, 0), (7, 4), (9, 1)]);
        assert_eq!((table.next(5), table.rows_at(6)), (Some(7), 2..2));
    }

    #[test]
    fn a_window_is_the_same_whatever_was_asked_before() {
        let instants: Vec<i64> = (0..200).map(|i| i * i % 97).collect();
        let asked = table(&instants);
        for step in 0..2_000_i64 {
            // Forwards, back and forth, and with lengths that share a place.
            let (span, to) = ([3, 10, 40, 1, 7, -2, 0][step as usize % 7], step * 31 % 120 - 10);
            let fresh = table(&instants).window(span, to);
            let within = |row: &usize| (to - span < asked.at(*row)) && asked.at(*row) <= to;
            assert_eq!(asked.window(span, to).len(), (0..asked.len()).filter(within).count(), "({span}, {to})");
            assert_eq!(asked.window(span, to), fresh);
        }
    }
}
