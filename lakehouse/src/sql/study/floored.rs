//! Groups of enough subjects, as a node of the plan: what is below it is nobody else's.
//!
//! INVARIANT (nothing goes down): it says that it has no inputs, so no rule carries a condition from above into the groups that are left out, where it could tell of them by failing. What is
//! below is optimised by itself when the statement is planned.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;

use datafusion::common::{DFSchemaRef, Result};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

/// The node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Floored {
    groups: LogicalPlan,
}

impl Floored {
    pub(super) fn plan(groups: LogicalPlan) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: std::sync::Arc::new(Floored { groups }) })
    }

    /// What makes the groups, and leaves out those of too few.
    pub(crate) fn groups(&self) -> &LogicalPlan {
        &self.groups
    }
}

impl PartialOrd for Floored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.groups.partial_cmp(&other.groups)
    }
}

impl UserDefinedLogicalNodeCore for Floored {
    fn name(&self) -> &str {
        "Floored"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        self.groups.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, _: Vec<LogicalPlan>) -> Result<Self> {
        Ok(self.clone())
    }
}
