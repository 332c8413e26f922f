//! Between which bounds an expression lies as long as the numbers of one field lie between two.
//!
//! A mean lies between the least and the greatest of what it is of, and so do the first, the last and any percentile; a difference is at most their distance. So it
//! is known of many conditions over windows that they cannot come true while a field moves little, however its readings come.

use vitalog_elog::{FieldIx, StreamIx};

use crate::eval::{Ratio, Scope, Value, value};
use crate::plan::{Anchor, Arith, Compare, Expr, Func, Measure, Rational, Ref, Window};

/// From `low` to `high`, both included. Where the numbers supposed lie in a band that is wider by so much on both sides, each bound is farther out by `below` and
/// `above` times as much.
#[derive(Clone, Copy, Debug)]
struct Range {
    low: Ratio,
    high: Ratio,
    below: i64,
    above: i64,
}

/// What is supposed: each number of this field lies between these, in the reading at hand and in all that windows of the stream see.
#[derive(Clone, Copy, Debug)]
pub struct Supposed {
    pub of: Ref,
    pub stream: StreamIx,
    pub field: FieldIx,
    pub low: i64,
    pub high: i64,
}

impl Supposed {
    /// By how much the band may be wider on both sides so that a comparison cannot be true; `None`: it may be true as it is, or nothing is known of it.
    pub fn room<'a>(&self, op: Compare, left: &'a Expr, right: &'a Expr, fixed: &Scope<'a, '_>) -> Option<i64> {
        let (a, b) = (self.range(left, fixed)?, self.range(right, fixed)?);
        // How far the left lies above the right, how far below.
        let above = || (a.low.sub(b.high), a.below.saturating_add(b.above));
        let below = || (b.low.sub(a.high), a.above.saturating_add(b.below));
        let room = |(apart, closer): (Option<Ratio>, i64), touching: bool| room(apart?, closer, touching);
        match op {
            Compare::Lt => room(above(), true),
            Compare::Le => room(above(), false),
            Compare::Gt => room(below(), true),
            Compare::Ge => room(below(), false),
            Compare::Eq => room(above(), false).or_else(|| room(below(), false)),
            Compare::Ne => None,
        }
    }

    /// Where an expression lies, if anywhere: it may be unknown as well. `fixed` is asked what hangs on no reading.
    fn range<'a>(&self, expr: &'a Expr, fixed: &Scope<'a, '_>) -> Option<Range> {
        match expr {
            Expr::Get { of, what: Measure::Field(field) } if *of == self.of && *field == self.field => Some(self.itself()),
            Expr::Window(w) => self.window(w),
            Expr::Number(Rational { n, d: 1 }) => {
                Some(Range { low: Ratio::whole(*n), high: Ratio::whole(*n), below: 0, above: 0 })
            }
            Expr::Neg(a) => {
                let a = self.range(a, fixed)?;
                Some(Range { low: a.high.neg()?, high: a.low.neg()?, below: a.above, above: a.below })
            }
            Expr::Arith { op: op @ (Arith::Add | Arith::Sub), left, right } => {
                let (a, b) = (self.range(left, fixed)?, self.range(right, fixed)?);
                let both = |one: i64, other: i64| one.saturating_add(other);
                Some(match op {
                    Arith::Add => Range {
                        low: a.low.add(b.low)?,
                        high: a.high.add(b.high)?,
                        below: both(a.below, b.below),
                        above: both(a.above, b.above),
                    },
                    _ => Range {
                        low: a.low.sub(b.high)?,
                        high: a.high.sub(b.low)?,
                        below: both(a.below, b.above),
                        above: both(a.above, b.below),
                    },
                })
            }
            expr if hangs_on_no_reading(expr, &[]) => match value(expr, fixed) {
                Value::Number(n) => Some(Range { low: n, high: n, below: 0, above: 0 }),
                _ => None,
            },
            _ => None,
        }
    }

    fn itself(&self) -> Range {
        Range { low: Ratio::whole(self.low), high: Ratio::whole(self.high), below: 1, above: 1 }
    }

    fn window(&self, w: &Window) -> Option<Range> {
        if w.stream != self.stream || w.what != Measure::Field(self.field) || w.anchor != Anchor::Decision {
            return None;
        }
        let all = self.itself();
        match w.func {
            func if is_between(func) => Some(all),
            Func::Delta => Some(Range { low: all.low.sub(all.high)?, high: all.high.sub(all.low)?, below: 2, above: 2 }),
            _ => None,
        }
    }
}

/// Whether what it makes of numbers lies between the least and the greatest of them.
fn is_between(func: Func) -> bool {
    use Func::{Avg, First, Last, Max, Median, Min, Percentile};
    matches!(func, Avg | Min | Max | First | Last | Median | Percentile(_))
}

/// How much wider, where two ranges lie `apart` and come `closer` by so many times that; `touching`: they may meet.
fn room(apart: Ratio, closer: i64, touching: bool) -> Option<i64> {
    let (floor, is_whole) = match i64::try_from(apart.n) {
        // Without divisions of 128 bits.
        Ok(n) if apart.d == 1 => (i128::from(n.div_euclid(closer.max(1))), n.rem_euclid(closer.max(1)) == 0),
        _ => {
            let steps = if closer == 0 { apart } else { apart.div(Ratio::whole(closer))? };
            (steps.floor(), steps.n.rem_euclid(steps.d) == 0)
        }
    };
    let widest = if touching || !is_whole { floor } else { floor.checked_sub(1)? };
    let nearest = if closer == 0 && widest >= 0 { i128::from(i64::MAX) } else { widest };
    i64::try_from(nearest).ok().filter(|by| *by >= 0)
}

/// Whether an expression hangs on the profile at most; `lets` are those it may name.
pub fn hangs_on_no_reading(expr: &Expr, lets: &[Expr]) -> bool {
    let free = |e: &Expr| hangs_on_no_reading(e, lets);
    match expr {
        Expr::Number(_) | Expr::Bool(_) | Expr::Enum(_) | Expr::Text(_) | Expr::Profile(_) => true,
        Expr::Let(i) => lets.get(usize::from(*i)).is_some_and(free),
        Expr::Arith { left, right, .. } | Expr::Compare { left, right, .. } => free(left) && free(right),
        Expr::Neg(e) | Expr::Not(e) => free(e),
        Expr::If { condition, then, otherwise } => free(condition) && free(then) && free(otherwise),
        Expr::And(all) | Expr::Or(all) => all.iter().all(free),
        _ => false,
    }
}

/// The windows of a field that the sums and differences on both sides of a comparison look through, by the longest: the field and how far it looks back. `None`: through none,
/// through several fields, or through one of which nothing is known.
pub fn looks_through(sides: [&Expr; 2], stream: StreamIx) -> Option<(FieldIx, i64)> {
    sides.into_iter().try_fold(None, |found, side| longest(side, stream, found)).ok()?
}

/// `Err`: several fields, or nothing is known.
fn longest(expr: &Expr, stream: StreamIx, found: Option<(FieldIx, i64)>) -> Result<Option<(FieldIx, i64)>, ()> {
    match expr {
        Expr::Neg(e) => longest(e, stream, found),
        Expr::Arith { left, right, .. } => longest(right, stream, longest(left, stream, found)?),
        Expr::Window(w) if w.stream == stream && (is_between(w.func) || w.func == Func::Delta) => match (w.what, found) {
            (Measure::Field(field), Some((known, _))) if field != known => Err(()),
            (Measure::Field(field), found) => Ok(Some((field, found.map_or(0, |(_, over)| over).max(w.over.0)))),
            _ => Err(()),
        },
        Expr::Window(_) => Err(()),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_wide_as_may_be_and_no_wider() {
        for (n, d) in [(0, 1), (1, 1), (7, 1), (8, 2), (9, 2), (-1, 1), (-1, 3), (1, 3)] {
            for (closer, touching) in (0..5).flat_map(|c| [(c, true), (c, false)]) {
                // Apart still, when each side came closer by so much.
                let fits = |by: i64| {
                    let rest = n - i128::from(by) * i128::from(closer) * d;
                    if touching { rest >= 0 } else { rest > 0 }
                };
                let found = room(Ratio { n, d }, closer, touching);
                assert_eq!(found.is_some(), fits(0), "{n}/{d} {closer} {touching}");
                let Some(by) = found else { continue };
                assert!(
                    if closer == 0 { by == i64::MAX } else { fits(by) && !fits(by + 1) },
                    "{n}/{d} {closer} {touching}: {by}"
                );
            }
        }
    }
}
