//! What people are told: text with holes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::Unit;

use super::expr::Expr;

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Piece {
    Text(Arc<str>),
    /// Filled at the decision that opened the finding (or raised its severity). An unknown value reads `unknown`.
    Hole {
        expr: Expr,
        show: Show,
    },
}

/// `say to caretaker "…"`: what a role is told in place of the patient's text. Made when that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wording {
    pub to: Arc<str>,
    pub say: Vec<Piece>,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Show {
    /// Atoms, in this unit with its usual decimals.
    Quantity(Unit),
    /// A plain number: up to two decimals, rounded half to even, without trailing zeros.
    Number,
    /// An instant in the subject's time zone (profile field `time_zone`, else UTC): `08:15`, and with its date (`2026-11-19 08:15`) where that is not the date of the decision.
    /// Cut to the minute.
    Instant,
    /// A time of day, cut to the minute: `08:15`.
    TimeOfDay,
    /// A span: `1 h 15 min`, as [`vitalog_elog::Span`] prints it, rounded half to even to the microsecond.
    Span,
    /// A word of an enumeration.
    Enum(Vec<Arc<str>>),
    Text,
    /// `yes` or `no`.
    Bool,
}
