//! Findings of a rule as readings that other rules look at.
//!
//! A finding that stands is one row of its rule's derived stream, on the timeline of its subject: its instant is the one whose decision opened it, its start the
//! onset, its end that of the finding (none yet while it goes on). Field 0 is the severity, as the place of a word in `info < … < critical`. Rows never leave
//! the engine.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FieldIx, StreamIx};

use super::expr::Expr;

/// The derived stream of a rule.
///
/// INVARIANT (append only): its place in the library, and those of its fields, mean the same for the life of a data directory, as those of declared streams do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derived {
    pub rule: Arc<str>,
    /// The first is the severity. The others are known by name and kind: a `let` that comes to hold something else is another field.
    pub fields: Vec<DerivedField>,
    /// All derived streams that any version of the rule ever looked at. No library may close a circle, not even over several of them.
    pub uses: Vec<StreamIx>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedField {
    pub name: Arc<str>,
    /// What it holds, in the compiler's words.
    pub kind: Arc<str>,
}

/// What a rule says in a field of its derived stream: decided when the finding opens, as its text is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    pub field: FieldIx,
    pub expr: Expr,
}

impl Derived {
    /// The name by which plans know the derived stream at a place of the library.
    pub fn stream(place: usize) -> StreamIx {
        StreamIx(StreamIx::DERIVED + place as u16)
    }
}
