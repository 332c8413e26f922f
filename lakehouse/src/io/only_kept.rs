//! The end of a scan of files in which some rows are past retention: they go no further.
//!
//! As with rows that somebody may not see ([`super::only_seen`]), no condition of the statement that could fail is let below: it would tell of a row that is not answered any more.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::StreamExt;

use crate::retention::Cuts;
use crate::table::Table;

/// Gives on only rows that stay, and of these only some columns.
#[derive(Debug)]
pub struct OnlyKept {
    input: Arc<dyn ExecutionPlan>,
    table: Table,
    cuts: Arc<Cuts>,
    /// What goes on of each row, by its place in what comes in.
    keep: Arc<[usize]>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl OnlyKept {
    /// # Errors
    /// Where a column that is kept does not come in.
    pub fn new(input: Arc<dyn ExecutionPlan>, table: Table, cuts: Arc<Cuts>, keep: Arc<[usize]>) -> Result<OnlyKept> {
        let schema = Arc::new(input.schema().project(&keep)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(OnlyKept { input, table, cuts, keep, schema, properties: Arc::new(properties) })
    }
}

impl DisplayAs for OnlyKept {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnlyKept")
    }
}

impl ExecutionPlan for OnlyKept {
    fn name(&self) -> &str {
        "OnlyKept"
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
        let Some(input) = children.pop().filter(|_| children.is_empty()) else { return internal_err!("OnlyKept has one input") };
        Ok(Arc::new(OnlyKept::new(input, self.table, self.cuts.clone(), self.keep.clone())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (table, cuts, keep) = (self.table, self.cuts.clone(), self.keep.clone());
        let rows = input.map(move |batch| of_batch(&batch?, table, &cuts, &keep));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows)))
    }
}

fn of_batch(batch: &RecordBatch, table: Table, cuts: &Cuts, keep: &[usize]) -> Result<RecordBatch> {
    let rows = cuts.kept(table, batch)?;
    let batch = batch.project(keep)?;
    Ok(match rows {
        None => batch,
        Some(rows) => filter_record_batch(&batch, &rows)?,
    })
}
