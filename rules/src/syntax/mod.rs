//! The syntax tree: what was written, with places, before anyone asks what it means.
//!
//! A part that could not be read is [`ExprKind::Bad`] or left out with its owner marked `broken`; later stages say nothing more about it.

mod expr;
mod item;
mod pattern;
mod policy;
mod rule;
mod schedule;
mod script;

pub use expr::{BinaryOp, Call, Covering, Expr, ExprKind, Literal, Over, UnitWord};
pub use item::{Check, FieldDecl, FieldType, File, Item, Profile, Stream, Use};
pub use pattern::{Around, Bound, Edge, Group, Node, Part, Pattern, Quiet, Select, Step, Without};
pub use policy::{Notice, Policy, Repeat};
pub use rule::{Grade, Heard, Hold, Hole, Let, Rule, Say, Watch, When, Wording};
pub use schedule::{Schedule, TimeOfDay};
pub use script::{End, Expect, Line, LineKind, Moment, MomentKind, Test, Value, ValueKind};

use std::sync::Arc;

use crate::source::Loc;

/// A word with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: Arc<str>,
    pub loc: Loc,
}

/// A text without its quotes, escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub text: Arc<str>,
    pub loc: Loc,
}

/// A written-out duration, already checked to be positive and within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration {
    pub span: vitalog_elog::Span,
    pub loc: Loc,
}
