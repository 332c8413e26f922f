//! Expressions, three-valued: `None` is unknown.

use std::cmp::Ordering;

use vitalog_cep::plan::{Arith, Compare, Cover, Expr};

use super::calendar::{Calendar, MINUTE};
use super::number::Number;
use super::scene::{Known, Scene, known};
use super::timeline::Seen;
use super::window;

/// Whether a condition holds: an unknown one does not.
pub fn holds(expr: &Expr, scene: &Scene<'_>) -> bool {
    eval(expr, scene) == Some(Known::Bool(true))
}

/// Whether it is false: an unknown one is not.
pub fn is_false(expr: &Expr, scene: &Scene<'_>) -> bool {
    eval(expr, scene) == Some(Known::Bool(false))
}

/// No condition holds always.
pub fn holds_if_any(expr: Option<&Expr>, scene: &Scene<'_>) -> bool {
    expr.is_none_or(|e| holds(e, scene))
}

pub fn eval(expr: &Expr, scene: &Scene<'_>) -> Option<Known> {
    match expr {
        Expr::Bool(b) => Some(Known::Bool(*b)),
        Expr::Number(q) => Number::quotient(i128::from(q.n), i128::from(q.d)).map(Known::Number),
        Expr::Enum(i) => Some(Known::Enum(*i)),
        Expr::Text(text) => Some(Known::Text(text.to_string())),
        Expr::Get { of, what } => scene.get(*of, *what),
        Expr::Profile(field) => scene.profile.value(*field, scene.profile_instant()).as_ref().map(known),
        Expr::Onset => scene.onset.map(|t| Known::Number(Number::whole(t))),
        Expr::Now => Some(Known::Number(Number::whole(scene.now))),
        Expr::Let(i) => eval(scene.rule.lets.get(usize::from(*i))?, &scene.decision()),
        Expr::Window(w) => window::over(w, scene),
        Expr::Bound { func, step, what } => {
            let bound = scene.steps.get(usize::from(*step))?;
            let readings: Vec<_> = bound.iter().flat_map(|(t, readings)| readings.iter().map(|r| (*t, *r))).collect();
            window::aggregate(*func, *what, &readings, scene)
        }
        Expr::Not(a) => Some(Known::Bool(!truth(eval(a, scene))?)),
        Expr::Neg(a) => Some(Known::Number(number(eval(a, scene))?.negative())),
        Expr::And(all) => and(all.iter().map(|e| truth(eval(e, scene)))).map(Known::Bool),
        Expr::Or(all) => or(all.iter().map(|e| truth(eval(e, scene)))).map(Known::Bool),
        Expr::Compare { op, left, right } => compare(*op, eval(left, scene), eval(right, scene)).map(Known::Bool),
        Expr::Arith { op, left, right } => arith(*op, number(eval(left, scene))?, number(eval(right, scene))?).map(Known::Number),
        Expr::Between { value, low, high } => {
            let (value, low, high) = (eval(value, scene), eval(low, scene), eval(high, scene));
            let ends = [compare(Compare::Ge, value.clone(), low), compare(Compare::Le, value, high)];
            and(ends.into_iter()).map(Known::Bool)
        }
        Expr::In { value, list } => {
            let value = eval(value, scene);
            or(list.iter().map(|e| compare(Compare::Eq, value.clone(), eval(e, scene)))).map(Known::Bool)
        }
        Expr::If { condition, then, otherwise } => match truth(eval(condition, scene))? {
            true => eval(then, scene),
            false => eval(otherwise, scene),
        },
        Expr::TimeOfDay(a) => {
            let minute = Calendar::of(scene).minute_of_day(number(eval(a, scene))?.floor()?)?;
            Some(Known::Number(Number::whole(minute * MINUTE)))
        }
        Expr::DayOfWeek(a) => Calendar::of(scene).day_of_week(number(eval(a, scene))?.floor()?).map(Known::Enum),
        Expr::Wrap { value, signed } => on_circle(number(eval(value, scene))?, *signed).map(Known::Number),
        Expr::BetweenTimes { value, low, high } => {
            let (value, low, high) = (number(eval(value, scene))?, number(eval(low, scene))?, number(eval(high, scene))?);
            let over_midnight = low > high;
            Some(Known::Bool(match over_midnight {
                false => low <= value && value <= high,
                true => value >= low || value <= high,
            }))
        }
        Expr::Covered { how, from, to, stream, filter } => {
            let (from, to) = (number(eval(from, scene))?, number(eval(to, scene))?);
            let whole = Number::whole;
            let lies = |r: &&Seen| match how {
                Cover::During => whole(r.start) <= from && r.end.is_none_or(|end| whole(end) >= to),
                Cover::Overlaps => whole(r.start) <= to && r.end.is_none_or(|end| whole(end) >= from),
            };
            let mut intervals = scene.timeline.readings.iter().filter(|r| r.stream == *stream).filter(lies);
            Some(Known::Bool(intervals.any(|r| filter.as_ref().is_none_or(|f| holds(f, &scene.with_item(r))))))
        }
        Expr::Fresh { value, at, within } => {
            let (at, now) = (number(eval(at, scene))?, Number::whole(scene.now));
            let is_fresh = at <= now && at > now.minus(Number::whole(i128::from(within.0)))?;
            if is_fresh { eval(value, scene) } else { None }
        }
        Expr::IsKnown(a) => Some(Known::Bool(eval(a, scene).is_some())),
    }
}

fn truth(value: Option<Known>) -> Option<bool> {
    if let Some(Known::Bool(b)) = value { Some(b) } else { None }
}

fn number(value: Option<Known>) -> Option<Number> {
    match value {
        Some(Known::Number(n)) => Some(n),
        Some(Known::Root { square }) => square.root(),
        _ => None,
    }
}

/// Brought into a day, or half a day to either side.
fn on_circle(mut n: Number, signed: bool) -> Option<Number> {
    const DAY: i128 = 24 * 60 * MINUTE;
    let days = Number::whole(n.over(Number::whole(DAY))?.floor()? * DAY);
    n = n.minus(days)?;
    if signed && n > Number::whole(DAY / 2) { n.minus(Number::whole(DAY)) } else { Some(n) }
}

/// Kleene: one false decides, else one unknown leaves it unknown.
fn and(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let all: Vec<Option<bool>> = all.collect();
    if all.contains(&Some(false)) {
        Some(false)
    } else if all.contains(&None) {
        None
    } else {
        Some(true)
    }
}

/// Kleene: one true decides, else one unknown leaves it unknown.
fn or(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    and(all.map(|b| b.map(|b| !b))).map(|b| !b)
}

fn compare(op: Compare, left: Option<Known>, right: Option<Known>) -> Option<bool> {
    let (left, right) = (left?, right?);
    let order = match (&left, &right) {
        (Known::Number(a), Known::Number(b)) => a.cmp(b),
        // Roots by their squares; a number below zero is below every root.
        (Known::Root { square: a }, Known::Root { square: b }) => a.cmp(b),
        (Known::Root { .. }, Known::Number(b)) if *b < Number::whole(0) => Ordering::Greater,
        (Known::Number(a), Known::Root { .. }) if *a < Number::whole(0) => Ordering::Less,
        (Known::Root { square }, Known::Number(b)) => square.cmp(&b.times(*b)?),
        (Known::Number(a), Known::Root { square }) => a.times(*a)?.cmp(square),
        (Known::Enum(a), Known::Enum(b)) => a.cmp(b),
        _ => {
            return match op {
                Compare::Eq => Some(left == right),
                Compare::Ne => Some(left != right),
                Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge => None,
            };
        }
    };
    Some(match op {
        Compare::Lt => order.is_lt(),
        Compare::Le => order.is_le(),
        Compare::Gt => order.is_gt(),
        Compare::Ge => order.is_ge(),
        Compare::Eq => order.is_eq(),
        Compare::Ne => order.is_ne(),
    })
}

fn arith(op: Arith, left: Number, right: Number) -> Option<Number> {
    match op {
        Arith::Add => left.plus(right),
        Arith::Sub => left.minus(right),
        Arith::Mul => left.times(right),
        Arith::Div => left.over(right),
    }
}
