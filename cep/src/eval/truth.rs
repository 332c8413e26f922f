//! The walk over an expression: three-valued, exact, with a short way for whole numbers.

use super::aggregate::{bound, measure_of_rows};
use super::calendar::Calendar;
use super::circle::wrapped;
use super::covered::{Question, covered};
use super::ratio::Ratio;
use super::value::{Value, holds};
use super::window::window;
use super::{Rows, Scope};
use crate::plan::{Arith, Compare, Expr, Measure, Ref};
use crate::timeline::Set;
use vitalog_elog::Span;

/// Whether it is true, false, or unknown. What is no truth is unknown.
pub fn truth<'a>(expr: &'a Expr, scope: &Scope<'a, '_>) -> Option<bool> {
    match expr {
        Expr::Compare { op, left, right } => compare(*op, left, right, scope),
        Expr::And(all) => all_of(all.iter().map(|e| truth(e, scope))),
        Expr::Or(any) => any_of(any.iter().map(|e| truth(e, scope))),
        Expr::Not(e) => truth(e, scope).map(|t| !t),
        Expr::Bool(b) => Some(*b),
        Expr::Between { value, low, high } => {
            all_of([compare(Compare::Ge, value, low, scope), compare(Compare::Le, value, high, scope)].into_iter())
        }
        Expr::In { value, list } => any_of(list.iter().map(|e| compare(Compare::Eq, value, e, scope))),
        Expr::IsKnown(e) => Some(value(e, scope).is_known()),
        Expr::If { condition, then, otherwise } => match truth(condition, scope)? {
            true => truth(then, scope),
            false => truth(otherwise, scope),
        },
        Expr::BetweenTimes { value, low, high } => between_times(value, low, high, scope),
        Expr::Fresh { value, at, within } => is_fresh(at, *within, scope).then(|| truth(value, scope))?,
        Expr::Covered { how, from, to, stream, filter } => {
            covered(&Question { how: *how, from, to, stream: *stream, filter: filter.as_deref() }, scope)
        }
        Expr::Get { .. } | Expr::Profile(_) | Expr::Let(_) | Expr::Window(_) | Expr::Bound { .. } => match value(expr, scope) {
            Value::Bool(b) => Some(b),
            _ => None,
        },
        Expr::Number(_) | Expr::Enum(_) | Expr::Text(_) | Expr::Onset | Expr::Now | Expr::Neg(_) | Expr::Arith { .. } => None,
        Expr::TimeOfDay(_) | Expr::DayOfWeek(_) | Expr::Wrap { .. } => None,
    }
}

/// What it comes to.
pub fn value<'a>(expr: &'a Expr, scope: &Scope<'a, '_>) -> Value<'a> {
    match expr {
        Expr::Number(n) => Value::number(Ratio::new(i128::from(n.n), i128::from(n.d))),
        Expr::Enum(place) => Value::Enum(*place),
        Expr::Text(text) => Value::Text(text),
        Expr::Get { of, what } => get(*of, *what, scope),
        Expr::Profile(field) => Value::cell(scope.profile(*field).map(Set::cell)),
        Expr::Onset => Value::Number(Ratio::whole(scope.onset)),
        Expr::Now => Value::Number(Ratio::whole(scope.now)),
        Expr::Let(place) => scope.lets.map_or(Value::Unknown, |lets| lets.get(usize::from(*place))),
        Expr::Window(w) => window(w, scope),
        Expr::Bound { func, step, what } => bound(*func, usize::from(*step), *what, scope),
        Expr::Neg(e) => Value::number(value(e, scope).as_number().and_then(Ratio::neg)),
        Expr::Arith { op, left, right } => {
            let (Some(a), Some(b)) = (value(left, scope).as_number(), value(right, scope).as_number()) else {
                return Value::Unknown;
            };
            Value::number(match op {
                Arith::Add => a.add(b),
                Arith::Sub => a.sub(b),
                Arith::Mul => a.mul(b),
                Arith::Div => a.div(b),
            })
        }
        Expr::If { condition, then, otherwise } => match truth(condition, scope) {
            Some(true) => value(then, scope),
            Some(false) => value(otherwise, scope),
            None => Value::Unknown,
        },
        Expr::TimeOfDay(e) => Value::number(at(e, scope).and_then(|t| Calendar::of(scope).time_of_day(t)).map(Ratio::whole)),
        Expr::DayOfWeek(e) => at(e, scope).and_then(|t| Calendar::of(scope).day_of_week(t)).map_or(Value::Unknown, Value::Enum),
        Expr::Wrap { value: e, signed } => Value::number(value(e, scope).as_number().and_then(|n| wrapped(n, *signed))),
        Expr::Fresh { value: e, at, within } if is_fresh(at, *within, scope) => value(e, scope),
        Expr::Fresh { .. } => Value::Unknown,
        Expr::BetweenTimes { .. }
        | Expr::Covered { .. }
        | Expr::Bool(_)
        | Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Compare { .. }
        | Expr::Between { .. }
        | Expr::In { .. }
        | Expr::IsKnown(_) => Value::truth(truth(expr, scope)),
    }
}

/// An instant, cut to the microsecond.
fn at<'a>(expr: &'a Expr, scope: &Scope<'a, '_>) -> Option<i64> {
    i64::try_from(value(expr, scope).as_number()?.floor()).ok()
}

/// Whether an instant lies in the last stretch of that length before the decision, that included.
fn is_fresh<'a>(at: &'a Expr, within: Span, scope: &Scope<'a, '_>) -> bool {
    let age = value(at, scope).as_number().and_then(|at| Ratio::whole(scope.now).sub(at));
    age.is_some_and(|age| age.compare(Ratio::whole(0)).is_ge() && age.compare(Ratio::whole(within.0)).is_lt())
}

/// Times of day lie on a circle: where the lower end is the later one, between them lies midnight.
fn between_times<'a>(value: &'a Expr, low: &'a Expr, high: &'a Expr, scope: &Scope<'a, '_>) -> Option<bool> {
    let number = |e| super::value(e, scope).as_number();
    let (value, low, high) = (number(value)?, number(low)?, number(high)?);
    let (above, below) = (value.compare(low).is_ge(), value.compare(high).is_le());
    Some(if low.compare(high).is_le() { above && below } else { above || below })
}

#[inline]
fn compare<'a>(op: Compare, left: &'a Expr, right: &'a Expr, scope: &Scope<'a, '_>) -> Option<bool> {
    if let (Some(a), Some(b)) = (whole(left, scope), whole(right, scope)) {
        return Some(holds(op, a.cmp(&b)));
    }
    value(left, scope).compare(op, value(right, scope))
}

/// The short way: whole numbers that are at hand. `None` says nothing: the long way decides.
#[inline]
fn whole(expr: &Expr, scope: &Scope<'_, '_>) -> Option<i64> {
    match expr {
        Expr::Get { of, what: Measure::Field(field) } => {
            let rows = scope.rows(*of)?;
            if rows.to - rows.from != 1 {
                return None;
            }
            rows.table.column(*field)?.number(rows.row())
        }
        Expr::Number(n) if n.d == 1 => Some(n.n),
        Expr::Profile(field) => match scope.profile(*field)? {
            Set::Number(n) => Some(*n),
            _ => None,
        },
        _ => None,
    }
}

fn get<'a>(of: Ref, what: Measure, scope: &Scope<'a, '_>) -> Value<'a> {
    let bound = match of {
        Ref::Step(step) => scope.bound.get(usize::from(step)).map(|b| (b, b.last_rows())),
        Ref::First => scope.repeats.filter(|r| r.from < r.binding.instants.len()).map(|r| (r.binding, r.binding.rows_of(r.from))),
        Ref::Previous => scope.repeats.map(|r| (r.binding, r.binding.last_rows())),
        Ref::Driver | Ref::Candidate | Ref::Item => None,
    };
    if let Some((bound, rows)) = bound {
        let Some(table) = bound.table(scope.line) else { return Value::Unknown };
        return measure_of_rows(table, rows.iter().copied(), what);
    }
    let of = if of == Ref::First { Ref::Candidate } else { of };
    match scope.rows(of) {
        None => Value::Unknown,
        Some(Rows { endless: true, .. }) if matches!(what, Measure::At | Measure::End | Measure::Duration) => Value::Unknown,
        Some(rows) => measure_of_rows(rows.table, rows.all(), what),
    }
}

/// Kleene's `and`: one false decides, else one unknown does.
#[inline]
pub fn all_of(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

/// Kleene's `or`: one true decides, else one unknown does.
#[inline]
pub fn any_of(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(false);
    for part in parts {
        match part {
            Some(true) => return Some(true),
            None => result = None,
            Some(false) => {}
        }
    }
    result
}
