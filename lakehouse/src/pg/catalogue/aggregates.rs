//! What is made of many rows: aggregates of a group, and numbers of rows in windows.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, OrderByExpr,
    Query, Visit, Visitor, WindowType,
};

use crate::sql::{SqlError, refused};

use super::select::{Frame, Named, key};
use super::value::Value;
use super::{Catalogue, dotted, joined, unknown};

const AGGREGATES: [&str; 12] = [
    "count",
    "array_agg",
    "string_agg",
    "min",
    "max",
    "sum",
    "bool_and",
    "bool_or",
    "every",
    "json_agg",
    "json_object_agg",
    "avg",
];

/// Whether a function is one of rows.
pub fn is_aggregate(function: &Function) -> bool {
    let name = dotted(&function.name);
    function.over.is_none() && AGGREGATES.contains(&name.rsplit('.').next().unwrap_or(&name))
}

/// Whether an expression has an aggregate that is not a subquery's own.
pub fn has_aggregate(expression: &Expr) -> bool {
    expression.visit(&mut Looking::default()).is_break()
}

#[derive(Default)]
struct Looking {
    /// How many subqueries are around.
    depth: usize,
}

impl Visitor for Looking {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        match expression {
            Expr::Function(function) if self.depth == 0 && is_aggregate(function) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Catalogue {
    /// The value of an aggregate over the rows of the frame's group.
    pub fn aggregate(&self, function: &Function, frame: &Frame<'_>) -> Result<Value, SqlError> {
        let name = dotted(&function.name);
        let name = name.rsplit('.').next().unwrap_or(&name);
        let Some(group) = frame.group else {
            return Err(refused(
                "sql_invalid",
                format!("{name} is of many rows, and stands where there is one"),
                "ask it in the select list",
            ));
        };
        let FunctionArguments::List(list) = &function.args else { return Err(unknown(name)) };
        let order: &[OrderByExpr] = list
            .clauses
            .iter()
            .find_map(|c| if let FunctionArgumentClause::OrderBy(by) = c { Some(&**by) } else { None })
            .unwrap_or(&[]);
        let is_star = matches!(&*list.args, [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
        let mut given: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
        for row in group {
            let inner = Frame { row, group: None, ..*frame };
            if let Some(filter) = &function.filter
                && self.value(filter, &inner)?.truth() != Some(true)
            {
                continue;
            }
            let keys = order.iter().map(|by| self.value(&by.expr, &inner)).collect::<Result<_, _>>()?;
            given.push((keys, self.arguments(&list.args, &inner)?));
        }
        given.sort_by(|(a, _), (b, _)| {
            let orders = order
                .iter()
                .zip(a.iter().zip(b))
                .map(|(by, (a, b))| if by.options.asc == Some(false) { b.order(a) } else { a.order(b) });
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let mut rows: Vec<Vec<Value>> = given.into_iter().map(|(_, values)| values).collect();
        if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
            let mut seen = std::collections::HashSet::new();
            rows.retain(|row| seen.insert(key(row)));
        }
        if is_star {
            return Ok(Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX)));
        }
        folded(name, rows)
    }

    /// `row_number()` of each row, in its partition.
    pub fn row_numbers(
        &self,
        function: &Function,
        scope: &[Named],
        rows: &[Vec<Value>],
        frame: &Frame<'_>,
    ) -> Result<Vec<i64>, SqlError> {
        let name = dotted(&function.name);
        let Some(WindowType::WindowSpec(window)) = function.over.as_ref().filter(|_| name.ends_with("row_number")) else {
            return Err(unknown(&function.to_string()));
        };
        let mut keyed = Vec::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            let inner = frame.inner(scope, row);
            let parts = window.partition_by.iter().map(|e| self.value(e, &inner)).collect::<Result<Vec<_>, _>>()?;
            let order = window.order_by.iter().map(|by| self.value(&by.expr, &inner)).collect::<Result<Vec<_>, _>>()?;
            keyed.push((key(&parts), order, place));
        }
        keyed.sort_by(|(a, x, _), (b, y, _)| {
            let orders = window
                .order_by
                .iter()
                .zip(x.iter().zip(y))
                .map(|(by, (x, y))| if by.options.asc == Some(false) { y.order(x) } else { x.order(y) });
            orders.fold(a.cmp(b), std::cmp::Ordering::then)
        });
        let mut numbers = vec![0; rows.len()];
        let mut last: Option<(&str, i64)> = None;
        for (part, _, place) in &keyed {
            let number = last.filter(|(known, _)| *known == part).map_or(1, |(_, number)| number + 1);
            numbers[*place] = number;
            last = Some((part, number));
        }
        Ok(numbers)
    }
}

fn folded(name: &str, rows: Vec<Vec<Value>>) -> Result<Value, SqlError> {
    let first = |row: &Vec<Value>| row.first().cloned().unwrap_or_default();
    let known: Vec<Value> = rows.iter().map(first).filter(|value| !value.is_null()).collect();
    Ok(match name {
        "count" => Value::Int(i64::try_from(known.len()).unwrap_or(i64::MAX)),
        "array_agg" if rows.is_empty() => Value::Null,
        "array_agg" => Value::List(rows.iter().map(first).collect()),
        "json_agg" => Value::Text(Value::List(rows.iter().map(first).collect()).json().to_string()),
        "json_object_agg" => {
            let fields = rows
                .into_iter()
                .map(|row| (row.first().and_then(Value::text).unwrap_or_default(), row.get(1).cloned().unwrap_or_default()));
            Value::Text(Value::Record(fields.collect()).json().to_string())
        }
        "string_agg" => {
            let between = rows.first().and_then(|row| row.get(1)).and_then(Value::text).unwrap_or_default();
            let words: Vec<String> = known.iter().filter_map(Value::text).collect();
            if words.is_empty() { Value::Null } else { joined(&words, &between)? }
        }
        "min" => known.into_iter().min_by(Value::order).unwrap_or_default(),
        "max" => known.into_iter().max_by(Value::order).unwrap_or_default(),
        "sum" if known.is_empty() => Value::Null,
        "sum" => match known.iter().map(|value| if let Value::Int(n) = value { Some(*n) } else { None }).sum::<Option<i64>>() {
            Some(sum) => Value::Int(sum),
            None => Value::Float(known.iter().filter_map(Value::number).sum()),
        },
        "avg" => {
            let numbers: Vec<f64> = known.iter().filter_map(Value::number).collect();
            #[expect(clippy::cast_precision_loss, reason = "counts of the catalogue are small")]
            let count = numbers.len() as f64;
            if numbers.is_empty() { Value::Null } else { Value::Float(numbers.iter().sum::<f64>() / count) }
        }
        _ if known.is_empty() => Value::Null,
        "bool_or" => Value::Bool(known.iter().any(|value| value.truth() == Some(true))),
        _ => Value::Bool(known.iter().all(|value| value.truth() == Some(true))),
    })
}
