//! How far the newest number lies from the greatest or the least that a window has seen: below what a rule asks for while numbers stay in a band that is as wide as that.
//!
//! The band lies around the newest number, as far as what the window has seen lets it: where numbers go from here is what keeps a rule at rest or wakes it.
//!
//! INVARIANT (swing): of numbers that all lie in a band none lies farther from another than the band is wide; and the band has in it whatever a window to come may still see on that
//! side from which the distance is measured.

use super::calm::Asked;
use super::rests::Band;
use crate::eval::Ratio;
use crate::plan::{Arith, Compare, Expr, Func, Measure, Ref, Window};

/// From where the newest number is measured.
#[derive(Clone, Copy)]
enum From {
    Greatest,
    Least,
}

impl<'a> Asked<'_, 'a> {
    /// The band in which `left op right` is false, where the left is how far the newest number lies from one that a window has seen.
    pub fn swung(&self, op: Compare, left: &'a Expr, right: &'a Expr, of: Ref) -> Option<Band> {
        let (from, window) = self.distance(op, left, of)?;
        let Measure::Field(field) = window.what else { return None };
        let asked = self.fixed(right)?;
        // A fall is less than nothing where the last is compared with the first.
        let (op, asked) = if matches!(op, Compare::Lt | Compare::Le) { (op.mirrored(), asked.neg()?) } else { (op, asked) };
        let widest = i64::try_from(widest(op, asked)?).ok().filter(|widest| *widest >= 0)?;
        let column = self.table.column(field)?;
        let rows = self.table.window(window.over.0, self.table.at(self.row));
        let (newest, (least, greatest)) = (column.number(self.row)?, column.extremes(rows.start, rows.end)?);
        let (low, high) = match from {
            From::Greatest => {
                let high = greatest.max(newest.checked_add(widest / 2)?);
                (high.checked_sub(widest)?, high)
            }
            From::Least => {
                let low = least.min(newest.checked_sub(widest / 2)?);
                (low, low.checked_add(widest)?)
            }
        };
        (low <= newest && newest <= high).then_some(Band { field, low, high })
    }

    /// `max - value`, `value - min`, or `delta`, whose first number is one of those between the least and the greatest.
    fn distance(&self, op: Compare, left: &'a Expr, of: Ref) -> Option<(From, &'a Window)> {
        let is_more = matches!(op, Compare::Gt | Compare::Ge);
        let of_window = |expr: &'a Expr, func: Func| match expr {
            Expr::Window(w) if w.func == func && self.ends_with_newest(w) => Some(&**w),
            _ => None,
        };
        let is_value = |expr: &Expr, w: &Window| matches!(expr, Expr::Get { of: asked, what } if *asked == of && *what == w.what);
        match (left, op) {
            (Expr::Window(w), Compare::Ge | Compare::Gt) if w.func == Func::Delta && self.ends_with_newest(w) => {
                Some((From::Least, w))
            }
            (Expr::Window(w), Compare::Le | Compare::Lt) if w.func == Func::Delta && self.ends_with_newest(w) => {
                Some((From::Greatest, w))
            }
            (Expr::Arith { op: Arith::Sub, left, right }, _) if is_more => {
                let fallen = of_window(left, Func::Max).filter(|w| is_value(right, w)).map(|w| (From::Greatest, w));
                fallen.or_else(|| of_window(right, Func::Min).filter(|w| is_value(left, w)).map(|w| (From::Least, w)))
            }
            _ => None,
        }
    }
}

/// The greatest whole number of which `number op bound` is false.
fn widest(op: Compare, bound: Ratio) -> Option<i128> {
    let (floor, is_whole) = (bound.floor(), bound.n.rem_euclid(bound.d) == 0);
    match op {
        Compare::Ge if is_whole => floor.checked_sub(1),
        Compare::Ge | Compare::Gt => Some(floor),
        _ => None,
    }
}
