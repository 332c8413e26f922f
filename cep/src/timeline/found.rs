//! Derived streams: the findings of rules as rows, for the rules that look at them.
//!
//! A row is a function of a fact, so these tables are not stored: they are made again from the facts after a restore.

use std::sync::Arc;

use vitalog_elog::{ReadingId, StreamIx};

use super::datum::Datum;
use super::table::{Mark, Table};
use super::{Timeline, Touch};

/// A finding as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRow {
    /// Unlike that of any other row of the stream.
    pub id: ReadingId,
    pub at: i64,
    pub onset: i64,
    pub end: Option<i64>,
    /// By field.
    pub values: Vec<Datum>,
    /// The readings it rests on.
    pub evidence: Arc<[ReadingId]>,
}

impl Timeline {
    pub fn add_found(&mut self, stream: StreamIx, row: FoundRow, touched: &mut Vec<Touch>) {
        let Some(table) = self.found_table(stream) else { return };
        touched.push(touch(stream, &row, true));
        let mark = Mark { id: row.id, hash: 0, rev: 0, plain: false };
        table.insert_found(row.at, row.onset, row.end, mark, row.evidence, &row.values);
    }

    pub fn remove_found(&mut self, stream: StreamIx, row: &FoundRow, touched: &mut Vec<Touch>) {
        let Some(table) = self.found_table(stream) else { return };
        let Some(place) = table.find(row.at, row.id) else { return };
        table.remove(place);
        touched.push(touch(stream, row, false));
    }

    fn found_table(&mut self, stream: StreamIx) -> Option<&mut Table> {
        let place = stream.derived()?;
        if self.found.len() <= place {
            self.found.resize_with(place + 1, Table::default);
        }
        self.found.get_mut(place)
    }
}

fn touch(stream: StreamIx, row: &FoundRow, came: bool) -> Touch {
    let to = row.end.unwrap_or(i64::MAX).max(row.at);
    Touch { stream, at: Some(row.at), from: row.onset.min(row.at), to, came }
}
