//! One Parquet file in memory: how a table's columns are encoded, and the bounds that the Delta log says of it.
//!
//! Sorted rows, zstd level 3. Times and counters as differences, names that count up by what they share, the rest in dictionaries. Row groups
//! are large, for each costs every scan a start in each column; a point lookup decodes little nevertheless, since pages have bounds of their
//! own, and the subject has a Bloom filter.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{ParquetMetaData, SortingColumn};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use datafusion::parquet::file::statistics::Statistics;
use datafusion::parquet::schema::types::ColumnPath;
use serde_json::Value as Json;
use vitalog_elog::Time;

use crate::cold::Stats;
use crate::layout::Layout;
use crate::table::{Kind, Packing, Table};

/// Rows per row group.
const GROUP_ROWS: usize = 1024 * 1024;
/// Subjects of a row group that its Bloom filter is sized for; of more it tells a little less.
const GROUP_SUBJECTS: u64 = 128 * 1024;
/// A file isn't made larger than about this many bytes.
pub const FILE_BYTES: usize = 64 << 20;

/// A file being written.
pub struct Packer {
    writer: ArrowWriter<Vec<u8>>,
    table: Table,
    rows: u64,
}

/// A file's bytes and what the log says of it.
pub struct Packed {
    pub bytes: Vec<u8>,
    pub stats: Stats,
}

impl Packer {
    /// # Errors
    /// Those of Parquet.
    pub fn new(table: Table, layout: &Layout) -> Result<Packer, ParquetError> {
        let schema = layout.schema(table).clone();
        let options =
            ArrowWriterOptions::new().with_properties(properties(table, layout, &schema)?).with_skip_arrow_metadata(true);
        Ok(Packer { writer: ArrowWriter::try_new_with_options(Vec::new(), schema, options)?, table, rows: 0 })
    }

    /// # Errors
    /// Those of Parquet.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch)
    }

    pub fn is_full(&self) -> bool {
        self.writer.bytes_written() + self.writer.in_progress_size() >= FILE_BYTES
    }

    /// # Errors
    /// Those of Parquet.
    pub fn finish(mut self) -> Result<Packed, ParquetError> {
        let metadata = self.writer.finish()?;
        let stats = stats(self.table, &metadata, self.rows);
        Ok(Packed { bytes: std::mem::take(self.writer.inner_mut()), stats })
    }
}

fn properties(table: Table, layout: &Layout, schema: &SchemaRef) -> Result<WriterProperties, ParquetError> {
    let sorting = table.order().iter().filter_map(|name| {
        let column_idx = schema.index_of(name).ok()? as i32;
        Some(SortingColumn { column_idx, descending: false, nulls_first: false })
    });
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_sorting_columns(Some(sorting.collect()))
        .set_created_by(concat!("vitalog ", env!("CARGO_PKG_VERSION")).to_owned());
    for column in layout.columns(table) {
        let path = ColumnPath::from(column.name.to_string());
        let encoding = match column.packing {
            Packing::Dictionary => None,
            Packing::Delta => Some(Encoding::DELTA_BINARY_PACKED),
            Packing::Prefix => Some(Encoding::DELTA_BYTE_ARRAY),
            Packing::Plain => Some(Encoding::PLAIN),
        };
        if let Some(encoding) = encoding.filter(|_| column.kind != Kind::Texts) {
            properties =
                properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path.clone(), encoding);
        }
        if !table.bounded().contains(&&*column.name) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
        }
    }
    if schema.index_of("subject").is_ok() {
        // Then folded to what it holds.
        properties = properties.set_column_bloom_filter_max_ndv(ColumnPath::from("subject"), GROUP_SUBJECTS);
        properties = properties.set_column_bloom_filter_fpp(ColumnPath::from("subject"), 0.01);
    }
    Ok(properties.build())
}

/// Bounds over all row groups.
fn stats(table: Table, metadata: &ParquetMetaData, rows: u64) -> Stats {
    let mut stats = Stats { num_records: rows, ..Stats::default() };
    for name in table.bounded() {
        let mut nulls = Some(0_u64);
        let mut bounds: Option<Bounds> = None;
        for group in metadata.row_groups() {
            let column = group.columns().iter().find(|c| c.column_path().string() == *name).and_then(|c| c.statistics());
            nulls = nulls.zip(column.and_then(Statistics::null_count_opt)).map(|(a, b)| a + b);
            let Some(of_group) = column.and_then(bounds_of) else { continue };
            bounds = Some(match bounds {
                Some(so_far) => so_far.and(of_group),
                None => of_group,
            });
        }
        let is_time = !matches!(*name, "offset");
        if let Some((least, greatest)) = bounds.and_then(|b| b.json(is_time)) {
            stats.min_values.insert((*name).to_owned(), least);
            stats.max_values.insert((*name).to_owned(), greatest);
        }
        if let Some(nulls) = nulls {
            stats.null_count.insert((*name).to_owned(), nulls.into());
        }
    }
    stats
}

/// The least and the greatest value.
enum Bounds {
    Text(Vec<u8>, Vec<u8>),
    Int(i64, i64),
}

fn bounds_of(statistics: &Statistics) -> Option<Bounds> {
    match statistics {
        Statistics::ByteArray(s) => Some(Bounds::Text(s.min_opt()?.data().to_vec(), s.max_opt()?.data().to_vec())),
        Statistics::Int64(s) => Some(Bounds::Int(*s.min_opt()?, *s.max_opt()?)),
        _ => None,
    }
}

impl Bounds {
    fn and(self, other: Bounds) -> Bounds {
        match (self, other) {
            (Bounds::Text(a, b), Bounds::Text(c, d)) => Bounds::Text(a.min(c), b.max(d)),
            (Bounds::Int(a, b), Bounds::Int(c, d)) => Bounds::Int(a.min(c), b.max(d)),
            (first, _) => first,
        }
    }

    fn json(self, is_time: bool) -> Option<(Json, Json)> {
        match self {
            Bounds::Text(a, b) => Some((String::from_utf8(a).ok()?.into(), String::from_utf8(b).ok()?.into())),
            Bounds::Int(a, b) if is_time => Some((time_text(a)?.into(), time_text(b)?.into())),
            Bounds::Int(a, b) => Some((a.into(), b.into())),
        }
    }
}

/// An instant for the log; `None` where it has no date.
fn time_text(micros: i64) -> Option<String> {
    let text = Time(micros).to_string();
    Time::parse(&text).is_ok_and(|t| t.micros() == micros).then_some(text)
}
