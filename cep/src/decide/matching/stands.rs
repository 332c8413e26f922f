//! Late readings that leave all as it is: nothing begins, or nothing completes, where they could matter.
//!
//! It is asked before anything is searched, and of what readings say by themselves: where no reading near it can be the first of a match, or none the last, and no match is known there, what windows show need
//! not be looked at.
//!
//! INVARIANT (stands): of a reading that stands, searching again whatever may see it would find the matches and the pending starts that there are.

use super::search::{is_point, limit};
use super::{Matches, Program, Serves, Shape, serves};
use crate::decide::version::Case;
use crate::newest::first_not;
use crate::plan::Pattern;
use crate::timeline::{Table, Touch};

/// Which starts may see a reading, and from when to when they may be decided otherwise by it.
struct Reached {
    /// They begin after it.
    after: i64,
    to: i64,
    from: i64,
    until: i64,
}

impl Matches {
    /// Whether a reading that came behind the newest of its stream, and nothing else, leaves all as it is. `false` says nothing.
    pub fn stands(&self, case: &Case<'_>, pattern: &Pattern, touch: &Touch) -> bool {
        let Some(at) = touch.at.filter(|at| touch.came && touch.from == *at) else { return false };
        let is_behind = case.line.table(touch.stream).and_then(Table::last).is_some_and(|last| at < last);
        if !is_behind || touch.stream.derived().is_some() || case.version.asks_for(touch.stream) {
            return false;
        }
        match (&case.version.scope.program, &case.version.scope.shape) {
            (Some(program), _) => self.stands_in_tree(case, pattern, program, touch, at),
            (None, Some(shape)) => self.stands_in_sequence(case, pattern, shape, touch, at),
            (None, None) => false,
        }
    }

    fn stands_in_tree(&self, case: &Case<'_>, pattern: &Pattern, program: &Program, touch: &Touch, at: i64) -> bool {
        let (from, until) = case.version.sight_of_matches(case.line, touch).unwrap_or((at, at));
        let (from, until) = (from.min(at), until.max(at.saturating_add(program.before)));
        let (after, to) = (from.saturating_sub(program.horizon), until);
        self.has_nothing_in(after, to) && program.opening.iter().all(|step| begins_nowhere(case, pattern, *step, after, to))
    }

    fn stands_in_sequence(&self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, touch: &Touch, at: i64) -> bool {
        let seen = case.version.sight_of_matches(case.line, touch);
        let is_forbidden = pattern.absences.iter().any(|a| a.stream == touch.stream);
        if seen.is_none() && !is_forbidden && serves(case, pattern, shape, touch, at) == Serves::Nothing {
            return true;
        }
        let (from, until) = seen.map_or((at, at), |(from, until)| (from.min(at), until.max(at)));
        let within = limit(pattern, 0).max(1);
        let reached = Reached { after: from.saturating_sub(within), to: until, from, until: until.saturating_add(within) };
        self.has_nothing_in(reached.after, reached.to)
            && (begins_nowhere(case, pattern, 0, reached.after, reached.to) || self.completes_nothing(case, pattern, &reached))
    }

    /// Neither a match nor something that waits begins after one instant and up to another.
    fn has_nothing_in(&self, after: i64, to: i64) -> bool {
        // At the ends of time there may be nothing between the two.
        if after >= to {
            return false;
        }
        let pending = first_not(&self.pending, |s| *s <= after)..first_not(&self.pending, |s| *s <= to);
        pending.is_empty() && self.past.clusters.between(after.saturating_add(1), to).is_empty()
    }

    /// Whether none of the starts can have been complete, is, or can be by a reading that may yet come in order.
    fn completes_nothing(&self, case: &Case<'_>, pattern: &Pattern, reached: &Reached) -> bool {
        let last = pattern.steps.len() - 1;
        let streams = case.version.scope.decisive.iter();
        let newest =
            streams.flat_map(|stream| [case.line.table(*stream), case.line.endless(*stream)]).flatten().filter_map(Table::last);
        let frontier = newest.max().unwrap_or(i64::MIN).max(self.frontier);
        // Of what was complete before the version was in force no match is known.
        if is_point(pattern) || reached.after < case.version.from || limit(pattern, reached.to) > frontier.saturating_add(1) {
            return false;
        }
        let Some(table) = case.line.table(pattern.steps[last].stream) else { return false };
        let rows = table.left_from(reached.from)..table.left_after(reached.until);
        table.has_all_from(reached.from) && case.may_fit(last, table, rows.clone()) >= rows.end
    }
}

/// Whether no match can begin with a step after one instant and up to another.
fn begins_nowhere(case: &Case<'_>, pattern: &Pattern, step: usize, after: i64, to: i64) -> bool {
    let this = &pattern.steps[step];
    let Some(table) = case.line.edge(this.stream, this.edge) else { return true };
    let rows = table.left_after(after)..table.left_after(to);
    let fits_nowhere = || !table.is_by_edge() && case.may_fit(step, table, rows.clone()) >= rows.end;
    table.has_all_from(after.saturating_add(1)) && (rows.is_empty() || fits_nowhere())
}
