//! The answer to a query, and the forms in which it is written.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::csv::WriterBuilder as CsvWriter;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::json::EncoderOptions;
use datafusion::arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, WriterBuilder as JsonWriter, make_encoder};
use vitalog_elog::Position;

use crate::error::{Doing, LakeError};

/// Rows in columns.
#[derive(Clone, Debug)]
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    /// There were more rows than may be.
    pub truncated: bool,
    /// Everything before it was seen, nothing after it.
    pub position: Position,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An array of objects.
    Json,
    /// An object per line.
    NdJson,
    /// A line of names, then a line per row.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
}

impl Answer {
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// # Errors
    /// [`LakeError::Storage`] where a value can't be written in that form.
    pub fn write(&self, format: Format) -> Result<Vec<u8>, LakeError> {
        let written = match format {
            Format::Json => self.json::<JsonArray>(),
            Format::NdJson => self.json::<LineDelimited>(),
            Format::Csv => self.csv(),
            Format::Arrow => self.arrow(),
        };
        written.doing(format!("writing an answer as {}", format.media_type()))
    }

    fn json<F: JsonFormat>(&self) -> Result<Vec<u8>, ArrowError> {
        let mut out = Vec::new();
        let mut writer = JsonWriter::new().with_explicit_nulls(true).build::<_, F>(&mut out);
        for batch in &self.batches {
            writer.write(batch)?;
        }
        writer.finish()?;
        drop(writer);
        Ok(out)
    }

    fn csv(&self) -> Result<Vec<u8>, ArrowError> {
        let mut out = Vec::new();
        let mut writer = CsvWriter::new().with_header(true).build(&mut out);
        // Names are written with the first batch, be it empty.
        writer.write(&flat(&RecordBatch::new_empty(self.schema.clone()))?)?;
        for batch in &self.batches {
            writer.write(&flat(batch)?)?;
        }
        drop(writer);
        Ok(out)
    }

    fn arrow(&self) -> Result<Vec<u8>, ArrowError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &self.schema)?;
        for batch in &self.batches {
            writer.write(batch)?;
        }
        writer.into_inner()
    }
}

/// Lists and structures as JSON texts, for a cell of CSV holds nothing else.
pub(crate) fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    if batch.columns().iter().all(|column| !column.data_type().is_nested()) {
        return Ok(batch.clone());
    }
    let (mut fields, mut columns) = (Vec::new(), Vec::<ArrayRef>::new());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if column.data_type().is_nested() {
            fields.push(Field::new(field.name(), DataType::Utf8, true));
            columns.push(Arc::new(texts(column)?));
        } else {
            fields.push(Field::clone(field));
            columns.push(column.clone());
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// Values as JSON.
pub(crate) fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let field = Arc::new(Field::new("", column.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, column, &options)?;
    let mut text = Vec::new();
    let texts = (0..column.len()).map(|i| {
        text.clear();
        if column.is_null(i) {
            return None;
        }
        encoder.encode(i, &mut text);
        Some(String::from_utf8_lossy(&text).into_owned())
    });
    Ok(texts.collect())
}

impl Format {
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::NdJson => "application/x-ndjson",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// `json`, `ndjson`, `csv` or `arrow`.
    pub fn named(name: &str) -> Option<Format> {
        [("json", Format::Json), ("ndjson", Format::NdJson), ("csv", Format::Csv), ("arrow", Format::Arrow)]
            .into_iter()
            .find_map(|(known, format)| (known == name).then_some(format))
    }

    /// The first known media type of an `Accept` header; without one, JSON.
    pub fn accepted(header: &str) -> Format {
        let known = [Format::Json, Format::NdJson, Format::Csv, Format::Arrow];
        let of = |wanted: &str| known.into_iter().find(|f| f.media_type().split(';').next() == Some(wanted));
        header.split(',').filter_map(|part| of(part.split(';').next().unwrap_or(part).trim())).next().unwrap_or(Format::Json)
    }
}
