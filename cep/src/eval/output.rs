//! What a finding says of itself to the rules that look at it.

use std::sync::Arc;

use vitalog_elog::FieldIx;

use super::ratio::Ratio;
use super::value::Value;
use super::{Lets, Scope, value};
use crate::timeline::{Datum, Said};

/// The rule's outputs at this decision; `let`s that are not at hand are evaluated in this scope.
pub fn said<'a>(scope: &Scope<'a, '_>) -> Said {
    let outputs = &scope.terms.rule.outputs;
    if outputs.is_empty() {
        return None;
    }
    let lets = Lets::of(scope);
    let scope = Scope { lets: scope.lets.or(Some(&lets)), ..*scope };
    let all: Vec<(FieldIx, Datum)> = outputs.iter().map(|o| (o.field, datum(value(&o.expr, &scope)))).collect();
    Some(Arc::from(all))
}

fn datum(value: Value<'_>) -> Datum {
    match value {
        Value::Unknown => Datum::Unknown,
        Value::Bool(b) => Datum::Bool(b),
        Value::Enum(place) => Datum::Enum(place),
        Value::Text(text) => Datum::Text(Arc::from(text)),
        Value::Number(_) | Value::Root(_) => {
            let Some(n) = value.as_number().map(Ratio::reduced) else { return Datum::Unknown };
            match (i64::try_from(n.n), i64::try_from(n.d)) {
                (Ok(n), Ok(1)) => Datum::Whole(n),
                (Ok(n), Ok(d)) => Datum::Fraction(n, d),
                _ => Datum::Unknown,
            }
        }
    }
}
