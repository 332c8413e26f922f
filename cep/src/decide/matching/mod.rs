//! Matches: patterns of readings.
//!
//! Every start has its own match, a pure function of the readings inside `within` of it. In order only *pending* starts are kept, those that may still
//! complete; a change of the past searches again for the starts that can see it.

mod alone;
pub mod attempt;
mod choices;
mod choose;
mod cluster;
mod cold;
mod forbidden;
mod needs;
mod program;
mod rest;
mod search;
mod shape;
mod stands;
mod state;
mod tree;
mod walk;
mod writer;

use std::cell::OnceCell;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use alone::of_one;
pub use choices::first_row;
use cluster::Clusters;
pub use cluster::Match;
pub use forbidden::{Form, Obstacle};
pub use program::{Op, Program};
use search::{Outcome, is_settled, limit, may_complete};
pub use search::{Search, is_point};
pub use shape::{Shape, is_of_start};
pub use walk::Walk;

use super::fact::{Facts, quoted};
use super::version::{Case, Glimpses};
use crate::eval::{Binding, Lets, Rows, Scope, render, said};
use crate::lazy::{Blank, Lazy};
use crate::newest::first_not;
use crate::plan::{Expr, Pattern, Select, Step};
use crate::timeline::{Table, Touch};

/// One match rule for one subject.
#[derive(Debug, Serialize, Deserialize)]
pub struct Matches {
    /// No reading after it was ever seen: what comes later comes in order.
    frontier: i64,
    /// Starts that readings yet to come in order, or the clock, may complete or change, ascending.
    pending: Vec<i64>,
    past: Lazy<Past>,
    /// Starts before it matter to nothing that may yet come; what they would look at may be cut off.
    cut: Option<i64>,
}

/// All that most readings do not look at.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Past {
    /// Pending starts that the clock will decide, with the instants, by start.
    dues: Vec<(i64, i64)>,
    clusters: Clusters,
    /// Starts after the first instant and up to the second wait to be searched again. None wait when a moment is over.
    #[serde(skip)]
    doubted: Option<(i64, i64)>,
}

impl Blank for Past {
    fn blank() -> &'static Past {
        static BLANK: Past = Past { dues: Vec::new(), clusters: Clusters::NONE, doubted: None };
        &BLANK
    }

    fn is_blank(&self) -> bool {
        self.dues.is_empty() && self.clusters.is_empty()
    }
}

impl Default for Matches {
    fn default() -> Matches {
        Matches { frontier: i64::MIN, pending: Vec::new(), past: Lazy::default(), cut: None }
    }
}

impl Matches {
    pub fn facts(&self) -> &Facts {
        &self.past.clusters.facts
    }

    pub fn facts_mut(&mut self) -> &mut Facts {
        &mut self.past.clusters.facts
    }

    /// Where nothing before is pending, no reading after it can be a part of what begins at it or before: that was decided.
    pub fn decided_until(&self) -> i64 {
        self.frontier
    }

    /// The matches that begin in `[first, last]`, of which facts are made.
    pub fn between(&self, first: i64, last: i64) -> &[Match] {
        self.past.clusters.between(first, last)
    }

    /// Nothing has begun, nor is anything searched again at the end of the moment.
    #[inline]
    pub fn waits_for_nothing(&self) -> bool {
        self.pending.is_empty() && self.past.dues.is_empty() && self.past.doubted.is_none()
    }

    /// Something has begun that readings may complete or change.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// A reading came or went. `alone`: nothing else did. Returns whether a fact changed.
    pub fn touched(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, touch: &Touch, alone: bool) -> bool {
        self.catch_up(case, pattern, Some(touch));
        let absence = pattern.absences.iter().any(|a| a.stream == touch.stream);
        if let Some(t) = touch.at
            && alone
            && touch.came
            && t > self.frontier
            && !(absence && touch.from < t)
            && !case.version.asks_for(touch.stream)
        {
            self.frontier = t;
            return self.in_order(case, pattern, shape, touch, t);
        }
        // An interval that goes on was seen as well: a snapshot taken before it goes counts it.
        self.frontier = self.frontier.max(touch.at.unwrap_or(touch.from));
        let doubted = self.doubts(case, pattern, shape, touch, alone);
        if case.more {
            // What is in doubt together is taken for what is in doubt at any instant of a match.
            let within = limit(pattern, 0).max(1);
            doubted.into_iter().for_each(|doubt| self.doubt(doubt.after.min(doubt.first.saturating_sub(within)), doubt.to));
            return false;
        }
        doubted.into_iter().filter(|doubt| self.search_again(case, pattern, shape, doubt)).count() > 0
    }

    /// What is to be searched again for a reading that came late or went.
    fn doubts(&self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, touch: &Touch, alone: bool) -> Vec<Doubt> {
        let within = limit(pattern, 0).max(1);
        let serves = touch.at.map(|t| (t, serves(case, pattern, shape, touch, t)));
        let own = serves.filter(|(_, serves)| *serves != Serves::Nothing);
        // Where something forbidden went, what it had ended waits again.
        let is_wide = !touch.came || case.version.asks_for(touch.stream);
        let begins = |serves| matches!(serves, Serves::Anything | Serves::Start);
        let serves_first = own.is_some_and(|(_, serves)| begins(serves)) && pattern.steps[0].stream == touch.stream;
        let begins_by = is_wide || shape.begins_by.contains(&touch.stream);
        let later = |(from, to): (i64, i64), begins: bool| Doubt::within(within, from, to, begins);
        let own = own.map(|(t, serves)| match serves {
            Serves::End => Doubt { last: t, ..later((t, t), is_wide) },
            Serves::Start => Doubt { after: t.saturating_sub(1), ..later((t, t), true) },
            _ => later((t, t), is_wide || serves_first),
        });
        // What windows show that look at the end alone matters to what completes there.
        let at_end = !begins_by && !serves_first && !shape.midway.contains(&touch.stream);
        let Glimpses { starts, others } = case.version.glimpses(case, touch, alone);
        let seen = others.map(|range| match at_end {
            true => Doubt { last: range.1, ..later(range, false) },
            false => later(range, begins_by),
        });
        let absence = pattern.absences.iter().any(|a| a.stream == touch.stream);
        let between = absence.then(|| later((touch.from, touch.to), is_wide));
        let mut doubted: Vec<Doubt> = Vec::new();
        for doubt in own.into_iter().chain(seen).chain(between) {
            match doubted.last_mut() {
                // What begins where both are in doubt is searched once.
                Some(known) if known.after < doubt.to && doubt.after < known.to => *known = known.and(doubt),
                _ => doubted.push(doubt),
            }
        }
        // What windows show that are asked where a match begins matters to nothing that began before.
        let starts = starts.map(|range| Doubt { after: range.0.saturating_sub(1), ..later(range, begins_by) });
        doubted.extend(starts);
        // What begins where nothing waits any more matters only if something completes.
        let waits = |doubt: &Doubt| doubt.begins && limit(pattern, doubt.to) > self.frontier.saturating_add(1);
        // Of what makes no sense, a window that ends before it begins among it, nothing is in doubt.
        doubted.retain(|doubt| doubt.after < doubt.to && (waits(doubt) || self.may_complete(case, pattern, doubt)));
        doubted
    }

    /// Whether something that is in doubt has completed, or may complete. Where the beginnings are what they were, nothing else is to be searched again.
    fn may_complete(&self, case: &Case<'_>, pattern: &Pattern, doubt: &Doubt) -> bool {
        let (within, last) = (limit(pattern, 0).max(1), pattern.steps.len() - 1);
        // Which of those were complete before the version was in force is not kept.
        if is_point(pattern) || within == i64::MAX || doubt.after < case.version.from {
            return true;
        }
        let known = self.past.clusters.between(doubt.after.saturating_add(1), doubt.to);
        if known.iter().any(|m| doubt.first <= m.at && m.at <= doubt.last) {
            return true;
        }
        let Some(table) = case.line.table(pattern.steps[last].stream) else { return false };
        let rows = table.from(doubt.first)..table.left_after(doubt.last);
        !rows.is_empty() && case.may_fit(last, table, rows.clone()) < rows.end
    }

    /// Lets starts wait for what else comes at this moment.
    fn doubt(&mut self, after: i64, to: i64) {
        // What begins later is looked at when it comes, with all that is there by then.
        let to = to.min(self.frontier);
        let (first, last) = self.past.doubted.unwrap_or((after, to));
        self.past.doubted = Some((first.min(after), last.max(to)));
    }

    pub fn waits(&self) -> bool {
        self.past.doubted.is_some()
    }

    /// Whether what begins there is searched again when the moment is over. Nobody completes it before: who is pending hangs on the way to the state, and so would when it is told.
    fn is_doubted(&self, start: i64) -> bool {
        self.past.doubted.is_some_and(|(after, to)| after < start && start <= to)
    }

    /// The same of what would complete at an instant: what completes before anything is in doubt does not wait.
    fn is_doubted_at(&self, pattern: &Pattern, start: i64, t: i64) -> bool {
        self.is_doubted(start) && self.past.doubted.is_some_and(|(after, to)| Doubt::open(pattern, after, to).first <= t)
    }

    /// The moment is over: what waited is searched again.
    pub fn settle(&mut self, case: &Case<'_>, pattern: &Pattern) -> bool {
        if !self.waits() {
            return false;
        }
        let Some((after, to)) = self.past.doubted.take() else { return false };
        self.catch_up(case, pattern, None);
        match (&case.version.scope.program, &case.version.scope.shape) {
            (Some(program), _) => self.search_tree(case, pattern, program, after, to),
            (None, Some(shape)) => self.search_again(case, pattern, shape, &Doubt::open(pattern, after, to)),
            (None, None) => false,
        }
    }

    /// Searches again for every match that may have an instant in `[from, until]`.
    pub fn again(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, from: i64, until: i64) -> bool {
        self.catch_up(case, pattern, None);
        let after = from.saturating_sub(limit(pattern, 0).max(1));
        self.search_again(case, pattern, shape, &Doubt::open(pattern, after, until))
    }

    /// Searches again for every start in `(after, to]`, where no decision before the first that is in doubt is another: a match that was complete by then stays, and
    /// a start that was not can't be complete before. The same holds of what completes after the last decision that is in doubt, unless it completes before that now.
    fn search_again(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, doubt: &Doubt) -> bool {
        let Doubt { after, to, .. } = *doubt;
        if after >= to {
            return false;
        }
        let mut found = Vec::new();
        let mut pending = Vec::new();
        let may_complete = OnceCell::new();
        let may_complete = || *may_complete.get_or_init(|| self.may_complete(case, pattern, doubt));
        if let Some(table) = case.line.table(pattern.steps[0].stream) {
            let (mut row, end) = (table.after(after), table.after(to));
            loop {
                row = case.may_fit(0, table, row..end);
                if row >= end {
                    break;
                }
                let tie = table.tie(table.from(table.at(row)));
                let start = table.at(row);
                row = tie.end;
                match self.begun(case, pattern, shape, doubt, (table, tie), may_complete) {
                    Begun::Found(one) => found.push(one),
                    Begun::Waits => pending.push(start),
                    Begun::Nothing => {}
                }
            }
        }
        let range = first_not(&self.pending, |s| *s <= after)..first_not(&self.pending, |s| *s <= to);
        self.pending.splice(range, pending);
        let disjoint = pattern.select == Select::Disjoint;
        !(found.is_empty() && self.past.clusters.is_empty()) && self.past.clusters.replace(after, to, found, disjoint)
    }

    /// What begins with the readings of an instant. `may_complete`: whether anything in doubt may.
    fn begun(
        &self,
        case: &Case<'_>,
        pattern: &Pattern,
        shape: &Shape,
        doubt: &Doubt,
        (table, tie): (&Table, Range<usize>),
        may_complete: impl Fn() -> bool,
    ) -> Begun {
        let start = table.at(tie.start);
        let known = self.past.clusters.between(start, start).first();
        if let Some(known) = known.filter(|known| known.at < doubt.first) {
            return Begun::Found(known.clone());
        }
        if !tie.clone().any(|row| starts(case, &pattern.steps[0], table, row)) {
            return Begun::Nothing;
        }
        let mut search = Search::new(*case, pattern, shape, start).unsettled();
        // It may have been complete before the version was in force, and is no match then.
        let is_older = start < case.version.from;
        let from = if is_older { i64::MIN } else { doubt.first };
        // What is no match any more may have stood before another.
        let until = if is_older || known.is_some_and(|known| known.at <= doubt.last) { i64::MAX } else { doubt.last };
        let completion = if may_complete() { search.earliest(from, until) } else { None };
        match (completion, known.filter(|known| known.at > doubt.last)) {
            (Some(completion), _) => decided(case, &search, start, completion).map_or(Begun::Nothing, Begun::Found),
            (None, Some(known)) => Begun::Found(known.clone()),
            (None, None) => {
                let is_live = limit(pattern, start) > self.frontier.saturating_add(1);
                if is_live && opens(case, pattern, shape, table, tie) { Begun::Waits } else { Begun::Nothing }
            }
        }
    }

    /// The newest reading of all came.
    fn in_order(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, touch: &Touch, t: i64) -> bool {
        if t >= case.version.to {
            return false;
        }
        let Some(table) = case.line.table(touch.stream) else { return false };
        let row = table.len() - 1;
        if self.pending.first().is_some_and(|s| limit(pattern, *s) <= t) {
            self.pending.retain(|s| limit(pattern, *s) > t);
        }
        let mut changed = false;
        let (Some(first), Some(last)) = (pattern.steps.first(), pattern.steps.last()) else { return false };
        if last.stream == touch.stream && !self.pending.is_empty() && may_complete(case, shape, table, row) {
            changed |= self.complete_pending(case, pattern, shape, t);
        }
        if self.pending.first().is_some_and(|s| *s < t) && forbidden(case, pattern, shape, touch, row) {
            self.pending.clear();
        }
        if first.stream == touch.stream && opens(case, pattern, shape, table, row..row + 1) {
            if !is_point(pattern) {
                self.pending.push(t);
            } else if case.version.terms.rule.says_fixed() {
                changed |= self.take(pattern, of_one(case, table, row), t);
            } else {
                changed |= self.complete(case, pattern, shape, t, t) == Outcome::Found;
            }
        }
        changed
    }

    fn complete_pending(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, t: i64) -> bool {
        let mut changed = false;
        for start in std::mem::take(&mut self.pending) {
            if self.is_doubted_at(pattern, start, t) {
                self.pending.push(start);
                continue;
            }
            match self.complete(case, pattern, shape, start, t) {
                Outcome::Found => changed = true,
                Outcome::Failed => self.pending.push(start),
                Outcome::Broken => {}
            }
        }
        changed
    }

    fn complete(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, start: i64, completion: i64) -> Outcome {
        let mut search = Search::new(*case, pattern, shape, start);
        let outcome = search.at(completion);
        if outcome == Outcome::Found {
            self.take(pattern, decided(case, &search, start, completion), start);
        }
        outcome
    }

    /// Puts a match in the place of what begins at `start`. True, for a start that completed.
    fn take(&mut self, pattern: &Pattern, found: Option<Match>, start: i64) -> bool {
        let clusters = &mut self.past.clusters;
        let left = match found {
            Some(found) => match clusters.append(found) {
                None => return true,
                Some(left) => vec![left],
            },
            None => Vec::new(),
        };
        clusters.replace(start.saturating_sub(1), start, left, pattern.select == Select::Disjoint);
        true
    }
}

/// What begins after one instant and up to another is to be searched again, as far as it completes from a first one to a last one.
///
/// INVARIANT (in doubt): of what a reading makes otherwise, each start and the instant at which it completes are those of one doubt; so each doubt may be searched by itself.
#[derive(Clone, Copy)]
struct Doubt {
    after: i64,
    to: i64,
    first: i64,
    last: i64,
    /// Whether a match begins there may be another.
    begins: bool,
}

impl Doubt {
    /// Of all that has an instant in `[from, to]`, of a pattern of some length.
    fn within(within: i64, from: i64, to: i64, begins: bool) -> Doubt {
        let after = from.saturating_sub(within);
        Doubt { after, to, first: from, last: to.saturating_add(within), begins }
    }

    /// Of all that begins after one instant and up to another.
    fn open(pattern: &Pattern, after: i64, to: i64) -> Doubt {
        let first = if after == i64::MIN { i64::MIN } else { after.saturating_add(limit(pattern, 0).max(1)) };
        Doubt { after, to, first, last: i64::MAX, begins: true }
    }

    fn and(self, other: Doubt) -> Doubt {
        let (first, last) = (self.first.min(other.first), self.last.max(other.last));
        Doubt { after: self.after.min(other.after), to: self.to.max(other.to), first, last, begins: self.begins || other.begins }
    }
}

/// What becomes of a start that is searched again.
enum Begun {
    Found(Match),
    /// It may yet complete.
    Waits,
    Nothing,
}

/// For what of a pattern the readings of an instant may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serves {
    Nothing,
    /// As the single reading of the first step alone: then something begins there, or nothing is another.
    Start,
    /// As the single reading of the last step alone: then something completes there, or nothing is another.
    End,
    Anything,
}

/// For what those at the instant of one that came or went may. In a row it would come between wherever it fits.
fn serves(case: &Case<'_>, pattern: &Pattern, shape: &Shape, touch: &Touch, t: i64) -> Serves {
    let mut steps = pattern.steps.iter().enumerate().filter(|(_, step)| step.stream == touch.stream);
    let Some(table) = case.line.table(touch.stream).filter(|_| touch.came) else {
        return if steps.next().is_some() { Serves::Anything } else { Serves::Nothing };
    };
    let fits = |i: usize, filter: &Expr, row: usize| {
        let asked = || !shape.alone[i] || case.scope(t, t).with_candidate(Rows::one(table, row), t).holds(filter);
        case.tells_step(i, table, row).unwrap_or_else(asked)
    };
    let tie = table.rows_at(t);
    let fails = |i: usize, step: &Step| step.filter.as_ref().is_some_and(|filter| tie.clone().all(|row| !fits(i, filter, row)));
    let mut may = steps.filter(|(i, step)| step.in_a_row || !fails(*i, step)).map(|(i, step)| (i + 1, step.is_single()));
    match (may.next(), may.next()) {
        (None, _) => Serves::Nothing,
        (Some((1, true)), None) => Serves::Start,
        (Some((i, true)), None) if i == pattern.steps.len() => Serves::End,
        _ => Serves::Anything,
    }
}

/// Whether a reading can be where a match begins.
fn starts<'a>(case: &Case<'a>, first: &'a Step, table: &'a Table, row: usize) -> bool {
    let at = table.at(row);
    if let Some(told) = case.tells_step(0, table, row) {
        return told;
    }
    first.filter.as_ref().is_none_or(|f| case.scope(at, at).with_candidate(Rows::one(table, row), at).holds(f))
}

/// Whether a match can begin with the readings of an instant, as far as that is known there.
fn opens<'a>(case: &Case<'a>, pattern: &'a Pattern, shape: &'a Shape, table: &'a Table, tie: Range<usize>) -> bool {
    let first = &pattern.steps[0];
    let mut rows = tie.filter(|row| starts(case, first, table, *row));
    if shape.settled.is_empty() {
        return rows.next().is_some();
    }
    let rows: Vec<usize> = rows.collect();
    let Some(start) = rows.first().map(|row| table.at(*row)) else { return false };
    let bound = [Binding { rows, instants: vec![0], ..Binding::none(first.stream) }];
    is_settled(case, shape, &bound, start)
}

/// Whether the newest reading is one that a plain absence forbids, so that no start before it can complete any more.
fn forbidden<'a>(case: &Case<'a>, pattern: &'a Pattern, shape: &Shape, touch: &Touch, row: usize) -> bool {
    let Some(table) = case.line.table(touch.stream) else { return false };
    let at = table.at(row);
    let scope = case.scope(at, at).with_candidate(Rows::one(table, row), at);
    let plain = pattern.absences.iter().zip(&shape.plain).filter(|(a, plain)| **plain && a.stream == touch.stream);
    plain.into_iter().any(|(a, _)| a.filter.as_ref().is_none_or(|f| scope.holds(f)))
}

/// The match that a search found, if it belongs to the version.
fn decided(case: &Case<'_>, search: &Search<'_>, start: i64, completion: i64) -> Option<Match> {
    if !case.version.owns(completion) {
        return None;
    }
    let bound = search.bound();
    let scope = Scope { bound, ..case.scope(completion, start) };
    let lets = Lets::of(&scope);
    let scope = scope.with(&lets);
    let ids = bound
        .iter()
        .flat_map(|b| case.line.table(b.stream).into_iter().flat_map(|t| b.rows.iter().flat_map(|row| t.evidence(*row))));
    Some(Match {
        first: start,
        at: completion,
        last: completion,
        severity: scope.severity(),
        words: render(&scope),
        said: said(&scope),
        evidence: quoted(case.line, ids.copied()),
    })
}
