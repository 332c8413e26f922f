//! What must not come between, and whether a choice that is whole is a match.

use super::program::Check;
use super::state::State;
use super::walk::Walk;
use crate::decide::version::Case;
use crate::eval::{Rows, Scope};
use crate::plan::Absence;

/// Why a choice leads nowhere.
#[derive(Clone, Copy)]
pub enum Obstacle<'a> {
    /// Its readings lie too far apart.
    Late { first: i64, last: i64, within: i64 },
    /// A reading that must not be there, in an open interval.
    Forbidden { by: Rows<'a>, absence: &'a Absence, form: Form, to: i64 },
    /// What is asked of the whole when it is decided.
    Condition { done: i64 },
    /// An instant that no number holds.
    Endless,
}

/// In which words something is forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Without,
    ThenNo,
    WithNo,
}

impl<'a> Walk<'a> {
    /// When a choice that is whole completes, if all that is asked of it holds. What is asked of the whole is asked when it is decided, so of one that the clock has not
    /// reached it is not asked yet: until then no window that sees more decides anything.
    pub fn accept(&self, state: &State) -> Option<i64> {
        let done = self.completes(state).ok()?;
        if done > self.case.clock {
            return Some(done);
        }
        self.decided.set(self.decided.get().max(done));
        self.holds(done).then_some(done)
    }

    /// When a choice that is whole would complete by what is known, or why it does not.
    pub fn judge(&self, state: &State) -> Result<i64, Obstacle<'a>> {
        let done = self.completes(state)?;
        if self.holds(done) { Ok(done) } else { Err(Obstacle::Condition { done }) }
    }

    /// What is asked of the whole when it is decided.
    fn holds(&self, done: i64) -> bool {
        let scope = Scope { bound: &self.bound, ..self.case.scope(done, self.start) };
        self.case.version.terms.rule.filter.as_ref().is_none_or(|f| scope.holds(f))
    }

    /// When a choice that is whole completes, if nothing forbidden came between.
    fn completes(&self, state: &State) -> Result<i64, Obstacle<'a>> {
        let frame = state.frames.first().ok_or(Obstacle::Endless)?;
        if frame.last.saturating_sub(frame.first) >= self.program.reach {
            return Err(Obstacle::Late { first: frame.first, last: frame.last, within: self.program.reach });
        }
        let mut done = state.done;
        for around in state.around.iter().map(|i| &self.program.around[*i]) {
            let binding = &self.bound[usize::from(around.step)];
            let (Some(table), Some(row)) = (binding.table(self.case.line), binding.last_rows().first()) else { continue };
            let at = table.at(*row);
            let (from, to) = (at.saturating_add(around.from.0), at.checked_add(around.to.0).ok_or(Obstacle::Endless)?);
            done = done.max(to);
            self.unbroken(&around.absence, Form::WithNo, from, to)?;
        }
        for (step, span) in &self.program.waits {
            let Some(binding) = self.bound.get(usize::from(*step)) else { continue };
            if let (Some(table), Some(row)) = (binding.table(self.case.line), binding.last_rows().first()) {
                done = done.max(table.at(*row).checked_add(*span).ok_or(Obstacle::Endless)?);
            }
        }
        let whole = self.pattern.absences.iter().zip(&self.program.plain).filter(|(_, plain)| !**plain);
        for (absence, _) in whole {
            self.unbroken(absence, Form::Without, frame.first, frame.last)?;
        }
        for (check, from, to) in &state.waiting {
            let check = &self.program.checks[*check];
            check.absences.iter().try_for_each(|a| self.unbroken(a, check.form, *from, *to))?;
        }
        Ok(done)
    }

    /// Asks a check, now or at the end.
    pub fn check(&self, state: &mut State, check: usize, from: i64, to: i64) -> Result<(), Obstacle<'a>> {
        let Check { absences, at_once, form } = &self.program.checks[check];
        if !at_once {
            state.waiting.push((check, from, to));
            return Ok(());
        }
        absences.iter().try_for_each(|a| self.unbroken(a, *form, from, to))
    }

    /// Whether nothing that an absence forbids lies in the open interval, but the match's own.
    fn unbroken(&self, absence: &'a Absence, form: Form, from: i64, to: i64) -> Result<(), Obstacle<'a>> {
        let mut breaks = None;
        between(&self.case, absence, from, to, |rows| {
            let own =
                || self.bound.iter().any(|b| b.stream == absence.stream && b.has_reading(self.case.line, rows.table, rows.row()));
            if breaks.is_none() && self.forbids(absence, rows) && !own() {
                breaks = Some(rows);
            }
        });
        breaks.map_or(Ok(()), |by| Err(Obstacle::Forbidden { by, absence, form, to }))
    }

    fn forbids(&self, absence: &'a Absence, rows: Rows<'a>) -> bool {
        let Some(filter) = &absence.filter else { return true };
        let at = rows.table.at(rows.row());
        let scope = Scope { bound: &self.bound, ..self.case.scope(at, self.start) };
        scope.with_candidate(rows, at).holds(filter)
    }

    pub fn find_barrier(&self) -> i64 {
        self.barring().map_or(i64::MAX, |(by, _)| by.table.start(by.row()))
    }

    /// The reading that no match of this start reaches over, for all that plain absences say.
    pub fn barring(&self) -> Option<(Rows<'a>, &'a Absence)> {
        let limit = self.start.saturating_add(self.program.reach);
        let mut first: Option<(Rows<'a>, &'a Absence)> = None;
        for (absence, _) in self.pattern.absences.iter().zip(&self.program.plain).filter(|(_, plain)| **plain) {
            between(&self.case, absence, self.start, limit, |rows| {
                // Between first and last lies what begins before the last and ends after the first.
                let begins = |rows: &Rows<'_>| rows.table.start(rows.row());
                if first.is_none_or(|(by, _)| begins(&rows) < begins(&by)) && self.forbids(absence, rows) {
                    first = Some((rows, absence));
                }
            });
        }
        first
    }
}

/// Calls `f` with each reading of an absence's stream that lies in an open interval.
pub fn between<'a>(case: &Case<'a>, absence: &Absence, from: i64, to: i64, mut f: impl FnMut(Rows<'a>)) {
    if to <= from {
        return;
    }
    if let Some(table) = case.line.table(absence.stream) {
        for row in table.overlapping(from, to) {
            f(Rows::one(table, row));
        }
    }
    if let Some(table) = case.line.endless(absence.stream) {
        for row in 0..table.from(to) {
            f(Rows { endless: true, ..Rows::one(table, row) });
        }
    }
}
