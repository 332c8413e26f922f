//! What a window has seen it goes on seeing, until the readings that show it have left.
//!
//! More readings only raise a count, a maximum, a spread and the number of reversals, and only lower a minimum. So a comparison that the newest readings of a window decide
//! alone stays decided whatever else comes, as long as the first of them is still within.

use super::calm::Asked;
use super::rests::Rest;
use crate::eval::Ratio;
use crate::plan::{Anchor, Arith, Compare, Expr, Func, Measure, Window};
use crate::timeline::Column;

/// So many rows are looked through, from the newest on: what shows something is mostly near, and windows may be years long.
const FAR: usize = 512;

/// What more readings can change in one direction only.
#[derive(Clone, Copy)]
enum Sight<'e> {
    Count(&'e Window),
    Reversals(&'e Window),
    Greatest(&'e Window),
    Least(&'e Window),
    /// The greatest less the least.
    Spread(&'e Window),
}

impl<'a> Asked<'_, 'a> {
    /// As long as this holds of the next readings, `left op right` is false, as it is now: for the newest readings show it, whatever others come. `None`: it may be true,
    /// or nothing is known of it.
    pub fn outlasts(&self, op: Compare, left: &'a Expr, right: &'a Expr) -> Option<Rest> {
        self.shown(op, left, right).or_else(|| self.shown(op.mirrored(), right, left))
    }

    /// The same where the left is what windows have seen.
    pub fn shown(&self, op: Compare, left: &'a Expr, right: &'a Expr) -> Option<Rest> {
        if !may_show(Sight::of(left, self.anchor)?, op) {
            return None;
        }
        // A maximum and a minimum are compared as their spread is with nothing.
        let (sight, bound) = match Sight::spread(left, right, self.anchor) {
            Some(spread) => (spread, Ratio::ZERO),
            None => (Sight::of(left, self.anchor)?, self.fixed(right)?),
        };
        let window = sight.window();
        if window.stream != self.stream {
            return None;
        }
        let row = self.first_of_those_that_show(sight, bar(sight, op, bound)?)?;
        Some(Rest::Before(self.table.at(row).saturating_add(window.over.0)))
    }

    /// Whether the left is how far what one window has seen lies apart.
    pub fn is_spread(&self, left: &Expr) -> bool {
        matches!(left, Expr::Arith { op: Arith::Sub, left, right } if Sight::spread(left, right, self.anchor).is_some())
    }

    /// The last row of which it is true that from there on the window shows at least so much, or of a minimum at most.
    fn first_of_those_that_show(&self, sight: Sight<'_>, bar: i64) -> Option<usize> {
        let all = self.table.window(sight.window().over.0, self.table.at(self.row));
        let rows = all.start.max(all.end.saturating_sub(FAR))..all.end;
        let column = || match sight.window().what {
            Measure::Field(field) => self.table.column(field),
            _ => None,
        };
        let numbers = |column: &'a Column| rows.clone().rev().filter_map(move |row| Some((row, column.number(row)?)));
        match sight {
            Sight::Count(_) => {
                let many = usize::try_from(bar.max(1)).ok()?;
                all.end.checked_sub(many).filter(|row| all.contains(row))
            }
            Sight::Greatest(_) => numbers(column()?).find(|(_, n)| *n >= bar).map(|(row, _)| row),
            Sight::Least(_) => numbers(column()?).find(|(_, n)| *n <= bar).map(|(row, _)| row),
            Sight::Spread(_) => {
                let (mut low, mut high) = (i64::MAX, i64::MIN);
                let mut reached = numbers(column()?).filter(|(_, n)| {
                    (low, high) = (low.min(*n), high.max(*n));
                    high.saturating_sub(low) >= bar
                });
                reached.next().map(|(row, _)| row)
            }
            Sight::Reversals(_) => {
                let (at, numbers) = (self.table.instants(rows.clone()), column()?.numbers(rows.clone())?);
                let row = rows.start + turned(at, numbers, bar)?;
                // Of one instant their mean counts, and it is not known here.
                let is_tied = row.checked_sub(1).is_some_and(|before| self.table.at(before) == self.table.at(row));
                (!is_tied).then_some(row)
            }
        }
    }
}

impl<'e> Sight<'e> {
    fn of(expr: &'e Expr, anchor: Anchor) -> Option<Sight<'e>> {
        match expr {
            Expr::Window(w) if w.anchor == anchor && w.filter.is_none() && w.fresh.is_none() => match (w.func, w.what) {
                (Func::Count, Measure::Itself) => Some(Sight::Count(w)),
                (Func::Reversals, Measure::Field(_)) => Some(Sight::Reversals(w)),
                (Func::Max, Measure::Field(_)) => Some(Sight::Greatest(w)),
                (Func::Min, Measure::Field(_)) => Some(Sight::Least(w)),
                _ => None,
            },
            Expr::Arith { op: Arith::Sub, left, right } => Sight::spread(left, right, anchor),
            _ => None,
        }
    }

    /// Of the greatest and the least that one window sees.
    fn spread(greatest: &'e Expr, least: &'e Expr, anchor: Anchor) -> Option<Sight<'e>> {
        match (Sight::of(greatest, anchor)?, Sight::of(least, anchor)?) {
            (Sight::Greatest(max), Sight::Least(min)) => max.sees_what(min).then_some(Sight::Spread(max)),
            _ => None,
        }
    }

    fn window(self) -> &'e Window {
        match self {
            Sight::Count(w) | Sight::Reversals(w) | Sight::Greatest(w) | Sight::Least(w) | Sight::Spread(w) => w,
        }
    }
}

/// Whether more of what is seen may make `seen op bound` false for good.
fn may_show(sight: Sight<'_>, op: Compare) -> bool {
    match sight {
        Sight::Least(_) => matches!(op, Compare::Gt | Compare::Ge | Compare::Eq),
        _ => matches!(op, Compare::Lt | Compare::Le | Compare::Eq),
    }
}

/// From which number on what is seen makes `seen op bound` false for good; of a minimum down from which.
fn bar(sight: Sight<'_>, op: Compare, bound: Ratio) -> Option<i64> {
    let (floor, is_whole) = match bound.d {
        // Without two divisions of 128 bits.
        1 => (bound.n, true),
        d => (bound.n.div_euclid(d), bound.n.rem_euclid(d) == 0),
    };
    let ceiling = if is_whole { floor } else { floor + 1 };
    let bar = match (op, matches!(sight, Sight::Least(_))) {
        (Compare::Gt, true) => floor,
        (Compare::Ge | Compare::Eq, true) => ceiling - 1,
        (Compare::Lt, false) => ceiling,
        (Compare::Le | Compare::Eq, false) => floor + 1,
        _ => return None,
    };
    i64::try_from(bar).ok()
}

/// The last place from which on numbers turn at least so often, if no two of them are of one instant; whoever asks sees to it that none before is of the first's.
fn turned(at: &[i64], numbers: &[i64], often: i64) -> Option<usize> {
    use std::cmp::Ordering::Equal;
    let (mut turns, mut heading) = (0, Equal);
    for place in (0..numbers.len().checked_sub(1)?).rev() {
        if at[place] == at[place + 1] {
            return None;
        }
        let way = numbers[place + 1].cmp(&numbers[place]);
        if way.is_ne() {
            turns += i64::from(heading == way.reverse());
            heading = way;
        }
        if turns >= often {
            return Some(place);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use vitalog_elog::{FieldIx, Span, StreamIx};

    use super::*;
    use crate::eval::holds;

    fn window(func: Func) -> Window {
        let (what, over) = (Measure::Field(FieldIx(0)), Span::minutes(5));
        Window { func, stream: StreamIx(0), what, asks: None, filter: None, over, anchor: Anchor::Decision, fresh: None }
    }

    #[test]
    fn from_the_bar_on_it_is_false_for_good_and_not_before() {
        let (max, min) = (window(Func::Max), window(Func::Min));
        for op in [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne] {
            for (n, d) in [(6, 1), (-6, 1), (7, 2), (-7, 2), (1, 3), (0, 1)] {
                if op == Compare::Eq && n % d != 0 {
                    // No number is that one, which nobody asks for.
                    continue;
                }
                let is = |number: i64| holds(op, (i128::from(number) * d).cmp(&n));
                // What shows a number may come to show any that is greater, a minimum any that is less.
                let for_good = |number: i64| (number..40).all(|n| !is(n));
                let wanted = (-40..40).find(|number| for_good(*number)).filter(|number| *number > -40);
                assert_eq!(bar(Sight::Greatest(&max), op, Ratio { n, d }), wanted.filter(|bar| *bar < 39), "max {op:?} {n}/{d}");
                let for_good = |number: i64| (-40..=number).all(|n| !is(n));
                let wanted = (-40..40).rev().find(|number| for_good(*number)).filter(|number| *number < 39);
                assert_eq!(bar(Sight::Least(&min), op, Ratio { n, d }), wanted.filter(|bar| *bar > -40), "min {op:?} {n}/{d}");
            }
        }
    }

    #[test]
    fn turns_are_counted_from_the_end() {
        let mut dice = 5_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % n
        };
        let turns = |numbers: &[i64]| {
            let moves: Vec<_> = numbers.windows(2).map(|pair| pair[1].cmp(&pair[0])).filter(|way| way.is_ne()).collect();
            moves.windows(2).filter(|pair| pair[0] != pair[1]).count() as i64
        };
        for _ in 0..2_000 {
            let numbers: Vec<i64> = (0..below(12)).map(|_| below(4) as i64).collect();
            let at: Vec<i64> = (0..numbers.len() as i64).collect();
            let often = 1 + below(4) as i64;
            let wanted = (0..numbers.len()).rev().find(|from| turns(&numbers[*from..]) >= often);
            assert_eq!(turned(&at, &numbers, often), wanted, "{numbers:?} {often}");
        }
        assert_eq!(turned(&[1, 2, 2, 3], &[1, 3, 1, 3], 1), None, "of one instant their mean counts");
    }
}
