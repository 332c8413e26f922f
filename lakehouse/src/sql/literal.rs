//! Values in place of a statement's parameters: put into what was read, never into its text.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Array, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    Statement as Sql, UnaryOperator, Value, visit_expressions, visit_expressions_mut,
};

use crate::sql::{SqlError, refused};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Of the lake's type with this name, if any.
    Null(Option<String>),
    Text(String),
    Bool(bool),
    Int(i64),
    /// A text, cast to the lake's type with this name.
    As(String, String),
    /// Hexadecimal digits.
    Bytes(String),
    /// With the type of the items.
    List(Vec<Literal>, Option<String>),
}

impl Literal {
    fn expression(&self) -> Expr {
        match self {
            Literal::Null(None) => value(Value::Null),
            Literal::Null(Some(kind)) => cast(value(Value::Null), kind),
            Literal::Text(text) => value(Value::SingleQuotedString(text.clone())),
            Literal::Bool(is) => value(Value::Boolean(*is)),
            Literal::Int(number) => {
                let digits = value(Value::Number(number.unsigned_abs().to_string(), false));
                match *number {
                    // Its digits alone are no such number.
                    i64::MIN => cast(value(Value::SingleQuotedString(number.to_string())), "Int64"),
                    0.. => digits,
                    _ => Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(digits) })),
                }
            }
            Literal::As(text, kind) => cast(value(Value::SingleQuotedString(text.clone())), kind),
            Literal::Bytes(digits) => value(Value::HexStringLiteral(digits.clone())),
            Literal::List(items, kind) => {
                let list = Expr::Array(Array { elem: items.iter().map(Literal::expression).collect(), named: true });
                let inner = kind.as_deref().unwrap_or("Utf8");
                if items.is_empty() { cast(list, &format!("List({inner})")) } else { list }
            }
        }
    }
}

fn value(value: Value) -> Expr {
    Expr::Value(value.into())
}

fn cast(expression: Expr, kind: &str) -> Expr {
    let argument = |e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e));
    let kind = value(Value::SingleQuotedString(kind.to_owned()));
    let args =
        FunctionArgumentList { duplicate_treatment: None, args: vec![argument(expression), argument(kind)], clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("arrow_cast")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(args),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The number of a parameter, from 1.
pub(crate) fn parameter(expression: &Expr) -> Option<usize> {
    let Expr::Value(value) = expression else { return None };
    let Value::Placeholder(name) = &value.value else { return None };
    name.strip_prefix('$')?.parse().ok().filter(|number| *number > 0)
}

/// How many parameters a statement has: the greatest number among them.
pub(crate) fn parameters(statement: &Statement) -> usize {
    let mut greatest = 0;
    if let Some(sql) = asked(statement) {
        let _: ControlFlow<()> = visit_expressions(sql, |e| {
            greatest = greatest.max(parameter(e).unwrap_or(0));
            ControlFlow::Continue(())
        });
    }
    greatest
}

/// Puts values in the place of parameters.
///
/// # Errors
/// Where there are too few.
pub(crate) fn fill(statement: &mut Statement, values: &[Literal]) -> Result<(), SqlError> {
    let Some(sql) = asked_mut(statement) else { return Ok(()) };
    let missing = visit_expressions_mut(sql, |e| {
        let Some(number) = parameter(e) else { return ControlFlow::Continue(()) };
        match values.get(number - 1) {
            Some(value) => {
                *e = value.expression();
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(number),
        }
    });
    match missing {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(number) => {
            Err(refused("sql_syntax", format!("there is no value for the parameter ${number}"), "send one for each parameter"))
        }
    }
}

fn asked(statement: &Statement) -> Option<&Sql> {
    match statement {
        Statement::Statement(sql) => Some(&**sql),
        Statement::Explain(explain) => asked(&explain.statement),
        _ => None,
    }
}

fn asked_mut(statement: &mut Statement) -> Option<&mut Sql> {
    match statement {
        Statement::Statement(sql) => Some(&mut **sql),
        Statement::Explain(explain) => asked_mut(&mut explain.statement),
        _ => None,
    }
}
