//! Makes a batch fit a table: columns by name, in order; those it lacks are null; texts become string views.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;

/// Columns of nulls, shared by all batches that lack one of the type: a table has many columns, a stream's rows few.
#[derive(Debug, Default)]
pub struct Nulls {
    longest: Vec<ArrayRef>,
}

impl Nulls {
    fn of(&mut self, kind: &DataType, len: usize) -> ArrayRef {
        let known = self.longest.iter().position(|a| a.data_type() == kind);
        match known {
            Some(i) if self.longest[i].len() >= len => self.longest[i].slice(0, len),
            _ => {
                let array = new_null_array(kind, len);
                match known {
                    Some(i) => self.longest[i] = array.clone(),
                    None => self.longest.push(array.clone()),
                }
                array
            }
        }
    }

    /// # Errors
    /// Where a column's type has nothing to do with the table's.
    pub fn fit(&mut self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns = schema.fields().iter().map(|field| -> Result<ArrayRef, ArrowError> {
            match batch.column_by_name(field.name()) {
                Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
                Some(column) => cast(column, field.data_type()),
                None => Ok(self.of(field.data_type(), batch.num_rows())),
            }
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options)
    }
}

/// # Errors
/// Where a column's type has nothing to do with the table's.
pub fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    Nulls::default().fit(batch, schema)
}
