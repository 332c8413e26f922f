//! A table without what lies before a horizon, and whole again.
//!
//! INVARIANT (contiguous): all rows from [`Table::cut`] on are there. Before it the rows of a few instants may be left, for those who ask what came last.
//! Whoever looks beyond raises a flag, for then the answer may be wrong: nobody does as long as the horizon was reckoned right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Table;
use super::marks::Hashes;
use crate::grow;
use crate::timeline::Column;

impl Table {
    /// Since when all rows are there; `None`: since ever.
    pub fn cut(&self) -> Option<i64> {
        self.cut
    }

    /// What raises `missed` when it looks at what was cut off.
    pub fn watch(&mut self, missed: &Arc<AtomicBool>) {
        self.missed = self.cut.map(|_| missed.clone());
    }

    /// Takes the rows before `floor` off, but those of the last instant before it and of `pinned` ones; `None` where there are none.
    pub fn part(&mut self, floor: i64, pinned: &[i64]) -> Option<Table> {
        let before = &self.at[..self.search(floor, |at| at < floor)];
        let last = *before.last()?;
        let stays = |at: i64| at >= last || pinned.contains(&at);
        if before.iter().all(|at| stays(*at)) {
            return None;
        }
        let (mut cold, mut hot) = (self.empty(), self.empty());
        (cold.cut, hot.cut) = (self.cut, Some(last));
        for row in 0..self.len() {
            let to = if stays(self.at[row]) { &mut hot } else { &mut cold };
            to.append(self, row);
        }
        hot.shrink();
        hot.missed = self.missed.take();
        *self = hot;
        Some(cold)
    }

    /// Puts rows back that were taken off last.
    pub fn join(&mut self, cold: Table) {
        let mut whole = self.empty();
        whole.cut = cold.cut;
        whole.missed = self.missed.take().filter(|_| cold.cut.is_some());
        let (mut ours, mut theirs) = (0, 0);
        while ours < self.len() || theirs < cold.len() {
            // Rows of one instant were never parted.
            let is_ours = theirs == cold.len() || (ours < self.len() && self.at[ours] < cold.at[theirs]);
            let (from, row) = if is_ours { (&*self, &mut ours) } else { (&cold, &mut theirs) };
            whole.append(from, *row);
            *row += 1;
        }
        *self = whole;
    }

    /// Rows of findings go with the findings: before `floor` some are not there any more.
    pub fn set_cut(&mut self, floor: Option<i64>, missed: &Arc<AtomicBool>) {
        self.cut = floor;
        self.watch(missed);
    }

    /// Whether none of its rows from `t` on was cut off.
    pub fn has_all_from(&self, t: i64) -> bool {
        self.cut.is_none_or(|cut| t >= cut)
    }

    /// As [`Table::from`], of one who needs of what was cut off only what was left.
    pub fn left_from(&self, t: i64) -> usize {
        self.search(t, |at| at < t)
    }

    /// As [`Table::after`], of one who needs of what was cut off only what was left.
    pub fn left_after(&self, t: i64) -> usize {
        self.search(t, |at| at <= t)
    }

    /// Somebody looks at all from `t` on.
    #[inline]
    pub(super) fn look(&self, t: i64) {
        if self.cut.is_some_and(|cut| t < cut) {
            self.miss();
        }
    }

    #[cold]
    fn miss(&self) {
        if let Some(missed) = &self.missed {
            missed.store(true, Ordering::Relaxed);
        }
    }

    /// Without rows, with all else that it keeps of them.
    fn empty(&self) -> Table {
        let columns = self.columns.iter().map(Column::without_rows).collect();
        Table {
            columns,
            start: self.start.as_ref().map(|_| Vec::new()),
            longest: self.longest,
            summed: self.summed.clone(),
            by_start: self.by_start,
            endless: self.endless,
            ..Table::default()
        }
    }

    fn append(&mut self, from: &Table, row: usize) {
        let place = self.len();
        let follows = match &from.marks.hashes {
            Hashes::Follow(origin) => self.marks.follow(&origin.stream, origin.source.as_ref()),
            Hashes::None | Hashes::Kept(_) => false,
        };
        if !follows {
            self.keep_hashes();
        }
        while self.columns.len() < from.columns.len() {
            self.columns.push(from.columns[self.columns.len()].without_rows().with_absent(place));
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.insert_cell(place, from.columns.get(i).and_then(|c| c.cell(row)));
        }
        if let Some(starts) = &from.start {
            let ours = self.start.get_or_insert_with(|| self.at.clone());
            grow::push(ours, starts[row]);
        } else if let Some(ours) = &mut self.start {
            grow::push(ours, from.at[row]);
        }
        let slot = self.take_slot(place);
        self.marks.put(slot, &if follows { from.mark_without_hash(row) } else { from.mark(row) });
        grow::push(&mut self.at, from.at[row]);
    }

    fn shrink(&mut self) {
        self.at.shrink_to_fit();
        self.marks.shrink();
        self.start.iter_mut().for_each(Vec::shrink_to_fit);
        self.columns.iter_mut().for_each(Column::shrink);
    }
}
