//! What is set per subject: targets, time zone, units. A change is an event and holds from its instant.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::Subject;
use crate::reading::Value;
use crate::schema::FieldKind;
use crate::time::Time;
use crate::time_of_day::TimeOfDay;

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

/// From when to when it is night, in minutes after midnight on the subject's wall; from a later minute to an earlier one it goes over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Night {
    pub from: u16,
    pub to: u16,
}

impl Default for Night {
    fn default() -> Night {
        Night { from: 22 * 60, to: 6 * 60 }
    }
}

impl Night {
    /// Reads `22:00 to 06:00`, as the profile field `night` has it.
    pub fn parse(text: &str) -> Option<Night> {
        let (from, to) = text.split_once(" to ")?;
        Some(Night { from: TimeOfDay::parse(from)?.minutes(), to: TimeOfDay::parse(to)?.minutes() })
    }
}
