//! What must not come between, and whether a choice that is whole is a match.

use super::program::Check;
use super::state::State;
use super::walk::Walk;
use crate::decide::version::Case;
use crate::eval::{Rows, Scope};
use crate::plan::Absence;

impl<'a> Walk<'a> {
    /// When a choice that is whole completes, if all that is asked of it holds.
    pub fn accept(&self, state: &State) -> Option<i64> {
        let frame = state.frames.first()?;
        if frame.last.saturating_sub(frame.first) >= self.program.reach {
            return None;
        }
        let mut done = state.done;
        for around in state.around.iter().map(|i| &self.program.around[*i]) {
            let binding = &self.bound[usize::from(around.step)];
            let (Some(table), Some(row)) = (binding.table(self.case.line), binding.last_rows().first()) else { continue };
            let at = table.at(*row);
            let (from, to) = (at.saturating_add(around.from.0), at.checked_add(around.to.0)?);
            done = done.max(to);
            if self.is_broken(&around.absence, from, to) {
                return None;
            }
        }
        for (step, span) in &self.program.waits {
            let Some(binding) = self.bound.get(usize::from(*step)) else { continue };
            if let (Some(table), Some(row)) = (binding.table(self.case.line), binding.last_rows().first()) {
                done = done.max(table.at(*row).checked_add(*span)?);
            }
        }
        let whole = self.pattern.absences.iter().zip(&self.program.plain).filter(|(_, plain)| !**plain);
        let mut all = whole.map(|(absence, _)| (absence, frame.first, frame.last)).chain(
            state.waiting.iter().flat_map(|(c, from, to)| self.program.checks[*c].absences.iter().map(move |a| (a, *from, *to))),
        );
        if all.any(|(absence, from, to)| self.is_broken(absence, from, to)) {
            return None;
        }
        let scope = Scope { bound: &self.bound, ..self.case.scope(done, self.start) };
        self.case.version.terms.rule.filter.as_ref().is_none_or(|f| scope.holds(f)).then_some(done)
    }

    /// Asks a check, now or at the end.
    pub fn check(&self, state: &mut State, check: usize, from: i64, to: i64) -> Option<()> {
        let Check { absences, at_once } = &self.program.checks[check];
        if !at_once {
            state.waiting.push((check, from, to));
            return Some(());
        }
        (!absences.iter().any(|a| self.is_broken(a, from, to))).then_some(())
    }

    /// Whether something that an absence forbids lies in the open interval, and is not the match's own.
    fn is_broken(&self, absence: &'a Absence, from: i64, to: i64) -> bool {
        let mut broken = false;
        between(&self.case, absence, from, to, |rows| {
            let own =
                || self.bound.iter().any(|b| b.stream == absence.stream && b.has_reading(self.case.line, rows.table, rows.row()));
            broken = broken || (self.forbids(absence, rows) && !own());
        });
        broken
    }

    fn forbids(&self, absence: &'a Absence, rows: Rows<'a>) -> bool {
        let Some(filter) = &absence.filter else { return true };
        let at = rows.table.at(rows.row());
        let scope = Scope { bound: &self.bound, ..self.case.scope(at, self.start) };
        scope.with_candidate(rows, at).holds(filter)
    }

    pub fn find_barrier(&self) -> i64 {
        let limit = self.start.saturating_add(self.program.reach);
        let mut barrier = i64::MAX;
        for (absence, _) in self.pattern.absences.iter().zip(&self.program.plain).filter(|(_, plain)| **plain) {
            between(&self.case, absence, self.start, limit, |rows| {
                if self.forbids(absence, rows) {
                    // Between first and last lies what begins before the last and ends after the first.
                    barrier = barrier.min(rows.table.start(rows.row()));
                }
            });
        }
        barrier
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
