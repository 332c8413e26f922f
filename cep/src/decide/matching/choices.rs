//! What may be chosen at a place: the instants that fit a step, in the order of preference.

use std::ops::Range;

use super::program::Op;
use super::state::{Cursor, Entry, Move, State};
use super::walk::Walk;
use crate::eval::{Repeats, Rows, Scope};
use crate::timeline::Table;

impl<'a> Walk<'a> {
    /// The choice that comes after `from` in the order of preference (`None`: the first), and where to go on from it.
    pub fn choice_after(&mut self, state: &State, from: Option<Cursor>) -> Option<(Move, Cursor)> {
        match &self.program.ops[state.pc] {
            Op::Or(targets) => {
                let place = if let Some(Cursor::Alternative(place)) = from { place + 1 } else { 0 };
                Some((Move::Alternative(*targets.get(place)?), Cursor::Alternative(place)))
            }
            Op::Together(steps) => self.together(state, steps, from),
            Op::Step(step) => {
                let enough = self.has_enough(state, *step);
                if enough && from.is_none() {
                    return Some((Move::Finish, Cursor::Finished));
                }
                if enough && (self.program.free[state.pc] || !self.may_take_more(state, *step)) {
                    return None;
                }
                self.take(state, *step, from)
            }
            _ => None,
        }
    }

    /// Whether anything that fits a step comes in time, whatever else is chosen.
    pub fn comes(&self, step: usize) -> bool {
        let this = &self.pattern.steps[step];
        let Some(table) = self.case.line.edge(this.stream, this.edge) else { return false };
        let rows = table.from(self.start)..table.from(self.start.saturating_add(self.program.reach));
        rows.into_iter().any(|row| {
            let at = table.at(row);
            let scope = self.case.scope(at, self.start).with_candidate(Rows::one(table, row), at);
            this.filter.as_ref().is_none_or(|f| scope.holds(f))
        })
    }

    /// Whether the step at hand may end here.
    fn has_enough(&self, state: &State, step: usize) -> bool {
        let least = u32::from(self.pattern.steps[step].count.max(1));
        state.target.map_or(state.taken >= least, |target| state.taken >= target)
    }

    fn may_take_more(&self, state: &State, step: usize) -> bool {
        let growing = self.program.growing == Some(step);
        let most = if growing { Some(self.pattern.steps[step].count.max(1)) } else { self.pattern.steps[step].most };
        state.target.map_or(most.is_none_or(|most| state.taken < u32::from(most)), |target| state.taken < target)
    }

    /// The next instant that a step may take.
    pub fn take(&mut self, state: &State, step: usize, from: Option<Cursor>) -> Option<(Move, Cursor)> {
        let this = &self.pattern.steps[step];
        let table = self.case.line.edge(this.stream, this.edge)?;
        let in_row = this.in_a_row && state.taken > 0;
        if in_row && (matches!(from, Some(Cursor::At(_))) || !self.is_whole(state, step, table)) {
            return None;
        }
        let mut row = first_row(table, state.entry, from);
        let limit = self.limit(state);
        while row < table.len() {
            let (at, tie) = (table.at(row), table.tie(row));
            if !self.reaches(state, limit, at) {
                return None;
            }
            row = tie.end;
            let rows = self.fit(state, step, table, tie);
            if !rows.is_empty() {
                return Some((Move::Take { at, rows: vec![(step, rows)] }, Cursor::At(at)));
            }
            if in_row {
                return None;
            }
        }
        None
    }

    /// Whether the step bound all readings at its last instant, unless that is the first of its row.
    fn is_whole(&self, state: &State, step: usize, table: &Table) -> bool {
        let last = self.bound[step].last_rows();
        state.taken <= 1 || last.first().is_none_or(|row| table.rows_at(table.at(*row)).len() == last.len())
    }

    fn together(&mut self, state: &State, steps: &'a [usize], from: Option<Cursor>) -> Option<(Move, Cursor)> {
        let limit = self.limit(state);
        let mut from = from;
        loop {
            let tables = steps.iter().filter_map(|s| {
                let this = &self.pattern.steps[*s];
                let table = self.case.line.edge(this.stream, this.edge)?;
                let row = first_row(table, state.entry, from);
                (row < table.len()).then(|| table.at(row))
            });
            let at = tables.min()?;
            if !self.reaches(state, limit, at) {
                return None;
            }
            let mut rows: Vec<(usize, Vec<usize>)> = Vec::new();
            for &step in steps {
                let this = &self.pattern.steps[step];
                let Some(table) = self.case.line.edge(this.stream, this.edge) else { continue };
                let mut fits = self.fit(state, step, table, table.rows_at(at));
                fits.retain(|row| !rows.iter().any(|(other, taken)| self.is_same(*other, taken, step, *row)));
                if !fits.is_empty() {
                    rows.push((step, fits));
                }
            }
            if !rows.is_empty() {
                return Some((Move::Take { at, rows }, Cursor::At(at)));
            }
            from = Some(Cursor::At(at));
        }
    }

    /// Whether a row of one step is a reading that another takes.
    fn is_same(&self, other: usize, taken: &[usize], step: usize, row: usize) -> bool {
        let (a, b) = (&self.pattern.steps[other], &self.pattern.steps[step]);
        let (Some(own), Some(table)) = (self.case.line.edge(a.stream, a.edge), self.case.line.edge(b.stream, b.edge)) else {
            return false;
        };
        a.stream == b.stream && taken.iter().any(|r| own.id(*r) == table.id(row))
    }

    /// The last instant, exclusive, for all that open frames say.
    pub fn limit(&self, state: &State) -> i64 {
        let mut limit = self.start.saturating_add(self.program.reach);
        for frame in state.frames.iter().filter(|f| f.first < i64::MAX) {
            limit = limit.min(frame.first.saturating_add(frame.within));
        }
        limit
    }

    pub fn reaches(&self, state: &State, limit: i64, at: i64) -> bool {
        let entry = if let Entry::At(t) = state.entry { at <= t } else { true };
        entry && at < limit && at <= self.barrier.max(self.start)
    }

    /// The rows of an instant that fit a step.
    fn fit(&mut self, state: &State, step: usize, table: &'a Table, tie: Range<usize>) -> Vec<usize> {
        let alone = self.program.alone[step];
        let Some(at) = (!tie.is_empty()).then(|| table.at(tie.start)) else { return Vec::new() };
        let mut rows = match self.fitting.get(&(step, at)).filter(|_| alone) {
            Some(rows) => rows.clone(),
            None => {
                let rows = self.ask(state, step, table, tie, at);
                if alone {
                    self.fitting.insert((step, at), rows.clone());
                }
                rows
            }
        };
        if self.program.shares {
            rows.retain(|row| !self.serves(table, step, *row));
        }
        rows
    }

    fn ask(&self, state: &State, step: usize, table: &'a Table, tie: Range<usize>, at: i64) -> Vec<usize> {
        let this = &self.pattern.steps[step];
        let scope = self.scope_at(state, step, at);
        let again = this.again.as_ref().filter(|_| state.taken > 0);
        tie.filter(|&row| {
            let scope = scope.with_candidate(Rows::one(table, row), at);
            this.filter.iter().chain(again).all(|f| scope.holds(f))
        })
        .collect()
    }

    /// What a step's condition may speak of, but the candidate.
    pub fn scope_at(&self, state: &State, step: usize, at: i64) -> Scope<'a, '_> {
        let from = if state.taken > 0 { state.round } else { self.bound[step].instants.len() };
        Scope {
            bound: &self.bound,
            repeats: Some(Repeats { binding: &self.bound[step], from }),
            ..self.case.scope(at, self.start)
        }
    }

    /// Whether a reading is bound already.
    fn serves(&self, table: &Table, step: usize, row: usize) -> bool {
        let stream = self.pattern.steps[step].stream;
        self.bound.iter().any(|b| b.stream == stream && b.has_reading(self.case.line, table, row))
    }
}

/// Where to look for the first instant that an entry allows and that lies after `from`.
pub fn first_row(table: &Table, entry: Entry, from: Option<Cursor>) -> usize {
    let row = match entry {
        Entry::After(t) => table.after(t),
        Entry::From(t) | Entry::At(t) => table.from(t),
    };
    if let Some(Cursor::At(t)) = from { row.max(table.after(t)) } else { row }
}
