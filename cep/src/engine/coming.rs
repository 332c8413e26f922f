//! A reading as those at rest see it: what it says, when it comes, and what came before it.

use vitalog_elog::{Content, FieldIx, Value};

use crate::decide::{Band, pace};
use crate::timeline::Table;

/// The newest reading of a table.
#[derive(Clone, Copy)]
pub struct Newest<'a> {
    table: &'a Table,
    row: usize,
    pub at: i64,
    /// How long after the one before.
    pub after: i64,
}

/// A reading that is not in its table yet, and is the newest when it is. What it says is what its row will: so much is for who puts it there to see.
#[derive(Clone, Copy)]
pub struct Coming<'a> {
    pub content: &'a Content,
    /// What came before.
    pub table: Option<&'a Table>,
    pub at: i64,
    /// How long after the one before.
    pub after: i64,
}

/// A reading that may wake who rests.
pub trait Told {
    fn at(&self) -> i64;
    /// How long after the one before.
    fn after(&self) -> i64;
    /// How many rows its table has with it.
    fn rows(&self) -> i64;
    fn number(&self, field: FieldIx) -> Option<i64>;
    /// The number of the reading before.
    fn former(&self, field: FieldIx) -> Option<i64>;
    fn says(&self, field: FieldIx) -> bool;

    #[inline]
    fn is_inside(&self, band: &Band) -> bool {
        self.number(band.field).is_some_and(|n| band.low <= n && n <= band.high)
    }

    /// How fast a number moved.
    #[inline]
    fn pace(&self, field: FieldIx) -> Option<i64> {
        pace(self.former(field)?, self.number(field)?, self.after())
    }

    #[inline]
    fn is_paced(&self, band: &Band) -> bool {
        self.pace(band.field).is_some_and(|n| band.low <= n && n <= band.high)
    }
}

impl<'a> Newest<'a> {
    #[inline]
    pub fn of(table: &'a Table) -> Option<Newest<'a>> {
        let row = table.len().checked_sub(1)?;
        let at = table.at(row);
        let after = row.checked_sub(1).map_or(i64::MAX, |before| at.saturating_sub(table.at(before)));
        Some(Newest { table, row, at, after })
    }
}

impl Told for Newest<'_> {
    #[inline]
    fn at(&self) -> i64 {
        self.at
    }

    #[inline]
    fn after(&self) -> i64 {
        self.after
    }

    #[inline]
    fn rows(&self) -> i64 {
        self.row as i64 + 1
    }

    #[inline]
    fn number(&self, field: FieldIx) -> Option<i64> {
        self.table.column(field).and_then(|column| column.number(self.row))
    }

    #[inline]
    fn former(&self, field: FieldIx) -> Option<i64> {
        self.table.column(field)?.number(self.row.checked_sub(1)?)
    }

    #[inline]
    fn says(&self, field: FieldIx) -> bool {
        self.table.column(field).is_some_and(|column| column.has(self.row))
    }
}

impl Told for Coming<'_> {
    #[inline]
    fn at(&self) -> i64 {
        self.at
    }

    #[inline]
    fn after(&self) -> i64 {
        self.after
    }

    #[inline]
    fn rows(&self) -> i64 {
        self.table.map_or(0, Table::len) as i64 + 1
    }

    #[inline]
    fn number(&self, field: FieldIx) -> Option<i64> {
        match self.content.values.get(usize::from(field.0)) {
            Some(Some(Value::Quantity(amount))) => Some(amount.atoms()),
            _ => None,
        }
    }

    #[inline]
    fn former(&self, field: FieldIx) -> Option<i64> {
        let table = self.table?;
        table.column(field)?.number(table.len().checked_sub(1)?)
    }

    #[inline]
    fn says(&self, field: FieldIx) -> bool {
        matches!(self.content.values.get(usize::from(field.0)), Some(Some(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::{Amount, Dimension, ReadingId, StreamIx, Time, When};

    use crate::timeline::Mark;

    const HOUR: i64 = 3_600_000_000;

    fn content(at: i64, numbers: [Option<i64>; 2]) -> Content {
        let amount = |digits| Value::Quantity(Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() });
        let values = numbers.iter().map(|n| n.map(amount)).collect();
        Content { stream: StreamIx(0), when: When::At(Time(at)), values, source: None, seq: None }
    }

    fn put(table: &mut Table, at: i64, content: &Content) {
        table.insert(at, Mark { id: ReadingId(at as u128), hash: 0, rev: 1, plain: true }, content, None);
    }

    /// What those at rest see of the last of some readings: before it is in its table, and when it is.
    fn seen(readings: &[(i64, [Option<i64>; 2])]) -> [Vec<Option<i64>>; 2] {
        let mut table = Table::default();
        let (last, before) = readings.split_last().expect("there is one");
        before.iter().for_each(|(at, numbers)| put(&mut table, *at, &content(*at, *numbers)));
        let (at, content) = (last.0, content(last.0, last.1));
        let after = table.last().map_or(i64::MAX, |last| at - last);
        let of = |told: &dyn Told| {
            let fields = || [FieldIx(0), FieldIx(1), FieldIx(2)].into_iter();
            let seen = fields().flat_map(|field| [told.number(field), told.former(field), told.pace(field)]);
            let says = fields().map(|field| Some(i64::from(told.says(field))));
            seen.chain(says).chain([Some(told.at()), Some(told.after()), Some(told.rows())]).collect::<Vec<_>>()
        };
        let coming = of(&Coming { content: &content, table: Some(&table), at, after });
        put(&mut table, at, &content);
        [coming, of(&Newest::of(&table).expect("it has rows"))]
    }

    #[test]
    fn one_that_comes_is_seen_as_it_is_when_it_is_there() {
        let one = Amount { digits: 1, scale: 0, unit: Dimension::Count.usual_unit() }.atoms();
        let [coming, there] = seen(&[(0, [Some(9), None]), (HOUR, [Some(5), Some(1)]), (3 * HOUR, [Some(11), None])]);
        assert_eq!(coming, there);
        assert_eq!(coming[..6], [Some(11 * one), Some(5 * one), Some(3 * one), None, Some(one), None]);
        let [coming, there] = seen(&[(0, [None, Some(4)]), (HOUR / 2, [Some(5), Some(3)])]);
        assert_eq!(coming, there);
        assert_eq!(coming[..6], [Some(5 * one), None, None, Some(3 * one), Some(4 * one), Some(-2 * one)]);
        let [coming, there] = seen(&[(HOUR, [Some(5), None])]);
        assert_eq!(coming, there, "nothing came before");
        assert_eq!(coming[..3], [Some(5 * one), None, None]);
        // Of two at one instant none is later than the other.
        let [coming, there] = seen(&[(HOUR, [Some(5), None]), (HOUR, [Some(9), None])]);
        assert_eq!((coming[2], there[2]), (None, None));
    }
}
