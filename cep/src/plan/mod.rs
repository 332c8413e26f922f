//! What a compiled rule is: the only thing that the language's front end, the engine and the oracle share.
//!
//! A plan is plain data. It says *what* stands, never how to find it: see `docs/language.md` for the meaning of every form.

mod derived;
mod expr;
mod pattern;
mod phrasing;
mod rule;
mod say;
mod schedule;
mod window;

pub use derived::{Derived, DerivedField, Output};
pub use expr::{Arith, Compare, Cover, Expr, Measure, Rational, Ref, Within};
pub use pattern::{Absence, Around, Edge, Group, Node, Part, Pattern, Quiet, Select, Step};
pub use phrasing::{Phrase, Phrasing, Place};
pub use rule::{Episode, Grade, Heard, Hold, Library, Rule, RuleKind, Silence};
pub use say::{Piece, Show, Wording};
pub use schedule::Schedule;
pub use window::{Anchor, Func, Window};
