//! Patterns of readings: steps one after the other, and what must not come between.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Span, StreamIx};

use super::expr::Expr;

/// `S1 then S2 … without X within D`.
///
/// A match chooses for each step `count` instants, all strictly later than those of the step before, at each of which at least one reading of
/// the step's stream fits; all that fit there are bound together. `last.at - first.at < within`. No reading that an absence forbids lies strictly between
/// first and last (the match's own readings do not count; an interval lies wherever it overlaps). The rule's `where` holds.
///
/// Every instant that can be a first has its own match: the choice that completes earliest; of those the one whose instants are
/// earliest, compared step by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    pub steps: Vec<Step>,
    pub absences: Vec<Absence>,
    /// `None` only for a single step of count 1.
    pub within: Option<Span>,
}

/// `S{n} in a row as x where …`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub stream: StreamIx,
    /// Asked of each reading as `Ref::Candidate`; may refer to earlier steps and to windows.
    pub filter: Option<Expr>,
    /// At how many instants, 1 or more.
    pub count: u16,
    /// No other reading of the stream, fitting or not, strictly between the step's first and last.
    pub in_a_row: bool,
}

/// `without S where …`; the condition is asked of the reading as `Ref::Candidate`, and may refer to the steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absence {
    pub stream: StreamIx,
    pub filter: Option<Expr>,
}
