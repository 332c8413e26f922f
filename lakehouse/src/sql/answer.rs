//! The answer to a query, and the forms in which it is written.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv::WriterBuilder as CsvWriter;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, WriterBuilder as JsonWriter};
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
        writer.write(&RecordBatch::new_empty(self.schema.clone()))?;
        for batch in &self.batches {
            writer.write(batch)?;
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
