//! Matches: patterns of readings.
//!
//! Every start has its own match, a pure function of the readings inside `within` of it. In order only *pending* starts are kept, those that may still
//! complete; a change of the past searches again for the starts that can see it.

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
mod state;
mod tree;
mod walk;
mod writer;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use choices::first_row;
use cluster::Clusters;
pub use cluster::Match;
pub use forbidden::{Form, Obstacle};
pub use program::{Op, Program};
pub use search::Search;
use search::{Outcome, is_point, limit, may_complete};
pub use shape::Shape;
pub use walk::Walk;

use super::fact::{Facts, evidence};
use super::version::Case;
use crate::eval::{Binding, Lets, Rows, Scope, render, said};
use crate::lazy::{Blank, Lazy};
use crate::newest::first_not;
use crate::plan::{Pattern, Select, Step};
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

    /// Something has begun that readings of other streams may complete or change.
    pub fn is_pending(&self, case: &Case<'_>) -> bool {
        !self.pending.is_empty() && case.version.scope.shape.as_ref().is_none_or(|shape| !(shape.is_patient && shape.is_of_one))
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
        let step = pattern.steps.iter().any(|s| s.stream == touch.stream);
        let within = limit(pattern, 0).max(1);
        let own = touch.at.filter(|t| step && !(touch.came && serves_nowhere(case, pattern, touch, *t))).map(|t| (t, t));
        let between = absence.then_some((touch.from, touch.to));
        let doubted = own.into_iter().chain(case.version.sight(touch)).chain(between);
        let doubted = doubted.map(|(from, to)| (from.saturating_sub(within), to));
        if case.more {
            doubted.for_each(|(after, to)| self.doubt(after, to));
            return false;
        }
        doubted.filter(|(after, to)| self.search_again(case, pattern, shape, *after, *to)).count() > 0
    }

    /// Lets starts wait for what else comes at this moment.
    fn doubt(&mut self, after: i64, to: i64) {
        let (first, last) = self.past.doubted.unwrap_or((after, to));
        self.past.doubted = Some((first.min(after), last.max(to)));
    }

    pub fn waits(&self) -> bool {
        self.past.doubted.is_some()
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
            (None, Some(shape)) => self.search_again(case, pattern, shape, after, to),
            (None, None) => false,
        }
    }

    /// Searches again for every match that may have an instant in `[from, until]`.
    pub fn again(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, from: i64, until: i64) -> bool {
        self.catch_up(case, pattern, None);
        self.search_again(case, pattern, shape, from.saturating_sub(limit(pattern, 0).max(1)), until)
    }

    /// Searches again for every start in `(after, to]`, where no decision before `after` and the pattern's length is another: a match that was complete by then stays, and
    /// a start that was not can't be complete before.
    fn search_again(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, after: i64, to: i64) -> bool {
        if after >= to {
            return false;
        }
        let changed = if after == i64::MIN { i64::MIN } else { after.saturating_add(limit(pattern, 0).max(1)) };
        let mut found = Vec::new();
        let mut pending = Vec::new();
        let first = &pattern.steps[0];
        if let Some(table) = case.line.table(first.stream) {
            let (mut row, end) = (table.after(after), table.after(to));
            loop {
                row = case.may_fit(0, table, row..end);
                if row >= end {
                    break;
                }
                let tie = table.tie(table.from(table.at(row)));
                let start = table.at(row);
                row = tie.end;
                if !opens(case, pattern, shape, table, tie) {
                    continue;
                }
                if let [known] = self.past.clusters.between(start, start)
                    && known.at < changed
                {
                    found.push(known.clone());
                    continue;
                }
                let mut search = Search::new(*case, pattern, shape, start);
                // It may have been complete before the version was in force, and is no match then.
                let from = if start < case.version.from { i64::MIN } else { changed };
                match search.earliest(from) {
                    Some(completion) => found.extend(decided(case, &search, start, completion)),
                    None if limit(pattern, start) > self.frontier.saturating_add(1) => pending.push(start),
                    None => {}
                }
            }
        }
        let range = first_not(&self.pending, |s| *s <= after)..first_not(&self.pending, |s| *s <= to);
        self.pending.splice(range, pending);
        let disjoint = pattern.select == Select::Disjoint;
        !(found.is_empty() && self.past.clusters.is_empty()) && self.past.clusters.replace(after, to, found, disjoint)
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
            } else {
                changed |= self.complete(case, pattern, shape, t, t) == Outcome::Found;
            }
        }
        changed
    }

    fn complete_pending(&mut self, case: &Case<'_>, pattern: &Pattern, shape: &Shape, t: i64) -> bool {
        let mut changed = false;
        for start in std::mem::take(&mut self.pending) {
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
            let clusters = &mut self.past.clusters;
            let left = match decided(case, &search, start, completion) {
                Some(found) => match clusters.append(found) {
                    None => return outcome,
                    Some(left) => vec![left],
                },
                None => Vec::new(),
            };
            clusters.replace(start.saturating_sub(1), start, left, pattern.select == Select::Disjoint);
        }
        outcome
    }
}

/// Whether none of the readings at the instant of one that came fits a step. In a row it would still come between.
fn serves_nowhere(case: &Case<'_>, pattern: &Pattern, touch: &Touch, t: i64) -> bool {
    let Some(table) = case.line.table(touch.stream) else { return false };
    let mut steps = pattern.steps.iter().enumerate().filter(|(_, step)| step.stream == touch.stream);
    let fails = |step: usize| table.rows_at(t).all(|row| case.tells_step(step, table, row) == Some(false));
    steps.all(|(i, step)| !step.in_a_row && fails(i))
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
    let scope = Scope { bound: &bound, ..case.scope(start, start) };
    let lets = Lets::of(&scope);
    let scope = scope.with(&lets);
    shape.settled.iter().all(|e| scope.holds(e))
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
        evidence: evidence(ids.copied().collect()),
    })
}
