//! Windows of one length over neighbouring rows, gone along once.
//!
//! INVARIANT (strip): no two of its rows stand at one instant, nor does the row after them at that of the last, and each has a number; so the window of a row ends with that row, and the first and
//! last number of it are those of its first and last row.

use std::cmp::Ordering;
use std::ops::Range;

use vitalog_elog::FieldIx;

use crate::eval::Ratio;
use crate::plan::Compare;
use crate::timeline::{Column, Table};

/// Rows that are asked, and those before them that their windows see.
pub struct Strip<'t> {
    at: &'t [i64],
    numbers: &'t [i64],
    column: Option<&'t Column>,
    /// Where in the table its first row is.
    base: usize,
    /// Which of its rows is the first that is asked.
    asked: usize,
    over: i64,
}

/// Of more rows in a window the column is asked, which keeps extremes by blocks.
const FEW: usize = 64;

impl<'t> Strip<'t> {
    /// Without a field it has no numbers.
    pub fn of(table: &'t Table, field: Option<FieldIx>, over: i64, rows: Range<usize>) -> Option<Strip<'t>> {
        if over <= 0 {
            return None;
        }
        let base = table.begin_of_window(over, rows.start);
        let at = table.instants(base..rows.end);
        let tied = at.windows(2).fold(false, |tied, pair| tied | (pair[0] == pair[1]));
        if tied || (rows.end < table.len() && table.at(rows.end) == table.at(rows.end - 1)) {
            return None;
        }
        let column = match field {
            Some(field) => Some(table.column(field)?),
            None => None,
        };
        let numbers = match column {
            Some(column) => column.numbers(base..rows.end)?,
            None => &[],
        };
        Some(Strip { at, numbers, column, base, asked: rows.start - base, over })
    }

    /// The first row that is asked whose window comes to a number between two; the end if there is none.
    pub fn first_of(&self, number: impl Fn(&Self, usize, usize) -> Option<i64>, low: i64, high: i64) -> Option<usize> {
        let mut from = 0;
        for row in self.asked..self.at.len() {
            let after = self.at[row].saturating_sub(self.over);
            while self.at[from] <= after {
                from += 1;
            }
            // What is beyond all whole numbers may be anything.
            if number(self, from, row).is_none_or(|number| low <= number && number <= high) {
                return Some(self.base + row);
            }
        }
        Some(self.base + self.at.len())
    }

    pub fn count(&self, from: usize, to: usize) -> Option<i64> {
        Some((to - from + 1) as i64)
    }

    pub fn delta(&self, from: usize, to: usize) -> Option<i64> {
        self.numbers[to].checked_sub(self.numbers[from])
    }

    pub fn greatest(&self, from: usize, to: usize) -> Option<i64> {
        Some(self.extremes(from, to).1)
    }

    pub fn least(&self, from: usize, to: usize) -> Option<i64> {
        Some(self.extremes(from, to).0)
    }

    pub fn spread(&self, from: usize, to: usize) -> Option<i64> {
        let (least, greatest) = self.extremes(from, to);
        greatest.checked_sub(least)
    }

    pub fn fallen(&self, from: usize, to: usize) -> Option<i64> {
        self.extremes(from, to).1.checked_sub(self.numbers[to])
    }

    /// The spread of all of its rows, which no window's is above.
    pub fn spread_of_all(&self) -> Option<i64> {
        self.spread(0, self.at.len().checked_sub(1)?)
    }

    fn extremes(&self, from: usize, to: usize) -> (i64, i64) {
        if to - from >= FEW
            && let Some(found) = self.column.and_then(|column| column.extremes(self.base + from, self.base + to + 1))
        {
            return found;
        }
        self.numbers[from..=to].iter().fold((i64::MAX, i64::MIN), |(low, high), n| (low.min(*n), high.max(*n)))
    }

    /// The first row that is asked of whose window so many times the slope may satisfy a comparison with some bound between two. The slope of the line through readings lies between the least and the
    /// greatest of those from one to the next.
    pub fn first_sloping(&self, op: Compare, times: Ratio, least: Ratio, greatest: Ratio) -> Option<usize> {
        let falls = matches!(op, Compare::Lt | Compare::Le);
        let bound = match op {
            Compare::Lt | Compare::Le => greatest,
            Compare::Gt | Compare::Ge => least,
            Compare::Eq | Compare::Ne => return None,
        };
        let by = times.n.checked_mul(bound.d)?;
        let than = bound.n.checked_mul(times.d)?;
        // The last row from which to the next it goes as steeply.
        let (mut steep, mut from) = (None, 0);
        for row in 0..self.at.len() {
            if let Some(before) = row.checked_sub(1) {
                let rise = i128::from(self.numbers[row]) - i128::from(self.numbers[before]);
                let time = i128::from(self.at[row]) - i128::from(self.at[before]);
                let order = rise.checked_mul(by)?.cmp(&than.checked_mul(time)?);
                if if falls { order.is_le() } else { order.is_ge() } {
                    steep = Some(before);
                }
            }
            if row < self.asked {
                continue;
            }
            let after = self.at[row].saturating_sub(self.over);
            while self.at[from] <= after {
                from += 1;
            }
            if steep.is_some_and(|steep| steep >= from) {
                return Some(self.base + row);
            }
        }
        Some(self.base + self.at.len())
    }

    /// The first row that is asked in whose window numbers turn so often.
    pub fn first_turning(&self, low: i64, high: i64) -> Option<usize> {
        // Each turn by the row from which it is seen: that before the change that it turns.
        let mut seen_from: Vec<usize> = Vec::new();
        let (mut heading, mut changed, mut left, mut from) = (Ordering::Equal, 0, 0, 0);
        for row in 0..self.at.len() {
            if let Some(before) = row.checked_sub(1) {
                let way = self.numbers[row].cmp(&self.numbers[before]);
                if way.is_ne() {
                    if heading == way.reverse() {
                        seen_from.push(changed);
                    }
                    (heading, changed) = (way, before);
                }
            }
            if row < self.asked {
                continue;
            }
            let after = self.at[row].saturating_sub(self.over);
            while self.at[from] <= after {
                from += 1;
            }
            while seen_from.get(left).is_some_and(|seen| *seen < from) {
                left += 1;
            }
            let turns = (seen_from.len() - left) as i64;
            if low <= turns && turns <= high {
                return Some(self.base + row);
            }
        }
        Some(self.base + self.at.len())
    }
}

#[cfg(test)]
mod tests {
    use vitalog_elog::{Amount, Content, Dimension, ReadingId, StreamIx, Time, Value, When};

    use super::*;
    use crate::timeline::Mark;

    fn table(rows: &[(i64, i64)]) -> Table {
        let mut table = Table::default();
        for (i, (at, number)) in rows.iter().enumerate() {
            let amount = Amount { digits: *number, scale: 0, unit: Dimension::Count.usual_unit() };
            let values = vec![Some(Value::Quantity(amount))].into();
            let content = Content { stream: StreamIx(0), when: When::At(Time(*at)), values, source: None, seq: None };
            table.insert(*at, Mark { id: ReadingId(i as u128), hash: 0, rev: 1, plain: true }, &content, None);
        }
        table
    }

    /// What a window comes to, walked through.
    type Walk = fn(&[i64]) -> i64;

    fn turns(numbers: &[i64]) -> i64 {
        let moves: Vec<_> = numbers.windows(2).map(|pair| pair[1].cmp(&pair[0])).filter(|way| way.is_ne()).collect();
        moves.windows(2).filter(|pair| pair[0] != pair[1]).count() as i64
    }

    #[test]
    fn going_along_finds_what_walks_through_each_window_find() {
        let one = Amount { digits: 1, scale: 0, unit: Dimension::Count.usual_unit() }.atoms();
        let mut dice = 11_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((dice >> 33) % n) as i64
        };
        let extreme = |n: &[i64]| (n.iter().copied().min().unwrap_or(0), n.iter().copied().max().unwrap_or(0));
        let (mut told, mut tied) = (0, 0);
        for step in 0..3_000 {
            let (mut at, many, pace) = (0, 1 + below(if step % 9 == 0 { 200 } else { 20 }), 1 + below(4) as u64);
            let rows: Vec<(i64, i64)> = (0..many)
                .map(|_| {
                    at += i64::from(below(40) > 0) * (1 + below(pace));
                    (at, below(9))
                })
                .collect();
            let table = table(&rows);
            let (from, over) = (below(rows.len() as u64) as usize, 1 + below(if step % 9 == 0 { 200 } else { 12 }));
            let end = from + 1 + below((rows.len() - from) as u64) as usize;
            let low = below(8);
            let high = if below(2) == 0 { i64::MAX } else { low + below(3) };
            let Some(strip) = Strip::of(&table, Some(FieldIx(0)), over, from..end) else {
                tied += 1;
                continue;
            };
            let numbers = |row: usize| -> Vec<i64> {
                let seen = rows[..=row].iter().filter(|(at, _)| *at > rows[row].0 - over);
                seen.map(|(_, n)| *n).collect()
            };
            let first = |walk: &dyn Fn(&[i64]) -> i64| {
                (from..end).find(|row| (low..=high).contains(&walk(&numbers(*row)))).unwrap_or(end)
            };
            let scaled = high.saturating_mul(one);
            let along = |number: fn(&Strip<'_>, usize, usize) -> Option<i64>| strip.first_of(number, low * one, scaled);
            assert_eq!(
                strip.first_of(|s, a, b| s.count(a, b), low, high),
                Some(first(&|n| n.len() as i64)),
                "count, step {step}"
            );
            assert_eq!(strip.first_turning(low, high), Some(first(&(turns as Walk))), "turns, step {step}");
            assert_eq!(along(|s, a, b| s.delta(a, b)), Some(first(&|n| n[n.len() - 1] - n[0])), "delta, step {step}");
            assert_eq!(along(|s, a, b| s.greatest(a, b)), Some(first(&|n| extreme(n).1)), "greatest, step {step}");
            assert_eq!(along(|s, a, b| s.least(a, b)), Some(first(&|n| extreme(n).0)), "least, step {step}");
            assert_eq!(along(|s, a, b| s.spread(a, b)), Some(first(&|n| extreme(n).1 - extreme(n).0)), "spread, step {step}");
            assert_eq!(along(|s, a, b| s.fallen(a, b)), Some(first(&|n| extreme(n).1 - n[n.len() - 1])), "fallen, step {step}");
            told += 1;
        }
        assert!(told > 1_500 && tied > 100, "{told} {tied}");
    }
}
