//! Matches of patterns that are more than a plain sequence.
//!
//! As with sequences, only *pending* starts are searched again when a reading comes in order: those without a match, those whose match may grow, those
//! that the clock will decide; and none of them where the reading can neither go on with what has begun nor end it. A change of the past searches again for the starts that can see it.

use super::Matches;
use super::choose::Found;
use super::program::Program;
use super::shape::stands_alone;
use super::walk::Walk;
use crate::decide::version::Case;
use crate::eval::Rows;
use crate::plan::{Edge, Expr, Pattern, Select};
use crate::timeline::Touch;

impl Matches {
    /// A reading came or went; `alone`: nothing else did. Returns whether a fact changed.
    pub fn touched_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, touch: &Touch, alone: bool) -> bool {
        self.catch_up(case, pattern, Some(touch));
        if let Some(t) = touch.at
            && alone
            && touch.came
            && t > self.frontier
            && (touch.from == t || !program.spanning.contains(&touch.stream))
            && !program.edged.contains(&touch.stream)
            && !case.version.asks_for(touch.stream)
        {
            self.frontier = t;
            return self.tree_in_order(case, pattern, program, touch, t);
        }
        self.frontier = self.frontier.max(touch.at.unwrap_or(touch.from));
        if program.edged.contains(&touch.stream) && touch.to < i64::MAX {
            self.frontier = self.frontier.max(touch.to);
        }
        let seen = case.version.glimpse(case, touch, alone);
        if seen.is_none() && !case.version.is_driven_by(touch.stream) {
            return false;
        }
        let (first, last) = seen.unwrap_or((touch.from, touch.to));
        let until = touch.to.saturating_add(program.before).max(last);
        let after = touch.from.min(first).saturating_sub(program.horizon);
        if case.more {
            self.doubt(after, until);
            return false;
        }
        self.search_tree(case, pattern, program, after, until)
    }

    /// Searches again for every match that may have an instant, or be decided, in `[from, until]`.
    pub fn again_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, from: i64, until: i64) -> bool {
        self.catch_up(case, pattern, None);
        let until = until.saturating_add(program.before);
        self.search_tree(case, pattern, program, from.saturating_sub(program.horizon), until)
    }

    /// The clock moved: what waited for it is decided.
    pub fn tick_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program) -> bool {
        let due: Vec<i64> = self.past.dues.iter().filter(|(_, due)| *due <= case.clock).map(|(start, _)| *start).collect();
        self.search_those(case, pattern, program, &due)
    }

    /// When the clock alone will decide something.
    pub fn due_tree(&self, case: &Case<'_>) -> Option<i64> {
        self.past.dues.iter().map(|(_, due)| *due).filter(|due| *due > case.clock).min()
    }

    fn tree_in_order(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, touch: &Touch, t: i64) -> bool {
        let live = |start: &i64| start.saturating_add(program.horizon) > t;
        if self.pending.first().is_some_and(|s| !live(s)) {
            self.pending.retain(live);
        }
        let begins = opens(case, pattern, program, Some(touch), t) && self.pending.last().is_none_or(|last| *last < t);
        if begins {
            self.pending.push(t);
        }
        if !goes_on(case, pattern, program, touch, t) {
            return begins && self.search_those(case, pattern, program, &[t]);
        }
        let takes = |step: &usize| pattern.steps[*step].stream == touch.stream && fits(case, pattern, program, *step, t);
        let grows = program.growing.is_some_and(|step| takes(&step));
        let completes = program.closing.as_ref().is_none_or(|steps| steps.iter().any(takes));
        let waits = |start: i64| self.past.dues.binary_search_by_key(&start, |(s, _)| *s).is_ok();
        let all = pattern.select == Select::All;
        let may = |start: &i64| waits(*start) || if !all && self.past.clusters.has(*start) { grows } else { completes };
        let starts: Vec<i64> = self.pending.iter().copied().filter(|start| !self.is_doubted(*start) && may(start)).collect();
        self.search_those(case, pattern, program, &starts)
    }

    /// Searches again for every start in `(after, to]`.
    pub fn search_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, after: i64, to: i64) -> bool {
        if after >= to {
            return false;
        }
        let mut starts = openings(case, pattern, program, after, to);
        // Where nothing begins any more, what stood there is gone.
        starts.extend(self.pending.iter().filter(|s| after < **s && **s <= to));
        starts.extend(self.past.clusters.between(after.saturating_add(1), to).iter().map(|m| m.first));
        starts.sort_unstable();
        starts.dedup();
        self.search_those(case, pattern, program, &starts)
    }

    /// Searches again for starts, in their order.
    fn search_those(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, starts: &[i64]) -> bool {
        let (mut matches, mut pending, mut dues) = (Vec::new(), Vec::new(), Vec::new());
        for &start in starts {
            if !opens(case, pattern, program, None, start) {
                continue;
            }
            let mut walk = Walk::new(*case, pattern, program, start);
            let found = walk.found();
            // What the clock decided is past, for or against: a reading before it is late.
            self.frontier = self.frontier.max(walk.decided.get());
            let is_live = start.saturating_add(program.horizon) > self.frontier.saturating_add(1);
            if let Found { due: Some(due), .. } = found {
                dues.push((start, due));
            }
            if found.due.is_some() || (is_live && (found.is_open || found.matches.is_empty())) {
                pending.push(start);
            }
            matches.extend(found.matches);
        }
        self.pending.retain(|s| starts.binary_search(s).is_err());
        self.pending.extend(pending);
        self.pending.sort_unstable();
        if !(dues.is_empty() && self.past.dues.is_empty()) {
            self.past.dues.retain(|(s, _)| starts.binary_search(s).is_err());
            self.past.dues.extend(dues);
            self.past.dues.sort_unstable();
        }
        let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return false };
        let kept = self.past.clusters.between(*first, *last).iter().filter(|m| starts.binary_search(&m.first).is_err()).cloned();
        matches.extend(kept);
        matches.sort_by_key(|m| m.first);
        let nothing = matches.is_empty() && self.past.clusters.is_empty();
        !nothing && self.past.clusters.replace(first.saturating_sub(1), *last, matches, pattern.select == Select::Disjoint)
    }
}

/// Whether the newest reading of all may go on with what has begun, or end it: it fits a step that is not bound where a match begins, or something that must not come.
fn goes_on(case: &Case<'_>, pattern: &Pattern, program: &Program, touch: &Touch, t: i64) -> bool {
    let mut later = pattern.steps.iter().enumerate().filter(|(i, step)| step.stream == touch.stream && program.once != Some(*i));
    if later.any(|(i, _)| fits(case, pattern, program, i, t)) {
        return true;
    }
    let Some(table) = case.line.table(touch.stream) else { return true };
    let forbids = |filter: &Expr| {
        let scope = case.scope(t, t);
        !stands_alone(filter) || table.rows_at(t).any(|row| scope.with_candidate(Rows::one(table, row), t).holds(filter))
    };
    let mut absences = pattern.absences().into_iter().filter(|a| a.stream == touch.stream);
    absences.any(|a| a.filter.as_ref().is_none_or(forbids))
}

/// The instants in `(after, to]` at which a match may begin, ascending.
fn openings(case: &Case<'_>, pattern: &Pattern, program: &Program, after: i64, to: i64) -> Vec<i64> {
    let mut all = Vec::new();
    for step in program.opening.iter().map(|i| &pattern.steps[*i]) {
        if let Some(table) = case.line.edge(step.stream, step.edge) {
            all.extend((table.after(after)..table.after(to)).map(|row| table.at(row)));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a step that may be the first fits at an instant, as far as can be told before anything is bound.
fn opens(case: &Case<'_>, pattern: &Pattern, program: &Program, touch: Option<&Touch>, t: i64) -> bool {
    program.opening.iter().any(|i| {
        let step = &pattern.steps[*i];
        let other = touch.is_some_and(|touch| touch.stream != step.stream || (step.edge == Edge::Start && touch.from != t));
        !other && fits(case, pattern, program, *i, t)
    })
}

/// Whether a step fits at an instant, as far as can be told before anything is bound.
fn fits(case: &Case<'_>, pattern: &Pattern, program: &Program, step: usize, t: i64) -> bool {
    let this = &pattern.steps[step];
    let Some(table) = case.line.edge(this.stream, this.edge) else { return false };
    let Some(filter) = this.filter.as_ref().filter(|_| program.alone[step]) else { return !table.rows_at(t).is_empty() };
    table.rows_at(t).any(|row| {
        let told = if table.is_by_edge() { None } else { case.tells_step(step, table, row) };
        told.unwrap_or_else(|| case.scope(t, t).with_candidate(Rows::one(table, row), t).holds(filter))
    })
}
