//! The walk over an expression: three-valued, exact, with a short way for whole numbers.

use super::aggregate::{bound, measure_of_rows, window};
use super::ratio::Ratio;
use super::value::{Value, holds};
use super::{Rows, Scope};
use crate::plan::{Arith, Compare, Expr, Measure, Ref};
use crate::timeline::Set;

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
        Expr::Get { .. } | Expr::Profile(_) | Expr::Let(_) | Expr::Window(_) | Expr::Bound { .. } => match value(expr, scope) {
            Value::Bool(b) => Some(b),
            _ => None,
        },
        Expr::Number(_) | Expr::Enum(_) | Expr::Text(_) | Expr::Onset | Expr::Now | Expr::Neg(_) | Expr::Arith { .. } => None,
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
        Expr::Let(place) => scope.lets.get(usize::from(*place)).copied().unwrap_or(Value::Unknown),
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
        Expr::Bool(_)
        | Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Compare { .. }
        | Expr::Between { .. }
        | Expr::In { .. }
        | Expr::IsKnown(_) => Value::truth(truth(expr, scope)),
    }
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
    if let Ref::Step(step) = of {
        let Some(bound) = scope.bound.get(usize::from(step)) else { return Value::Unknown };
        let Some(table) = scope.line.table(bound.stream) else { return Value::Unknown };
        return measure_of_rows(table, bound.last_rows().iter().copied(), what);
    }
    match scope.rows(of) {
        None => Value::Unknown,
        Some(Rows { endless: true, .. }) if matches!(what, Measure::At | Measure::End | Measure::Duration) => Value::Unknown,
        Some(rows) => measure_of_rows(rows.table, rows.all(), what),
    }
}

/// Kleene's `and`: one false decides, else one unknown does.
#[inline]
fn all_of(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
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
fn any_of(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
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
