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
