//! What is public beside rows of subjects must not fail.
//!
//! Whether it is computed at all may hang on whether there are such rows: a join whose one side is empty does not ask the other. So a division by nought on the public side would tell of the
//! other. By itself what is public may fail as it likes.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, LogicalPlan, Subquery};

use super::floored::Floored;
use super::kind::{Kind, Rows};
use super::nodes::unaliased;
use super::{Walk, no};
use crate::sql::SqlError;

const AGGREGATES: [&str; 7] = ["count", "sum", "avg", "min", "max", "stddev", "median"];

impl Walk<'_> {
    /// A subquery that is public, and does not fail.
    pub(super) fn calm_public(&mut self, subquery: Subquery) -> Result<Subquery, SqlError> {
        let subquery = self.public(subquery)?;
        self.calm(&subquery.subquery)?;
        Ok(subquery)
    }

    /// Looks whether what is public may fail.
    pub(super) fn calm(&mut self, plan: &LogicalPlan) -> Result<(), SqlError> {
        let refused =
            || no("what is asked beside rows of single subjects may fail", "compute it after grouping, or leave it out");
        match plan {
            LogicalPlan::Extension(node) if node.node.as_any().is::<Floored>() => return Ok(()),
            LogicalPlan::TableScan(_) | LogicalPlan::EmptyRelation(_) => return Ok(()),
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Join(_)
            | LogicalPlan::Union(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => {}
            _ => return Err(refused()),
        }
        let mut schema = DFSchema::empty();
        for input in plan.inputs() {
            self.calm(input)?;
            schema = schema.join(input.schema())?;
        }
        let mut rows = Rows::new(Column::new_unqualified(""));
        for (column, field) in schema.columns().iter().zip(schema.fields()) {
            rows.set(column, if field.data_type().is_floating() { Kind::Measure } else { Kind::Coded });
        }
        for expr in plan.expressions() {
            let parts = match unaliased(expr) {
                Expr::AggregateFunction(function) if AGGREGATES.contains(&function.func.name()) => {
                    function.params.args.into_iter().chain(function.params.filter.map(|f| *f)).collect()
                }
                other => vec![other],
            };
            for part in parts {
                casts_what_fits(&part, &schema)?;
                self.word(part, &rows, &schema)?;
            }
        }
        Ok(())
    }
}

/// A cast of rows fails on none of them where any number becomes a double, or a text another kind of text.
fn casts_what_fits(expr: &Expr, schema: &DFSchema) -> Result<(), SqlError> {
    let mut fits = true;
    expr.apply(|e| {
        if let Expr::Cast(cast) = e
            && !matches!(*cast.expr, Expr::Literal(..))
        {
            let (from, to) = (cast.expr.get_type(schema)?, cast.field.data_type());
            fits &= (from.is_numeric() && to.is_floating()) || (from.is_string() && to.is_string()) || from == *to;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if fits { Ok(()) } else { Err(no("a cast beside rows of single subjects may fail", "use TRY_CAST")) }
}
