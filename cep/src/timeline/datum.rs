//! A value by itself: what a finding says of itself to the rules that look at it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::FieldIx;

/// A value that is kept. What no quotient of two 64-bit integers holds is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Datum {
    Unknown,
    Bool(bool),
    Whole(i64),
    /// In lowest terms, the denominator greater than one.
    Fraction(i64, i64),
    Enum(u16),
    Text(Arc<str>),
}

/// What a finding says in which field; `None` where nobody asks.
pub type Said = Option<Arc<[(FieldIx, Datum)]>>;
