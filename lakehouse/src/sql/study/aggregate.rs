//! Groups: of one subject each, or of enough.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::functions_aggregate::expr_fn::count_distinct;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, ExprFunctionExt, Filter, LogicalPlan, Projection, lit, when};

use super::floored::Floored;
use super::kind::{Kind, Rows};
use super::nodes::{as_named, unaliased};
use super::{Seen, Walk, no};
use crate::sql::SqlError;

/// Aggregates that rest on all rows of a group, and give none of them.
const OF_ALL: [&str; 22] = [
    "sum",
    "avg",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "covar_samp",
    "covar_pop",
    "corr",
    "regr_slope",
    "regr_intercept",
    "regr_count",
    "regr_r2",
    "regr_avgx",
    "regr_avgy",
    "gmi",
    "cv",
    "j_index",
    "gri",
    "lbgi",
    "hbgi",
    "approx_distinct",
];
/// Those that give a place among the rows: it must have enough subjects on both sides.
const PLACES: [&str; 5] = ["median", "approx_median", "percentile_cont", "approx_percentile_cont", "quantile_cont"];
/// Shares of an amount within bounds.
const SHARES: [&str; 3] = ["time_in_range", "time_below", "time_above"];
/// Those that give one row's value: of one subject only.
const OF_ONE: [&str; 9] = ["min", "max", "first_value", "last_value", "mage", "modd", "conga", "adrr", "bool_or"];
/// Bounds that shares may have, in mg/dL and in mmol/L: with bounds of one's choice a share would count a part of one's choice. Source: Battelino et al. 2019, Diabetes Care 42:1593 (63: in pregnancy).
const BOUNDS: [f64; 12] = [54.0, 63.0, 70.0, 140.0, 180.0, 250.0, 3.0, 3.5, 3.9, 7.8, 10.0, 13.9];

/// An aggregate that may be asked.
struct Asked {
    function: AggregateFunction,
    /// What its value is, in a group of one subject.
    kind: Kind,
    /// On which rows it rests, where not on all of the group's.
    rests_on: Option<Expr>,
    /// Of how many subjects these must be.
    floor: i64,
}

impl Walk<'_> {
    pub(super) fn aggregate(&mut self, a: Aggregate) -> Result<Seen, SqlError> {
        let seen = self.node(Arc::unwrap_or_clone(a.input.clone()))?;
        let Some(rows) = seen.rows else { return self.rebuilt(LogicalPlan::Aggregate(a), vec![seen.plan]) };
        let schema = seen.plan.schema().clone();
        let names = a.schema.columns();
        let (group_names, value_names) = names.split_at(a.group_expr.len().min(names.len()));
        let mut groups = Vec::new();
        for expr in a.group_expr {
            groups.push(self.word(expr, &rows, &schema)?);
        }
        let is_of_one = groups.iter().any(|(_, kind)| *kind == Kind::Subject);
        let mut asked = Vec::new();
        for expr in a.aggr_expr {
            asked.push(self.asked(expr, is_of_one, &rows, &schema)?);
        }
        // What groups are made by is a column of what is grouped.
        let below = with_groups(seen.plan, &rows, &groups, group_names)?;
        let columns: Vec<Expr> = groups.iter().zip(group_names).map(|((e, _), name)| column_of(e, name)).collect();
        if is_of_one {
            of_one(below, &rows, groups, columns, asked, (group_names, value_names))
        } else {
            let floor = i64::from(self.floor);
            of_enough(below, &rows, columns, asked, (group_names, value_names), floor)
        }
    }

    /// Rows that differ: of each subject where they have it, else those of enough subjects.
    pub(super) fn distinct(&mut self, input: LogicalPlan) -> Result<Seen, SqlError> {
        let Seen { plan, rows } = self.node(input)?;
        let Some(rows) = rows else {
            return Ok(Seen { plan: LogicalPlan::Distinct(Distinct::All(Arc::new(plan))), rows: None });
        };
        let columns: Vec<Column> = rows.visible(plan.schema()).collect();
        if columns.iter().any(|c| rows.kind(c) == Some(Kind::Subject)) {
            return Ok(Seen { plan: LogicalPlan::Distinct(Distinct::All(Arc::new(plan))), rows: Some(rows) });
        }
        let exprs = columns.iter().cloned().map(Expr::Column).collect();
        of_enough(plan, &rows, exprs, Vec::new(), (&columns, &[]), i64::from(self.floor))
    }

    fn asked(&mut self, expr: Expr, is_of_one: bool, rows: &Rows, schema: &DFSchema) -> Result<Asked, SqlError> {
        let Expr::AggregateFunction(mut function) = unaliased(expr) else {
            return Err(no("this is no aggregate", "ask in another way"));
        };
        let name = function.func.name().to_owned();
        let params = &mut function.params;
        let mut words = Vec::new();
        for arg in std::mem::take(&mut params.args) {
            words.push(self.word(arg, rows, schema)?);
        }
        let mut sorted = Vec::new();
        for Sort { expr, asc, nulls_first } in std::mem::take(&mut params.order_by) {
            let (expr, kind) = self.word(expr, rows, schema)?;
            words.push((expr.clone(), kind));
            sorted.push(Sort { expr, asc, nulls_first });
        }
        let filter = params.filter.take().map(|f| self.word(*f, rows, schema).map(|(f, _)| f)).transpose()?;
        let floor = check(&name, params.distinct, &words, !sorted.is_empty(), is_of_one, self.floor)?;
        let kind = value(&name, params.distinct, filter.is_some(), &words);
        let told = words.iter().filter(|(_, kind)| *kind != Kind::Constant).map(|(e, _)| e.clone().is_not_null());
        let rests_on = filter.clone().into_iter().chain(told).reduce(Expr::and);
        params.args = words[..words.len() - sorted.len()].iter().map(|(e, _)| e.clone()).collect();
        params.order_by = sorted;
        params.filter = filter.map(Box::new);
        Ok(Asked { function, kind, rests_on, floor })
    }
}

/// Of how many subjects the rows of an aggregate must be, where it may be asked at all.
fn check(
    name: &str,
    distinct: bool,
    words: &[(Expr, Kind)],
    is_sorted: bool,
    is_of_one: bool,
    floor: u32,
) -> Result<i64, SqlError> {
    let is = |names: &[&str]| names.contains(&name);
    let least = i64::from(floor);
    if name == "count" && !is_sorted {
        return Ok(least);
    }
    let is_place = is(&PLACES);
    if !(is(&OF_ALL) || is_place || is(&SHARES) || is_of_one && is(&OF_ONE)) {
        let remedy = if is(&["min", "max"]) {
            "ask for a percentile: least and greatest are one person's"
        } else {
            "use count, sum, avg, stddev, percentile_cont or a metric"
        };
        return Err(no(&format!("{name} gives what is of single subjects"), remedy));
    }
    if (is_sorted && !is_place && !is_of_one) || (distinct && !is_of_one) {
        return Err(no(&format!("{name} is not asked with DISTINCT or ORDER BY over several subjects"), "leave it out"));
    }
    let takes_any = is_of_one && is(&["min", "max", "first_value", "last_value", "bool_or"]) || name == "approx_distinct";
    let is_time = is(&["mage", "modd", "conga", "adrr"]);
    if !takes_any && !is_time {
        if let Some((e, _)) = words.iter().find(|(_, kind)| !(kind.is_amount() || *kind == Kind::Constant)) {
            let what = format!("{name} sums up {}, which is no plain amount: that would count a part", super::words::called(e));
            return Err(no(&what, "put the condition in FILTER (WHERE …), which has a floor of its own"));
        }
        if !words.iter().any(|(_, kind)| kind.is_amount()) {
            return Err(no(&format!("{name} takes an amount"), "name a column of amounts"));
        }
    }
    let numbers: Vec<f64> = words.iter().filter_map(|(e, _)| number(e)).collect();
    if is(&SHARES) && (numbers.len() != words.len() - 1 || numbers.iter().any(|n| !BOUNDS.contains(n))) {
        let remedy = "use 54, 63, 70, 140, 180, 250 mg/dL or 3.0, 3.5, 3.9, 7.8, 10.0, 13.9 mmol/L, or a FILTER";
        return Err(no(&format!("{name} has a bound that is none of the consensus"), remedy));
    }
    if !is_place || is_of_one {
        return Ok(least);
    }
    let place = if name.contains("median") { Some(0.5) } else { numbers.first().copied() };
    match place.map(|p| p.min(1.0 - p)) {
        Some(side) if side > 0.0 => Ok((f64::from(floor) / side - 1e-9).ceil() as i64),
        _ => Err(no(&format!("{name} takes a constant above 0 and below 1"), "write it like 0.9")),
    }
}

/// What an aggregate of one subject's rows is.
fn value(name: &str, distinct: bool, is_filtered: bool, words: &[(Expr, Kind)]) -> Kind {
    match name {
        // A count of a part is nought where there is none: summed up it counts the part.
        "count" if distinct || is_filtered || words.iter().any(|(_, kind)| *kind != Kind::Constant) => Kind::Coded,
        "count" => Kind::Computed,
        "approx_distinct" | "bool_or" | "regr_count" => Kind::Coded,
        "min" | "max" | "first_value" | "last_value" => match words.first() {
            Some((_, Kind::Subject | Kind::Name)) => Kind::Name,
            Some((_, kind)) if kind.is_amount() => Kind::Computed,
            _ => Kind::Coded,
        },
        _ => Kind::Computed,
    }
}

fn number(e: &Expr) -> Option<f64> {
    match e {
        Expr::Literal(value, _) => match value.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(number)) => number,
            _ => None,
        },
        _ => None,
    }
}

fn column_of(group: &Expr, name: &Column) -> Expr {
    match group {
        Expr::Column(column) => Expr::Column(column.clone()),
        _ => Expr::Column(name.clone()),
    }
}

fn with_groups(plan: LogicalPlan, rows: &Rows, groups: &[(Expr, Kind)], names: &[Column]) -> Result<LogicalPlan, SqlError> {
    let mut made = groups.iter().zip(names).filter(|((e, _), _)| !matches!(e, Expr::Column(_))).peekable();
    if made.peek().is_none() {
        return Ok(plan);
    }
    let mut exprs: Vec<Expr> = rows.visible(plan.schema()).map(Expr::Column).collect();
    exprs.push(Expr::Column(rows.hidden.clone()));
    exprs.extend(made.map(|((e, _), name)| as_named(e.clone(), name)));
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?))
}

/// Groups that are each of one subject.
fn of_one(
    below: LogicalPlan,
    rows: &Rows,
    groups: Vec<(Expr, Kind)>,
    mut columns: Vec<Expr>,
    asked: Vec<Asked>,
    (group_names, value_names): (&[Column], &[Column]),
) -> Result<Seen, SqlError> {
    columns.push(Expr::Column(rows.hidden.clone()));
    let mut out = Rows::new(rows.hidden.clone());
    for ((_, kind), name) in groups.iter().zip(group_names) {
        out.set(name, *kind);
    }
    let mut values = Vec::new();
    for (one, name) in asked.into_iter().zip(value_names) {
        out.set(name, one.kind);
        values.push(as_named(Expr::AggregateFunction(one.function), name));
    }
    let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(below), columns.clone(), values)?);
    let mut exprs: Vec<Expr> = columns.into_iter().zip(group_names).map(|(c, name)| as_named(c, name)).collect();
    exprs.extend(value_names.iter().cloned().map(Expr::Column));
    exprs.push(Expr::Column(rows.hidden.clone()));
    Ok(Seen { plan: LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?), rows: Some(out) })
}

/// Groups of enough subjects. Beside each value it is counted on how many it rests; a value that rests on too few is null, a group of too few is left out.
fn of_enough(
    below: LogicalPlan,
    rows: &Rows,
    columns: Vec<Expr>,
    asked: Vec<Asked>,
    (group_names, value_names): (&[Column], &[Column]),
    floor: i64,
) -> Result<Seen, SqlError> {
    let whose = Expr::Column(rows.hidden.clone());
    let counted = |place: usize| format!("study rests {place}");
    let mut values = vec![count_distinct(whose.clone()).alias(counted(0))];
    let mut shown: Vec<Expr> = columns.iter().cloned().zip(group_names).map(|(c, name)| as_named(c, name)).collect();
    for (place, (one, name)) in (1..).zip(asked.into_iter().zip(value_names)) {
        let own = match one.rests_on {
            Some(condition) => {
                values.push(count_distinct(whose.clone()).distinct().filter(condition).build()?.alias(counted(place)));
                counted(place)
            }
            None => counted(0),
        };
        values.push(as_named(Expr::AggregateFunction(one.function), name));
        let enough = Expr::Column(Column::new_unqualified(own)).gt_eq(lit(one.floor));
        shown.push(as_named(when(enough, Expr::Column(name.clone())).end()?, name));
    }
    let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(below), columns, values)?);
    let enough = Expr::Column(Column::new_unqualified(counted(0))).gt_eq(lit(floor));
    let plan = LogicalPlan::Filter(Filter::try_new(enough, Arc::new(plan))?);
    let plan = LogicalPlan::Projection(Projection::try_new(shown, Arc::new(plan))?);
    Ok(Seen { plan: Floored::plan(plan), rows: None })
}
