//! From logical to physical plans: the library's planner, and what it must be told of our nodes.

use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::{Result, internal_err};
use datafusion::execution::SessionState;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use crate::io::apart::Apart;
use crate::sql::{Floored, Undetermined};

/// Plans statements.
#[derive(Debug)]
pub struct Planner;

#[async_trait::async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(NothingToDo), Arc::new(Enough)])
            .create_physical_plan(plan, session)
            .await
    }
}

/// A node that only says something of its input is that input.
struct NothingToDo;

#[async_trait::async_trait]
impl ExtensionPlanner for NothingToDo {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        Ok(node.as_any().is::<Undetermined>().then(|| inputs.first().cloned()).flatten())
    }
}

/// Groups of enough subjects are planned by themselves, and stay apart from what is above them.
struct Enough;

#[async_trait::async_trait]
impl ExtensionPlanner for Enough {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        _: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(floored) = node.as_any().downcast_ref::<Floored>() else { return Ok(None) };
        let Some(state) = session.as_any().downcast_ref::<SessionState>() else {
            return internal_err!("a session of another kind");
        };
        let groups = state.optimize(floored.groups())?;
        Ok(Some(Arc::new(Apart(planner.create_physical_plan(&groups, session).await?))))
    }
}
