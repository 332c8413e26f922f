//! What each node of a plan does to whose a row is.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{
    Distinct, Expr, Filter, LogicalPlan, Projection, Sort, SubqueryAlias, TableScan, Union, Window, WindowFrameBound,
    WindowFrameUnits,
};

use super::kind::{Kind, Rows};
use super::{Class, Seen, Walk, no};
use crate::sql::SqlError;

/// Functions along the rows of one subject. None fails on a row. What they give is what they are given, or a number of a row.
const ALONG: [&str; 14] = [
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "count",
    "sum",
    "avg",
    "min",
    "max",
];
const NUMBERING: [&str; 6] = ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "count"];

impl Walk<'_> {
    /// Looks at a relation, and at what it is made of.
    pub(super) fn node(&mut self, plan: LogicalPlan) -> Result<Seen, SqlError> {
        match plan {
            LogicalPlan::TableScan(scan) => match (self.class)(&scan) {
                Class::OfSubjects => self.scan(scan),
                Class::Public => Ok(Seen { plan: LogicalPlan::TableScan(scan), rows: None }),
                Class::Unknown => Err(no("a relation is not known here", "ask tables of the lake")),
            },
            LogicalPlan::EmptyRelation(_) | LogicalPlan::DescribeTable(_) => Ok(Seen { plan, rows: None }),
            LogicalPlan::Projection(p) => self.projection(p),
            LogicalPlan::Filter(f) => self.filter(f),
            LogicalPlan::SubqueryAlias(a) => self.alias(a),
            LogicalPlan::Sort(s) => self.sort(s),
            LogicalPlan::Aggregate(a) => self.aggregate(a),
            LogicalPlan::Window(w) => self.window(w),
            LogicalPlan::Join(j) => self.join(j),
            LogicalPlan::Union(u) => self.union(u),
            LogicalPlan::Distinct(Distinct::All(input)) => self.distinct(Arc::unwrap_or_clone(input)),
            LogicalPlan::Distinct(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Unnest(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::RecursiveQuery(_)
            | LogicalPlan::Extension(_) => self.of_public(plan),
            other => Err(no(&format!("{} is not known here", word(&other)), "ask in another way")),
        }
    }

    /// A node that is let through over what is public alone.
    fn of_public(&mut self, plan: LogicalPlan) -> Result<Seen, SqlError> {
        let mut inputs = Vec::new();
        for input in plan.inputs() {
            let seen = self.node(input.clone())?;
            if seen.rows.is_some() {
                let what = format!("{} over rows of single subjects tells of some of them", word(&plan));
                return Err(no(&what, "aggregate over subjects first"));
            }
            inputs.push(seen.plan);
        }
        self.rebuilt(plan, inputs)
    }

    /// The same node over other inputs, all of them public.
    pub(super) fn rebuilt(&mut self, plan: LogicalPlan, inputs: Vec<LogicalPlan>) -> Result<Seen, SqlError> {
        let plan = if inputs.is_empty() { plan } else { plan.with_new_exprs(plan.expressions(), inputs)? };
        let mut refusal = None;
        let plan = plan.map_subqueries(|sub| {
            let LogicalPlan::Subquery(sub) = sub else { return Ok(datafusion::common::tree_node::Transformed::no(sub)) };
            match self.public(sub.clone()) {
                Ok(made) => Ok(datafusion::common::tree_node::Transformed::yes(LogicalPlan::Subquery(made))),
                Err(error) => {
                    refusal.get_or_insert(error);
                    Ok(datafusion::common::tree_node::Transformed::no(LogicalPlan::Subquery(sub)))
                }
            }
        })?;
        match refusal {
            None => Ok(Seen { plan: plan.data, rows: None }),
            Some(error) => Err(error),
        }
    }

    fn scan(&mut self, scan: TableScan) -> Result<Seen, SqlError> {
        let plan = LogicalPlan::TableScan(scan);
        let schema = plan.schema().clone();
        let Some(subject) = schema.columns().into_iter().find(|c| c.name == "subject") else {
            return Err(no("a relation is read without its subjects", "ask in another way"));
        };
        let name = self.hidden();
        let mut rows = Rows::new(Column::new_unqualified(name.clone()));
        for (column, field) in schema.columns().iter().zip(schema.fields()) {
            let kind = match column.name.as_str() {
                "subject" => Kind::Subject,
                "id" | "source" => Kind::Name,
                _ if matches!(field.data_type(), DataType::Float64) => Kind::Measure,
                _ => Kind::Coded,
            };
            rows.set(column, kind);
        }
        let mut exprs: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
        exprs.push(Expr::Column(subject).alias(name));
        Ok(Seen { plan: LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?), rows: Some(rows) })
    }

    fn projection(&mut self, p: Projection) -> Result<Seen, SqlError> {
        let seen = self.node(Arc::unwrap_or_clone(p.input.clone()))?;
        let Some(rows) = seen.rows else { return self.rebuilt(LogicalPlan::Projection(p), vec![seen.plan]) };
        let schema = seen.plan.schema().clone();
        let mut out = Rows::new(rows.hidden.clone());
        let mut exprs = Vec::new();
        for (expr, column) in p.expr.into_iter().zip(p.schema.columns()) {
            let (expr, kind) = self.word(expr, &rows, &schema)?;
            exprs.push(as_named(expr, &column));
            out.set(&column, kind);
        }
        exprs.push(Expr::Column(rows.hidden));
        Ok(Seen { plan: LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(seen.plan))?), rows: Some(out) })
    }

    fn filter(&mut self, f: Filter) -> Result<Seen, SqlError> {
        let seen = self.node(Arc::unwrap_or_clone(f.input.clone()))?;
        let Some(rows) = seen.rows else { return self.rebuilt(LogicalPlan::Filter(f), vec![seen.plan]) };
        let schema = seen.plan.schema().clone();
        let (predicate, _) = self.word(f.predicate, &rows, &schema)?;
        Ok(Seen { plan: LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(seen.plan))?), rows: Some(rows) })
    }

    fn alias(&mut self, a: SubqueryAlias) -> Result<Seen, SqlError> {
        let seen = self.node(Arc::unwrap_or_clone(a.input.clone()))?;
        let before = seen.plan.schema().columns();
        let plan = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(seen.plan), a.alias)?);
        let Some(rows) = seen.rows else { return Ok(Seen { plan, rows: None }) };
        let mut out = Rows::new(rows.hidden.clone());
        for (was, is) in before.iter().zip(plan.schema().columns()) {
            match rows.kind(was) {
                Some(kind) => out.set(&is, kind),
                None if *was == rows.hidden => out.hidden = is,
                None => {}
            }
        }
        Ok(Seen { plan, rows: Some(out) })
    }

    fn sort(&mut self, s: Sort) -> Result<Seen, SqlError> {
        let seen = self.node(Arc::unwrap_or_clone(s.input.clone()))?;
        let Some(rows) = seen.rows else { return self.rebuilt(LogicalPlan::Sort(s), vec![seen.plan]) };
        if s.fetch.is_some() {
            return Err(no("the first of rows of single subjects tell of some of them", "aggregate over subjects first"));
        }
        // In which order they are says nothing once they are grouped, and as they are they do not leave.
        Ok(Seen { plan: seen.plan, rows: Some(rows) })
    }

    fn window(&mut self, w: Window) -> Result<Seen, SqlError> {
        let seen = self.node(Arc::unwrap_or_clone(w.input.clone()))?;
        let Some(mut rows) = seen.rows else { return self.rebuilt(LogicalPlan::Window(w), vec![seen.plan]) };
        let schema = seen.plan.schema().clone();
        let given = w.schema.fields().len() - w.window_expr.len();
        let mut exprs = Vec::new();
        let mut added = Vec::new();
        for (expr, column) in w.window_expr.into_iter().zip(w.schema.columns().into_iter().skip(given)) {
            let (expr, kind) = self.along(expr, &rows, &schema)?;
            exprs.push(as_named(expr, &column));
            added.push((column, kind));
        }
        for (column, kind) in added {
            rows.set(&column, kind);
        }
        Ok(Seen { plan: LogicalPlan::Window(Window::try_new(exprs, Arc::new(seen.plan))?), rows: Some(rows) })
    }

    /// A function along the rows of one subject.
    fn along(&mut self, expr: Expr, rows: &Rows, schema: &DFSchema) -> Result<(Expr, Kind), SqlError> {
        let Expr::WindowFunction(function) = unaliased(expr) else {
            return Err(no("this is no function along rows", "ask in another way"));
        };
        let WindowFunction { fun, mut params } = *function;
        let name = fun.name().to_owned();
        if !ALONG.contains(&name.as_str()) || params.distinct {
            return Err(no(&format!("{name} is not asked along rows of single subjects"), "aggregate over subjects first"));
        }
        let mut of = |e: Expr| self.word(e, rows, schema);
        let parts = params.partition_by.into_iter().map(&mut of).collect::<Result<Vec<_>, _>>()?;
        if !parts.iter().any(|(_, kind)| *kind == Kind::Subject) {
            return Err(no("a window goes over rows of several subjects", "add PARTITION BY subject"));
        }
        let is_open = |bound: &WindowFrameBound| match bound {
            WindowFrameBound::CurrentRow => true,
            WindowFrameBound::Preceding(by) | WindowFrameBound::Following(by) => by.is_null(),
        };
        let frame = &params.window_frame;
        if frame.units != WindowFrameUnits::Rows && !(is_open(&frame.start_bound) && is_open(&frame.end_bound)) {
            return Err(no("a frame of a range of values may fail on a row", "use ROWS BETWEEN"));
        }
        params.partition_by = parts.into_iter().map(|(e, _)| e).collect();
        let args = params.args.into_iter().map(&mut of).collect::<Result<Vec<_>, _>>()?;
        let given = args.iter().map(|(_, kind)| *kind).reduce(Kind::or).unwrap_or(Kind::Coded);
        params.args = args.into_iter().map(|(e, _)| e).collect();
        for sort in &mut params.order_by {
            sort.expr = of(std::mem::take(&mut sort.expr))?.0;
        }
        params.filter = params.filter.map(|e| of(*e).map(|(e, _)| Box::new(e))).transpose()?;
        let sums = matches!(fun, WindowFunctionDefinition::AggregateUDF(_)) && matches!(name.as_str(), "sum" | "avg");
        if sums && !given.is_amount() {
            return Err(no(&format!("{name} takes an amount here"), "put a condition in FILTER (WHERE …)"));
        }
        let kind = match given {
            _ if NUMBERING.contains(&name.as_str()) => Kind::Coded,
            given if given.is_amount() => Kind::Computed,
            given => given,
        };
        // One subject's is null where there is none before or behind.
        let kind = if kind == Kind::Subject { Kind::Name } else { kind };
        Ok((Expr::WindowFunction(Box::new(WindowFunction { fun, params })), kind))
    }

    fn union(&mut self, u: Union) -> Result<Seen, SqlError> {
        let wanted = u.schema.columns();
        let seen = u.inputs.iter().map(|input| self.node((**input).clone())).collect::<Result<Vec<_>, _>>()?;
        if seen.iter().all(|s| s.rows.is_none()) {
            let inputs = seen.into_iter().map(|s| s.plan).collect();
            return self.rebuilt(LogicalPlan::Union(u), inputs);
        }
        let name = self.hidden();
        let mut kinds: Option<Vec<Kind>> = None;
        let mut inputs = Vec::new();
        for Seen { plan, rows } in seen {
            let Some(rows) = rows else {
                return Err(no("rows of single subjects are put together with others", "aggregate over subjects first"));
            };
            let own: Vec<Column> = rows.visible(plan.schema()).collect();
            let of_own: Vec<Kind> = own.iter().map(|c| rows.kind(c).unwrap_or(Kind::Name)).collect();
            kinds = Some(match kinds {
                None => of_own,
                Some(former) => former.into_iter().zip(of_own).map(|(a, b)| a.or(b)).collect(),
            });
            let mut exprs: Vec<Expr> = own.into_iter().zip(&wanted).map(|(c, w)| Expr::Column(c).alias(w.name.clone())).collect();
            exprs.push(Expr::Column(rows.hidden).alias(name.clone()));
            inputs.push(Arc::new(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?)));
        }
        let plan = LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?);
        let mut rows = Rows::new(Column::new_unqualified(name));
        let is_told = plan.schema().columns().iter().zip(&wanted).all(|(is, was)| is == was);
        if !is_told || plan.schema().fields().len() != wanted.len() + 1 {
            return Err(no("these rows can't be put together here", "ask in two statements"));
        }
        for (column, kind) in wanted.iter().zip(kinds.unwrap_or_default()) {
            rows.set(column, kind);
        }
        Ok(Seen { plan, rows: Some(rows) })
    }
}

/// An expression under the name of a column.
pub(super) fn as_named(expr: Expr, column: &Column) -> Expr {
    match expr {
        Expr::Column(is) if is == *column => Expr::Column(is),
        other => unaliased(other).alias_qualified(column.relation.clone(), column.name.clone()),
    }
}

pub(super) fn unaliased(expr: Expr) -> Expr {
    match expr {
        Expr::Alias(alias) => unaliased(*alias.expr),
        other => other,
    }
}

/// A node's name for a message: the first word of how it is shown, nothing of what is asked.
fn word(plan: &LogicalPlan) -> String {
    let shown = plan.display().to_string();
    shown.split([':', ' ', '(']).next().unwrap_or_default().to_uppercase()
}
