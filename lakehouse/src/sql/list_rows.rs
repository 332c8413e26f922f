//! Rows made of a list are not determined by what determined the list.
//!
//! Of `SELECT subject, array_agg(value) … GROUP BY subject` each subject has one row, so the subject determines the list. The library goes on believing so when `unnest` has made
//! rows of it, and then drops such columns from ORDER BY, GROUP BY and DISTINCT: wrong answers without a word. A node that has its input's columns and
//! believes nothing of them is laid over each relation that is made so, and over each `unnest` in a plan. It does nothing when the plan runs.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, FunctionalDependencies, Result, plan_err};
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::TableFactor;

/// The node.
#[derive(Clone, Debug)]
pub struct Undetermined {
    input: LogicalPlan,
    schema: DFSchemaRef,
}

impl Undetermined {
    fn over(input: LogicalPlan) -> Result<Undetermined> {
        let schema = DFSchema::clone(input.schema());
        let schema = Arc::new(schema.with_functional_dependencies(FunctionalDependencies::empty())?);
        Ok(Undetermined { input, schema })
    }

    fn plan(input: LogicalPlan) -> Result<LogicalPlan> {
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(Undetermined::over(input)?) }))
    }
}

impl PartialEq for Undetermined {
    fn eq(&self, other: &Self) -> bool {
        self.input == other.input
    }
}

impl Eq for Undetermined {}

impl PartialOrd for Undetermined {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl Hash for Undetermined {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for Undetermined {
    fn name(&self) -> &str {
        "Undetermined"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match inputs.pop() {
            Some(input) => Undetermined::over(input),
            None => plan_err!("a relation is missing"),
        }
    }

    fn necessary_children_exprs(&self, columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![columns.to_vec()])
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }
}

/// Whether it has rows of a list, and believes something of its columns.
fn is_misled(plan: &LogicalPlan) -> Result<bool> {
    if plan.schema().functional_dependencies().is_empty() {
        return Ok(false);
    }
    let mut unnests = false;
    plan.apply(|node| {
        unnests |= matches!(node, LogicalPlan::Unnest(_));
        Ok(if unnests { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(unnests)
}

/// Lays the node over relations as they are planned: a GROUP BY above them is completed right there by what is believed to be determined.
#[derive(Debug, Default)]
pub struct OverRelations {
    /// Relations that are being planned, outermost first. Planning one asks for it again, which is then left to the library.
    under_way: Mutex<Vec<TableFactor>>,
}

impl RelationPlanner for OverRelations {
    fn plan_relation(&self, relation: TableFactor, context: &mut dyn RelationPlannerContext) -> Result<RelationPlanning> {
        let under_way = || self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way().last() == Some(&relation) {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        under_way().push(relation.clone());
        let plan = context.plan(relation);
        under_way().pop();
        let plan = plan?;
        let plan = if is_misled(&plan)? { Undetermined::plan(plan)? } else { plan };
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation { plan, alias: None })))
    }
}

/// Lays the node over what has no relation around it: ORDER BY and DISTINCT of the very SELECT that has the `unnest`.
#[derive(Debug)]
pub struct OverUnnests;

impl AnalyzerRule for OverUnnests {
    fn name(&self) -> &str {
        "undetermined_list_rows"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let laid = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Unnest(_) if !node.schema().functional_dependencies().is_empty() => {
                Ok(Transformed::yes(Undetermined::plan(node)?))
            }
            LogicalPlan::Unnest(_) | LogicalPlan::Extension(_) => Ok(Transformed::no(node)),
            // What is above learns what is no longer believed below.
            other => Ok(Transformed::yes(other.recompute_schema()?)),
        })?;
        Ok(laid.data)
    }
}
