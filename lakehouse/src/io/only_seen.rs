//! For whoever may not see everything: rows of other subjects go no further than the end of the scan.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{cast, filter_record_batch};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Result;

use crate::eyes::Seen;
use crate::io::scan_end::End;

/// Gives on only rows of subjects that are seen, and of these only some columns.
#[derive(Debug)]
pub struct OnlySeen {
    /// Where the subject is in what comes in.
    pub subject: usize,
    /// What goes on of each row, by its place in what comes in.
    pub keep: Vec<usize>,
    pub seen: Arc<Seen>,
}

impl End for OnlySeen {
    fn name(&self) -> &'static str {
        "OnlySeen"
    }

    fn keep(&self) -> &[usize] {
        &self.keep
    }

    fn of(&self, batch: &RecordBatch, _: &SchemaRef) -> Result<RecordBatch> {
        let mask = seen_rows(batch.column(self.subject), &self.seen)?;
        Ok(filter_record_batch(&batch.project(&self.keep)?, &mask)?)
    }
}

/// Which rows are of a subject that is seen. A row about nobody is not.
fn seen_rows(column: &ArrayRef, seen: &Seen) -> Result<BooleanArray> {
    let texts = cast(column, &DataType::Utf8View)?;
    let texts = texts.as_string_view();
    // Rows of a subject lie together.
    let mut last: Option<(&str, bool)> = None;
    let rows = (0..texts.len()).map(|row| {
        if texts.is_null(row) {
            return false;
        }
        let name = texts.value(row);
        match last {
            Some((known, is_seen)) if known == name => is_seen,
            _ => {
                let is_seen = seen.has(name);
                last = Some((name, is_seen));
                is_seen
            }
        }
    });
    Ok(rows.map(Some).collect())
}
