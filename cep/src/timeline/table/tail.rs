//! The end of a table, where the next readings of a device go: what they have in common is looked at once.

use vitalog_elog::{Content, Reading};

use super::{Mark, Table};
use crate::grow;

/// Where plain readings of instants may be put, one after the other; made by [`Table::tail`].
#[derive(Debug)]
pub struct Tail<'t> {
    pub table: &'t mut Table,
    /// The newest instant.
    pub(super) last: i64,
}

impl Tail<'_> {
    /// The newest instant.
    #[inline]
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Puts the row of a plain reading of an instant after all others, where it needs nothing that they do not have, and comes from their source. `false`: nothing was done.
    #[inline]
    pub fn push(&mut self, at: i64, reading: &Reading, content: &Content) -> bool {
        let Tail { table, last } = self;
        let is_alike = content.values.len() <= table.columns.len() && table.marks.comes_from(content.source.as_ref());
        if !(*last < at && is_alike && table.can_hold(content)) {
            return false;
        }
        let row = table.at.len();
        let mut values = content.values.iter();
        for column in &mut table.columns {
            column.insert(row, values.next().and_then(Option::as_ref));
        }
        table.marks.put_plain(reading.id);
        grow::push(&mut table.at, at);
        *last = at;
        debug_assert_eq!(table.mark(row), Mark { id: reading.id, hash: reading.hash, rev: 1, plain: true }, "its hash follows");
        true
    }
}
