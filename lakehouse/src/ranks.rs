//! Keys of readings that are told apart by numbers: a text by its rank among all texts of its column.
//!
//! There are few subjects and streams beside readings, so a comparison of two rows need not look at either's text, which lies anywhere in memory.

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use foldhash::{HashMap, HashMapExt};

/// Ordered as two columns of text and two of instants are, what is not there last: two ranks, the second with a last bit that says that the first instant is not there, that instant, whether the second
/// is not there, and the second.
pub type Key = (u32, u32, i64, (bool, i64));

/// The keys of all rows of batches, of each its columns in their order. `None` where the columns are others.
pub fn keys(batches: &[Vec<ArrayRef>]) -> Option<Vec<Vec<Key>>> {
    let column = |place: usize| batches.iter().map(move |columns| columns.get(place));
    if batches.iter().any(|columns| columns.len() != 4) {
        return None;
    }
    let (first, second) = (ranks(column(0))?, ranks(column(1))?);
    let times = |place: usize| column(place).map(|column| column?.as_primitive_opt::<TimestampMicrosecondType>());
    let mut keys = Vec::with_capacity(batches.len());
    for (((first, second), at), start) in first.into_iter().zip(second).zip(times(2)).zip(times(3)) {
        let ranks = first.into_iter().zip(second);
        let rows = ranks.zip(at?).zip(start?).map(|(((first, second), at), start)| {
            (first, second << 1 | u32::from(at.is_none()), at.unwrap_or(0), (start.is_none(), start.unwrap_or(0)))
        });
        keys.push(rows.collect());
    }
    Some(keys)
}

/// What is not there; shifted by a bit it is greater than all others still.
const NOTHING: u32 = u32::MAX >> 1;

/// The rank of each text among all. `None` where a column is not text.
fn ranks<'a>(columns: impl Iterator<Item = Option<&'a ArrayRef>>) -> Option<Vec<Vec<u32>>> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut found = Vec::new();
    for column in columns {
        let texts = column?.as_string_view_opt()?;
        // The stream of a batch is one.
        let mut last: Option<(&str, u32)> = None;
        let mut number = |text: &'a str| match last {
            Some((known, number)) if known == text => number,
            _ => {
                let next = numbers.len() as u32;
                let number = *numbers.entry(text).or_insert(next);
                last = Some((text, number));
                number
            }
        };
        found.push(texts.iter().map(|text| text.map_or(NOTHING, &mut number)).collect::<Vec<_>>());
    }
    let mut texts: Vec<(&str, u32)> = numbers.into_iter().collect();
    texts.sort_unstable();
    let mut rank = vec![0; texts.len()];
    for (place, (_, number)) in (0_u32..).zip(texts) {
        rank[number as usize] = place;
    }
    for code in found.iter_mut().flatten().filter(|code| **code != NOTHING) {
        *code = rank[*code as usize];
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Int64Array, StringViewArray, TimestampMicrosecondArray};
    use datafusion::arrow::row::{RowConverter, SortField};

    use super::*;
    use crate::sorted::ORDER;

    #[test]
    fn keys_are_ordered_as_rows_are() {
        let mut dice = 7_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % n
        };
        let names = ["", "a", "ab", "s-1", "s-10", "s-2", "é", "zz zz zz zz zz zz zz zz zz"];
        let mut batches: Vec<Vec<ArrayRef>> = Vec::new();
        for _ in 0..3 {
            let rows = 40;
            let mut text = || -> ArrayRef {
                let drawn = (0..rows).map(|_| names.get(below(9) as usize).copied());
                Arc::new(drawn.collect::<StringViewArray>())
            };
            let (subject, stream) = (text(), text());
            let mut time = || -> ArrayRef {
                let drawn =
                    (0..rows).map(|_| [Some(i64::MIN), Some(-1), Some(0), Some(5), Some(i64::MAX), None][below(6) as usize]);
                Arc::new(drawn.collect::<TimestampMicrosecondArray>())
            };
            let (at, start) = (time(), time());
            batches.push(vec![subject, stream, at, start]);
        }
        let keys = keys(&batches).expect("texts and instants");
        let fields = batches[0].iter().map(|column| SortField::new_with_options(column.data_type().clone(), ORDER));
        let converter = RowConverter::new(fields.collect()).expect("known types");
        let rows: Vec<_> = batches.iter().map(|columns| converter.convert_columns(columns).expect("rows")).collect();
        let all: Vec<(usize, usize)> = (0..3).flat_map(|batch| (0..40).map(move |row| (batch, row))).collect();
        for a in &all {
            for b in &all {
                assert_eq!(keys[a.0][a.1].cmp(&keys[b.0][b.1]), rows[a.0].row(a.1).cmp(&rows[b.0].row(b.1)), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn of_other_columns_it_says_nothing() {
        assert!(keys(&[vec![Arc::new(Int64Array::from(vec![1]))]]).is_none());
    }
}
