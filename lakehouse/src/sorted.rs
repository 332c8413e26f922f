//! Rows of many batches in a table's order, parted by month where the table is; made into batches piece by piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::{SortOptions, interleave_record_batch};
use datafusion::arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use vitalog_elog::Time;

use crate::fit::Nulls;
use crate::layout::Layout;
use crate::month::{month_name, month_of};
use crate::ranks::{Key, keys};
use crate::table::Table;

/// Rows per batch.
const PIECE: usize = 8192;

/// Rows in order. All batches have the table's columns.
#[derive(Clone, Debug)]
pub struct Sorted {
    schema: SchemaRef,
    batches: Arc<Vec<RecordBatch>>,
    /// Batch and row.
    order: Vec<(u32, u32)>,
}

/// How rows are ordered in a file, in Arrow's words.
pub const ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// Sorts rows by the table's order, apart for each month; `None` where the table has no months.
///
/// # Errors
/// Those of Arrow.
pub fn sort(batches: &[RecordBatch], table: Table, layout: &Layout) -> Result<BTreeMap<Option<String>, Sorted>, ArrowError> {
    let schema = layout.schema(table).clone();
    let mut nulls = Nulls::default();
    let batches = Arc::new(batches.iter().map(|b| nulls.fit(b, &schema)).collect::<Result<Vec<_>, _>>()?);
    let places: Vec<usize> = table.order().iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>()?;
    let columns: Vec<Vec<ArrayRef>> =
        batches.iter().map(|batch| places.iter().map(|&i| batch.column(i).clone()).collect()).collect();
    let mut months: BTreeMap<Option<i64>, Vec<(u32, u32)>> = BTreeMap::new();
    for (i, batch) in batches.iter().enumerate() {
        let month = months_of(batch, table)?;
        for row in 0..batch.num_rows() {
            months.entry(month.as_ref().map(|m| m[row])).or_default().push((i as u32, row as u32));
        }
    }
    if let Some(keys) = keys(&columns) {
        for order in months.values_mut() {
            // Beside its row, for else each comparison would look for both keys.
            let key = |at: &(u32, u32)| keys[at.0 as usize][at.1 as usize];
            let mut keyed: Vec<(Key, (u32, u32))> = order.iter().map(|at| (key(at), *at)).collect();
            keyed.sort_unstable();
            *order = keyed.into_iter().map(|(_, at)| at).collect();
        }
    } else {
        let fields = places.iter().map(|&i| SortField::new_with_options(schema.field(i).data_type().clone(), ORDER));
        let converter = RowConverter::new(fields.collect())?;
        let keys: Vec<Rows> = columns.iter().map(|of| converter.convert_columns(of)).collect::<Result<_, _>>()?;
        let key = |(batch, row): &(u32, u32)| keys[*batch as usize].row(*row as usize);
        months.values_mut().for_each(|order| order.sort_by(|a, b| key(a).cmp(&key(b))));
    }
    let sorted = |order| Sorted { schema: schema.clone(), batches: batches.clone(), order };
    Ok(months.into_iter().map(|(month, order)| (month.map(month_name), sorted(order))).collect())
}

/// Each row's month: that of its instant; of its start, while it goes on.
fn months_of(batch: &RecordBatch, table: Table) -> Result<Option<Vec<i64>>, ArrowError> {
    if table != Table::Readings {
        return Ok(None);
    }
    let of = |name| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
    let (Some(at), Some(start)) = (of("at"), of("start_at")) else {
        return Err(ArrowError::SchemaError("a reading without times".to_owned()));
    };
    let time = |row: usize| if at.is_valid(row) { at.value(row) } else { start.value(row) };
    Ok(Some((0..batch.num_rows()).map(|row| month_of(Time(time(row)))).collect()))
}

impl Sorted {
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows, piece by piece.
    pub fn into_pieces(self) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send {
        let pieces = self.order.len().div_ceil(PIECE);
        (0..pieces).map(move |i| {
            let order = &self.order[i * PIECE..((i + 1) * PIECE).min(self.order.len())];
            // Only the batches that a piece draws on, so that it doesn't hold on to the others.
            let mut used: Vec<u32> = order.iter().map(|(batch, _)| *batch).collect();
            used.sort_unstable();
            used.dedup();
            let batches: Vec<&RecordBatch> = used.iter().map(|&b| &self.batches[b as usize]).collect();
            let place = |batch: u32| used.binary_search(&batch).unwrap_or_default();
            let indices: Vec<(usize, usize)> = order.iter().map(|&(batch, row)| (place(batch), row as usize)).collect();
            interleave_record_batch(&batches, &indices)
        })
    }
}
