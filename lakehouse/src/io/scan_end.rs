//! The end of a scan: what goes on of each row that files and hot rows have, and which rows do.
//!
//! INVARIANT (nothing above sees more): it stands at the scan itself, so whatever a statement does is done to what comes out here, and a statement has no word for what lies below. No condition comes down
//! through it but those that the relation lets below, which fail on no row; nor does it say how many rows there are, nor what is in them.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::StreamExt;

/// What happens to rows at the end of a scan.
pub trait End: fmt::Debug + Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// The columns that go on, by their places in what comes in.
    fn keep(&self) -> &[usize];

    /// What goes on of these rows, in the columns of `schema`.
    ///
    /// # Errors
    /// Where a column is not what it should be.
    fn of(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch>;
}

/// The operator.
#[derive(Debug)]
pub struct ScanEnd {
    input: Arc<dyn ExecutionPlan>,
    end: Arc<dyn End>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl ScanEnd {
    /// # Errors
    /// Where a column that goes on does not come in.
    pub fn plan(input: Arc<dyn ExecutionPlan>, end: Arc<dyn End>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = Arc::new(input.schema().project(end.keep())?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(Arc::new(ScanEnd { input, end, schema, properties: Arc::new(properties) }))
    }
}

impl DisplayAs for ScanEnd {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.end.name())
    }
}

impl ExecutionPlan for ScanEnd {
    fn name(&self) -> &str {
        self.end.name()
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
        match children.pop().filter(|_| children.is_empty()) {
            Some(input) => ScanEnd::plan(input, self.end.clone()),
            None => internal_err!("the end of a scan has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (end, schema) = (self.end.clone(), self.schema.clone());
        let rows = input.map(move |batch| end.of(&batch.map_err(untold)?, &schema));
        let rows = rows.filter(|rows| std::future::ready(!rows.as_ref().is_ok_and(|rows| rows.num_rows() == 0)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows)))
    }
}

/// What went wrong below, without a word of a row that goes no further. Conditions that are let below fail on none, so it is the store, or the memory.
fn untold(error: DataFusionError) -> DataFusionError {
    if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) {
        return error;
    }
    tracing::error!(%error, "a scan failed");
    DataFusionError::IoError(std::io::Error::other("the lake could not be read"))
}
