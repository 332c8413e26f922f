//! Makes operators that give out more than they take in stop between two batches.
//!
//! A query is cancelled where it gives way. The library makes leaves and exchanges do so; a join reads a leaf once and may then make batches of its
//! product for hours without asking anything of it. It refuses nothing: it only wraps.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;

/// Wraps what has several inputs (joins, unions, recursion), and what makes many rows of one.
#[derive(Debug)]
pub struct GiveWay;

/// Operators with one input whose output may be as long as a list in a row says, or as their own result fed back.
const LENGTHENING: [&str; 2] = ["UnnestExec", "RecursiveQueryExec"];

impl PhysicalOptimizerRule for GiveWay {
    fn name(&self) -> &'static str {
        "give_way"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|node| {
            let lengthens = node.children().len() > 1 || LENGTHENING.contains(&node.name());
            Ok(if lengthens {
                Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>)
            } else {
                Transformed::no(node)
            })
        })?;
        Ok(wrapped.data)
    }
}
