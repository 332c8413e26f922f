//! Reading files: a plan over Parquet files, with rows hidden, predicates and limits inside the scan.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;

use crate::cold::DataFile;
use crate::shared::Found;
use crate::table::Table;

/// Rows of files that are no longer current, by file.
pub type HiddenRows = BTreeMap<Arc<str>, Hidden>;

/// Rows of one file that are no longer current.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    /// Ascending.
    rows: Vec<u64>,
    /// How many rows the file has.
    of: u64,
}

/// The one address at which plans find the lake's store.
pub const STORE_URL: &str = "vitalog://lake";

/// What is found becomes what is hidden.
pub fn hidden_rows<'a>(found: impl IntoIterator<Item = &'a Found>) -> HiddenRows {
    let mut hidden = HiddenRows::new();
    for found in found {
        let of_file = hidden.entry(found.file.clone()).or_default();
        of_file.rows.push(found.row);
        of_file.of = found.file_rows;
    }
    for of_file in hidden.values_mut() {
        of_file.rows.sort_unstable();
        of_file.rows.dedup();
    }
    hidden
}

/// Hides some rows of a file, ascending, of so many that it has.
pub fn hide(hidden: &mut HiddenRows, file: &Arc<str>, rows: Vec<u64>, of: u64) {
    hidden.insert(file.clone(), Hidden { rows, of });
}

/// Files to be read, in partitions, but for their hidden rows.
pub fn but_for_hidden(table: Table, groups: &[Vec<Arc<DataFile>>], hidden: &HiddenRows) -> Vec<Vec<PartitionedFile>> {
    groups.iter().map(|files| files.iter().map(|f| open(table, f, hidden)).collect()).collect()
}

/// A scan of files, one partition for each group of them.
///
/// # Errors
/// Where a projection names a column that isn't there.
pub fn scan_files(
    schema: &SchemaRef,
    groups: Vec<Vec<PartitionedFile>>,
    projection: Option<&Vec<usize>>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    limit: Option<usize>,
    reader: Option<Arc<dyn ParquetFileReaderFactory>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut options = TableParquetOptions::default();
    options.global.pushdown_filters = true;
    // In the order given: by sizes, what costs the least to read would come first, and not what leaves the fewest rows.
    options.global.reorder_filters = false;
    // Keeping what one condition decoded for the next costs more here than decoding it again where rows are left.
    options.global.max_predicate_cache_size = Some(0);
    let mut source = ParquetSource::new(schema.clone()).with_table_parquet_options(options);
    if let Some(predicate) = predicate {
        source = source.with_predicate(predicate);
    }
    if let Some(reader) = reader {
        source = source.with_parquet_file_reader_factory(reader);
    }
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE_URL)?, Arc::new(source))
        .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
        .with_projection_indices(projection.cloned())?
        .with_limit(limit)
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

fn open(table: Table, file: &DataFile, hidden: &HiddenRows) -> PartitionedFile {
    let place = PartitionedFile::new(table.place_of(&file.path), file.bytes);
    match hidden.get(&file.path) {
        Some(hidden) => place.with_extension(ParquetRowSelection::new(hidden.all_but())),
        None => place,
    }
}

impl Hidden {
    /// Selects a file's rows but for these.
    fn all_but(&self) -> RowSelection {
        let (mut selectors, mut next) = (Vec::with_capacity(self.rows.len() * 2 + 1), 0);
        for &row in &self.rows {
            selectors.extend([RowSelector::select((row - next) as usize), RowSelector::skip(1)]);
            next = row + 1;
        }
        selectors.push(RowSelector::select((self.of - next) as usize));
        RowSelection::from(selectors)
    }
}
