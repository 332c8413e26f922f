//! Types, and expressions that have one.

use std::fmt;
use std::sync::Arc;

use vitalog_cep::plan::{Compare, Expr, Rational};
use vitalog_elog::Unit;

use super::dimension::Dim;
use super::number::Bounds;
use crate::source::Loc;

/// What kind of value an expression has.
#[derive(Clone, Debug, PartialEq)]
pub enum Ty {
    /// Not known, because of an error that has been reported; goes with everything.
    Error,
    Bool,
    Text,
    Enum(Words),
    Instant,
    /// What a clock on the wall shows.
    TimeOfDay,
    Number(Dim),
}

/// The words of an enumeration.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    pub words: Vec<Arc<str>>,
    /// Declared with `<`.
    pub ordered: bool,
}

/// An expression of the plan with its type and what else is known of it.
#[derive(Clone, Debug)]
pub struct Typed {
    pub expr: Expr,
    pub ty: Ty,
    pub loc: Loc,
    /// The unit it is shown in.
    pub unit: Option<Unit>,
    pub bounds: Bounds,
    /// The bounds are a declared plausible range.
    pub plausible: bool,
    /// A number written without a unit.
    pub bare: bool,
    /// A condition that can only be this (or unknown).
    pub truth: Option<bool>,
    /// Why that is so has been reported.
    pub told: bool,
    /// What holds wherever the condition holds.
    pub facts: Vec<Fact>,
}

/// `key op value`.
#[derive(Clone, Debug)]
pub struct Fact {
    pub key: Expr,
    pub op: Compare,
    pub value: Rational,
}

impl Typed {
    pub fn new(expr: Expr, ty: Ty, loc: Loc) -> Typed {
        Typed {
            expr,
            ty,
            loc,
            unit: None,
            bounds: Bounds::NONE,
            plausible: false,
            bare: false,
            truth: None,
            told: false,
            facts: Vec::new(),
        }
    }

    pub fn error(loc: Loc) -> Typed {
        Typed::new(Expr::Bool(false), Ty::Error, loc)
    }

    pub fn constant(value: Rational, dim: Dim, loc: Loc) -> Typed {
        Typed { bounds: Bounds::exactly(value), ..Typed::new(Expr::Number(value), Ty::Number(dim), loc) }
    }

    pub fn bool(expr: Expr, loc: Loc) -> Typed {
        Typed::new(expr, Ty::Bool, loc)
    }

    pub fn with_unit(self, unit: Option<Unit>) -> Typed {
        Typed { unit, ..self }
    }

    pub fn as_constant(&self) -> Option<Rational> {
        match self.expr {
            Expr::Number(r) if matches!(self.ty, Ty::Number(_)) => Some(r),
            _ => None,
        }
    }

    pub fn is_error(&self) -> bool {
        self.ty == Ty::Error
    }

    /// For a label: `this is glucose, in mg/dL`.
    pub fn describe(&self) -> String {
        match (&self.ty, self.unit) {
            (Ty::Number(dim), Some(unit)) if !dim.is_plain() && *dim != Dim::time() => format!("{dim}, in {unit}"),
            (ty, _) => ty.to_string(),
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::Error => f.write_str("unknown"),
            Ty::Bool => f.write_str("a condition"),
            Ty::Text => f.write_str("a text"),
            Ty::Enum(words) => {
                let words: Vec<&str> = words.words.iter().map(|w| &**w).collect();
                write!(f, "one of {}", words.join(", "))
            }
            Ty::Instant => f.write_str("an instant"),
            Ty::TimeOfDay => f.write_str("a time of day"),
            Ty::Number(dim) => fmt::Display::fmt(dim, f),
        }
    }
}
