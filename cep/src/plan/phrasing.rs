//! How a rule is written: what explanations quote. No part of its meaning.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::Span;

use super::expr::Expr;
use super::say::Show;

/// The words of a rule. A plan that nobody wrote has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phrasing {
    /// Its expressions, parts before what they are part of.
    pub exprs: Vec<Phrase>,
    /// Its steps, by number.
    pub steps: Vec<(Arc<str>, Place)>,
    /// The streams that a silence waits for, by name.
    pub heard: Vec<(Arc<str>, Place)>,
    /// The names of its `let`s, by number.
    pub lets: Vec<Arc<str>>,
}

/// An expression as it is written, and how its value is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phrase {
    pub expr: Expr,
    pub text: Arc<str>,
    pub place: Place,
    /// `None`: its value has no form of its own.
    pub show: Option<Show>,
    /// It is a rate: what is shown is what it comes to in so long.
    pub per: Option<Span>,
}

/// From where to where something stands in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub from: u32,
    pub to: u32,
}

impl Place {
    pub const ANY: Place = Place { from: 0, to: u32::MAX };

    pub fn holds(self, other: Place) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

impl Phrasing {
    /// How an expression is written at a place. Two of one plan may be of different streams, and are then told apart by where they stand.
    pub fn of(&self, expr: &Expr, at: Place) -> Option<&Phrase> {
        self.exprs.iter().find(|w| at.holds(w.place) && w.expr == *expr)
    }
}
