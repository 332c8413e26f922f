//! Joins: of rows of single subjects, by the subject; or with what is public.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::logical_expr::{BinaryExpr, Expr, Join, LogicalPlan, Operator};

use super::kind::{Kind, Rows};
use super::nodes::unaliased;
use super::{Seen, Walk, no};
use crate::sql::SqlError;

impl Walk<'_> {
    pub(super) fn join(&mut self, join: Join) -> Result<Seen, SqlError> {
        let left = self.node(Arc::unwrap_or_clone(join.left.clone()))?;
        let right = self.node(Arc::unwrap_or_clone(join.right.clone()))?;
        let kind = join.join_type;
        let rows = match (&left.rows, &right.rows) {
            (None, None) => return self.rebuilt(LogicalPlan::Join(join), vec![left.plan, right.plan]),
            (Some(l), Some(r)) => both(l, r, &join)?,
            (Some(l), None) => one(
                l,
                &right,
                matches!(kind, JoinType::Inner | JoinType::Left),
                matches!(kind, JoinType::LeftSemi | JoinType::LeftAnti),
            )?,
            (None, Some(r)) => one(
                r,
                &left,
                matches!(kind, JoinType::Inner | JoinType::Right),
                matches!(kind, JoinType::RightSemi | JoinType::RightAnti),
            )?,
        };
        for side in [&left, &right] {
            if side.rows.is_none() {
                self.calm(&side.plan)?;
            }
        }
        // Whatever is asked of a pair is asked of the columns of both.
        let mut all = Rows::new(rows.hidden.clone());
        for side in [&left, &right] {
            match &side.rows {
                Some(own) => all.add(own, false),
                None => side.plan.schema().columns().iter().for_each(|c| all.set(c, Kind::Coded)),
            }
        }
        let schema = left.plan.schema().join(right.plan.schema())?;
        let mut on = Vec::new();
        for (a, b) in join.on {
            let ((a, x), (b, y)) = (self.word(a, &all, &schema)?, self.word(b, &all, &schema)?);
            if x.is_name() != y.is_name() {
                return Err(no("a pseudonym is joined with what is none", "join by the subject"));
            }
            on.push((a, b));
        }
        let filter = join.filter.map(|f| self.word(f, &all, &schema).map(|(f, _)| f)).transpose()?;
        let (l, r) = (Arc::new(left.plan), Arc::new(right.plan));
        let made = Join::try_new(l, r, on, filter, kind, join.join_constraint, join.null_equality, join.null_aware)?;
        Ok(Seen { plan: LogicalPlan::Join(made), rows: Some(rows) })
    }
}

/// Rows of a subject with other rows of the same one.
fn both(left: &Rows, right: &Rows, join: &Join) -> Result<Rows, SqlError> {
    let is_pair = |a: &Expr, b: &Expr| {
        let kind = |rows: &Rows, e: &Expr| match unaliased(e.clone()) {
            Expr::Column(column) => rows.kind(&column),
            _ => None,
        };
        let same = |a, b| kind(left, a) == Some(Kind::Subject) && kind(right, b) == Some(Kind::Subject);
        same(a, b) || same(b, a)
    };
    let by_filter = |f: &Expr| {
        datafusion::logical_expr::utils::split_conjunction(f).into_iter().any(|e| match e {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => is_pair(left, right),
            _ => false,
        })
    };
    if !join.on.iter().any(|(a, b)| is_pair(a, b)) && !join.filter.as_ref().is_some_and(by_filter) {
        let remedy = "add ON a.subject = b.subject";
        return Err(no("rows of different subjects are joined", remedy));
    }
    let mut rows = Rows::new(if matches!(join.join_type, JoinType::Right | JoinType::RightSemi | JoinType::RightAnti) {
        right.hidden.clone()
    } else {
        left.hidden.clone()
    });
    let (with_left, with_right) = match join.join_type {
        JoinType::Inner => (Some(false), Some(false)),
        JoinType::Left => (Some(false), Some(true)),
        JoinType::Right => (Some(true), Some(false)),
        JoinType::LeftSemi | JoinType::LeftAnti => (Some(false), None),
        JoinType::RightSemi | JoinType::RightAnti => (None, Some(false)),
        JoinType::Full | JoinType::LeftMark | JoinType::RightMark => {
            return Err(no("a full join leaves open whose a row is", "use LEFT JOIN from whom it is about"));
        }
    };
    for (own, missing) in [(left, with_left), (right, with_right)] {
        if let Some(missing) = missing {
            rows.add(own, missing);
        }
    }
    Ok(rows)
}

/// Rows of a subject with what is public.
fn one(own: &Rows, public: &Seen, is_all: bool, is_own_alone: bool) -> Result<Rows, SqlError> {
    let mut rows = own.clone();
    if is_all {
        public.plan.schema().columns().iter().for_each(|c| rows.set(c, Kind::Coded));
    } else if !is_own_alone {
        return Err(no("this join leaves open whose a row is", "put the rows of subjects on the left of a LEFT JOIN"));
    }
    Ok(rows)
}
