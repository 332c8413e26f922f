//! Expressions, evaluated as they were read.

use std::cmp::Ordering;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query, Subscript,
    TrimWhereField, UnaryOperator, Value as Written,
};

use crate::pg::types::{self, numbered};
use crate::pg::values::items;
use crate::sql::{SqlError, refused};

use super::select::{Frame, folded};
use super::value::Value;
use super::{Catalogue, aggregates, dotted, functions, system, unknown};

impl Catalogue {
    /// The value of an expression in a frame.
    pub fn value(&self, expression: &Expr, frame: &Frame<'_>) -> Result<Value, SqlError> {
        self.step()?;
        self.held(self.found(expression, frame)?)
    }

    fn found(&self, expression: &Expr, frame: &Frame<'_>) -> Result<Value, SqlError> {
        let of = |e: &Expr| self.value(e, frame);
        let truth = |is: bool| Ok(Value::Bool(is));
        match expression {
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } | Expr::AtTimeZone { timestamp: inner, .. } => of(inner),
            Expr::Value(value) => written(&value.value),
            Expr::TypedString(typed) => self.cast(written(&typed.value.value)?, &typed.data_type.to_string()),
            Expr::Identifier(name) => self.named(None, name, frame),
            Expr::CompoundIdentifier(parts) => match &**parts {
                [.., table, name] => self.named(Some(table), name, frame),
                _ => Err(unknown(&expression.to_string())),
            },
            Expr::InList { expr, list, negated } => {
                let values = list.iter().map(of).collect::<Result<Vec<_>, _>>()?;
                Ok(within(&of(expr)?, &values, *negated))
            }
            Expr::InSubquery { expr, subquery, negated } => Ok(within(&of(expr)?, &self.column(subquery, frame)?, *negated)),
            Expr::Between { expr, negated, low, high } => {
                let value = of(expr)?;
                let (low, high) = (value.compare(&of(low)?), value.compare(&of(high)?));
                let Some((low, high)) = low.zip(high) else { return Ok(Value::Null) };
                truth((low != Ordering::Less && high != Ordering::Greater) != *negated)
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, frame),
            Expr::UnaryOp { op, expr } => unary(op, &of(expr)?),
            Expr::Like { negated, expr, pattern, .. } => Ok(like(&of(expr)?, &of(pattern)?, false, *negated)),
            Expr::ILike { negated, expr, pattern, .. } => Ok(like(&of(expr)?, &of(pattern)?, true, *negated)),
            Expr::AnyOp { left, compare_op, right, .. } => self.quantified(left, compare_op, right, true, frame),
            Expr::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, false, frame),
            Expr::Cast { expr, data_type, .. } => self.cast(of(expr)?, &data_type.to_string()),
            Expr::Case { operand, conditions, else_result, .. } => {
                let operand = operand.as_ref().map(|e| of(e)).transpose()?;
                for when in conditions {
                    let value = of(&when.condition)?;
                    let is = match &operand {
                        Some(operand) => operand.compare(&value) == Some(Ordering::Equal),
                        None => value.truth() == Some(true),
                    };
                    if is {
                        return of(&when.result);
                    }
                }
                else_result.as_ref().map_or(Ok(Value::Null), |e| of(e))
            }
            Expr::Exists { subquery, negated } => truth(self.query(subquery, *frame)?.rows.is_empty() == *negated),
            Expr::Subquery(query) => {
                let rows = self.query(query, *frame)?.rows;
                if rows.len() > 1 {
                    return Err(refused("sql_failed", "a subquery in place of a value has more than one row", "LIMIT 1"));
                }
                Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).unwrap_or_default())
            }
            Expr::Tuple(values) => Ok(Value::List(values.iter().map(of).collect::<Result<_, _>>()?)),
            Expr::Array(array) => Ok(Value::List(array.elem.iter().map(of).collect::<Result<_, _>>()?)),
            Expr::CompoundFieldAccess { root, access_chain } => {
                access_chain.iter().try_fold(of(root)?, |value, access| self.accessed(value, access, frame))
            }
            other => self.tested(other, frame),
        }
    }

    /// What is always true or false.
    fn tested(&self, expression: &Expr, frame: &Frame<'_>) -> Result<Value, SqlError> {
        let of = |e: &Expr| self.value(e, frame);
        let truth = |is: bool| Ok(Value::Bool(is));
        match expression {
            Expr::IsNull(inner) => truth(of(inner)?.is_null()),
            Expr::IsNotNull(inner) => truth(!of(inner)?.is_null()),
            Expr::IsTrue(inner) => truth(of(inner)?.truth() == Some(true)),
            Expr::IsNotTrue(inner) => truth(of(inner)?.truth() != Some(true)),
            Expr::IsFalse(inner) => truth(of(inner)?.truth() == Some(false)),
            Expr::IsNotFalse(inner) => truth(of(inner)?.truth() != Some(false)),
            Expr::IsDistinctFrom(a, b) => truth(of(a)?.order(&of(b)?) != Ordering::Equal),
            Expr::IsNotDistinctFrom(a, b) => truth(of(a)?.order(&of(b)?) == Ordering::Equal),
            other => self.made(other, frame),
        }
    }

    /// The value of a function, or of what is written like none and is one.
    fn made(&self, expression: &Expr, frame: &Frame<'_>) -> Result<Value, SqlError> {
        let of = |e: &Expr| self.value(e, frame);
        match expression {
            Expr::Position { expr, r#in } => functions::call("strpos", &[of(r#in)?, of(expr)?]),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let mut given = vec![of(expr)?];
                given.push(substring_from.as_ref().map_or(Ok(Value::Int(1)), |e| of(e))?);
                given.extend(substring_for.as_ref().map(|e| of(e)).transpose()?);
                functions::call("substring", &given)
            }
            Expr::Trim { trim_where, trim_what, expr, .. } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                let mut given = vec![of(expr)?];
                given.extend(trim_what.as_ref().map(|e| of(e)).transpose()?);
                functions::call(name, &given)
            }
            Expr::Interval(interval) => of(&interval.value),
            Expr::Function(function) => self.called(function, frame),
            other => Err(unknown(&other.to_string())),
        }
    }

    fn called(&self, function: &Function, frame: &Frame<'_>) -> Result<Value, SqlError> {
        if let Some(value) = frame.windows.and_then(|windows| windows.get(&std::ptr::from_ref(function).addr())) {
            return Ok(value.clone());
        }
        if aggregates::is_aggregate(function) {
            return self.aggregate(function, frame);
        }
        let name = dotted(&function.name);
        let name = name.rsplit('.').next().unwrap_or(&name);
        let given = match &function.args {
            FunctionArguments::None => Vec::new(),
            FunctionArguments::Subquery(query) if name == "array" => {
                return Ok(Value::List(self.column(query, frame)?));
            }
            FunctionArguments::Subquery(_) => return Err(unknown(name)),
            FunctionArguments::List(list) => self.arguments(&list.args, frame)?,
        };
        self.call(name, &given)
    }

    pub fn arguments(&self, given: &[FunctionArg], frame: &Frame<'_>) -> Result<Vec<Value>, SqlError> {
        let values = given.iter().map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e))
            | FunctionArg::Named { arg: FunctionArgExpr::Expr(e), .. }
            | FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(e), .. } => self.value(e, frame),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Ok(Value::Int(1)),
            other => Err(unknown(&other.to_string())),
        });
        values.collect()
    }

    /// The first column of a subquery.
    fn column(&self, query: &Query, frame: &Frame<'_>) -> Result<Vec<Value>, SqlError> {
        let rows = self.query(query, *frame)?;
        let is_one = rows.columns.len() == 1;
        Ok(rows.rows.into_iter().map(|mut row| if is_one { row.remove(0) } else { Value::List(row) }).collect())
    }

    fn named(&self, table: Option<&Ident>, name: &Ident, frame: &Frame<'_>) -> Result<Value, SqlError> {
        let (table_name, column) = (table.map(folded), folded(name));
        let mut at = Some(frame);
        while let Some(frame) = at {
            let fits = |named: &&super::select::Named| {
                named.name == column && table_name.as_ref().is_none_or(|table| named.table.as_ref() == Some(table))
            };
            if let Some(place) = frame.scope.iter().position(|named| fits(&named)) {
                return Ok(frame.row.get(place).cloned().unwrap_or_default());
            }
            // A relation's own name is its row.
            if table.is_none() && frame.scope.iter().any(|named| named.table.as_ref() == Some(&column)) {
                let fields = frame.scope.iter().zip(frame.row).filter(|(named, _)| named.table.as_ref() == Some(&column));
                return Ok(Value::Record(fields.map(|(named, value)| (named.name.clone(), value.clone())).collect()));
            }
            at = frame.outer;
        }
        if table.is_none() && name.quote_style.is_none() && functions::is_word(&name.value) {
            return self.call(&column, &[]);
        }
        let said = table_name.map_or_else(|| column.clone(), |table| format!("{table}.{column}"));
        Err(refused("sql_invalid", format!("No field named {said}."), "see what there is with \\d"))
    }

    fn accessed(&self, value: Value, access: &AccessExpr, frame: &Frame<'_>) -> Result<Value, SqlError> {
        match (access, value) {
            (AccessExpr::Dot(Expr::Identifier(name)), Value::Record(fields)) => {
                let name = folded(name);
                Ok(fields.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value).unwrap_or_default())
            }
            (AccessExpr::Subscript(Subscript::Index { index }), Value::List(items)) => {
                let place =
                    self.value(index, frame)?.whole().and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_sub(1));
                Ok(place.and_then(|place| items.get(place).cloned()).unwrap_or_default())
            }
            (AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, .. }), Value::List(items)) => {
                let bound = |e: &Option<Expr>, otherwise: usize| -> Result<usize, SqlError> {
                    let value = e.as_ref().map(|e| self.value(e, frame)).transpose()?;
                    Ok(value.and_then(|v| v.whole()).and_then(|n| usize::try_from(n).ok()).unwrap_or(otherwise))
                };
                let (from, to) = (bound(lower_bound, 1)?.max(1), bound(upper_bound, items.len())?.min(items.len()));
                Ok(Value::List(items.get(from - 1..to).unwrap_or_default().to_vec()))
            }
            _ => Ok(Value::Null),
        }
    }

    fn binary(&self, left: &Expr, op: &BinaryOperator, right: &Expr, frame: &Frame<'_>) -> Result<Value, SqlError> {
        let a = self.value(left, frame)?;
        match op {
            BinaryOperator::And if a.truth() == Some(false) => return Ok(Value::Bool(false)),
            BinaryOperator::Or if a.truth() == Some(true) => return Ok(Value::Bool(true)),
            _ => {}
        }
        let b = self.value(right, frame)?;
        match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let is_and = *op == BinaryOperator::And;
                Ok(match (a.truth(), b.truth()) {
                    (Some(x), Some(y)) => Value::Bool(if is_and { x && y } else { x || y }),
                    (None, Some(known)) | (Some(known), None) if known != is_and => Value::Bool(known),
                    _ => Value::Null,
                })
            }
            BinaryOperator::PGCustomBinaryOperator(parts) => operated(parts.last().map_or("", String::as_str), &a, &b),
            op => operated(&op.to_string(), &a, &b),
        }
    }

    /// `value op ANY (…)`, `ALL (…)`.
    fn quantified(
        &self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        is_any: bool,
        frame: &Frame<'_>,
    ) -> Result<Value, SqlError> {
        let value = self.value(left, frame)?;
        let list = match right {
            Expr::Subquery(query) => self.column(query, frame)?,
            right => match self.value(right, frame)? {
                Value::List(list) => list,
                Value::Text(text) => {
                    items(&text).unwrap_or_default().into_iter().map(|item| item.map_or(Value::Null, Value::Text)).collect()
                }
                _ => return Ok(Value::Null),
            },
        };
        let op = match op {
            BinaryOperator::PGCustomBinaryOperator(parts) => parts.last().cloned().unwrap_or_default(),
            op => op.to_string(),
        };
        let mut is_unknown = false;
        for item in &list {
            match operated(&op, &value, item)?.truth() {
                Some(is) if is == is_any => return Ok(Value::Bool(is_any)),
                Some(_) => {}
                None => is_unknown = true,
            }
        }
        Ok(if is_unknown { Value::Null } else { Value::Bool(!is_any) })
    }

    /// A value as one of another type.
    pub fn cast(&self, value: Value, kind: &str) -> Result<Value, SqlError> {
        let kind = kind.to_lowercase();
        let kind = kind.trim_start_matches("pg_catalog.").trim_matches('"');
        if value.is_null() {
            return Ok(value);
        }
        let not_there =
            |what: &str, name: &str| refused("sql_invalid", format!("{what} '{name}' not found"), "see what there is with \\d");
        match kind {
            "regclass" => match value {
                Value::Text(name) if name.parse::<i64>().is_err() => self.object(&name).ok_or_else(|| not_there("table", &name)),
                value => Ok(self.class(value.whole().unwrap_or(0))),
            },
            "regtype" => match value {
                Value::Text(name) if name.parse::<i64>().is_err() => {
                    let found = types::written(&name).ok_or_else(|| not_there("type", &name))?;
                    Ok(Value::Object(i64::from(found.oid), found.sql.to_owned()))
                }
                value => {
                    let oid = value.whole().unwrap_or(0);
                    Ok(Value::Object(oid, system::type_numbered(oid).map_or_else(|| oid.to_string(), |t| t.sql.to_owned())))
                }
            },
            "regnamespace" => {
                let known = [
                    (system::PG_CATALOG, "pg_catalog"),
                    (system::LAKE, system::SCHEMA),
                    (system::INFORMATION_SCHEMA, "information_schema"),
                ];
                let found = match &value {
                    Value::Text(name) if name.parse::<i64>().is_err() => known.iter().find(|(_, known)| *known == name.as_str()),
                    value => known.iter().find(|(oid, _)| Some(*oid) == value.whole()),
                };
                found
                    .map(|(oid, name)| Value::Object(*oid, (*name).to_owned()))
                    .ok_or_else(|| not_there("schema", &value.text().unwrap_or_default()))
            }
            "regrole" => Ok(Value::Object(value.whole().unwrap_or(0), self.user_numbered(value.whole()))),
            "regproc" | "regprocedure" | "regoper" => {
                Ok(Value::Object(value.whole().unwrap_or(0), value.text().unwrap_or_default()))
            }
            _ => Ok(plain(value, kind)),
        }
    }
}

/// Casts of what is no object.
fn plain(value: Value, kind: &str) -> Value {
    let Some(target) = types::written(kind) else { return value };
    match (target.category, value) {
        ('A', Value::Text(text)) => {
            let of = numbered(target.element).map_or("text", |t| t.name);
            let list = items(&text).unwrap_or_else(|| text.split_whitespace().map(|w| Some(w.to_owned())).collect());
            Value::List(list.into_iter().map(|item| item.map_or(Value::Null, |text| plain(Value::Text(text), of))).collect())
        }
        ('A', value) => value,
        ('B', value) => value.truth().map_or(Value::Null, Value::Bool),
        ('N', value) if ["float4", "float8", "numeric"].contains(&target.name) => {
            value.number().map_or(Value::Null, Value::Float)
        }
        ('N', value) => value.whole().map_or(Value::Null, Value::Int),
        ('S' | 'Z', Value::Bool(is)) => Value::from(if is { "true" } else { "false" }),
        ('S' | 'Z', value) => value.text().map_or(Value::Null, Value::Text),
        (_, value) => value,
    }
}

fn written(value: &Written) -> Result<Value, SqlError> {
    Ok(match value {
        Written::Null => Value::Null,
        Written::Boolean(is) => Value::Bool(*is),
        Written::Number(digits, _) => match digits.parse() {
            Ok(number) => Value::Int(number),
            Err(_) => digits.parse().map_or(Value::Null, Value::Float),
        },
        Written::Placeholder(name) => {
            return Err(refused("sql_syntax", format!("there is no value for the parameter {name}"), "send one"));
        }
        Written::EscapedStringLiteral(text) | Written::UnicodeStringLiteral(text) | Written::HexStringLiteral(text) => {
            Value::Text(text.clone())
        }
        Written::DollarQuotedString(text) => Value::Text(text.value.clone()),
        other => Value::Text(other.clone().into_string().unwrap_or_default()),
    })
}

fn within(value: &Value, list: &[Value], negated: bool) -> Value {
    if list.iter().any(|item| value.compare(item) == Some(Ordering::Equal)) {
        return Value::Bool(!negated);
    }
    if value.is_null() && !list.is_empty() || list.iter().any(Value::is_null) { Value::Null } else { Value::Bool(negated) }
}

fn unary(op: &UnaryOperator, value: &Value) -> Result<Value, SqlError> {
    Ok(match op {
        UnaryOperator::Not => value.truth().map_or(Value::Null, |is| Value::Bool(!is)),
        UnaryOperator::Plus => value.clone(),
        UnaryOperator::Minus => match value {
            Value::Int(number) => Value::Int(number.saturating_neg()),
            value => value.number().map_or(Value::Null, |number| Value::Float(-number)),
        },
        other => return Err(unknown(&other.to_string())),
    })
}

/// What an operator makes of two values; null of null.
pub fn operated(op: &str, a: &Value, b: &Value) -> Result<Value, SqlError> {
    if a.is_null() || b.is_null() {
        return Ok(Value::Null);
    }
    let compared = |fits: &dyn Fn(Ordering) -> bool| Ok(a.compare(b).map_or(Value::Null, |order| Value::Bool(fits(order))));
    let whole =
        |f: &dyn Fn(i64, i64) -> Option<i64>| a.whole().zip(b.whole()).and_then(|(a, b)| f(a, b)).map_or(Value::Null, Value::Int);
    match op {
        "=" => compared(&|o| o == Ordering::Equal),
        "<>" | "!=" => compared(&|o| o != Ordering::Equal),
        "<" => compared(&|o| o == Ordering::Less),
        "<=" => compared(&|o| o != Ordering::Greater),
        ">" => compared(&|o| o == Ordering::Greater),
        ">=" => compared(&|o| o != Ordering::Less),
        "||" => Ok(match (a, b) {
            (Value::List(a), Value::List(b)) => Value::List([a.clone(), b.clone()].concat()),
            (Value::List(a), b) => Value::List([a.clone(), vec![b.clone()]].concat()),
            _ => Value::Text(a.text().unwrap_or_default() + &b.text().unwrap_or_default()),
        }),
        "+" | "-" | "*" | "/" | "%" => Ok(match (a, b) {
            (Value::Float(_), _) | (_, Value::Float(_)) => {
                let Some((a, b)) = a.number().zip(b.number()) else { return Ok(Value::Null) };
                Value::Float(match op {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    "/" => a / b,
                    _ => a % b,
                })
            }
            _ => whole(&|a, b| match op {
                "+" => a.checked_add(b),
                "-" => a.checked_sub(b),
                "*" => a.checked_mul(b),
                "/" => a.checked_div(b),
                _ => a.checked_rem(b),
            }),
        }),
        "&" => Ok(whole(&|a, b| Some(a & b))),
        "|" => Ok(whole(&|a, b| Some(a | b))),
        "<<" => Ok(whole(&|a, b| a.checked_shl(u32::try_from(b).ok()?))),
        ">>" => Ok(whole(&|a, b| a.checked_shr(u32::try_from(b).ok()?))),
        "~~" => Ok(like(a, b, false, false)),
        "!~~" => Ok(like(a, b, false, true)),
        "~~*" => Ok(like(a, b, true, false)),
        "!~~*" => Ok(like(a, b, true, true)),
        "~" => matched(a, b, false, false),
        "!~" => matched(a, b, false, true),
        "~*" => matched(a, b, true, false),
        "!~*" => matched(a, b, true, true),
        "&&" | "@>" | "<@" => {
            let (Value::List(a), Value::List(b)) = (a, b) else { return Ok(Value::Null) };
            let has = |list: &[Value], item: &Value| list.iter().any(|other| other.compare(item) == Some(Ordering::Equal));
            Ok(Value::Bool(match op {
                "&&" => b.iter().any(|item| has(a, item)),
                "@>" => b.iter().all(|item| has(a, item)),
                _ => a.iter().all(|item| has(b, item)),
            }))
        }
        other => Err(unknown(other)),
    }
}

/// The longest regular expression that is compiled, in bytes of what it becomes.
const PATTERN: usize = 1 << 18;

fn matched(value: &Value, pattern: &Value, folds: bool, negated: bool) -> Result<Value, SqlError> {
    let (value, pattern) = (value.text().unwrap_or_default(), pattern.text().unwrap_or_default());
    let built = regex::RegexBuilder::new(&pattern).case_insensitive(folds).size_limit(PATTERN).build();
    let regex = built.map_err(|_| refused("sql_failed", "this is no regular expression", "mend the pattern"))?;
    Ok(Value::Bool(regex.is_match(&value) != negated))
}

fn like(value: &Value, pattern: &Value, folds: bool, negated: bool) -> Value {
    let (Some(value), Some(pattern)) = (value.text(), pattern.text()) else { return Value::Null };
    let (value, pattern) = if folds { (value.to_lowercase(), pattern.to_lowercase()) } else { (value, pattern) };
    let (value, pattern): (Vec<char>, Vec<char>) = (value.chars().collect(), pattern.chars().collect());
    Value::Bool(is_like(&value, &pattern) != negated)
}

/// By the pattern's last `%` that may take more, as long as there is one.
fn is_like(value: &[char], pattern: &[char]) -> bool {
    let (mut at, mut of, mut again) = (0, 0, None);
    while at < value.len() {
        let (wanted, width) = match pattern.get(of) {
            Some('\\') => (pattern.get(of + 1), 2),
            other => (other, 1),
        };
        let is_escaped = width == 2;
        match wanted {
            Some('%') if !is_escaped => {
                again = Some((at, of + 1));
                of += 1;
            }
            Some(c) if *c == value[at] || (*c == '_' && !is_escaped) => (at, of) = (at + 1, of + width),
            _ => match &mut again {
                Some((from, behind)) => {
                    *from += 1;
                    (at, of) = (*from, *behind);
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|c| *c == '%')
}
