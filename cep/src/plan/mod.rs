//! What a compiled rule is: the only thing that the language's front end, the engine and the oracle share.
//!
//! A plan is plain data. It says *what* stands, never how to find it: see `docs/language.md` for the meaning of every form.

mod derived;
mod expr;
mod pattern;
mod rule;
mod say;
mod schedule;

pub use derived::{Derived, DerivedField, Output};
pub use expr::{Anchor, Arith, Compare, Expr, Func, Measure, Rational, Ref, Window};
pub use pattern::{Absence, Pattern, Step};
pub use rule::{Episode, Grade, Hold, Library, Rule, RuleKind, Silence};
pub use say::{Piece, Show};
pub use schedule::Schedule;
