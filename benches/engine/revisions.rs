//! What a reading says, and later revisions of it.

use std::sync::Arc;

use vitalog_elog::{Reading, Value};

/// The number of a reading's first field, in its usual unit's atoms.
pub fn first(reading: &Reading) -> Option<i64> {
    match reading.content.as_ref()?.values.first()? {
        Some(Value::Quantity(amount)) => Some(amount.atoms()),
        _ => None,
    }
}

/// A later revision of a reading that was sent without a name: the printed form of its id names it.
pub fn amended(of: &Reading, stream: &str, digits: i64) -> Reading {
    let mut content = of.content.clone();
    if let Some(Some(Value::Quantity(amount))) = content.as_mut().and_then(|c| c.values.first_mut()) {
        amount.digits = digits;
    }
    let named = Some(Arc::from(of.id.to_string()));
    match content {
        Some(content) => Reading::present(of.subject.clone(), named, 2, stream, content),
        None => of.clone(),
    }
}

/// The removal of a reading that was sent without a name.
pub fn removed(of: &Reading) -> Reading {
    Reading::removal(of.subject.clone(), Arc::from(of.id.to_string()), 2)
}
