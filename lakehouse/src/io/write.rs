//! Writes a partition's rows: new ones, and those of the files that are merged or rid of superseded rows, in one sorted stream.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use deltalake::kernel::{Add, Remove};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, PutMode, PutOptions, PutPayload};

use crate::choose::{Candidate, Choice, choose};
use crate::cold::DataFile;
use crate::error::{Doing, LakeError};
use crate::io::scan::{HiddenRows, but_for_hidden, scan_files};
use crate::layout::{Layout, PARTITION};
use crate::pack::{Packed, Packer};
use crate::sorted::{ORDER, Sorted};
use crate::table::Table;

/// What is needed to write.
pub struct Writer<'a> {
    pub store: &'a Arc<dyn ObjectStore>,
    pub context: Arc<TaskContext>,
    pub layout: &'a Layout,
    pub table: Table,
}

/// What a commit changes.
#[derive(Default)]
pub struct Change {
    pub adds: Vec<Add>,
    pub removes: Vec<Remove>,
    pub rows: u64,
}

impl Writer<'_> {
    /// Writes new rows beside or into files of a version. Rows that are hidden are left out for good.
    ///
    /// # Errors
    /// [`LakeError::Storage`].
    pub async fn write(
        &self,
        former: &[Arc<DataFile>],
        mut new: BTreeMap<Option<String>, Sorted>,
        hidden: &HiddenRows,
    ) -> Result<Change, LakeError> {
        let mut months: BTreeMap<Option<&str>, Vec<&Arc<DataFile>>> = BTreeMap::new();
        for file in former {
            months.entry(file.month.as_deref()).or_default().push(file);
        }
        let mut change = Change::default();
        for (month, files) in months {
            let rows = new.remove(&month.map(str::to_owned));
            let candidates: Vec<_> =
                files.iter().map(|f| Candidate { bytes: f.bytes, must: hidden.contains_key(&f.path) }).collect();
            if rows.is_none() && !candidates.iter().any(|c| c.must) {
                continue;
            }
            let mut merged = Vec::new();
            for (file, choice) in files.into_iter().zip(choose(&candidates)) {
                match choice {
                    Choice::Keep => continue,
                    Choice::Merge => merged.push(Arc::clone(file)),
                    Choice::Alone => self.write_partition(month, None, &[Arc::clone(file)], hidden, &mut change).await?,
                }
                change.removes.push(remove(file));
            }
            if rows.is_some() || !merged.is_empty() {
                self.write_partition(month, rows, &merged, hidden, &mut change).await?;
            }
        }
        for (month, rows) in new {
            self.write_partition(month.as_deref(), Some(rows), &[], hidden, &mut change).await?;
        }
        Ok(change)
    }

    async fn write_partition(
        &self,
        month: Option<&str>,
        rows: Option<Sorted>,
        rewritten: &[Arc<DataFile>],
        hidden: &HiddenRows,
        change: &mut Change,
    ) -> Result<(), LakeError> {
        let writing = || format!("writing files of table {}", self.table.name());
        let mut stream = self.stream(rows, rewritten, hidden).doing(writing())?;
        let mut packer: Option<Packer> = None;
        while let Some(batch) = stream.try_next().await.doing(writing())? {
            if batch.num_rows() == 0 {
                continue;
            }
            let mut open = match packer.take() {
                Some(open) => open,
                None => Packer::new(self.table, self.layout).doing(writing())?,
            };
            open.write(&batch).doing(writing())?;
            if open.is_full() {
                self.put(month, open.finish().doing(writing())?, change).await?;
            } else {
                packer = Some(open);
            }
        }
        if let Some(open) = packer {
            self.put(month, open.finish().doing(writing())?, change).await?;
        }
        Ok(())
    }

    /// New and old rows, merged by the table's order.
    fn stream(
        &self,
        rows: Option<Sorted>,
        rewritten: &[Arc<DataFile>],
        hidden: &HiddenRows,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let schema = self.layout.schema(self.table).clone();
        if rewritten.is_empty() {
            let pieces = rows.into_iter().flat_map(Sorted::into_pieces).map(|piece| piece.map_err(DataFusionError::from));
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(pieces))));
        }
        let order = order(self.table, &schema)?;
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if let Some(sorted) = rows {
            let parts: Vec<Arc<dyn PartitionStream>> = vec![Arc::new(NewRows(sorted))];
            inputs.push(Arc::new(StreamingTableExec::try_new(schema.clone(), parts, None, [order.clone()], false, None)?));
        }
        let each: Vec<_> = rewritten.iter().map(|file| vec![Arc::clone(file)]).collect();
        inputs.push(scan_files(&schema, but_for_hidden(self.table, &each, hidden), None, None, None, None)?);
        let all = if inputs.len() == 1 { inputs.remove(0) } else { UnionExec::try_new(inputs)? };
        execute_stream(Arc::new(SortPreservingMergeExec::new(order, all)), self.context.clone())
    }

    async fn put(&self, month: Option<&str>, packed: Packed, change: &mut Change) -> Result<(), LakeError> {
        let name = format!("part-{:016x}{:016x}.parquet", random(), random());
        let path = match month {
            Some(month) => format!("{PARTITION}={month}/{name}"),
            None => name,
        };
        let size = packed.bytes.len() as i64;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let place = Path::from(self.table.place_of(&path));
        self.store.put_opts(&place, PutPayload::from(packed.bytes), options).await.doing(format!("storing {path}"))?;
        change.rows += packed.stats.num_records;
        change.adds.push(Add {
            path,
            size,
            partition_values: partition_values(month),
            modification_time: now_ms(),
            data_change: true,
            stats: serde_json::to_string(&packed.stats).ok(),
            ..Add::default()
        });
        Ok(())
    }
}

/// Sorted rows as an input of the merge.
#[derive(Debug)]
struct NewRows(Sorted);

impl PartitionStream for NewRows {
    fn schema(&self) -> &SchemaRef {
        self.0.schema()
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let pieces = self.0.clone().into_pieces().map(|piece| piece.map_err(DataFusionError::from));
        Box::pin(RecordBatchStreamAdapter::new(self.0.schema().clone(), futures::stream::iter(pieces)))
    }
}

fn order(table: Table, schema: &SchemaRef) -> Result<LexOrdering, DataFusionError> {
    let by = table.order().iter().map(|name| Ok(PhysicalSortExpr::new(col(name, schema)?, ORDER)));
    let by = by.collect::<Result<Vec<_>, DataFusionError>>()?;
    LexOrdering::new(by).ok_or_else(|| DataFusionError::Plan("a table without an order".to_owned()))
}

/// A file that is named no longer.
pub fn remove(file: &DataFile) -> Remove {
    Remove {
        path: file.path.to_string(),
        data_change: true,
        deletion_timestamp: Some(now_ms()),
        extended_file_metadata: Some(true),
        partition_values: Some(partition_values(file.month.as_deref())),
        size: Some(file.bytes as i64),
        ..Remove::default()
    }
}

fn partition_values(month: Option<&str>) -> HashMap<String, Option<String>> {
    month.map(|month| (PARTITION.to_owned(), Some(month.to_owned()))).into_iter().collect()
}

/// The log says when files came and went, for clean-up by age; nothing is decided by it.
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// Names of files never meet again, not even after a crash between writing and committing.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
