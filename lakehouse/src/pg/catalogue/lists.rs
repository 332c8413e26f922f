//! Functions that make rows: in the place of a table, or among what is selected.

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, FunctionArg, FunctionArguments};

use crate::pg::types::{named, text};
use crate::sql::{SqlError, refused};

use super::select::{Frame, folded};
use super::tables::Rows;
use super::value::Value;
use super::{Catalogue, dotted, functions};

/// Rows that one function makes at most.
const MOST: i64 = 100_000;

impl Catalogue {
    /// The rows of a function in the place of a table.
    pub fn rows_of_function(
        &self,
        name: &str,
        given: &[FunctionArg],
        numbered: bool,
        frame: &Frame<'_>,
    ) -> Result<Rows, SqlError> {
        let bare = name.rsplit('.').next().unwrap_or(name);
        match bare {
            "pg_get_keywords" => return Ok(Rows::of("word:text catcode:char barelabel:bool catdesc:text baredesc:text", [])),
            "pg_options_to_table" => return Ok(Rows::of("option_name:text option_value:text", [])),
            "aclexplode" => return Ok(Rows::of("grantor:oid grantee:oid privilege_type:text is_grantable:bool", [])),
            "pg_get_publication_tables" => return Ok(Rows::of("pubid:oid relid:oid attrs:_int2 qual:text", [])),
            "pg_timezone_names" => return Ok(self.relation("pg_timezone_names").unwrap_or_default()),
            "pg_show_all_settings" => return Ok(self.relation("pg_settings").unwrap_or_default()),
            _ => {}
        }
        if !functions::makes_rows(bare) {
            // A function of one value is a table of one row.
            let value = self.call(bare, &self.arguments(given, frame)?)?;
            return Ok(with_numbers(Rows { columns: vec![(bare.to_owned(), text())], rows: vec![vec![value]] }, numbered));
        }
        let items = listed(bare, &self.arguments(given, frame)?)?;
        Ok(with_numbers(rows_of(bare, items), numbered))
    }

    /// `UNNEST(a, b)`: side by side.
    pub fn unnested(&self, lists: &[Expr], numbered: bool, frame: &Frame<'_>) -> Result<Rows, SqlError> {
        let lists = lists.iter().map(|e| listed("unnest", &[self.value(e, frame)?])).collect::<Result<Vec<_>, _>>()?;
        let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
        let columns = lists.iter().map(|_| ("unnest".to_owned(), text())).collect();
        let rows = (0..longest).map(|at| lists.iter().map(|list| list.get(at).cloned().unwrap_or_default()).collect());
        Ok(with_numbers(Rows { columns, rows: rows.collect() }, numbered))
    }

    /// What an expression among those that are selected makes of one row, if it makes many: the function itself, or a part of each of its rows.
    pub fn made_rows(&self, expression: &Expr, frame: &Frame<'_>) -> Result<Option<Vec<Value>>, SqlError> {
        match expression {
            Expr::Function(function) if functions::makes_rows(&dotted(&function.name)) => {
                let name = dotted(&function.name);
                let FunctionArguments::List(list) = &function.args else { return Ok(None) };
                let bare = name.rsplit('.').next().unwrap_or(&name);
                Ok(Some(listed(bare, &self.arguments(&list.args, frame)?)?))
            }
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.made_rows(inner, frame),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let Some(rows) = self.made_rows(root, frame)? else { return Ok(None) };
                let [AccessExpr::Dot(Expr::Identifier(name))] = &**access_chain else { return Ok(None) };
                let name = folded(name);
                let part = |row: Value| match row {
                    Value::Record(fields) => {
                        fields.into_iter().find(|(known, _)| *known == name).map(|(_, v)| v).unwrap_or_default()
                    }
                    _ => Value::Null,
                };
                Ok(Some(rows.into_iter().map(part).collect()))
            }
            _ => Ok(None),
        }
    }
}

fn rows_of(name: &str, items: Vec<Value>) -> Rows {
    let int = named("int4").unwrap_or_else(text);
    if name == "_pg_expandarray" {
        let columns = vec![("x".to_owned(), text()), ("n".to_owned(), int)];
        let parts = |item| {
            if let Value::Record(fields) = item { fields.into_iter().map(|(_, value)| value).collect() } else { Vec::new() }
        };
        return Rows { columns, rows: items.into_iter().map(parts).collect() };
    }
    let kind = if name.starts_with("generate_") { int } else { text() };
    Rows { columns: vec![(name.to_owned(), kind)], rows: items.into_iter().map(|item| vec![item]).collect() }
}

fn with_numbers(mut rows: Rows, numbered: bool) -> Rows {
    if numbered {
        rows.columns.push(("ordinality".to_owned(), named("int8").unwrap_or_else(text)));
        rows.rows.iter_mut().zip(1_i64..).for_each(|(row, number)| row.push(Value::Int(number)));
    }
    rows
}

fn listed(name: &str, given: &[Value]) -> Result<Vec<Value>, SqlError> {
    let first = given.first().cloned().unwrap_or_default();
    let items = match first {
        Value::List(items) => items,
        Value::Text(ref text) if name != "generate_series" => {
            let items = crate::pg::values::items(text).unwrap_or_default();
            items.into_iter().map(|item| item.map_or(Value::Null, Value::Text)).collect()
        }
        _ => Vec::new(),
    };
    let count = i64::try_from(items.len()).unwrap_or(MOST);
    Ok(match name {
        "unnest" => items,
        "generate_subscripts" => (1..=count).map(Value::Int).collect(),
        "_pg_expandarray" => items
            .into_iter()
            .zip(1_i64..)
            .map(|(x, n)| Value::Record(vec![("x".to_owned(), x), ("n".to_owned(), Value::Int(n))]))
            .collect(),
        "generate_series" => {
            let Some((from, to)) = given.first().and_then(Value::whole).zip(given.get(1).and_then(Value::whole)) else {
                return Ok(Vec::new());
            };
            let step = given.get(2).and_then(Value::whole).unwrap_or(1);
            if step < 1 || to.saturating_sub(from) / step > MOST {
                return Err(refused("sql_failed", "the series is too long", "ask for fewer"));
            }
            let step = usize::try_from(step).unwrap_or(1);
            (from..=to).step_by(step).map(Value::Int).collect()
        }
        other => return Err(functions::no_rows(other)),
    })
}
