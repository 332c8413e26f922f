//! What of a comparison moves along the rows of a stream, found once when a guard is made: then it is not looked for again at each late reading.
//!
//! INVARIANT (sieve): what moves hangs on the rows of its stream up to the decision alone, whatever their condition; the other side on none of them but for which of several it is.

use vitalog_elog::{FieldIx, StreamIx};

use super::guard::{Number, Whole};
use crate::eval::Ratio;
use crate::plan::{Anchor, Arith, Compare, Func, Measure, Window};

/// A comparison of something that moves with something that does not.
#[derive(Clone, Copy, Debug)]
pub struct Sieve {
    pub moving: Moving,
    /// With what moves on the left.
    pub op: Compare,
    /// The other side is the left one.
    pub is_turned: bool,
}

/// A number of the rows that is told while going along them.
#[derive(Clone, Copy, Debug)]
pub struct Moving {
    pub what: What,
    /// Nothing of what is counted.
    pub field: Option<FieldIx>,
    /// Of a window: its stream and its length.
    pub window: Option<(StreamIx, i64)>,
}

/// What it is.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// What the reading says.
    Own,
    /// What the newest of a window says less the first.
    Delta,
    Greatest,
    Least,
    Count,
    Reversals,
    /// The greatest less the least.
    Spread,
    /// The greatest less what the reading says.
    Fallen,
    /// So many times the slope.
    Slope(Ratio),
}

impl Sieve {
    pub fn of(op: Compare, left: &Number, right: &Number) -> Option<Sieve> {
        let moving = |number: &Number, other: &Number| Moving::of(number).filter(|_| stays(other));
        let straight = moving(left, right).map(|moving| Sieve { moving, op, is_turned: false });
        straight.or_else(|| Some(Sieve { moving: moving(right, left)?, op: op.mirrored(), is_turned: true }))
    }
}

impl Moving {
    fn of(number: &Number) -> Option<Moving> {
        let over = |w: &Window, what: What| {
            let is_plain = w.filter.is_none() && w.fresh.is_none() && w.asks.is_none() && w.anchor == Anchor::Decision;
            let is_count = matches!(what, What::Count);
            let field = match w.what {
                Measure::Field(field) => Some(field),
                Measure::Itself if is_count => None,
                _ => return None,
            };
            let is_counted = is_count && field.is_some();
            (is_plain && !is_counted).then_some(Moving { what, field, window: Some((w.stream, w.over.0)) })
        };
        match number {
            Number::Whole(Whole::Field(field)) => Some(Moving { what: What::Own, field: Some(*field), window: None }),
            Number::Window(w) => match w.func {
                Func::Count => over(w, What::Count),
                Func::Delta => over(w, What::Delta),
                Func::Max => over(w, What::Greatest),
                Func::Min => over(w, What::Least),
                Func::Reversals => over(w, What::Reversals),
                Func::Slope => over(w, What::Slope(Ratio::whole(1))),
                _ => None,
            },
            Number::Arith(Arith::Sub, left, right) => match (&**left, &**right) {
                (Number::Window(max), Number::Window(min)) if (max.func, min.func) == (Func::Max, Func::Min) => {
                    let is_one = Window { func: Func::Max, ..Window::clone(min) } == **max;
                    over(max, What::Spread).filter(|_| is_one)
                }
                (Number::Window(max), Number::Whole(Whole::Field(field))) if max.func == Func::Max => {
                    over(max, What::Fallen).filter(|moving| moving.field == Some(*field))
                }
                _ => None,
            },
            Number::Arith(Arith::Mul, left, right) => {
                let slope = |number: &Number, times: &Number| match number {
                    Number::Window(w) if w.func == Func::Slope => over(w, What::Slope(fixed(times)?)),
                    _ => None,
                };
                slope(left, right).or_else(|| slope(right, left))
            }
            _ => None,
        }
    }
}

/// A constant above zero.
fn fixed(number: &Number) -> Option<Ratio> {
    let number = match number {
        Number::Whole(Whole::Fixed(n)) => Ratio::whole(*n),
        Number::Fixed(n) => *n,
        _ => return None,
    };
    (number.n > 0).then_some(number)
}

/// Whether it may be known of many instants at once, looking at no reading.
fn stays(number: &Number) -> bool {
    match number {
        Number::Whole(Whole::Fixed(_) | Whole::Profile(_)) | Number::Fixed(_) => true,
        Number::Whole(Whole::Field(_) | Whole::Now | Whole::Onset) | Number::Window(_) => false,
        Number::Neg(e) => stays(e),
        Number::Arith(_, left, right) => stays(left) && stays(right),
        Number::If(_, then, otherwise) => stays(then) && stays(otherwise),
    }
}
