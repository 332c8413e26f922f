//! How fast a number moves from one reading to the next, and so how steep a line through readings can be.
//!
//! The least-squares line through readings is no steeper than the steepest step between two neighbours among them, and no flatter than the flattest: its slope is a mean of the
//! steps' with weights that are not negative. So a rule that waits for a steep fall rests as long as no step falls steeply, however many come.
//!
//! INVARIANT (steps): as long as each step between two neighbours within a window lies strictly on one side of a slope, so does the slope of the window, or it is unknown.

use super::calm::Asked;
use super::rests::{Band, Rest};
use crate::eval::Ratio;
use crate::plan::{Arith, Compare, Expr, Func, Measure, Window};

/// Paces are of an hour, in microseconds: whole numbers of atoms tell them finely enough.
const HOUR: i64 = 3_600_000_000;

/// What a number would move by in an hour, rounded down, that moves so from one reading to the next, so many microseconds later. `None` where they came at once or it does not fit.
#[inline]
pub fn pace(before: i64, number: i64, after: i64) -> Option<i64> {
    if after <= 0 {
        return None;
    }
    let way = i128::from(number) - i128::from(before);
    i64::try_from((way * i128::from(HOUR)).div_euclid(i128::from(after))).ok()
}

impl<'a> Asked<'_, 'a> {
    /// The paces of the readings to come with which `left op right` cannot be true, where the left is a slope or some times that.
    pub fn paced(&self, op: Compare, left: &'a Expr, right: &'a Expr) -> Option<Rest> {
        let (window, times) = self.sloping(left)?;
        let Measure::Field(field) = window.what else { return None };
        if !self.ends_with_newest(window) {
            return None;
        }
        let (least, greatest) = self.extent(right)?;
        let (bound, is_fall) = match op {
            Compare::Lt | Compare::Le => (greatest, times.n > 0),
            Compare::Gt | Compare::Ge => (least, times.n < 0),
            Compare::Eq | Compare::Ne => return None,
        };
        let bound = i64::try_from(bound.div(times)?.mul(Ratio::whole(HOUR))?.floor()).ok()?;
        // Paces are rounded down, so these are on the one side whatever was rounded off.
        let (low, high) = if is_fall { (bound.checked_add(1)?, i64::MAX) } else { (i64::MIN, bound.checked_sub(1)?) };
        let rows = self.table.window(window.over.0, self.table.at(self.row));
        let (at, numbers) = (self.table.instants(rows.clone()), self.table.column(field)?.numbers(rows)?);
        let steps = at.windows(2).zip(numbers.windows(2));
        let mut paces = steps.map(|(at, numbers)| pace(numbers[0], numbers[1], at[1].saturating_sub(at[0])));
        paces.all(|pace| pace.is_some_and(|pace| low <= pace && pace <= high)).then_some(Rest::Paced(Band { field, low, high }))
    }

    /// A window's slope, and how many times that.
    fn sloping(&self, expr: &'a Expr) -> Option<(&'a Window, Ratio)> {
        match expr {
            Expr::Window(w) if w.func == Func::Slope => Some((w, Ratio::whole(1))),
            Expr::Arith { op: Arith::Mul, left, right } => {
                let (slope, times) = match self.sloping(left) {
                    Some(found) => (found, self.fixed(right)?),
                    None => (self.sloping(right)?, self.fixed(left)?),
                };
                Some((slope.0, slope.1.mul(times)?))
            }
            _ => None,
        }
    }

    /// The least and the greatest that an expression may come to, if it hangs on no reading but for which of several it is.
    fn extent(&self, expr: &'a Expr) -> Option<(Ratio, Ratio)> {
        let Expr::If { then, otherwise, .. } = expr else { return self.fixed(expr).map(|n| (n, n)) };
        let ((a, b), (c, d)) = (self.extent(then)?, self.extent(otherwise)?);
        Some((if a.compare(c).is_le() { a } else { c }, if b.compare(d).is_ge() { b } else { d }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_rounded_down_and_of_what_comes_at_once_there_is_none() {
        assert_eq!((pace(0, 1, HOUR), pace(0, 3, 2 * HOUR), pace(0, -3, 2 * HOUR)), (Some(1), Some(1), Some(-2)));
        assert_eq!((pace(0, 1, 0), pace(i64::MIN, i64::MAX, 1), pace(7, 7, i64::MAX)), (None, None, Some(0)));
    }
}
