//! Of files in which some rows are past retention: these go no further than the end of the scan.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;

use crate::io::scan_end::End;
use crate::retention::Cuts;
use crate::table::Table;

/// Gives on only rows that stay, and of these only some columns.
#[derive(Debug)]
pub struct OnlyKept {
    pub table: Table,
    pub cuts: Arc<Cuts>,
    /// What goes on of each row, by its place in what comes in.
    pub keep: Vec<usize>,
}

impl End for OnlyKept {
    fn name(&self) -> &'static str {
        "OnlyKept"
    }

    fn keep(&self) -> &[usize] {
        &self.keep
    }

    fn of(&self, batch: &RecordBatch, _: &SchemaRef) -> Result<RecordBatch> {
        let rows = self.cuts.kept(self.table, batch)?;
        let batch = batch.project(&self.keep)?;
        Ok(match rows {
            None => batch,
            Some(rows) => filter_record_batch(&batch, &rows)?,
        })
    }
}
