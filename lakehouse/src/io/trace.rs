//! Where the rows of one reading are: which file, which row group, which row; and which still wait in memory.
//!
//! Files that can't hold one are left out by the bounds in the log, row groups by theirs and by the Bloom filter on the subject. Of what is left only the subject's rows are read in full.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::TryStreamExt;
use vitalog_elog::accounting::Standing;
use vitalog_elog::{Reading, ReadingId, Schema, Subject, Time};

use crate::cold::DataFile;
use crate::decode::Decoder;
use crate::encode::Rows;
use crate::error::{BoxedError, Doing, LakeError};
use crate::fit::fit;
use crate::hot::LaneView;
use crate::io::lake::Lake;
use crate::io::locate::{may_hold, read_rows};
use crate::layout::Layout;
use crate::table::Table;

/// A row of a reading.
#[derive(Clone, Debug)]
pub struct Traced {
    pub standing: Standing,
    pub reading: Reading,
    pub arrival: Time,
    pub place: TracedPlace,
}

/// Where a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TracedPlace {
    /// In memory; it is in a file with the next landing.
    Hot,
    File {
        /// In the lake's folder.
        path: String,
        row_group: usize,
        /// Within the file, from 0.
        row: u64,
        /// Of the file's row groups, how many were read for it.
        groups_read: usize,
        groups: usize,
    },
}

/// What there is of a reading, and the declarations it was read by.
pub type Trace = (Vec<Traced>, Arc<Schema>);

/// A reading that is looked for.
struct Sought<'a> {
    subject: &'a Subject,
    id: ReadingId,
    /// Instants at which a revision of it is known to stand; none: anywhere.
    times: &'a [Time],
}

impl Lake {
    /// Finds the rows of a reading. `times`: where its revisions stand, as far as that is known; files without those instants are left out, and a removal, which has none, is looked for in all.
    ///
    /// # Errors
    /// [`LakeError::Storage`].
    pub async fn trace(&self, subject: &Subject, id: ReadingId, times: &[Time]) -> Result<Trace, LakeError> {
        let view = self.inner.state().view();
        let sought = Sought { subject, id, times };
        let mut found = Vec::new();
        for (table, standing) in [(Table::Readings, Standing::Current), (Table::History, Standing::Former)] {
            for file in &view.cold[table.place()].files {
                if sought.may_be_in(file, table) {
                    self.search(table, standing, file, &view.layout, &sought, &mut found).await?;
                }
            }
        }
        for generation in &view.generations {
            hot(&generation.readings, Standing::Current, &view.layout, &sought, &mut found)?;
            hot(&generation.history, Standing::Former, &view.layout, &sought, &mut found)?;
        }
        Ok((found, view.layout.streams.clone()))
    }

    async fn search(
        &self,
        table: Table,
        standing: Standing,
        file: &DataFile,
        layout: &Layout,
        sought: &Sought<'_>,
        found: &mut Vec<Traced>,
    ) -> Result<(), LakeError> {
        let reading = || format!("reading {}", file.path);
        let place = table.place_of(&file.path);
        let open = || -> Result<Box<dyn AsyncFileReader>, LakeError> {
            let readers = DefaultParquetFileReaderFactory::new(self.inner.store.clone());
            let file = PartitionedFile::new(place.clone(), file.bytes);
            Ok(readers.create_reader(0, file, None, &ExecutionPlanMetricsSet::new()).doing(reading())?)
        };
        let metadata = ArrowReaderMetadata::load_async(&mut open()?, ArrowReaderOptions::new()).await.doing(reading())?;
        let groups = metadata.metadata().num_row_groups();
        let (mut first, mut groups_read) = (0_u64, 0);
        let from = found.len();
        for group in 0..groups {
            let rows = metadata.metadata().row_group(group);
            if may_hold(rows, sought.subject.as_str())
                && filter_admits(open()?, &metadata, group, sought.subject).await.doing(reading())?
            {
                groups_read += 1;
                let of_subject = rows_of(open()?, &metadata, group, sought.subject).await.doing(reading())?;
                let batches = read_rows(open()?, &metadata, group, &of_subject).await.doing(reading())?;
                let mut before = 0;
                for batch in batches {
                    let batch = fit(&batch, layout.schema(table)).doing(reading())?;
                    for (reading, arrival, row) in of_batch(&batch, layout, sought)? {
                        let Some(row) = of_subject.get(before + row) else { continue };
                        let (path, row) = (place.clone(), first + *row as u64);
                        let place = TracedPlace::File { path, row_group: group, row, groups_read: 0, groups };
                        found.push(Traced { standing, reading, arrival, place });
                    }
                    before += batch.num_rows();
                }
            }
            first += rows.num_rows().unsigned_abs();
        }
        for traced in &mut found[from..] {
            if let TracedPlace::File { groups_read: read, .. } = &mut traced.place {
                *read = groups_read;
            }
        }
        Ok(())
    }
}

impl Sought<'_> {
    fn may_be_in(&self, file: &DataFile, table: Table) -> bool {
        let subject = self.subject.as_str();
        let admits = file.stats.text("subject").is_none_or(|(least, greatest)| (least..=greatest).contains(&subject));
        // A removal has no instant, and only the history has removals.
        admits
            && (table == Table::History || self.times.is_empty() || self.times.iter().any(|time| file.may_hold(subject, *time)))
    }
}

/// Whether a row group's Bloom filter admits a subject; it does where there is none.
async fn filter_admits(
    reader: Box<dyn AsyncFileReader>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    subject: &Subject,
) -> Result<bool, BoxedError> {
    let columns = metadata.metadata().row_group(group).columns();
    let Some(column) = columns.iter().position(|c| c.column_path().string() == "subject") else { return Ok(true) };
    let mut builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone());
    let filter = builder.get_row_group_column_bloom_filter(group, column).await?;
    Ok(filter.is_none_or(|filter| filter.check(&subject.as_str())))
}

/// Rows of a group that are a subject's; ascending.
async fn rows_of(
    reader: Box<dyn AsyncFileReader>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    subject: &Subject,
) -> Result<Vec<usize>, BoxedError> {
    let columns = ProjectionMask::columns(metadata.metadata().file_metadata().schema_descr(), ["subject"]);
    let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone()).with_row_groups(vec![group]);
    let mut stream = stream.with_projection(columns).build()?;
    let schema = crate::table::arrow_schema(crate::table::reading_columns().iter().filter(|c| &*c.name == "subject"));
    let (mut out, mut before) = (Vec::new(), 0);
    while let Some(batch) = stream.try_next().await? {
        let batch = fit(&batch, &schema)?;
        let subjects = batch.column(0).as_string_view();
        let is = |row: &usize| subjects.is_valid(*row) && subjects.value(*row) == subject.as_str();
        out.extend((0..batch.num_rows()).filter(is).map(|row| before + row));
        before += batch.num_rows();
    }
    Ok(out)
}

fn hot<R: Rows>(
    lanes: &[LaneView<R>],
    standing: Standing,
    layout: &Layout,
    sought: &Sought<'_>,
    found: &mut Vec<Traced>,
) -> Result<(), LakeError> {
    for lane in lanes {
        for batch in lane.batches(layout)? {
            let rows = of_batch(&batch, layout, sought)?;
            found.extend(rows.into_iter().map(|(reading, arrival, _)| Traced {
                standing,
                reading,
                arrival,
                place: TracedPlace::Hot,
            }));
        }
    }
    Ok(())
}

/// The rows of a batch that are those of the reading. One that can't be read is nobody's.
fn of_batch(batch: &RecordBatch, layout: &Layout, sought: &Sought<'_>) -> Result<Vec<(Reading, Time, usize)>, LakeError> {
    let decoder = Decoder::new(batch, layout)?;
    let subjects = batch.column_by_name("subject").and_then(|c| c.as_string_view_opt());
    let is_theirs = |row: &usize| subjects.is_some_and(|s| s.is_valid(*row) && s.value(*row) == sought.subject.as_str());
    let rows = (0..batch.num_rows()).filter(is_theirs).filter_map(|row| Some((decoder.row(row).ok()?, row)));
    Ok(rows
        .filter(|((reading, _), _)| reading.id == sought.id)
        .map(|((reading, arrival), row)| (reading, arrival, row))
        .collect())
}
