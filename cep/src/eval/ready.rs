//! A window's condition made ready for many of its readings: what is the same for all of them is evaluated once, and each reading costs a comparison of integers.
//!
//! INVARIANT (ready): it comes to what the walk over the condition comes to, for each reading of the rows it was made for. What it can't be made for is walked.

use super::calendar::{Calendar, minute_of_day};
use super::ratio::Ratio;
use super::value::Value;
use super::{Rows, Scope, truth, value};
use crate::plan::{Compare, Expr, Measure, Ref};
use crate::timeline::{Column, Table};

/// From so many readings on it is made ready.
const MANY: usize = 16;

/// A condition of the readings of a window.
pub enum Condition<'a> {
    Ready(Ready<'a>),
    Walked(&'a Expr),
}

/// A condition over one table's columns.
pub enum Ready<'a> {
    Always(Option<bool>),
    /// Whether a number lies from `low` to `high`; `not`: whether it does not.
    Lies {
        column: &'a Column,
        low: i64,
        high: i64,
        not: bool,
    },
    /// Of words, truths and texts.
    Is {
        column: &'a Column,
        op: Compare,
        other: Value<'a>,
    },
    /// Whether the clock on the wall shows a time between two, over midnight where the lower is the later one; all rows are of one offset of the zone.
    Clock {
        at: &'a [i64],
        offset: i64,
        low: i64,
        high: i64,
        over_midnight: bool,
    },
    /// Whether it says anything.
    Known(&'a Column),
    Not(Box<Ready<'a>>),
    All(Vec<Ready<'a>>),
    Any(Vec<Ready<'a>>),
}

impl<'a> Condition<'a> {
    /// For rows `first..=last` of a table.
    pub fn of(expr: &'a Expr, scope: &Scope<'a, '_>, table: &'a Table, first: usize, last: usize) -> Condition<'a> {
        if last < first + MANY {
            return Condition::Walked(expr);
        }
        let stays = scope.line.profile.next_change(table.at(first)).is_none_or(|t| t > table.at(last));
        let among = Among { scope: scope.with_item(Rows::one(table, first)), table, last, stays };
        Ready::of(expr, &among).map_or(Condition::Walked(expr), Condition::Ready)
    }

    /// The numbers of a column that it is true of, where it asks for nothing else: from one to another, both included.
    pub fn band(&self) -> Option<(&'a Column, i64, i64)> {
        if let Condition::Ready(ready) = self { ready.band() } else { None }
    }

    #[inline]
    pub fn ask(&self, scope: &Scope<'a, '_>, table: &'a Table, row: usize) -> Option<bool> {
        match self {
            Condition::Ready(ready) => ready.ask(row),
            Condition::Walked(expr) => truth(expr, &scope.with_item(Rows::one(table, row))),
        }
    }
}

/// Rows that a condition is made ready for.
struct Among<'a, 'l> {
    /// That of the first.
    scope: Scope<'a, 'l>,
    table: &'a Table,
    last: usize,
    /// The profile says the same at all of them.
    stays: bool,
}

impl<'a> Among<'a, '_> {
    /// Whether an expression is the same for all of them.
    fn is_same(&self, expr: &Expr) -> bool {
        is_same_for_all(expr) && (self.stays || !hangs_on_profile(expr))
    }

    fn value(&self, expr: &'a Expr) -> Value<'a> {
        value(expr, &self.scope)
    }
}

impl<'a> Ready<'a> {
    fn of(expr: &'a Expr, among: &Among<'a, '_>) -> Option<Ready<'a>> {
        let each = |all: &'a [Expr]| all.iter().map(|e| Ready::of(e, among)).collect::<Option<Vec<_>>>();
        Some(match expr {
            Expr::Bool(b) => Ready::Always(Some(*b)),
            Expr::Not(e) => Ready::Not(Box::new(Ready::of(e, among)?)),
            Expr::And(all) => Ready::All(each(all)?),
            Expr::Or(any) => Ready::Any(each(any)?),
            Expr::IsKnown(e) => Ready::known(e, among)?,
            Expr::Compare { op, left, right } => {
                let ready = Ready::compare(*op, left, right, among);
                ready.or_else(|| Ready::compare(op.mirrored(), right, left, among))?
            }
            Expr::Between { value, low, high } => Ready::All(vec![
                Ready::compare(Compare::Ge, value, low, among)?,
                Ready::compare(Compare::Le, value, high, among)?,
            ]),
            Expr::BetweenTimes { value, low, high } => Ready::clock(value, low, high, among)?,
            Expr::In { value, list } => {
                let each = list.iter().map(|e| Ready::compare(Compare::Eq, value, e, among));
                Ready::Any(each.collect::<Option<Vec<_>>>()?)
            }
            _ => return None,
        })
    }

    /// Whether a field of the reading says anything, or something that is the same for all does.
    fn known(expr: &'a Expr, among: &Among<'a, '_>) -> Option<Ready<'a>> {
        match expr {
            Expr::Get { of: Ref::Item, what: Measure::Field(field) } => {
                Some(among.table.column(*field).map_or(Ready::Always(Some(false)), Ready::Known))
            }
            _ if among.is_same(expr) => Some(Ready::Always(Some(!matches!(among.value(expr), Value::Unknown)))),
            _ => None,
        }
    }

    /// `left <op> right`, where the left is a field of the reading and the right the same for all.
    fn compare(op: Compare, left: &Expr, right: &'a Expr, among: &Among<'a, '_>) -> Option<Ready<'a>> {
        let Expr::Get { of: Ref::Item, what: Measure::Field(field) } = left else { return None };
        if !among.is_same(right) {
            return None;
        }
        let Some(column) = among.table.column(*field) else { return Some(Ready::Always(None)) };
        match among.value(right) {
            _ if column.is_fractional() => None,
            Value::Root(_) => None,
            Value::Unknown => Some(Ready::Always(None)),
            Value::Number(bound) => {
                let (low, high) = satisfying(op, bound);
                Some(Ready::Lies { column, low, high, not: op == Compare::Ne })
            }
            other => Some(Ready::Is { column, op, other }),
        }
    }

    /// The time of day of the reading's instant, where that is the row's, between two that are the same for all.
    fn clock(time: &Expr, low: &'a Expr, high: &'a Expr, among: &Among<'a, '_>) -> Option<Ready<'a>> {
        let Expr::TimeOfDay(of) = time else { return None };
        let Among { scope, table, last, stays } = among;
        let is_own = matches!(**of, Expr::Get { of: Ref::Item, what: Measure::At }) && !table.is_by_edge();
        // The zone is the profile's.
        if !is_own || !stays || !is_same_for_all(low) || !is_same_for_all(high) {
            return None;
        }
        let (Value::Number(low), Value::Number(high)) = (value(low, scope), value(high, scope)) else { return None };
        let first = scope.item?.row();
        let offset = Calendar::of(scope).offset_between(table.at(first), table.at(*last))?;
        let over_midnight = low.compare(high).is_gt();
        // The whole numbers that are no less than the one and no greater than the other.
        let (low, high) = (i64::try_from(low.neg()?.floor()).ok()?.checked_neg()?, i64::try_from(high.floor()).ok()?);
        Some(Ready::Clock { at: table.instants(0..last + 1), offset, low, high, over_midnight })
    }

    /// See [`Condition::band`].
    fn band(&self) -> Option<(&'a Column, i64, i64)> {
        match self {
            Ready::Lies { column, low, high, not: false } => Some((*column, *low, *high)),
            Ready::All(all) => {
                let mut bands = all.iter().map(Ready::band);
                let first = bands.next()??;
                bands.try_fold(first, |(column, low, high), band| {
                    let (other, least, most) = band?;
                    std::ptr::eq(column, other).then_some((column, low.max(least), high.min(most)))
                })
            }
            _ => None,
        }
    }

    fn ask(&self, row: usize) -> Option<bool> {
        match self {
            Ready::Clock { at, offset, low, high, over_midnight } => {
                let time = minute_of_day(at[row].saturating_add(*offset));
                let (above, below) = (time >= *low, time <= *high);
                Some(if *over_midnight { above || below } else { above && below })
            }
            Ready::Lies { column, low, high, not } => column.number(row).map(|n| (*low <= n && n <= *high) != *not),
            Ready::Always(truth) => *truth,
            Ready::Known(column) => Some(column.has(row)),
            Ready::Is { column, op, other } => Value::cell(column.cell(row)).compare(*op, *other),
            Ready::Not(e) => e.ask(row).map(|t| !t),
            Ready::All(all) => super::truth::all_of(all.iter().map(|e| e.ask(row))),
            Ready::Any(any) => super::truth::any_of(any.iter().map(|e| e.ask(row))),
        }
    }
}

/// The whole numbers that satisfy a comparison with a bound, from the least to the greatest; of `Ne` those that do not.
pub fn satisfying(op: Compare, bound: Ratio) -> (i64, i64) {
    let floor = bound.floor();
    let ceiling = if bound.d == 1 || bound.n.rem_euclid(bound.d) == 0 { floor } else { floor.saturating_add(1) };
    let (low, high) = match op {
        Compare::Lt => (i128::MIN, ceiling.saturating_sub(1)),
        Compare::Le => (i128::MIN, floor),
        Compare::Gt => (floor.saturating_add(1), i128::MAX),
        Compare::Ge => (ceiling, i128::MAX),
        Compare::Eq | Compare::Ne => (ceiling, floor),
    };
    let (least, greatest) = (i128::from(i64::MIN), i128::from(i64::MAX));
    if low > greatest || high < least || low > high {
        return (1, 0);
    }
    (low.max(least) as i64, high.min(greatest) as i64)
}

/// Whether an expression in a window's condition hangs neither on its reading nor on that reading's instant, but through the profile.
fn is_same_for_all(expr: &Expr) -> bool {
    let clock = |what: &Measure| matches!(what, Measure::AtClock | Measure::StartClock);
    match expr {
        Expr::Number(_) | Expr::Bool(_) | Expr::Enum(_) | Expr::Text(_) | Expr::Profile(_) => true,
        Expr::Let(_) | Expr::Now | Expr::Onset => true,
        Expr::Get { of, what } => *of != Ref::Item && !clock(what),
        Expr::Bound { what, .. } => !clock(what),
        Expr::Neg(_)
        | Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Compare { .. }
        | Expr::Between { .. }
        | Expr::Arith { .. }
        | Expr::If { .. } => expr.children().into_iter().all(is_same_for_all),
        _ => false,
    }
}

/// Whether what the profile says at a reading's instant may matter to such an expression; a `let` is of the decision's.
fn hangs_on_profile(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(e, Expr::Profile(_)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::holds;

    #[test]
    fn numbers_satisfy_what_they_lie_in() {
        let ops = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];
        let far = i128::from(i64::MAX) * 4;
        for (n, d) in [(6, 1), (-6, 1), (7, 2), (-7, 2), (1, 3), (0, 1), (far, 3), (-far, 3), (i128::MAX, 1), (i128::MIN, 1)] {
            for op in ops {
                let (low, high) = satisfying(op, Ratio { n, d });
                for number in (-12..12).chain([i64::MIN, i64::MAX]) {
                    let lies = (low <= number && number <= high) != (op == Compare::Ne);
                    let order = Ratio::whole(number).compare(Ratio { n, d });
                    assert_eq!(lies, holds(op, order), "{number} {op:?} {n}/{d}");
                }
            }
        }
    }
}
