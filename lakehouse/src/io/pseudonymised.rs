//! For whoever studies everybody: what could name a person goes no further than the end of the scan.
//!
//! No condition on a column that changes here is let below, or it would find by its name whom nobody may find.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringViewBuilder, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Result;

use crate::io::scan_end::End;
use crate::masks::Mask;
use crate::pseudonyms::Pseudonyms;

/// Gives on rows with pseudonyms in place of names.
#[derive(Debug)]
pub struct Pseudonymised {
    /// Where the subject is in what comes in.
    subject: usize,
    /// What becomes of each column that goes on. They are the first of those that come in.
    masks: Vec<Mask>,
    keep: Vec<usize>,
    pseudonyms: Arc<Pseudonyms>,
}

impl Pseudonymised {
    pub fn new(subject: usize, masks: Vec<Mask>, pseudonyms: Arc<Pseudonyms>) -> Pseudonymised {
        Pseudonymised { subject, keep: (0..masks.len()).collect(), masks, pseudonyms }
    }
}

impl End for Pseudonymised {
    fn name(&self) -> &'static str {
        "Pseudonymised"
    }

    fn keep(&self) -> &[usize] {
        &self.keep
    }

    fn of(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let whose = batch.column(self.subject);
        let columns = self.masks.iter().zip(batch.columns()).map(|(mask, column)| match mask {
            Mask::Open => Ok(column.clone()),
            Mask::Closed => Ok(new_null_array(column.data_type(), column.len())),
            Mask::Subject => named(column, column, |subject, _| self.pseudonyms.subject(subject)),
            Mask::Within(kind) => named(whose, column, |subject, name| self.pseudonyms.of(*kind, subject, name)),
        });
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_>>()?, &rows)?)
    }
}

/// Pseudonyms in place of a column's names. What is about nobody has none.
fn named(whose: &ArrayRef, column: &ArrayRef, made: impl Fn(&str, &str) -> String) -> Result<ArrayRef> {
    let (subjects, names) = (cast(whose, &DataType::Utf8View)?, cast(column, &DataType::Utf8View)?);
    let (subjects, names) = (subjects.as_string_view(), names.as_string_view());
    let mut out = StringViewBuilder::with_capacity(names.len());
    // Rows of a subject lie together, and so do those of a source.
    let mut last: Option<(&str, &str, String)> = None;
    for row in 0..names.len() {
        if names.is_null(row) || subjects.is_null(row) {
            out.append_null();
            continue;
        }
        let (subject, name) = (subjects.value(row), names.value(row));
        let made = match last.take() {
            Some((s, n, made)) if s == subject && n == name => made,
            _ => made(subject, name),
        };
        out.append_value(&made);
        last = Some((subject, name, made));
    }
    Ok(cast(&(Arc::new(out.finish()) as ArrayRef), column.data_type())?)
}
