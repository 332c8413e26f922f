//! The least and the greatest of blocks of rows, so that a long window looks at blocks and not at rows.

/// Rows in a block.
const BLOCK: usize = 64;

/// Of each whole block of a column, as far as anybody asked and nothing changed since.
#[derive(Debug, Default)]
pub struct Extremes {
    /// Least and greatest; of a block without numbers the least is above the greatest.
    blocks: Vec<(i64, i64)>,
}

const NONE: (i64, i64) = (i64::MAX, i64::MIN);

impl Extremes {
    /// The least and the greatest number of the rows `from..to`, if there is one.
    pub fn between(&mut self, from: usize, to: usize, number: impl Fn(usize) -> Option<i64>) -> Option<(i64, i64)> {
        let of = |rows: std::ops::Range<usize>| rows.filter_map(&number).fold(NONE, |(low, high), n| (low.min(n), high.max(n)));
        let (first, last) = (from.div_ceil(BLOCK), to / BLOCK);
        let (low, high) = if first >= last {
            of(from..to)
        } else {
            for block in self.blocks.len()..last {
                self.blocks.push(of(block * BLOCK..(block + 1) * BLOCK));
            }
            let inner = self.blocks[first..last].iter();
            let edges = [of(from..first * BLOCK), of(last * BLOCK..to)];
            inner.chain(&edges).fold(NONE, |all, part| (all.0.min(part.0), all.1.max(part.1)))
        };
        (low <= high).then_some((low, high))
    }

    /// A row came in at this place or went from it.
    pub fn changed(&mut self, row: usize) {
        self.blocks.truncate(row / BLOCK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_say_what_their_rows_say() {
        let mut values: Vec<Option<i64>> = (0..1_000).map(|i| (i % 5 != 0).then_some(i * 131 % 977)).collect();
        values[200..400].fill(None);
        let mut extremes = Extremes::default();
        for step in 0..2_000_usize {
            let place = step * 7919 % values.len();
            match step % 13 {
                0 => {
                    values.insert(place, Some(step as i64));
                    extremes.changed(place);
                }
                1 => {
                    values.remove(place);
                    extremes.changed(place);
                }
                _ => {}
            }
            let from = step * 31 % values.len();
            let to = (from + step % 701).min(values.len());
            let said = values[from..to].iter().flatten();
            let wanted = said.clone().min().zip(said.max()).map(|(a, b)| (*a, *b));
            assert_eq!(extremes.between(from, to, |row| values[row]), wanted, "step {step}, rows {from}..{to}");
        }
    }
}
