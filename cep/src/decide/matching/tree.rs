//! Matches of patterns that are more than a plain sequence.
//!
//! As with sequences, only *pending* starts are searched again when a reading comes in order: those without a match, those whose match may grow, those
//! that the clock will decide. A change of the past searches again for the starts that can see it.

use super::Matches;
use super::choose::Found;
use super::program::Program;
use super::walk::Walk;
use crate::decide::version::Case;
use crate::eval::Rows;
use crate::plan::{Edge, Pattern, Select};
use crate::timeline::Touch;

impl Matches {
    /// A reading came or went; `alone`: nothing else did. Returns whether a fact changed.
    pub fn touched_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, touch: &Touch, alone: bool) -> bool {
        if let Some(t) = touch.at
            && alone
            && touch.came
            && t > self.frontier
            && (touch.from == t || !program.spanning.contains(&touch.stream))
            && !case.version.asks_for(touch.stream)
        {
            self.frontier = t;
            return self.tree_in_order(case, pattern, program, touch, t);
        }
        self.frontier = self.frontier.max(touch.at.unwrap_or(touch.from));
        let (first, last) = case.version.sight(touch).unwrap_or((touch.from, touch.to));
        let until = touch.to.saturating_add(program.before).max(last);
        self.search_tree(case, pattern, program, touch.from.min(first).saturating_sub(program.horizon), until)
    }

    /// Searches again for every match that may have an instant, or be decided, in `[from, until]`.
    pub fn again_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, from: i64, until: i64) -> bool {
        for stream in &case.version.scope.streams {
            let newest = [case.line.table(*stream), case.line.endless(*stream)].into_iter().flatten().filter_map(|t| t.last());
            self.frontier = newest.fold(self.frontier, i64::max);
        }
        let until = until.saturating_add(program.before);
        self.search_tree(case, pattern, program, from.saturating_sub(program.horizon), until)
    }

    /// The clock moved: what waited for it is decided.
    pub fn tick_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program) -> bool {
        let mut changed = false;
        let due: Vec<i64> = self.dues.iter().filter(|(_, due)| *due <= case.clock).map(|(start, _)| *start).collect();
        for start in due {
            changed |= self.search_one(case, pattern, program, start);
        }
        changed
    }

    /// When the clock alone will decide something.
    pub fn due_tree(&self, case: &Case<'_>) -> Option<i64> {
        self.dues.iter().map(|(_, due)| *due).filter(|due| *due > case.clock).min()
    }

    fn tree_in_order(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, touch: &Touch, t: i64) -> bool {
        let live = |start: &i64| start.saturating_add(program.horizon) > t;
        if self.pending.first().is_some_and(|s| !live(s)) {
            self.pending.retain(live);
        }
        if opens(case, pattern, program, Some(touch), t) && self.pending.last().is_none_or(|last| *last < t) {
            self.pending.push(t);
        }
        let mut changed = false;
        for start in self.pending.clone() {
            changed |= self.search_one(case, pattern, program, start);
        }
        changed
    }

    /// Searches again for one start that is pending, or may be.
    fn search_one(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, start: i64) -> bool {
        self.search_tree(case, pattern, program, start.saturating_sub(1), start)
    }

    /// Searches again for every start in `(after, to]`.
    fn search_tree(&mut self, case: &Case<'_>, pattern: &Pattern, program: &Program, after: i64, to: i64) -> bool {
        if after >= to {
            return false;
        }
        let (mut matches, mut pending, mut dues) = (Vec::new(), Vec::new(), Vec::new());
        for start in openings(case, pattern, program, after, to) {
            if !opens(case, pattern, program, None, start) {
                continue;
            }
            let found = Walk::new(*case, pattern, program, start).found();
            // What the clock decided is past: a reading before it is late.
            self.frontier = found.matches.iter().map(|m| m.at).fold(self.frontier, i64::max);
            let is_live = start.saturating_add(program.horizon) > self.frontier.saturating_add(1);
            if let Found { due: Some(due), .. } = found {
                dues.push((start, due));
            }
            if found.due.is_some() || (is_live && (found.is_open || found.matches.is_empty())) {
                pending.push(start);
            }
            matches.extend(found.matches);
        }
        let range = self.pending.partition_point(|s| *s <= after)..self.pending.partition_point(|s| *s <= to);
        self.pending.splice(range, pending);
        let range = self.dues.partition_point(|(s, _)| *s <= after)..self.dues.partition_point(|(s, _)| *s <= to);
        self.dues.splice(range, dues);
        self.clusters.replace(after, to, matches, pattern.select == Select::Disjoint)
    }
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
        if touch.is_some_and(|touch| touch.stream != step.stream || (step.edge == Edge::Start && touch.from != t)) {
            return false;
        }
        let Some(table) = case.line.edge(step.stream, step.edge) else { return false };
        let fits = |row| {
            let scope = case.scope(t, t).with_candidate(Rows::one(table, row), t);
            !program.alone[*i] || step.filter.as_ref().is_none_or(|f| scope.holds(f))
        };
        table.rows_at(t).any(fits)
    })
}
