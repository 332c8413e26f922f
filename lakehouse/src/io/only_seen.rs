//! The end of a scan for whoever may not see everything: rows of other subjects go no further.
//!
//! INVARIANT (nothing above sees more): it stands at the scan itself, so whatever a statement does is done to what comes out here. No predicate of the statement is let below, where it would be evaluated on
//! rows that nobody may see, and could tell of them by failing; nor does it say how many rows there are below.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{cast, filter_record_batch};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::{Stream, StreamExt};

use crate::eyes::Seen;

/// Gives on only rows of subjects that are seen, and of these only some columns.
#[derive(Debug)]
pub struct OnlySeen {
    input: Arc<dyn ExecutionPlan>,
    /// Where the subject is in what comes in.
    subject: usize,
    /// What goes on of each row, by its place in what comes in.
    keep: Arc<[usize]>,
    seen: Arc<Seen>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl OnlySeen {
    /// # Errors
    /// Where a column that is kept does not come in.
    pub fn new(input: Arc<dyn ExecutionPlan>, subject: usize, keep: Arc<[usize]>, seen: Arc<Seen>) -> Result<OnlySeen> {
        let schema = Arc::new(input.schema().project(&keep)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(OnlySeen { input, subject, keep, seen, schema, properties: Arc::new(properties) })
    }
}

impl DisplayAs for OnlySeen {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnlySeen")
    }
}

impl ExecutionPlan for OnlySeen {
    fn name(&self) -> &str {
        "OnlySeen"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop().filter(|_| children.is_empty()) else { return internal_err!("OnlySeen has one input") };
        Ok(Arc::new(OnlySeen::new(input, self.subject, self.keep.clone(), self.seen.clone())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (subject, keep, seen) = (self.subject, self.keep.clone(), self.seen.clone());
        Ok(Box::pin(Rows { input, subject, keep, seen, schema: self.schema.clone() }))
    }
}

struct Rows {
    input: SendableRecordBatchStream,
    subject: usize,
    keep: Arc<[usize]>,
    seen: Arc<Seen>,
    schema: SchemaRef,
}

impl Rows {
    fn of(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mask = seen_rows(batch.column(self.subject), &self.seen)?;
        Ok(filter_record_batch(&batch.project(&self.keep)?, &mask)?)
    }
}

impl Stream for Rows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::task::ready!(self.input.poll_next_unpin(context)) {
                Some(Ok(batch)) => match self.of(&batch) {
                    Ok(rows) if rows.num_rows() == 0 => {}
                    other => return Poll::Ready(Some(other)),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(untold(error)))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// What went wrong below, without a word of a row that is not seen. Conditions that are let below fail on none, so it is the store, or the memory.
pub(super) fn untold(error: DataFusionError) -> DataFusionError {
    if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) {
        return error;
    }
    tracing::error!(%error, "a scan failed");
    DataFusionError::IoError(std::io::Error::other("the lake could not be read"))
}

impl RecordBatchStream for Rows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// Which rows are of a subject that is seen. A row about nobody is not.
fn seen_rows(column: &ArrayRef, seen: &Seen) -> Result<BooleanArray> {
    let texts = cast(column, &DataType::Utf8View)?;
    let texts = texts.as_string_view();
    // Rows of a subject lie together.
    let mut last: Option<(&str, bool)> = None;
    let rows = (0..texts.len()).map(|row| {
        if texts.is_null(row) {
            return false;
        }
        let name = texts.value(row);
        match last {
            Some((known, is_seen)) if known == name => is_seen,
            _ => {
                let is_seen = seen.has(name);
                last = Some((name, is_seen));
                is_seen
            }
        }
    });
    Ok(rows.map(Some).collect())
}
