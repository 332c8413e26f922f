//! Which decisions a reading of the past may matter to through a window: mostly few of those whose window holds it.
//!
//! Of a window that counts readings under a condition one that fails it is none; what came last is another only until something came after it; a greatest number is the same wherever a
//! window holds one as great; and whether there are so many readings, where there are so many beside it. So the neighbours of a late reading show of most decisions that they come to what they
//! came to.
//!
//! INVARIANT (glances): a decision that sees a reading through windows, and not as an interval, lies within its glimpse, or each of its windows has the same value with the reading and without it,
//! or one that its comparison can't tell from that.
//!
//! INVARIANT (asked at the start): what a window shows that is asked where a match begins matters to no match that begins elsewhere, whenever that completes.

use std::ops::Range;

use vitalog_elog::StreamIx;

use super::{Case, Sight, Version};
use crate::eval::{Condition, Rows, truth};
use crate::plan::{Anchor, Compare, Expr, Func, Measure, Rational, RuleKind, Window};
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
    /// It shows nothing of a reading that does not say what is measured.
    is_of_those_that_say: bool,
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
    /// How many there are, as far as there are fewer than that.
    UpTo(usize),
}

/// So many neighbours are looked at.
const NEAR: usize = 32;

impl Glance {
    /// Of a window that stands in no other's condition; `is_plain`: the rule is no pattern that is more than a plain sequence; `is_of_start`: only where a match begins it is asked;
    /// `most`: no two counts from there on are told apart.
    pub fn of(w: &Window, rule: &RuleKind, is_plain: bool, is_of_start: bool, most: Option<usize>) -> Glance {
        let mut is_closed = true;
        w.filter.iter().for_each(|f| f.walk(&mut |e| is_closed &= hangs_on_the_reading(e)));
        let is_bare = is_closed && w.asks.is_none() && knows_its_readings(w, rule, is_plain);
        let shows = match (w.func, w.what) {
            (Func::Last, Measure::Field(_)) if is_bare => Shows::Last,
            (Func::Max, Measure::Field(_)) if is_bare && w.fresh.is_none() => Shows::Greatest,
            (Func::Min, Measure::Field(_)) if is_bare && w.fresh.is_none() => Shows::Least,
            (Func::Count, Measure::Itself) if is_bare && w.fresh.is_none() => most.map_or(Shows::All, Shows::UpTo),
            _ => Shows::All,
        };
        // How long something lasts ends with any reading.
        let is_until_any = matches!(w.func, Func::TimeIn(_)) && w.what != Measure::Duration;
        let filter = w.filter.clone().filter(|_| is_closed && !is_until_any);
        let is_of_those_that_say = matches!(w.what, Measure::Field(_)) && passes_over_the_silent(w.func);
        let (sight, over) = (Sight::of(w), w.over.0);
        Glance { stream: w.stream, sight, what: w.what, over, shows, filter, is_of_start, is_of_those_that_say }
    }

    /// Of one that stands in another's.
    pub fn whole(w: &Window, sight: Sight) -> Glance {
        let (shows, filter) = (Shows::All, None);
        let (is_of_start, is_of_those_that_say) = (false, false);
        Glance { stream: w.stream, sight, what: w.what, over: w.over.0, shows, filter, is_of_start, is_of_those_that_say }
    }

    /// Takes another in, if both leave the same readings out.
    pub fn join(&mut self, other: &Glance) -> bool {
        let of = |glance: &Glance| (glance.stream, glance.is_of_start, glance.is_of_those_that_say.then_some(glance.what));
        let alike = of(self) == of(other) && self.filter == other.filter;
        let is_like = alike && self.shows == Shows::All && other.shows == Shows::All;
        if is_like {
            let (a, b) = (self.sight, other.sight);
            self.sight = Sight { before: a.before.max(b.before), after: a.after.max(b.after) };
        }
        is_like
    }

    fn seen<'a>(&'a self, case: &Case<'a>, beside: &Beside<'a>) -> Option<(i64, i64)> {
        let &Beside { table, at, ref tie, came } = beside;
        let (from, to) = (at.saturating_sub(self.sight.before), at.saturating_add(self.sight.after));
        if let Measure::Field(field) = self.what
            && self.is_of_those_that_say
            && came
            && table.column(field).is_none_or(|column| tie.clone().all(|row| !column.has(row)))
        {
            return None;
        }
        let scope = case.scope(at, at);
        if let Some(filter) = self.filter.as_ref().filter(|_| came)
            && !tie.clone().any(|row| truth(filter, &scope.with_item(Rows::one(table, row))) == Some(true))
        {
            return None;
        }
        if self.shows == Shows::All {
            return Some((from, to));
        }
        let (first, end) = (tie.start.saturating_sub(NEAR), table.len().min(tie.end + NEAR));
        let condition = self.filter.as_ref().filter(|_| first < end);
        let condition = condition.map(|filter| Condition::of(filter, &scope, table, first, end - 1));
        let counts = |row: &usize| condition.as_ref().is_none_or(|c| c.ask(&scope, table, *row) == Some(true));
        // Others show nothing of what it may see.
        let before = (first..tie.start).rev().take_while(|row| table.at(*row).saturating_add(self.over) > from);
        let later = (tie.end..end).take_while(|row| table.at(*row) < to);
        let column = if let Measure::Field(field) = self.what { table.column(field) } else { None };
        let number = |row: usize| column.filter(|_| row < table.len()).and_then(|column| column.number(row));
        // From where on, and up to where, other readings show what the window shows.
        let (since, until) = match self.shows {
            Shows::All => (None, None),
            Shows::Last => (None, later.filter(counts).find(|row| column.is_some_and(|column| column.has(*row)))),
            Shows::UpTo(0) => return None,
            Shows::UpTo(most) if self.filter.is_none() => {
                let next = tie.end + most - 1;
                (tie.start.checked_sub(most), Some(next).filter(|row| *row < table.len()))
            }
            Shows::UpTo(most) => (before.filter(counts).nth(most - 1), later.filter(counts).nth(most - 1)),
            Shows::Greatest | Shows::Least => {
                let Some(own) = number(tie.start).filter(|_| came && tie.len() == 1) else { return Some((from, to)) };
                let is_greatest = self.shows == Shows::Greatest;
                let covers = |row: &usize| number(*row).is_some_and(|n| if is_greatest { n >= own } else { n <= own });
                (before.filter(counts).find(covers), later.filter(counts).find(covers))
            }
        };
        let next = until.map_or(to, |row| to.min(table.at(row)));
        let first = since.map_or(from, |row| from.max(table.at(row).saturating_add(self.over)));
        (first <= next).then_some((first, next))
    }
}

/// The instant of a reading that came or went, among the rows of its stream.
struct Beside<'a> {
    table: &'a Table,
    at: i64,
    tie: Range<usize>,
    came: bool,
}

/// The windows of an expression that count readings for no more than to compare their number with a constant, each with the number from which on no two are told apart.
pub fn counts_up_to(expr: &Expr) -> Vec<(*const Window, usize)> {
    let mut all = Vec::new();
    let mut note = |op: Compare, left: &Expr, right: &Expr| {
        let (Expr::Window(w), Expr::Number(Rational { n, d: 1 })) = (left, right) else { return };
        let more = !matches!(op, Compare::Ge | Compare::Lt);
        if let Ok(most) = usize::try_from(n.saturating_add(i64::from(more))) {
            all.push((std::ptr::from_ref::<Window>(w), most));
        }
    };
    expr.walk(&mut |e| {
        if let Expr::Compare { op, left, right } = e {
            note(*op, left, right);
            note(op.mirrored(), right, left);
        }
    });
    all
}

impl Version {
    /// As [`Version::sight`], without decisions of which the neighbours of the reading show that they see nothing new. `alone`: nothing else came or went; of two that come at once each might show
    /// that the other is nothing new.
    pub fn glimpse<'a>(&'a self, case: &Case<'a>, touch: &Touch, alone: bool) -> Option<(i64, i64)> {
        let Glimpses { starts, others } = self.glimpses(case, touch, alone);
        wider(starts, others)
    }

    /// The same by what sees it.
    pub fn glimpses<'a>(&'a self, case: &Case<'a>, touch: &Touch, alone: bool) -> Glimpses {
        let Glimpses { starts, others } = self.asked_at(case, touch, alone);
        Glimpses { starts, others: others.map(|range| self.between(case.line, touch.stream, range)) }
    }

    /// Where it is asked what a reading may make another.
    fn asked_at<'a>(&'a self, case: &Case<'a>, touch: &Touch, alone: bool) -> Glimpses {
        let (whole, table) = (self.sight(touch), case.line.table(touch.stream));
        let is_of_start = |glance: &Glance| glance.is_of_start && glance.stream == touch.stream;
        let all = Glimpses { starts: whole.filter(|_| self.scope.glances.iter().any(is_of_start)), others: whole };
        let (Some(table), Some(at), Some(_), None) = (table, touch.at, whole, self.covers(touch.stream)) else { return all };
        // What other rules find stands elsewhere than at its instant, and comes and goes together.
        if !alone || touch.stream.derived().is_some() {
            return all;
        }
        let beside = Beside { table, at, tie: table.rows_at(at), came: touch.came };
        let mut seen = Glimpses::default();
        for glance in self.scope.glances.iter().filter(|glance| glance.stream == touch.stream) {
            let range = glance.seen(case, &beside);
            let known = if glance.is_of_start { &mut seen.starts } else { &mut seen.others };
            *known = wider(*known, range);
        }
        seen
    }
}

/// Whether what a window comes to hangs on those of its readings alone that say what is measured.
fn passes_over_the_silent(func: Func) -> bool {
    match func {
        Func::Count | Func::Sum | Func::Avg | Func::Min | Func::Max | Func::First | Func::Last | Func::Delta => true,
        Func::Stddev | Func::Cv | Func::Median | Func::Percentile(_) | Func::Slope | Func::Rate | Func::Reversals => true,
        Func::Forecast(_) => true,
        Func::Share | Func::TimeIn(_) | Func::Coverage(_) | Func::DecayedSum(_) | Func::Days => false,
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
