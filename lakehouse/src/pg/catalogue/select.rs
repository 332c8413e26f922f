//! Queries: what they take from, what of it they keep, and how it is grouped, ordered and cut.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Function, GroupByExpr, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableAlias, visit_expressions,
};

use crate::pg::types::{Type, text};
use crate::sql::{SqlError, refused};

use super::tables::Rows;
use super::value::Value;
use super::{Catalogue, aggregates, dotted, unknown};

/// A column that can be named.
#[derive(Clone, Debug)]
pub struct Named {
    pub table: Option<String>,
    pub name: String,
    pub kind: &'static Type,
}

/// Columns that can be named together.
pub type Scope = Vec<Named>;

/// Where an expression is asked: the row at hand, and those around it.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pub scope: &'a [Named],
    pub row: &'a [Value],
    pub outer: Option<&'a Frame<'a>>,
    /// The rows of the group, where rows are grouped.
    pub group: Option<&'a [Vec<Value>]>,
    /// Common tables.
    pub common: &'a [(String, Rows)],
    /// What window functions give for the row.
    pub windows: Option<&'a HashMap<usize, Value>>,
}

impl Frame<'_> {
    pub fn outermost() -> Frame<'static> {
        Frame { scope: &[], row: &[], outer: None, group: None, common: &[], windows: None }
    }
}

impl<'a> Frame<'a> {
    /// Around a row of another scope.
    pub fn inner<'b>(&'b self, scope: &'b [Named], row: &'b [Value]) -> Frame<'b>
    where
        'a: 'b,
    {
        Frame { scope, row, outer: Some(self), group: None, common: self.common, windows: None }
    }
}

/// An output column: a name, a type, and what it is.
struct Item<'a> {
    name: String,
    kind: &'static Type,
    of: Of<'a>,
}

enum Of<'a> {
    Expression(&'a Expr),
    Place(usize),
}

/// An output row with what it is ordered by.
struct Output {
    keys: Vec<Value>,
    row: Vec<Value>,
}

impl Catalogue {
    /// The answer to a query, asked from within a frame.
    pub fn query(&self, query: &Query, frame: Frame<'_>) -> Result<Rows, SqlError> {
        // Copied only where there is something to add: a subquery is asked for each row around it.
        let mut common = if query.with.is_some() { frame.common.to_vec() } else { Vec::new() };
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let mut rows = self.query(&cte.query, Frame { common: &common, ..frame })?;
            rename(&mut rows, &cte.alias);
            common.push((cte.alias.name.value.to_lowercase(), rows));
        }
        let frame = if query.with.is_some() { Frame { common: &common, ..frame } } else { frame };
        let order = ordering(query.order_by.as_ref())?;
        let mut rows = match &*query.body {
            SetExpr::Select(select) => self.select(select, order, &frame)?,
            body => {
                let mut rows = self.body(body, &frame)?;
                self.order_output(&mut rows, order, &frame)?;
                rows
            }
        };
        let (limit, offset) = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => (limit.as_ref(), offset.as_ref().map(|o| &o.value)),
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
            None => (None, None),
        };
        let limit = limit.or_else(|| query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()));
        let count = |e: Option<&Expr>| -> Result<Option<usize>, SqlError> {
            Ok(e.map(|e| self.value(e, &frame)).transpose()?.and_then(|v| v.whole()).and_then(|n| usize::try_from(n).ok()))
        };
        rows.rows.drain(..count(offset)?.unwrap_or(0).min(rows.rows.len()));
        rows.rows.truncate(count(limit)?.unwrap_or(usize::MAX));
        Ok(rows)
    }

    fn body(&self, body: &SetExpr, frame: &Frame<'_>) -> Result<Rows, SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select, &[], frame),
            SetExpr::Query(query) => self.query(query, *frame),
            SetExpr::Values(values) => {
                let mut rows = Rows::default();
                for row in &values.rows {
                    if rows.columns.is_empty() {
                        rows.columns =
                            row.content.iter().zip(1..).map(|(e, n)| (format!("column{n}"), self.kind(e, frame))).collect();
                    }
                    rows.rows.push(row.content.iter().map(|e| self.value(e, frame)).collect::<Result<_, _>>()?);
                }
                Ok(rows)
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let (mut rows, more) = (self.body(left, frame)?, self.body(right, frame)?);
                if rows.columns.len() != more.columns.len() {
                    return Err(refused("sql_invalid", "both sides of a UNION have as many columns", "select as many"));
                }
                let keys: HashSet<_> = more.rows.iter().map(|row| key(row)).collect();
                match op {
                    SetOperator::Union => rows.rows.extend(more.rows),
                    SetOperator::Except | SetOperator::Minus => rows.rows.retain(|row| !keys.contains(&key(row))),
                    SetOperator::Intersect => rows.rows.retain(|row| keys.contains(&key(row))),
                }
                if *set_quantifier != SetQuantifier::All {
                    unique(&mut rows.rows, key);
                }
                for (column, other) in rows.columns.iter_mut().zip(more.columns) {
                    if column.1.name == "unknown" {
                        column.1 = other.1;
                    }
                }
                Ok(rows)
            }
            _ => Err(unknown("this kind of query")),
        }
    }

    fn select(&self, select: &Select, order: &[OrderByExpr], frame: &Frame<'_>) -> Result<Rows, SqlError> {
        let (scope, mut rows) = self.from(select, frame)?;
        if let Some(qualify) = &select.qualify {
            return Err(unknown(&qualify.to_string()));
        }
        let items = self.items(select, &scope, frame)?;
        let groups = self.groups(select, order, &scope, &mut rows, frame, &items)?;
        let mut outputs = Vec::new();
        match groups {
            Some(groups) => {
                for group in groups {
                    let nothing = vec![Value::Null; scope.len()];
                    let row = group.first().unwrap_or(&nothing);
                    let inner = Frame { group: Some(&group), ..frame.inner(&scope, row) };
                    if let Some(having) = &select.having
                        && self.value(having, &inner)?.truth() != Some(true)
                    {
                        continue;
                    }
                    self.put_output(&items, order, &inner, &mut outputs)?;
                }
            }
            None => {
                let windows = self.windows(select, order, &scope, &rows, frame)?;
                for (place, row) in rows.iter().enumerate() {
                    let inner = Frame { windows: windows.get(place), ..frame.inner(&scope, row) };
                    self.put_output(&items, order, &inner, &mut outputs)?;
                }
            }
        }
        sort(&mut outputs, order);
        let columns = items.iter().map(|item| (item.name.clone(), item.kind)).collect();
        let mut rows: Vec<Vec<Value>> = outputs.into_iter().map(|output| output.row).collect();
        match &select.distinct {
            Some(Distinct::Distinct) => unique(&mut rows, key),
            Some(Distinct::On(by)) => {
                // What it is distinct by is among what is given, in all that tools ask.
                let names: Vec<String> = by.iter().map(|e| self.name(e)).collect();
                let places: Vec<usize> =
                    names.iter().filter_map(|name| items.iter().position(|item| item.name == *name)).collect();
                if places.len() != by.len() {
                    return Err(unknown("DISTINCT ON what is not selected"));
                }
                unique(&mut rows, |row| key(&places.iter().map(|place| row[*place].clone()).collect::<Vec<_>>()));
            }
            Some(Distinct::All) | None => {}
        }
        Ok(Rows { columns, rows })
    }

    fn items<'a>(&self, select: &'a Select, scope: &[Named], frame: &Frame<'_>) -> Result<Vec<Item<'a>>, SqlError> {
        let inner = frame.inner(scope, &[]);
        let mut items = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(e) => {
                    items.push(Item { name: self.name(e), kind: self.kind(e, &inner), of: Of::Expression(e) });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    items.push(Item { name: folded(alias), kind: self.kind(expr, &inner), of: Of::Expression(expr) });
                }
                SelectItem::Wildcard(_) => items.extend(all_of(scope, None)),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let name = dotted(name);
                    items.extend(all_of(scope, Some(name.rsplit('.').next().unwrap_or(&name))));
                }
                other => return Err(unknown(&other.to_string())),
            }
        }
        Ok(items)
    }

    /// The groups of rows, where there are any.
    fn groups(
        &self,
        select: &Select,
        order: &[OrderByExpr],
        scope: &[Named],
        rows: &mut Vec<Vec<Value>>,
        frame: &Frame<'_>,
        items: &[Item<'_>],
    ) -> Result<Option<Vec<Vec<Vec<Value>>>>, SqlError> {
        let GroupByExpr::Expressions(by, _) = &select.group_by else { return Err(unknown("GROUP BY ALL")) };
        let asked = items.iter().filter_map(|item| if let Of::Expression(e) = item.of { Some(e) } else { None });
        let asked = asked.chain(&select.having).chain(order.iter().map(|o| &o.expr));
        let has_aggregates = asked.into_iter().any(aggregates::has_aggregate);
        if by.is_empty() && !has_aggregates && select.having.is_none() {
            return Ok(None);
        }
        if by.is_empty() {
            return Ok(Some(vec![std::mem::take(rows)]));
        }
        let mut groups: BTreeMap<usize, Vec<Vec<Value>>> = BTreeMap::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for row in rows.drain(..) {
            let inner = frame.inner(scope, &row);
            let values = by.iter().map(|e| match output_place(e, items).map(|place| &items[place].of) {
                Some(Of::Expression(e)) => self.value(e, &inner),
                Some(Of::Place(place)) => Ok(row[*place].clone()),
                None => self.value(e, &inner),
            });
            let key = key(&values.collect::<Result<Vec<_>, _>>()?);
            let next = known.len();
            groups.entry(*known.entry(key).or_insert(next)).or_default().push(row);
        }
        Ok(Some(groups.into_values().collect()))
    }

    /// Of each row, what the window functions that are asked give.
    fn windows(
        &self,
        select: &Select,
        order: &[OrderByExpr],
        scope: &[Named],
        rows: &[Vec<Value>],
        frame: &Frame<'_>,
    ) -> Result<Vec<HashMap<usize, Value>>, SqlError> {
        let mut asked: Vec<&Function> = Vec::new();
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } = item {
                asked.extend(found_windows(e));
            }
        }
        asked.extend(order.iter().flat_map(|o| found_windows(&o.expr)));
        let mut all = Vec::new();
        if asked.is_empty() {
            return Ok(all);
        }
        all.resize_with(rows.len(), HashMap::new);
        for function in asked {
            let numbers = self.row_numbers(function, scope, rows, frame)?;
            for (values, number) in all.iter_mut().zip(numbers) {
                values.insert(std::ptr::from_ref(function).addr(), Value::Int(number));
            }
        }
        Ok(all)
    }

    fn put_output(
        &self,
        items: &[Item<'_>],
        order: &[OrderByExpr],
        frame: &Frame<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), SqlError> {
        self.step()?;
        let mut lists: Vec<(usize, Vec<Value>)> = Vec::new();
        let mut row = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            row.push(match item.of {
                Of::Place(of) => frame.row.get(of).cloned().unwrap_or_default(),
                Of::Expression(e) => match self.made_rows(e, frame)? {
                    Some(list) => {
                        lists.push((place, list));
                        Value::Null
                    }
                    None => self.value(e, frame)?,
                },
            });
        }
        let count = if lists.is_empty() { 1 } else { lists.iter().map(|(_, list)| list.len()).max().unwrap_or(0) };
        for at in 0..count {
            let mut row = row.clone();
            for (place, list) in &lists {
                row[*place] = list.get(at).cloned().unwrap_or_default();
            }
            let keys = order.iter().map(|by| match output_place(&by.expr, items) {
                Some(place) => Ok(row[place].clone()),
                None => self.value(&by.expr, frame),
            });
            self.make_room(row.len())?;
            out.push(Output { keys: keys.collect::<Result<_, _>>()?, row });
        }
        Ok(())
    }

    /// Orders rows by their own columns.
    fn order_output(&self, rows: &mut Rows, order: &[OrderByExpr], frame: &Frame<'_>) -> Result<(), SqlError> {
        let scope: Scope = rows.columns.iter().map(|(name, kind)| Named { table: None, name: name.clone(), kind }).collect();
        let mut outputs = Vec::new();
        for row in rows.rows.drain(..) {
            let keys = order.iter().map(|by| match number(&by.expr) {
                Some(place) => Ok(row.get(place).cloned().unwrap_or_default()),
                None => self.value(&by.expr, &frame.inner(&scope, &row)),
            });
            outputs.push(Output { keys: keys.collect::<Result<_, _>>()?, row });
        }
        sort(&mut outputs, order);
        rows.rows = outputs.into_iter().map(|output| output.row).collect();
        Ok(())
    }
}

/// The window functions in an expression.
fn found_windows(expression: &Expr) -> Vec<&Function> {
    // A visitor gives no references that outlive it; there are few kinds of expressions that tools put one into.
    match expression {
        Expr::Function(function) if function.over.is_some() => vec![function],
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => found_windows(inner),
        Expr::BinaryOp { left, right, .. } => [found_windows(left), found_windows(right)].concat(),
        _ => Vec::new(),
    }
}

/// Whether anything in an expression fits.
pub fn any(expression: &Expr, fits: impl Fn(&Expr) -> bool) -> bool {
    let found: ControlFlow<()> =
        visit_expressions(expression, |e| if fits(e) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
    found.is_break()
}

fn ordering(order: Option<&OrderBy>) -> Result<&[OrderByExpr], SqlError> {
    match order.map(|order| &order.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(by)) => Ok(by),
        Some(OrderByKind::All(_)) => Err(unknown("ORDER BY ALL")),
    }
}

/// The output column that is meant by a number or by its name.
fn output_place(by: &Expr, items: &[Item<'_>]) -> Option<usize> {
    if let Some(place) = number(by) {
        return Some(place).filter(|place| *place < items.len());
    }
    let Expr::Identifier(name) = by else { return None };
    let name = folded(name);
    items.iter().position(|item| item.name == name)
}

/// All columns of a scope, or of one of its relations.
fn all_of<'a>(scope: &[Named], table: Option<&str>) -> Vec<Item<'a>> {
    let places = scope.iter().enumerate().filter(|(_, named)| table.is_none_or(|table| named.table.as_deref() == Some(table)));
    places.map(|(place, named)| Item { name: named.name.clone(), kind: named.kind, of: Of::Place(place) }).collect()
}

/// A place by its number, from 1.
fn number(by: &Expr) -> Option<usize> {
    let Expr::Value(value) = by else { return None };
    value.to_string().parse::<usize>().ok()?.checked_sub(1)
}

fn sort(outputs: &mut [Output], order: &[OrderByExpr]) {
    outputs.sort_by(|a, b| {
        let orders = order.iter().zip(a.keys.iter().zip(&b.keys)).map(|(by, (a, b))| {
            let falls = by.options.asc == Some(false);
            let nulls_first = by.options.nulls_first.unwrap_or(falls);
            match (a.is_null(), b.is_null()) {
                (true, false) if nulls_first => std::cmp::Ordering::Less,
                (false, true) if nulls_first => std::cmp::Ordering::Greater,
                (false, false) if falls => b.order(a),
                _ => a.order(b),
            }
        });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
}

/// The same for rows that are the same.
pub fn key(row: &[Value]) -> String {
    row.iter().map(|value| value.key().map_or_else(|| "\u{0}".to_owned(), |key| format!("{}:{key}", key.len()))).collect()
}

fn unique(rows: &mut Vec<Vec<Value>>, key: impl Fn(&[Value]) -> String) {
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(key(row)));
}

/// A name as it is found by: in lower case unless it is quoted.
pub fn folded(name: &datafusion::sql::sqlparser::ast::Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// Gives columns the names of an alias.
pub fn rename(rows: &mut Rows, alias: &TableAlias) {
    for (column, name) in rows.columns.iter_mut().zip(&alias.columns) {
        column.0 = folded(&name.name);
    }
}

/// Of which nothing is known.
pub fn no_type() -> &'static Type {
    crate::pg::types::named("unknown").unwrap_or_else(text)
}
