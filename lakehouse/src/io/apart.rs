//! Keeps what is above from what is below: rows pass, and no condition is carried down through it.
//!
//! Above stand groups that may be seen, below also those that are left out. A condition that were carried down would be asked of these, and could tell of them by failing.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::TryStreamExt;

/// The operator.
#[derive(Debug)]
pub struct Apart(pub Arc<dyn ExecutionPlan>);

impl DisplayAs for Apart {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apart")
    }
}

impl ExecutionPlan for Apart {
    fn name(&self) -> &str {
        "Apart"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop().filter(|_| children.is_empty()) {
            Some(input) => Ok(Arc::new(Apart(input))),
            None => internal_err!("Apart has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.0.execute(partition, context)?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(rows.schema(), rows.map_err(untold))))
    }
}

/// What went wrong below, without a word of a row. What is let below fails on none, so it is the memory, or the store.
fn untold(error: DataFusionError) -> DataFusionError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) | DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => error,
        _ => DataFusionError::Execution("the groups could not be made".to_owned()),
    }
}
