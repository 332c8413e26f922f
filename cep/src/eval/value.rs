//! What an expression comes to.

use std::cmp::Ordering;

use super::ratio::Ratio;
use super::root::Root;
use crate::plan::Compare;
use crate::timeline::Cell;

/// A value, or that there is none.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Unknown,
    Bool(bool),
    Number(Ratio),
    /// A number that is no quotient; where it is calculated with or shown it is taken to the nearest millionth.
    Root(Root),
    Enum(u16),
    Text(&'a str),
}

impl<'a> Value<'a> {
    pub fn number(number: Option<Ratio>) -> Value<'a> {
        number.map_or(Value::Unknown, Value::Number)
    }

    pub fn truth(truth: Option<bool>) -> Value<'a> {
        truth.map_or(Value::Unknown, Value::Bool)
    }

    pub fn cell(cell: Option<Cell<'a>>) -> Value<'a> {
        match cell {
            None => Value::Unknown,
            Some(Cell::Number(n)) => Value::Number(Ratio::whole(n)),
            Some(Cell::Fraction(n, d)) => Value::number(Ratio::new(i128::from(n), i128::from(d))),
            Some(Cell::Enum(place)) => Value::Enum(place),
            Some(Cell::Bool(b)) => Value::Bool(b),
            Some(Cell::Text(text)) => Value::Text(text),
        }
    }

    pub fn as_number(self) -> Option<Ratio> {
        match self {
            Value::Number(n) => Some(n),
            Value::Root(root) => root.number(),
            _ => None,
        }
    }

    pub fn is_known(self) -> bool {
        !matches!(self, Value::Unknown)
    }

    /// Numbers and enumerations have an order; texts and truths are only equal or not. Values of different kinds do not compare.
    pub fn compare(self, op: Compare, other: Value<'_>) -> Option<bool> {
        match (self, other) {
            (Value::Number(a), Value::Number(b)) => Some(holds(op, a.compare(b))),
            (Value::Root(a), Value::Number(b)) => Some(holds(op, a.compare(b)?)),
            (Value::Number(a), Value::Root(b)) => Some(holds(op, b.compare(a)?.reverse())),
            (Value::Root(a), Value::Root(b)) => Some(holds(op, a.compare_root(b)?)),
            (Value::Enum(a), Value::Enum(b)) => Some(holds(op, a.cmp(&b))),
            (Value::Text(a), Value::Text(b)) => equal_or_not(op, a == b),
            (Value::Bool(a), Value::Bool(b)) => equal_or_not(op, a == b),
            _ => None,
        }
    }

    /// The same value, exactly.
    pub fn same(self, other: Value<'_>) -> bool {
        self.compare(Compare::Eq, other) == Some(true)
    }
}

#[inline]
pub fn holds(op: Compare, order: Ordering) -> bool {
    match op {
        Compare::Lt => order.is_lt(),
        Compare::Le => order.is_le(),
        Compare::Gt => order.is_gt(),
        Compare::Ge => order.is_ge(),
        Compare::Eq => order.is_eq(),
        Compare::Ne => order.is_ne(),
    }
}

fn equal_or_not(op: Compare, equal: bool) -> Option<bool> {
    match op {
        Compare::Eq => Some(equal),
        Compare::Ne => Some(!equal),
        _ => None,
    }
}
