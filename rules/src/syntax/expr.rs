//! Expressions as written.

use std::sync::Arc;

use super::{Duration, Name, Text};
use crate::source::Loc;

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub loc: Loc,
    /// The longest way down: kept under `Limits::DEPTH`, so that walking the tree cannot exhaust the stack.
    pub depth: u32,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Could not be read; it has been reported.
    Bad,
    Literal(Literal),
    /// `09:00`, in minutes after midnight.
    Clock(u16),
    Text(Text),
    Bool(bool),
    Now,
    Onset,
    /// A `let`, a word of an enumeration, or a bare stream or step.
    Name(Name),
    /// `meal.amount`, `each.systolic`; of a finding also what a step of its rule says: `spike.meal.amount`, the field being `meal.amount`.
    Field {
        of: Name,
        field: Name,
    },
    /// `meal.amount fresh 1 h`.
    Fresh {
        field: Box<Expr>,
        within: Duration,
    },
    /// `profile.bg_low`.
    Profile(Name),
    Call(Box<Call>),
    Paren(Box<Expr>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    /// Two or more.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Binary {
        op: BinaryOp,
        op_loc: Loc,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
    },
    IsKnown {
        value: Box<Expr>,
        negated: bool,
    },
    /// `X if C, otherwise Y`.
    If {
        then: Box<Expr>,
        condition: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Covering(Box<Covering>),
}

/// `54`, `54 mg/dL`, `1 h 30 min`, `2 mg/dL/min`, `3 mmol/L of glucose`.
#[derive(Clone, Debug)]
pub struct Literal {
    /// Digits and unit; more than one pair only for durations.
    pub parts: Vec<(Arc<str>, Option<UnitWord>)>,
    /// The dimension said with `of`.
    pub of: Option<Name>,
}

/// A unit as written: it is resolved when its dimension is known.
#[derive(Clone, Debug)]
pub struct UnitWord {
    pub name: Arc<str>,
    /// The unit of time it is divided by: `min` of `mg/dL/min`.
    pub per: Option<Arc<str>>,
    pub loc: Loc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

/// `avg(bg.value over 3 h before meal where bg.value > 4 mmol/L)`, `avg(highs.systolic)`, `age(meal)`.
#[derive(Clone, Debug)]
pub struct Call {
    pub function: Name,
    pub argument: Expr,
    /// `at 90 %`, of a percentile.
    pub share: Option<Expr>,
    /// `in 20 min`, of a forecast.
    pub ahead: Option<Duration>,
    pub half_life: Option<Duration>,
    pub over: Option<Over>,
    pub before: Option<Name>,
    pub after: Option<Name>,
    pub during: Option<Name>,
    pub fresh: Option<Duration>,
    pub filter: Option<Expr>,
}

/// `over 3 h`, `over last 7 days`, `over last 7 nights`.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    Span(Duration),
    Days(u16, Loc),
    Nights(u16, Loc),
}

impl Over {
    pub fn loc(self) -> Loc {
        match self {
            Over::Span(duration) => duration.loc,
            Over::Days(_, loc) | Over::Nights(_, loc) => loc,
        }
    }
}

/// `bg.at during sleep`, `exercise overlaps (sleep where sleep.deep > 1 h)`, `during sleep`.
#[derive(Clone, Debug)]
pub struct Covering {
    /// What is covered; `None`: what is at hand.
    pub what: Option<Expr>,
    pub overlaps: bool,
    pub stream: Name,
    pub filter: Option<Expr>,
}

impl Expr {
    pub fn bad(loc: Loc) -> Expr {
        Expr { kind: ExprKind::Bad, loc, depth: 1 }
    }

    /// Without the parentheses around it.
    pub fn bare(&self) -> &Expr {
        match &self.kind {
            ExprKind::Paren(inner) => inner.bare(),
            _ => self,
        }
    }

    /// What it is made of, from left to right.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Paren(a) | ExprKind::Not(a) | ExprKind::Neg(a) | ExprKind::IsKnown { value: a, .. } => vec![a],
            ExprKind::Fresh { field, .. } => vec![field],
            ExprKind::And(all) | ExprKind::Or(all) => all.iter().collect(),
            ExprKind::Binary { left, right, .. } => vec![left, right],
            ExprKind::Between { value, low, high } => vec![value, low, high],
            ExprKind::In { value, list } => std::iter::once(&**value).chain(list).collect(),
            ExprKind::Call(call) => std::iter::once(&call.argument).chain(&call.share).chain(&call.filter).collect(),
            ExprKind::If { then, condition, otherwise } => vec![then, condition, otherwise],
            ExprKind::Covering(it) => it.what.iter().chain(&it.filter).collect(),
            ExprKind::Bad
            | ExprKind::Clock(_)
            | ExprKind::Literal(_)
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Now
            | ExprKind::Onset
            | ExprKind::Name(_)
            | ExprKind::Field { .. }
            | ExprKind::Profile(_) => Vec::new(),
        }
    }
}
