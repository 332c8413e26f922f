//! How often the numbers of a column turned, counted up row by row, so that a long window is two look-ups and not a walk.

use std::cmp::Ordering;
use std::ops::Range;

use crate::newest::first_not;

/// Of the rows of a column, as far as anybody asked and nothing changed since.
#[derive(Debug, Default)]
pub struct Turns {
    /// After each row.
    upto: Vec<Upto>,
}

/// What came by a row.
#[derive(Clone, Copy, Debug)]
struct Upto {
    /// So many rows say something else than the one before them.
    changes: u32,
    /// Of these so many go the other way than the last of them did.
    turns: u32,
    /// So many rows stand at the instant of the one before them.
    ties: u32,
    /// Which way the last change went.
    heading: Ordering,
}

impl Turns {
    /// How often the numbers of some rows turn, if no two of them are of one instant; `at` and `numbers` are those of all rows up to the last of them.
    pub fn between(&mut self, rows: Range<usize>, at: &[i64], numbers: &[i64]) -> Option<u32> {
        for row in self.upto.len()..rows.end {
            let next = match row.checked_sub(1) {
                None => Upto { changes: 0, turns: 0, ties: 0, heading: Ordering::Equal },
                Some(before) => self.upto[before].and(at[row] == at[before], numbers[row].cmp(&numbers[before])),
            };
            self.upto.push(next);
        }
        let all = self.upto.get(rows)?;
        let (first, last) = (all.first()?, all.last()?);
        if first.ties != last.ties {
            return None;
        }
        // The first change within turns nothing: it has none before it.
        let changed = first_not(all, |upto| upto.changes <= first.changes);
        Some(all.get(changed).map_or(0, |upto| last.turns - upto.turns))
    }

    /// A row came in at this place or went from it.
    pub fn changed(&mut self, row: usize) {
        self.upto.truncate(row);
    }
}

impl Upto {
    fn and(self, is_tie: bool, way: Ordering) -> Upto {
        let moves = way.is_ne();
        Upto {
            changes: self.changes + u32::from(moves),
            turns: self.turns + u32::from(moves && self.heading == way.reverse()),
            ties: self.ties + u32::from(is_tie),
            heading: if moves { way } else { self.heading },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(numbers: &[i64]) -> u32 {
        let (mut turns, mut heading) = (0, Ordering::Equal);
        for pair in numbers.windows(2) {
            let way = pair[1].cmp(&pair[0]);
            if way.is_ne() {
                turns += u32::from(heading == way.reverse());
                heading = way;
            }
        }
        turns
    }

    #[test]
    fn counts_say_what_a_walk_says() {
        let mut rows: Vec<(i64, i64)> = (0..600).map(|i| (i, i * 37 % 11 / 3)).collect();
        let mut turns = Turns::default();
        let (mut untied, mut turned) = (0, 0);
        for step in 0..4_000_usize {
            let place = step * 7919 % rows.len();
            match step % 7 {
                0 => {
                    // Now and then at the instant of another.
                    let at = rows[place].0;
                    rows.insert(place, (at, (step % 5) as i64));
                    turns.changed(place);
                }
                1 | 2 => {
                    rows.remove(place);
                    turns.changed(place);
                }
                _ => rows.push((rows.last().map_or(0, |row| row.0) + 1, (step * step % 13) as i64)),
            }
            let from = step * 31 % rows.len();
            let to = (from + step % 90).min(rows.len());
            let (at, numbers): (Vec<i64>, Vec<i64>) = rows.iter().copied().unzip();
            let is_tied = at[from..to].windows(2).any(|pair| pair[0] == pair[1]);
            let meant = (from < to && !is_tied).then(|| walked(&numbers[from..to]));
            assert_eq!(turns.between(from..to, &at, &numbers), meant, "step {step}, rows {from}..{to}");
            untied += u32::from(meant.is_some());
            turned += meant.unwrap_or(0);
        }
        assert!(untied > 500 && turned > 5_000, "{untied} {turned}");
    }
}
