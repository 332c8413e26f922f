//! What may leave of a statement over everybody: only what rests on enough subjects.
//!
//! The plan is walked from its relations up. Rows are of one of two classes: *each of one subject* (the relations of the lake), or *public*: about nobody, or resting on enough. Rows of subjects have the subject
//! with them in a column that no statement has a name for, so it is known whose a row is after projections, unions and joins. Grouping them makes them public: beside what is asked it is counted of how
//! many subjects each group is, and groups of too few are left out right there, before anything else sees them. What is not known to keep this is refused, and so is whatever would leave as rows of single
//! subjects. So it is no list of what is forbidden: a node or a function that the library adds is refused until it is looked at here.

mod aggregate;
mod calm;
mod floored;
mod join;
mod kind;
mod nodes;
mod trial;
mod words;

use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Subquery, TableScan};

pub(crate) use floored::Floored;
use kind::{Kind, Rows};

use crate::sql::{SqlError, refused};

/// What the rows of a relation are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Each is of one subject.
    OfSubjects,
    Public,
    /// Nobody said.
    Unknown,
}

/// A relation, and what its rows are.
pub(super) struct Seen {
    plan: LogicalPlan,
    /// `None`: they are public.
    rows: Option<Rows>,
}

/// One statement under way.
pub(super) struct Walk<'a> {
    floor: u32,
    class: &'a dyn Fn(&TableScan) -> Class,
    /// Hidden columns that were made.
    made: usize,
    /// How far instants are moved, in all.
    moved_days: i64,
}

/// The plan with groups of fewer than `floor` subjects left out. It must have been analyzed. `class`: what the rows of a relation are.
///
/// # Errors
/// `sql_study`, where something else would leave.
pub(crate) fn floored(plan: LogicalPlan, floor: u32, class: &dyn Fn(&TableScan) -> Class) -> Result<LogicalPlan, SqlError> {
    let mut walk = Walk { floor, class, made: 0, moved_days: 0 };
    let seen = walk.node(plan)?;
    match seen.rows {
        None => Ok(seen.plan),
        Some(_) => Err(no(
            "rows of single subjects do not leave",
            format!(
                "aggregate over subjects, as in SELECT stream, count(*) FROM readings GROUP BY stream: what rests on {floor} or more is shown"
            ),
        )),
    }
}

/// A refusal.
pub(super) fn no(what: &str, remedy: impl Into<String>) -> SqlError {
    refused("sql_study", what, remedy)
}

impl Walk<'_> {
    /// A subquery that has nothing of single subjects, and hangs on no row around it.
    fn public(&mut self, subquery: Subquery) -> Result<Subquery, SqlError> {
        if !subquery.outer_ref_columns.is_empty() {
            return Err(no(
                "a subquery looks at the row around it",
                "join by the subject, or write subject IN (SELECT subject …)",
            ));
        }
        let seen = self.node(Arc::unwrap_or_clone(subquery.subquery.clone()))?;
        match seen.rows {
            None => Ok(words::of(&subquery, seen.plan)),
            Some(_) => {
                Err(no("a subquery gives rows of single subjects", "aggregate in it, or write subject IN (SELECT subject …)"))
            }
        }
    }

    /// A subquery that says whom: its one column is the subject of its rows.
    fn whom(&mut self, subquery: Subquery) -> Result<Subquery, SqlError> {
        if !subquery.outer_ref_columns.is_empty() {
            return Err(no(
                "a subquery looks at the row around it",
                "join by the subject, or write subject IN (SELECT subject …)",
            ));
        }
        let seen = self.node(Arc::unwrap_or_clone(subquery.subquery.clone()))?;
        let wrong = || no("the subject is looked for among what is no subject", "write subject IN (SELECT subject …)");
        let rows = seen.rows.ok_or_else(wrong)?;
        let column = rows.visible(seen.plan.schema()).next().ok_or_else(wrong)?;
        if rows.kind(&column) != Some(Kind::Subject) {
            return Err(wrong());
        }
        let plan = LogicalPlan::Projection(Projection::try_new(vec![Expr::Column(column)], Arc::new(seen.plan))?);
        Ok(words::of(&subquery, plan))
    }

    fn hidden(&mut self) -> String {
        self.made += 1;
        format!("study subject {}", self.made)
    }
}
