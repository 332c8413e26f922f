//! Answers as files: what turns batches into the bytes of each form, a piece at a time.
//!
//! Nothing is gathered: a sheet holds what it has written and nobody has taken yet, and of Parquet one row group. What breaks off has no end (no footer, no closing
//! bracket), so that nobody takes a part for the whole.

mod fhir;
mod form;
mod native;
mod tables;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

use crate::error::LakeError;
use crate::layout::Layout;

pub use form::Form;

/// Takes batches and gives bytes.
pub(crate) trait Sheet: Send {
    /// # Errors
    /// Where a value can't be written in this form.
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError>;

    /// Whatever closes it.
    ///
    /// # Errors
    /// As for a batch.
    fn end(&mut self) -> Result<(), LakeError>;

    /// What was written and not taken yet.
    fn take(&mut self) -> Vec<u8>;
}

/// A sheet for the result of any statement. FHIR has no form for one, so this is CSV then.
///
/// # Errors
/// Where the schema can't be written in this form.
pub(crate) fn of_any(form: Form, schema: SchemaRef) -> Result<Box<dyn Sheet>, LakeError> {
    Ok(match form {
        Form::Parquet => Box::new(tables::Parquet::begin(schema)?),
        Form::Arrow => Box::new(tables::Arrow::begin(&schema)?),
        Form::Csv | Form::Fhir => Box::new(tables::Csv::begin(&schema)?),
    })
}

/// A sheet for current readings of one subject, in all columns of `readings`.
///
/// # Errors
/// As [`of_any`].
pub(crate) fn of_readings(
    form: Form,
    schema: SchemaRef,
    layout: &Arc<Layout>,
    subject: &str,
) -> Result<Box<dyn Sheet>, LakeError> {
    Ok(match form {
        Form::Parquet | Form::Arrow => of_any(form, schema)?,
        Form::Csv => Box::new(native::Native::begin(layout.clone())),
        Form::Fhir => Box::new(fhir::Bundle::begin(layout.clone(), subject)?),
    })
}
