//! Patterns at rest: when readings cannot matter, and what is made up for when one does.

use vitalog_elog::StreamIx;

use super::search::{Search, is_point};
use super::{Matches, Shape, limit, opens};
use crate::decide::calm::Asked;
use crate::decide::rests::Rests;
use crate::decide::version::Case;
use crate::plan::{Anchor, Pattern, Ref};
use crate::timeline::Touch;

impl Shape {
    /// As long as what holds of the next readings, nothing matches that begins with one of them, for what lies before it.
    fn begins_nowhere<'a>(&'a self, asked: &Asked<'_, 'a>) -> Option<Rests> {
        let asked = Asked { anchor: Anchor::Before(0), ..*asked };
        self.settled.iter().find_map(|e| asked.never(e, Ref::Step(0)))
    }
}

impl Matches {
    /// See [`crate::decide::State::calm`].
    pub fn calm<'a>(&self, case: &Case<'a>, pattern: &'a Pattern, stream: StreamIx, asked: &Asked<'_, 'a>) -> Option<Rests> {
        if self.past.doubted.is_some() || !self.past.dues.is_empty() {
            return None;
        }
        let (program, shape) = (&case.version.scope.program, &case.version.scope.shape);
        if let Some(shape) = shape.as_ref().filter(|s| s.is_patient) {
            return self.calm_patient(case, pattern, shape, stream, asked);
        }
        if !self.pending.is_empty() {
            return None;
        }
        let opening = program.as_ref().map_or(&[0][..], |program| &program.opening);
        let mut rests = Rests::default();
        for &i in opening.iter().filter(|i| pattern.steps[**i].stream == stream) {
            let alone = program.as_ref().is_none_or(|p| p.alone[i]);
            let filter = pattern.steps[i].filter.as_ref().filter(|_| alone);
            let fits = || asked.never(filter?, Ref::Candidate);
            rests.extend(fits().or_else(|| shape.as_ref()?.begins_nowhere(asked))?);
        }
        Some(rests)
    }

    /// What begins with a stream that also completes it, or lies between, is gathered when a reading may complete it. Where another stream begins it, each of its readings that may is
    /// told of, so that as long as nothing has begun none completes anything.
    fn calm_patient<'a>(
        &self,
        case: &Case<'a>,
        pattern: &'a Pattern,
        shape: &'a Shape,
        stream: StreamIx,
        asked: &Asked<'_, 'a>,
    ) -> Option<Rests> {
        let (first, last) = (pattern.steps.first()?, pattern.steps.last()?);
        let fits = || asked.never(first.filter.as_ref()?, Ref::Candidate);
        let opening = || fits().or_else(|| shape.begins_nowhere(asked));
        if last.stream != stream {
            return if first.stream == stream { opening() } else { Some(Rests::default()) };
        }
        let prefilter = shape.prefilter.iter().find_map(|e| asked.never(e, Ref::Candidate));
        prefilter.or_else(|| {
            let nothing_began = self.pending.is_empty() && self.has_caught_up(case);
            let until_it_does = || if shape.is_of_one { opening() } else { Some(Rests::default()) };
            nothing_began.then(until_it_does)?
        })
    }

    /// All that came in order was made up for.
    fn has_caught_up(&self, case: &Case<'_>) -> bool {
        let tables = case.version.scope.decisive.iter().flat_map(|stream| [case.line.table(*stream), case.line.endless(*stream)]);
        tables.flatten().all(|table| table.last().is_none_or(|last| last <= self.frontier))
    }

    /// Makes up for all that readings in order were not asked about: the frontier is that of the timeline without the reading that is told now; what began meanwhile
    /// is pending, and what can't complete any more is forgotten.
    pub fn catch_up(&mut self, case: &Case<'_>, pattern: &Pattern, told: Option<&Touch>) {
        let before = self.frontier;
        for stream in &case.version.scope.decisive {
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
            if let Some(shape) = case.version.scope.shape.as_ref().filter(|s| s.is_patient && before < self.frontier) {
                self.gather(case, pattern, shape, before);
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
    fn gather(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, after: i64) {
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
            if opens(case, pattern, shape, table, tie) {
                self.pending.push(start);
            }
        }
    }

    /// Brings what is pending into the form that hangs on the timeline alone. What waits for the end of its moment stays as it is, for it is searched again then.
    pub fn settle_down(&mut self, case: &Case<'_>, pattern: &Pattern) {
        self.catch_up(case, pattern, None);
        let Some(shape) = case.version.scope.shape.as_ref().filter(|_| !is_point(pattern)) else { return };
        let before = std::mem::take(&mut self.pending);
        self.gather(case, pattern, shape, i64::MIN);
        let doubted = self.past.doubted;
        let waits = |start: i64| doubted.is_some_and(|(after, to)| after < start && start <= to);
        self.pending.retain(|start| match waits(*start) {
            true => before.binary_search(start).is_ok(),
            false => Search::new(*case, pattern, shape, *start).earliest(i64::MIN, i64::MAX).is_none(),
        });
    }
}
