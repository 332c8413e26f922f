//! Of what type an expression is, and what it is called, without its value: clients want to know before there is a row.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem, SetExpr, UnaryOperator, Value,
};

use crate::pg::types::{self, Type, named, numbered, text};

use super::select::{Frame, folded, no_type};
use super::{Catalogue, dotted, functions};

/// Functions whose type does not hang on what they are given.
const GIVEN: [(&[&str], &str); 6] = [
    (
        &[
            "count",
            "sum",
            "row_number",
            "txid_current",
            "pg_relation_size",
            "pg_total_relation_size",
            "pg_table_size",
            "pg_database_size",
        ],
        "int8",
    ),
    (
        &[
            "length",
            "char_length",
            "strpos",
            "array_length",
            "array_upper",
            "array_lower",
            "cardinality",
            "array_position",
            "pg_backend_pid",
            "generate_series",
            "generate_subscripts",
            "age",
            "pg_relation_is_updatable",
            "pg_char_to_encoding",
        ],
        "int4",
    ),
    (
        &[
            "bool_and",
            "bool_or",
            "every",
            "pg_is_in_recovery",
            "pg_has_role",
            "pg_is_other_temp_schema",
            "pg_is_wal_replay_paused",
        ],
        "bool",
    ),
    (&["current_schemas"], "_name"),
    (&["string_to_array", "parse_ident"], "_text"),
    (
        &[
            "current_database",
            "current_catalog",
            "current_schema",
            "current_user",
            "session_user",
            "current_role",
            "user",
            "pg_get_userbyid",
        ],
        "name",
    ),
];

fn of(name: &str) -> &'static Type {
    named(name).unwrap_or_else(text)
}

impl Catalogue {
    /// The type of an expression.
    pub fn kind(&self, expression: &Expr, frame: &Frame<'_>) -> &'static Type {
        match expression {
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => self.kind(inner, frame),
            Expr::Value(value) => match &value.value {
                Value::Null | Value::Placeholder(_) => no_type(),
                Value::Boolean(_) => of("bool"),
                Value::Number(digits, _) if digits.parse::<i32>().is_ok() => of("int4"),
                Value::Number(digits, _) if digits.parse::<i64>().is_ok() => of("int8"),
                Value::Number(..) => of("float8"),
                _ => text(),
            },
            Expr::Identifier(name) => column(None, &folded(name), frame),
            Expr::CompoundIdentifier(parts) => match &**parts {
                [.., table, name] => column(Some(&folded(table)), &folded(name), frame),
                _ => text(),
            },
            Expr::Cast { data_type, .. } => types::written(&data_type.to_string()).unwrap_or_else(text),
            Expr::TypedString(typed) => types::written(&typed.data_type.to_string()).unwrap_or_else(text),
            Expr::Case { conditions, else_result, .. } => {
                let mut kinds =
                    conditions.iter().map(|when| &when.result).chain(else_result.as_deref()).map(|e| self.kind(e, frame));
                kinds.find(|kind| *kind != no_type()).unwrap_or_else(text)
            }
            Expr::Subquery(query) => {
                self.query(query, *frame).ok().and_then(|rows| rows.columns.first().map(|(_, kind)| *kind)).unwrap_or_else(text)
            }
            Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => self.kind(expr, frame),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::StringConcat => {
                    let kind = self.kind(left, frame);
                    if kind.category == 'A' { kind } else { text() }
                }
                BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo => {
                    let kinds = [self.kind(left, frame), self.kind(right, frame)];
                    kinds
                        .into_iter()
                        .max_by_key(|kind| {
                            ["int2", "int4", "oid", "int8", "float4", "float8"].iter().position(|n| *n == kind.name)
                        })
                        .unwrap_or_else(text)
                }
                BinaryOperator::BitwiseAnd
                | BinaryOperator::BitwiseOr
                | BinaryOperator::PGBitwiseShiftLeft
                | BinaryOperator::PGBitwiseShiftRight => of("int8"),
                _ => of("bool"),
            },
            Expr::Array(array) => {
                let kind = array.elem.first().map_or_else(text, |e| self.kind(e, frame));
                numbered(kind.array).unwrap_or_else(|| of("_text"))
            }
            Expr::CompoundFieldAccess { root, .. } => self.kind(root, frame).element().unwrap_or_else(|| of("int4")),
            Expr::Function(function) => self.kind_of_function(&dotted(&function.name), &function.args, frame),
            Expr::Position { .. } => of("int4"),
            Expr::Substring { .. } | Expr::Trim { .. } | Expr::Interval(_) | Expr::Overlay { .. } => text(),
            // Whatever is left is a condition.
            _ => of("bool"),
        }
    }

    fn kind_of_function(&self, name: &str, given: &FunctionArguments, frame: &Frame<'_>) -> &'static Type {
        let bare = name.rsplit('.').next().unwrap_or(name);
        let argument = |place: usize| match given {
            FunctionArguments::List(list) => match list.args.get(place) {
                Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(e))) => self.kind(e, frame),
                _ => text(),
            },
            _ => text(),
        };
        if let Some((_, kind)) = GIVEN.iter().find(|(names, _)| names.contains(&bare)) {
            return of(kind);
        }
        match bare {
            name if name.ends_with("_is_visible") || name.starts_with("has_") => of("bool"),
            "avg" => of("float8"),
            "json_build_object" | "json_agg" | "json_object_agg" | "to_json" | "row_to_json" => of("json"),
            "array" => match given {
                FunctionArguments::Subquery(query) => {
                    let kind = self.query(query, *frame).ok().and_then(|rows| rows.columns.first().map(|(_, kind)| *kind));
                    kind.and_then(|kind| numbered(kind.array)).unwrap_or_else(|| of("_text"))
                }
                _ => of("_text"),
            },
            "array_agg" => numbered(argument(0).array).unwrap_or_else(|| of("_text")),
            "unnest" => argument(0).element().unwrap_or_else(text),
            "min" | "max" | "nullif" | "abs" | "array_append" => argument(0),
            "coalesce" | "greatest" | "least" => {
                let count = if let FunctionArguments::List(list) = given { list.args.len() } else { 0 };
                (0..count).map(argument).find(|kind| *kind != no_type()).unwrap_or_else(text)
            }
            "arrow_cast" => match given {
                FunctionArguments::List(list) => {
                    let kind = list.args.get(1).map(ToString::to_string).unwrap_or_default();
                    types::TYPES.iter().find(|t| t.arrow() == Some(kind.trim_matches('\''))).unwrap_or_else(text)
                }
                _ => text(),
            },
            "_pg_expandarray" => of("int4"),
            "oid" | "int8" => of("int8"),
            _ => text(),
        }
    }

    /// What a column is called that is given no name.
    pub fn name(&self, expression: &Expr) -> String {
        match expression {
            Expr::Identifier(name) => folded(name),
            Expr::CompoundIdentifier(parts) => parts.last().map(folded).unwrap_or_default(),
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => self.name(inner),
            Expr::Cast { expr, data_type, .. } => match self.name(expr) {
                name if name == "?column?" => types::written(&data_type.to_string()).map_or(name, |kind| kind.name.to_owned()),
                name => name,
            },
            Expr::Function(function) => dotted(&function.name).rsplit('.').next().unwrap_or_default().to_owned(),
            Expr::Case { else_result, .. } => match else_result.as_ref().map(|e| self.name(e)) {
                Some(name) if name != "?column?" => name,
                _ => "case".to_owned(),
            },
            Expr::Exists { .. } => "exists".to_owned(),
            Expr::Array(_) => "array".to_owned(),
            Expr::Subquery(query) => self.name_of_query(query),
            Expr::Substring { .. } => "substring".to_owned(),
            Expr::Trim { .. } => "btrim".to_owned(),
            Expr::Position { .. } => "position".to_owned(),
            Expr::CompoundFieldAccess { root, access_chain } => match access_chain.last() {
                Some(datafusion::sql::sqlparser::ast::AccessExpr::Dot(Expr::Identifier(name))) => folded(name),
                _ => self.name(root),
            },
            _ => "?column?".to_owned(),
        }
    }

    fn name_of_query(&self, query: &Query) -> String {
        match &*query.body {
            SetExpr::Select(select) => match select.projection.first() {
                Some(SelectItem::UnnamedExpr(e)) => self.name(e),
                Some(SelectItem::ExprWithAlias { alias, .. }) => folded(alias),
                _ => "?column?".to_owned(),
            },
            _ => "?column?".to_owned(),
        }
    }
}

fn column(table: Option<&str>, name: &str, frame: &Frame<'_>) -> &'static Type {
    let mut at = Some(frame);
    while let Some(frame) = at {
        let found = frame
            .scope
            .iter()
            .find(|named| named.name == name && table.is_none_or(|table| named.table.as_deref() == Some(table)));
        if let Some(named) = found {
            return named.kind;
        }
        at = frame.outer;
    }
    if functions::is_word(name) { of("name") } else { text() }
}
