//! A mean stays on its side of a bound while readings do.
//!
//! What comes on the side of the bound on which the mean is only keeps it there; what leaves the window may take it across, but not before its time. So a comparison of a mean with a bound rests until
//! the first reading leaves without which the rest of the window would lie on the other side.

use super::calm::{Asked, false_around};
use super::rests::{Band, Rest, Rests};
use crate::eval::Ratio;
use crate::plan::{Compare, Expr, Func, Measure, Window};

/// Of more readings the mean is asked for each time.
const FAR: usize = 512;

impl<'a> Asked<'_, 'a> {
    /// As long as this holds of the next readings, `left op right` is false, as it is now: one side is a mean, and readings stay where it is. `None`: it may be true, or nothing is known of it.
    pub fn balances(&self, op: Compare, left: &'a Expr, right: &'a Expr) -> Option<Rests> {
        self.weighed(op, left, right).or_else(|| self.weighed(op.mirrored(), right, left))
    }

    fn weighed(&self, op: Compare, mean: &Expr, bound: &'a Expr) -> Option<Rests> {
        let Expr::Window(w) = mean else { return None };
        let Window { func: Func::Avg, what: Measure::Field(field), filter: None, fresh: None, over, anchor, stream, .. } = **w
        else {
            return None;
        };
        if stream != self.stream || anchor != self.anchor {
            return None;
        }
        let (column, now) = (self.table.column(field)?, self.table.at(self.row));
        let bound = self.fixed(bound)?;
        let (low, high) = false_around(column.number(self.row)?, op, bound)?;
        let rows = self.table.window(over.0, now);
        if rows.len() > FAR {
            return None;
        }
        let from = rows.start;
        let numbers = rows.rev().map(|row| (row, column.number(row)));
        let until = match lost_with(numbers, op, bound)? {
            Some(row) if row > from => self.table.at(row - 1).saturating_add(over.0),
            // It is true now.
            Some(_) => return None,
            None => i64::MAX,
        };
        let gap = self.row.checked_sub(1).map_or(0, |row| now.saturating_sub(self.table.at(row)));
        // Whoever wakes at the next reading is as well asked.
        if until <= now.saturating_add(gap) {
            return None;
        }
        let mut rests = Rests::from(Rest::Within(Band { field, low, high }));
        if until < i64::MAX {
            rests.push(Rest::Before(until));
        }
        Some(rests)
    }
}

/// The first of some rows, told from the newest back, from which on the numbers have a mean of which `mean op bound` may come true with one more for which it is false: so it stays false until the
/// row before leaves. `None` within: it does whatever leaves. `None`: that is not known.
fn lost_with(numbers: impl Iterator<Item = (usize, Option<i64>)>, op: Compare, bound: Ratio) -> Option<Option<usize>> {
    let is_above = match op {
        Compare::Gt | Compare::Ge => true,
        Compare::Lt | Compare::Le => false,
        Compare::Eq | Compare::Ne => return None,
    };
    let (mut lost, mut excess) = (None, 0_i128);
    for (row, number) in numbers {
        if let Some(number) = number {
            let over = i128::from(number).checked_mul(bound.d)?.checked_sub(bound.n)?;
            excess = excess.checked_add(if is_above { over } else { over.checked_neg()? })?;
        }
        if excess > 0 {
            lost = Some(row);
        }
    }
    // That of all of them must be false as it is.
    let is_false = excess < 0 || excess == 0 && matches!(op, Compare::Gt | Compare::Lt);
    is_false.then_some(lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::holds;

    /// Numbers by chance, the same each time.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> i64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) % n) as i64
        }
    }

    /// Whether a comparison is true of the mean of the numbers that there are.
    fn is(numbers: &[Option<i64>], op: Compare, bound: Ratio) -> bool {
        let (sum, many) = (numbers.iter().flatten().sum::<i64>(), numbers.iter().flatten().count());
        many > 0 && holds(op, (i128::from(sum) * bound.d).cmp(&(bound.n * many as i128)))
    }

    #[test]
    fn it_stays_false_until_a_row_leaves_that_kept_it_so_and_may_be_true_then() {
        let (mut dice, mut limited, mut free) = (Dice(3), 0, 0);
        for round in 0..4_000 {
            let op = [Compare::Gt, Compare::Ge, Compare::Lt, Compare::Le][round % 4];
            let bound = Ratio { n: i128::from(dice.below(20)), d: i128::from(1 + dice.below(3)) };
            let mut numbers: Vec<Option<i64>> = (0..dice.below(7)).map(|_| (dice.below(4) > 0).then(|| dice.below(12))).collect();
            numbers.push(Some(dice.below(12)));
            let told = lost_with(numbers.iter().copied().enumerate().rev(), op, bound);
            assert_eq!(told.is_none(), is(&numbers, op, bound), "{numbers:?} {op:?} {bound:?}");
            let Some(lost) = told else { continue };
            // As many leave as may, then others come that stay on the side: it is false all the while.
            let most = lost.map_or(numbers.len(), |row| row.saturating_sub(1));
            let fits = |n: &i64| !is(&[Some(*n)], op, bound);
            for leave in 0..=most {
                let mut left = numbers[leave..].to_vec();
                for _ in 0..3 {
                    let other = std::iter::repeat_with(|| dice.below(23) - 1).find(fits);
                    left.push(other);
                    assert!(!is(&left, op, bound), "{numbers:?} without {leave}: {left:?} {op:?} {bound:?}");
                }
            }
            // One more, and it is true.
            if let Some(row) = lost {
                assert!(is(&numbers[row..], op, bound), "{numbers:?} {op:?} {bound:?}");
                limited += 1;
            } else {
                free += 1;
            }
        }
        assert!(limited > 200 && free > 500, "{limited} {free}");
    }
}
