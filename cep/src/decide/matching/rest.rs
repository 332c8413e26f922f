//! Patterns at rest: when readings cannot matter, and what is made up for when one does.

use vitalog_elog::StreamIx;

use super::search::{Search, is_point};
use super::{Matches, limit, starts};
use crate::decide::calm::Asked;
use crate::decide::rests::Rests;
use crate::decide::version::Case;
use crate::plan::{Pattern, Ref};
use crate::timeline::Touch;

impl Matches {
    /// See [`crate::decide::State::calm`].
    pub fn calm<'a>(&self, case: &Case<'a>, pattern: &'a Pattern, stream: StreamIx, asked: &Asked<'_, 'a>) -> Option<Rests> {
        if self.past.doubted.is_some() || !self.past.dues.is_empty() {
            return None;
        }
        let (program, shape) = (&case.version.scope.program, &case.version.scope.shape);
        if let Some(shape) = shape.as_ref().filter(|s| s.is_patient) {
            // What begins meanwhile is gathered when a reading may complete it.
            let last = pattern.steps.last()?;
            if last.stream != stream {
                return Some(Rests::default());
            }
            return shape.prefilter.iter().find_map(|e| asked.never(e, Ref::Candidate));
        }
        if !self.pending.is_empty() {
            return None;
        }
        let opening = program.as_ref().map_or(&[0][..], |program| &program.opening);
        let mut rests = Rests::default();
        for &i in opening.iter().filter(|i| pattern.steps[**i].stream == stream) {
            let alone = program.as_ref().is_none_or(|p| p.alone[i]);
            let filter = pattern.steps[i].filter.as_ref().filter(|_| alone)?;
            rests.extend(asked.never(filter, Ref::Candidate)?);
        }
        Some(rests)
    }

    /// Makes up for all that readings in order were not asked about: the frontier is that of the timeline without the reading that is told now; what began meanwhile
    /// is pending, and what can't complete any more is forgotten.
    pub fn catch_up(&mut self, case: &Case<'_>, pattern: &Pattern, told: Option<&Touch>) {
        let before = self.frontier;
        for stream in &case.version.scope.streams {
            let told = told.filter(|t| t.came && t.stream == *stream);
            for table in [case.line.table(*stream), case.line.endless(*stream)].into_iter().flatten() {
                let Some(mut last) = table.len().checked_sub(1) else { continue };
                if told.is_some_and(|t| t.at.unwrap_or(t.from) == table.at(last)) {
                    let Some(earlier) = last.checked_sub(1) else { continue };
                    last = earlier;
                }
                self.frontier = self.frontier.max(table.at(last));
            }
        }
        if let Some(program) = &case.version.scope.program {
            let next = self.frontier.saturating_add(1);
            let waits = |start: i64| self.past.dues.binary_search_by_key(&start, |(s, _)| *s).is_ok();
            self.pending.retain(|s| s.saturating_add(program.horizon) > next || waits(*s));
        } else {
            self.forget(pattern);
            if before < self.frontier && case.version.scope.shape.as_ref().is_some_and(|s| s.is_patient) {
                self.gather(case, pattern, before);
            }
        }
    }

    /// Drops the pending starts of a sequence that nothing after the frontier can complete.
    fn forget(&mut self, pattern: &Pattern) {
        let next = self.frontier.saturating_add(1);
        if self.pending.first().is_some_and(|s| limit(pattern, *s) <= next) {
            self.pending.retain(|s| limit(pattern, *s) > next);
        }
    }

    /// The starts after an instant, up to the frontier, that something later may complete.
    fn gather(&mut self, case: &Case<'_>, pattern: &Pattern, after: i64) {
        let first = &pattern.steps[0];
        let Some(table) = case.line.table(first.stream) else { return };
        let within = pattern.within.map_or(i64::MAX, |w| w.0);
        let reached = self.frontier.saturating_add(1).saturating_sub(within);
        // What began before the cut could be completed by nothing that may yet come.
        let mut row = table.after(after.max(reached).max(self.cut.map_or(i64::MIN, |cut| cut.saturating_sub(1))));
        // Nobody looks there who did not look before.
        let end = table.left_after(self.frontier.min(case.version.to.saturating_sub(1)));
        while row < end {
            row = case.may_fit(0, table, row..end);
            if row >= end {
                break;
            }
            let (tie, start) = (table.tie(table.from(table.at(row))), table.at(row));
            row = tie.end;
            if tie.into_iter().any(|row| starts(case, first, table, row)) {
                self.pending.push(start);
            }
        }
    }

    /// Brings what is pending into the form that hangs on the timeline alone. What waits for the end of its moment stays as it is, for it is searched again then.
    pub fn settle_down(&mut self, case: &Case<'_>, pattern: &Pattern) {
        self.catch_up(case, pattern, None);
        let Some(shape) = case.version.scope.shape.as_ref().filter(|_| !is_point(pattern)) else { return };
        let before = std::mem::take(&mut self.pending);
        self.gather(case, pattern, i64::MIN);
        let doubted = self.past.doubted;
        let waits = |start: i64| doubted.is_some_and(|(after, to)| after < start && start <= to);
        self.pending.retain(|start| match waits(*start) {
            true => before.binary_search(start).is_ok(),
            false => Search::new(*case, pattern, shape, *start).earliest(i64::MIN).is_none(),
        });
    }
}
