//! Expressions: typed, in atoms, three-valued.
//!
//! A number is an exact quotient of integers: a quantity is its atoms, an instant its microseconds since the epoch, a span its microseconds,
//! a count itself. The compiler has checked dimensions and put the conversions in; evaluation only computes.
//!
//! Every expression may come out *unknown*: an absent optional field, an aggregate of nothing, a profile field that nobody set, a
//! division by zero, a number beyond 2^127. Arithmetic and comparison with an unknown are unknown; `and`, `or`, `not` follow Kleene:
//! `false and unknown` is false, `true or unknown` is true.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FieldIx, Span, StreamIx};

use super::window::{Anchor, Func, Window};

/// An exact quotient; the denominator is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rational {
    pub n: i64,
    pub d: i64,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    Bool(bool),
    Number(Rational),
    /// The place of a word in the enumeration it is compared with.
    Enum(u16),
    Text(Arc<str>),
    /// Something a reading says. Of a bound step: the mean over all readings bound at its (last) instant, unknown where one of them
    /// says nothing; for what is no number the value they all share, unknown where they differ.
    Get {
        of: Ref,
        what: Measure,
    },
    /// A profile field of the subject, as it holds at the instant of the reading at hand inside a window's or step's condition
    /// ([`Ref::Item`], [`Ref::Candidate`]), at the decision elsewhere.
    Profile(u16),
    /// The onset of the episode (first instant of its run) or match (first reading).
    Onset,
    /// The instant decided.
    Now,
    /// The rule's `let` of that number, evaluated at the decision.
    Let(u16),
    Window(Box<Window>),
    /// An aggregate over all readings bound by a step.
    Bound {
        func: Func,
        step: u8,
        what: Measure,
    },
    Not(Box<Expr>),
    Neg(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare {
        op: Compare,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Arith {
        op: Arith,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Both ends included.
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// Equal to one of them.
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
    },
    /// Always true or false.
    IsKnown(Box<Expr>),
    /// Unknown where the condition is.
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// What the clock on the subject's wall shows at an instant, without the second: microseconds since midnight. Unknown beyond the calendar's years.
    TimeOfDay(Box<Expr>),
    /// The day of the week at an instant by the subject's calendar: 0 is Monday.
    DayOfWeek(Box<Expr>),
    /// Microseconds brought onto the circle of a day: into [0, 24 h), or `signed` into (-12 h, 12 h].
    Wrap {
        value: Box<Expr>,
        signed: bool,
    },
    /// `Between` of times of day: where the lower end is the later one, over midnight.
    BetweenTimes {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// `value`, unknown unless `at` lies in the last stretch of this length before `now`, that included.
    Fresh {
        value: Box<Expr>,
        at: Box<Expr>,
        within: Span,
    },
    /// Whether an interval of the stream covers the stretch from one instant to another, both included; or overlaps it: shares an instant with it.
    Covered {
        how: Cover,
        from: Box<Expr>,
        to: Box<Expr>,
        stream: StreamIx,
        /// Asked of each interval as [`Ref::Item`]; unknown is no.
        filter: Option<Box<Expr>>,
    },
}

/// In whose condition an expression lies.
#[derive(Clone, Copy, Debug)]
pub enum Within<'e> {
    Window(&'e Window),
    /// Of an interval that is to cover or overlap something.
    Interval,
}

/// How an interval is to lie to what it is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cover {
    /// It covers all of it.
    During,
    /// It has an instant in common with it.
    Overlaps,
}

/// Which reading is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ref {
    /// The driver's reading that an episode decides upon.
    Driver,
    /// The reading that a step's `where` is asked of.
    Candidate,
    /// What the first repeat of the step at hand bound; while it is asked for the first, the candidate.
    First,
    /// What the repeat before bound.
    Previous,
    /// The reading that a window's `where` is asked of.
    Item,
    /// What the step of that number bound.
    Step(u8),
}

/// What is taken of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Measure {
    Field(FieldIx),
    /// Its instant on the timeline (an interval's end).
    At,
    /// An interval's start; of an instant the instant.
    Start,
    /// Of a finding its end, unknown while it goes on; of a reading the same as `At`.
    End,
    /// End minus start, in microseconds; of an instant zero.
    Duration,
    /// The reading as such, for `count`.
    Itself,
    /// The time of day of its instant, as the subject's clock showed it then: microseconds since midnight, without the second.
    AtClock,
    /// The time of day of its start.
    StartClock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compare {
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Arith {
    Add,
    Sub,
    Mul,
    Div,
}

impl Compare {
    /// `a op b` is not `a op.negated() b`.
    pub fn negated(self) -> Compare {
        match self {
            Compare::Lt => Compare::Ge,
            Compare::Le => Compare::Gt,
            Compare::Gt => Compare::Le,
            Compare::Ge => Compare::Lt,
            Compare::Eq => Compare::Ne,
            Compare::Ne => Compare::Eq,
        }
    }

    /// `a op b` is `b op.mirrored() a`.
    pub fn mirrored(self) -> Compare {
        match self {
            Compare::Lt => Compare::Gt,
            Compare::Le => Compare::Ge,
            Compare::Gt => Compare::Lt,
            Compare::Ge => Compare::Le,
            Compare::Eq | Compare::Ne => self,
        }
    }
}

impl Expr {
    pub fn number(n: i64) -> Expr {
        Expr::Number(Rational { n, d: 1 })
    }

    /// Whether it asks the subject's calendar itself, apart from what is inside it.
    pub fn asks_calendar(&self) -> bool {
        let clock = |what: &Measure| matches!(what, Measure::AtClock | Measure::StartClock);
        match self {
            Expr::TimeOfDay(_) | Expr::DayOfWeek(_) => true,
            Expr::Get { what, .. } | Expr::Bound { what, .. } => clock(what),
            Expr::Window(w) => matches!(w.anchor, Anchor::Days(_) | Anchor::Nights(_)) || w.func == Func::Days || clock(&w.what),
            _ => false,
        }
    }

    /// Calls `f` on this expression and on all inside it, windows' conditions included.
    pub fn walk(&self, f: &mut dyn FnMut(&Expr)) {
        f(self);
        self.children().into_iter().for_each(|e| e.walk(f));
    }

    /// Whether a condition looks at more readings than the one that it is asked of and those that are bound.
    pub fn looks_elsewhere(&self) -> bool {
        let mut found = false;
        self.walk(&mut |e| found |= matches!(e, Expr::Window(_) | Expr::Covered { .. }));
        found
    }

    /// As [`Expr::walk`], with the conditions in which each lies, from the outermost in.
    pub fn walk_within<'e>(&'e self, within: &mut Vec<Within<'e>>, f: &mut dyn FnMut(&'e Expr, &[Within<'e>])) {
        f(self, within);
        let (plain, asked, by) = match self {
            Expr::Window(w) => (Vec::new(), self.children(), Some(Within::Window(w))),
            Expr::Covered { from, to, filter, .. } => {
                (vec![&**from, &**to], filter.iter().map(|e| &**e).collect(), Some(Within::Interval))
            }
            _ => (self.children(), Vec::new(), None),
        };
        plain.into_iter().for_each(|e| e.walk_within(within, f));
        within.extend(by);
        asked.into_iter().for_each(|e| e.walk_within(within, f));
        within.truncate(within.len() - usize::from(by.is_some()));
    }

    /// What it is made of.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Window(w) => w.asks.iter().chain(&w.filter).collect(),
            Expr::Not(a) | Expr::Neg(a) | Expr::IsKnown(a) | Expr::TimeOfDay(a) | Expr::DayOfWeek(a) => vec![a],
            Expr::Wrap { value, .. } => vec![value],
            Expr::Fresh { value, at, .. } => vec![value, at],
            Expr::If { condition: a, then: b, otherwise: c } => vec![a, b, c],
            Expr::Covered { from, to, filter, .. } => [from, to].into_iter().chain(filter).map(|e| &**e).collect(),
            Expr::And(all) | Expr::Or(all) => all.iter().collect(),
            Expr::Compare { left, right, .. } | Expr::Arith { left, right, .. } => vec![left, right],
            Expr::Between { value, low, high } | Expr::BetweenTimes { value, low, high } => vec![value, low, high],
            Expr::In { value, list } => std::iter::once(&**value).chain(list).collect(),
            Expr::Bool(_)
            | Expr::Number(_)
            | Expr::Enum(_)
            | Expr::Text(_)
            | Expr::Get { .. }
            | Expr::Profile(_)
            | Expr::Onset
            | Expr::Now
            | Expr::Let(_)
            | Expr::Bound { .. } => Vec::new(),
        }
    }
}
