//! Finds superseded readings in the files: which file, which row, and what it said.
//!
//! The engine tells stream and time of the revision that was current; files and row groups that can't hold it are left out by their bounds.
//! Rows of that subject, stream and time are read in full, and the one whose id, revision and hash agree is it: an id derived from the
//! content is computed again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use datafusion::parquet::file::metadata::RowGroupMetaData;
use datafusion::parquet::file::statistics::Statistics;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::TryStreamExt;
use object_store::ObjectStore;
use vitalog_elog::{Entry, Input};

use crate::cold::{Cold, DataFile};
use crate::decode::Decoder;
use crate::error::{Doing, LakeError};
use crate::fit::fit;
use crate::layout::Layout;
use crate::retention::Cuts;
use crate::shared::{Found, Mask};
use crate::table::{Table, arrow_schema, reading_columns};

/// What is looked for in a file: by subject, stream and time.
type Wanted<'a> = HashMap<(&'a str, &'a str, i64), Vec<&'a Mask>>;

/// Finds each mask's row, by the mask's serial number. One that stood where rows may be past has none, if it has gone.
///
/// # Errors
/// [`LakeError::RowMissing`] if one isn't there; [`LakeError::Storage`].
pub async fn locate(
    store: &Arc<dyn ObjectStore>,
    cold: &Cold,
    layout: &Layout,
    masks: &[&Mask],
    cuts: &Cuts,
) -> Result<BTreeMap<u64, Found>, LakeError> {
    let mut found = BTreeMap::new();
    for file in &cold.files {
        let mut wanted: Wanted<'_> = HashMap::new();
        for mask in masks.iter().filter(|m| !found.contains_key(&m.serial)) {
            let (stream, time) = mask.place;
            if file.may_hold(mask.subject.as_str(), time) {
                let name = &*layout.streams.get(stream).name;
                wanted.entry((mask.subject.as_str(), name, time.micros())).or_default().push(mask);
            }
        }
        if !wanted.is_empty() {
            search_file(store, file, layout, &wanted, &mut found).await?;
        }
    }
    let must_be_there = |m: &&&Mask| !cuts.may_have_gone(&layout.streams.get(m.place.0).name, m.place.1);
    match masks.iter().filter(must_be_there).find(|m| !found.contains_key(&m.serial)) {
        Some(missing) => Err(LakeError::RowMissing { id: missing.id }),
        None => Ok(found),
    }
}

async fn search_file(
    store: &Arc<dyn ObjectStore>,
    file: &DataFile,
    layout: &Layout,
    wanted: &Wanted<'_>,
    found: &mut BTreeMap<u64, Found>,
) -> Result<(), LakeError> {
    let reading = || format!("reading {}", file.path);
    let open = || -> Result<Box<dyn AsyncFileReader>, LakeError> {
        let place = PartitionedFile::new(Table::Readings.place_of(&file.path), file.bytes);
        let readers = DefaultParquetFileReaderFactory::new(store.clone());
        Ok(readers.create_reader(0, place, None, &ExecutionPlanMetricsSet::new()).doing(reading())?)
    };
    let metadata = ArrowReaderMetadata::load_async(&mut open()?, ArrowReaderOptions::new()).await.doing(reading())?;
    let file_rows = metadata.metadata().file_metadata().num_rows().unsigned_abs();
    let mut first_row = 0_u64;
    for group in 0..metadata.metadata().num_row_groups() {
        let rows = metadata.metadata().row_group(group);
        if wanted.keys().any(|(subject, ..)| may_hold(rows, subject)) {
            let candidates = candidates(open()?, &metadata, group, wanted).await.doing(reading())?;
            if !candidates.is_empty() {
                let batches = read_rows(open()?, &metadata, group, &candidates).await.doing(reading())?;
                confirm(&batches, &candidates, (first_row, file_rows), file, layout, wanted, found)?;
            }
        }
        first_row += rows.num_rows().unsigned_abs();
    }
    Ok(())
}

/// Whether a row group's bounds admit a subject.
pub fn may_hold(rows: &RowGroupMetaData, subject: &str) -> bool {
    let Some(column) = rows.columns().iter().find(|c| c.column_path().string() == "subject") else { return true };
    let Some(Statistics::ByteArray(bounds)) = column.statistics() else { return true };
    match (bounds.min_opt(), bounds.max_opt()) {
        (Some(least), Some(greatest)) => (least.data()..=greatest.data()).contains(&subject.as_bytes()),
        _ => true,
    }
}

const KEY: [&str; 4] = ["subject", "stream", "at", "start_at"];

/// Rows of a group that have a wanted subject, stream and time; ascending.
async fn candidates(
    reader: Box<dyn AsyncFileReader>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    wanted: &Wanted<'_>,
) -> Result<Vec<usize>, crate::error::BoxedError> {
    let columns = ProjectionMask::columns(metadata.metadata().file_metadata().schema_descr(), KEY);
    let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone()).with_row_groups(vec![group]);
    let mut stream = stream.with_projection(columns).build()?;
    let key: Vec<_> = reading_columns().into_iter().filter(|c| KEY.contains(&&*c.name)).collect();
    let schema = arrow_schema(&key);
    let (mut out, mut before) = (Vec::new(), 0);
    while let Some(batch) = stream.try_next().await? {
        let batch = fit(&batch, &schema)?;
        let (subjects, streams) = (batch.column(0).as_string_view(), batch.column(1).as_string_view());
        let at = batch.column(2).as_primitive::<TimestampMicrosecondType>();
        let start = batch.column(3).as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let is_wanted = |time| wanted.contains_key(&(subjects.value(row), streams.value(row), time));
            if (at.is_valid(row) && is_wanted(at.value(row))) || (start.is_valid(row) && is_wanted(start.value(row))) {
                out.push(before + row);
            }
        }
        before += batch.num_rows();
    }
    Ok(out)
}

/// The given rows of a group, in full.
pub async fn read_rows(
    reader: Box<dyn AsyncFileReader>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    rows: &[usize],
) -> Result<Vec<RecordBatch>, crate::error::BoxedError> {
    let mut selectors = Vec::with_capacity(rows.len() * 2);
    let mut next = 0;
    for &row in rows {
        selectors.extend([RowSelector::skip(row - next), RowSelector::select(1)]);
        next = row + 1;
    }
    let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone()).with_row_groups(vec![group]);
    Ok(stream.with_row_selection(RowSelection::from(selectors)).build()?.try_collect().await?)
}

/// Keeps those of the rows that are wanted indeed.
fn confirm(
    batches: &[RecordBatch],
    rows: &[usize],
    (first_row, file_rows): (u64, u64),
    file: &DataFile,
    layout: &Layout,
    wanted: &Wanted<'_>,
    found: &mut BTreeMap<u64, Found>,
) -> Result<(), LakeError> {
    let mut places = rows.iter();
    for batch in batches {
        let batch = fit(batch, layout.schema(Table::Readings)).doing("reading superseded rows")?;
        let decoder = Decoder::new(&batch, layout)?;
        for (i, place) in (0..batch.num_rows()).zip(&mut places) {
            let (reading, arrival) = decoder.row(i)?;
            let Some(content) = &reading.content else { continue };
            let name = &*layout.streams.get(content.stream).name;
            let times = [content.when.instant(), Some(content.when.start())];
            let masks =
                times.iter().flatten().filter_map(|t| wanted.get(&(reading.subject.as_str(), name, t.micros()))).flatten();
            let mask = masks.into_iter().find(|m| m.id == reading.id && m.revision == reading.revision());
            if let Some(serial) = mask.map(|m| m.serial) {
                let entry = Arc::new(Entry { arrival, input: Input::Reading(reading) });
                found.insert(serial, Found { file: file.path.clone(), row: first_row + *place as u64, file_rows, entry });
            }
        }
    }
    Ok(())
}
