//! Any result as Parquet, CSV or an Arrow stream: the columns that SQL gives, with their types and units.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv::WriterBuilder as CsvWriter;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use super::Sheet;
use crate::error::{Doing, LakeError};
use crate::sql::flat;

/// Rows and bytes of a row group, which is held until it is full.
const GROUP_ROWS: usize = 128 * 1024;
const GROUP_BYTES: usize = 32 << 20;

pub struct Parquet(ArrowWriter<Vec<u8>>);

impl Parquet {
    /// # Errors
    /// Where a column's type is none of Parquet's.
    pub fn begin(schema: SchemaRef) -> Result<Parquet, LakeError> {
        let level = ZstdLevel::try_new(3).doing("choosing how an export is packed")?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .set_created_by(concat!("vitalog ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Parquet(ArrowWriter::try_new(Vec::new(), schema, Some(properties)).doing("beginning an export as Parquet")?))
    }
}

impl Sheet for Parquet {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.0.write(batch).doing("writing an export as Parquet")
    }

    fn end(&mut self) -> Result<(), LakeError> {
        self.0.finish().doing("ending an export as Parquet").map(drop)
    }

    fn take(&mut self) -> Vec<u8> {
        // The writer counts what went by, so what is taken away keeps its place in the file.
        std::mem::take(self.0.inner_mut())
    }
}

pub struct Arrow(StreamWriter<Vec<u8>>);

impl Arrow {
    /// # Errors
    /// Where the schema can't be written.
    pub fn begin(schema: &SchemaRef) -> Result<Arrow, LakeError> {
        Ok(Arrow(StreamWriter::try_new(Vec::new(), schema).doing("beginning an export as Arrow")?))
    }
}

impl Sheet for Arrow {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.0.write(batch).doing("writing an export as Arrow")
    }

    fn end(&mut self) -> Result<(), LakeError> {
        self.0.finish().doing("ending an export as Arrow")
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.0.get_mut())
    }
}

pub struct Csv(Vec<u8>);

impl Csv {
    /// Its first line: the names.
    ///
    /// # Errors
    /// Where a column can't be written.
    pub fn begin(schema: &SchemaRef) -> Result<Csv, LakeError> {
        let mut sheet = Csv(Vec::new());
        sheet.write(&RecordBatch::new_empty(schema.clone()), true)?;
        Ok(sheet)
    }

    fn write(&mut self, batch: &RecordBatch, with_names: bool) -> Result<(), LakeError> {
        const DOING: &str = "writing an export as CSV";
        let batch = flat(batch).doing(DOING)?;
        CsvWriter::new().with_header(with_names).build(&mut self.0).write(&batch).doing(DOING)
    }
}

impl Sheet for Csv {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.write(batch, false)
    }

    fn end(&mut self) -> Result<(), LakeError> {
        Ok(())
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}
