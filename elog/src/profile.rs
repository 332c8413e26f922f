//! What is set per subject: targets, time zone, units. A change is an event and holds from its instant.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::Subject;
use crate::reading::Value;
use crate::schema::FieldKind;
use crate::time::Time;

/// One declared field of the profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileField {
    pub name: Arc<str>,
    pub kind: FieldKind,
    /// What holds where nobody set it; `None`: unknown until it is set.
    pub default: Option<Value>,
    /// The least and the greatest permitted value, in atoms, both included.
    pub range: Option<(i64, i64)>,
    pub doc: Option<Arc<str>>,
}

/// A field of a subject's profile set (or, with `None`, set back to its default) from an instant on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileChange {
    pub subject: Subject,
    pub field: Arc<str>,
    pub value: Option<Value>,
    /// It holds from here on. Of two changes at one instant the one journaled later holds.
    pub at: Time,
}
