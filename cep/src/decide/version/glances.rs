//! Which decisions a reading of the past may matter to through a window: mostly few of those whose window holds it.
//!
//! Of a window that counts readings under a condition one that fails it is none; what came last is another only until something came after it; and a greatest number is the same wherever a
//! window holds one as great. So the neighbours of a late reading show of most decisions that they come to what they came to.
//!
//! INVARIANT (glances): a decision that sees a reading through windows, and not as an interval, lies within its glimpse, or each of its windows has the same value with the reading and without it.
//!
//! INVARIANT (asked at the start): what a window shows that is asked where a match begins matters to no match that begins elsewhere, whenever that completes.

use vitalog_elog::StreamIx;

use super::{Case, Sight, Version};
use crate::eval::{Rows, truth};
use crate::plan::{Anchor, Expr, Func, Measure, RuleKind, Window};
use crate::timeline::{Table, Touch, hangs_on_the_reading};

/// A window, and which of the decisions in its sight may be others by one reading.
#[derive(Debug)]
pub struct Glance {
    pub stream: StreamIx,
    sight: Sight,
    what: Measure,
    over: i64,
    shows: Shows,
    /// Its condition, if that hangs on the reading alone.
    filter: Option<Expr>,
    /// It is asked at the single reading that a match begins with, and nowhere else.
    is_of_start: bool,
}

/// From which decision to which a reading may matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Glimpses {
    /// To what begins there.
    pub starts: Option<(i64, i64)>,
    /// To what is decided there, or has an instant there.
    pub others: Option<(i64, i64)>,
}

/// What of its readings a window shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    All,
    Last,
    Greatest,
    Least,
}

/// So many neighbours are looked at.
const NEAR: usize = 32;

impl Glance {
    /// Of a window that stands in no other's condition; `is_plain`: the rule is no pattern that is more than a plain sequence; `is_of_start`: only where a match begins it is asked.
    pub fn of(w: &Window, rule: &RuleKind, is_plain: bool, is_of_start: bool) -> Glance {
        let is_bare = w.filter.is_none() && w.asks.is_none() && knows_its_readings(w, rule, is_plain);
        let shows = match (w.func, w.what) {
            (Func::Last, Measure::Field(_)) if is_bare => Shows::Last,
            (Func::Max, Measure::Field(_)) if is_bare && w.fresh.is_none() => Shows::Greatest,
            (Func::Min, Measure::Field(_)) if is_bare && w.fresh.is_none() => Shows::Least,
            _ => Shows::All,
        };
        let mut is_closed = true;
        w.filter.iter().for_each(|f| f.walk(&mut |e| is_closed &= hangs_on_the_reading(e)));
        let filter = w.filter.clone().filter(|_| is_closed);
        Glance { stream: w.stream, sight: Sight::of(w), what: w.what, over: w.over.0, shows, filter, is_of_start }
    }

    /// Of one that stands in another's.
    pub fn whole(w: &Window, sight: Sight) -> Glance {
        Glance { stream: w.stream, sight, what: w.what, over: w.over.0, shows: Shows::All, filter: None, is_of_start: false }
    }

    /// Takes another in, if both leave the same readings out.
    pub fn join(&mut self, other: &Glance) -> bool {
        let alike = (self.stream, self.is_of_start) == (other.stream, other.is_of_start) && self.filter == other.filter;
        let is_like = alike && self.shows == Shows::All && other.shows == Shows::All;
        if is_like {
            let (a, b) = (self.sight, other.sight);
            self.sight = Sight { before: a.before.max(b.before), after: a.after.max(b.after) };
        }
        is_like
    }

    fn seen(&self, case: &Case<'_>, table: &Table, at: i64, came: bool) -> Option<(i64, i64)> {
        let (from, to) = (at.saturating_sub(self.sight.before), at.saturating_add(self.sight.after));
        if let Some(filter) = self.filter.as_ref().filter(|_| came) {
            let scope = case.scope(at, at);
            let counts = |row: usize| truth(filter, &scope.with_item(Rows::one(table, row))) == Some(true);
            return table.rows_at(at).any(counts).then_some((from, to));
        }
        let Measure::Field(field) = self.what else { return Some((from, to)) };
        let Some(column) = table.column(field) else { return Some((from, to)) };
        let after = table.after(at);
        let later = after..table.len().min(after + NEAR);
        if self.shows == Shows::Last {
            let next = later.into_iter().find(|row| column.has(*row));
            return Some((from, next.map_or(to, |row| to.min(table.at(row)))));
        }
        let tie = table.rows_at(at);
        if self.shows == Shows::All || !came || tie.len() != 1 {
            return Some((from, to));
        }
        let Some(number) = column.number(tie.start) else { return Some((from, to)) };
        let covers = |row: &usize| {
            column.number(*row).is_some_and(|n| if self.shows == Shows::Greatest { n >= number } else { n <= number })
        };
        let next = later.into_iter().find(covers).map_or(to, |row| to.min(table.at(row)));
        let before = (tie.start.saturating_sub(NEAR)..tie.start).rev().find(covers);
        let first = before.map_or(from, |row| from.max(table.at(row).saturating_add(self.over)));
        (first <= next).then_some((first, next))
    }
}

impl Version {
    /// As [`Version::sight`], without decisions of which the neighbours of the reading show that they see nothing new. `alone`: nothing else came or went; of two that come at once each might show
    /// that the other is nothing new.
    pub fn glimpse(&self, case: &Case<'_>, touch: &Touch, alone: bool) -> Option<(i64, i64)> {
        let Glimpses { starts, others } = self.glimpses(case, touch, alone);
        wider(starts, others)
    }

    /// The same by what sees it.
    pub fn glimpses(&self, case: &Case<'_>, touch: &Touch, alone: bool) -> Glimpses {
        let (whole, table) = (self.sight(touch), case.line.table(touch.stream));
        let all = Glimpses { starts: None, others: whole };
        let (Some(table), Some(at), Some(_), None) = (table, touch.at, whole, self.covers(touch.stream)) else { return all };
        // What other rules find stands elsewhere than at its instant, and comes and goes together.
        if !alone || touch.stream.derived().is_some() {
            return all;
        }
        let mut seen = Glimpses::default();
        for glance in self.scope.glances.iter().filter(|glance| glance.stream == touch.stream) {
            let range = glance.seen(case, table, at, touch.came);
            let known = if glance.is_of_start { &mut seen.starts } else { &mut seen.others };
            *known = wider(*known, range);
        }
        seen
    }
}

/// What takes both in.
fn wider(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        _ => a.or(b),
    }
}

/// Whether the window is that of all readings up to one instant, but for those that a step bound at that very instant.
fn knows_its_readings(w: &Window, rule: &RuleKind, is_plain: bool) -> bool {
    match (w.anchor, rule) {
        (Anchor::Decision, _) => true,
        (Anchor::Before(step), RuleKind::Match(pattern)) => {
            let step = pattern.steps.get(usize::from(step));
            step.is_some_and(|step| step.stream != w.stream || (is_plain && step.is_single()))
        }
        _ => false,
    }
}
