//! What is set for a subject at an instant.

use vitalog_elog::profile::{ProfileChange, ProfileField};
use vitalog_elog::{Subject, Time, Value};

use super::timeline::{Micros, micros};

/// The declared fields, and the subject's changes in the order in which they were journaled.
#[derive(Clone, Debug)]
pub struct Profile<'a> {
    fields: &'a [ProfileField],
    changes: Vec<&'a ProfileChange>,
}

impl<'a> Profile<'a> {
    pub fn of(subject: &Subject, fields: &'a [ProfileField], changes: &'a [ProfileChange], clock: Time) -> Profile<'a> {
        Profile { fields, changes: changes.iter().filter(|c| c.subject == *subject && c.at <= clock).collect() }
    }

    /// The last change at or before `t` (of two at one instant the one journaled later), else the default, else unknown. A change to
    /// nothing sets the default back.
    pub fn value(&self, field: u16, t: Micros) -> Option<Value> {
        let field = self.fields.get(usize::from(field))?;
        let mut last: Option<&ProfileChange> = None;
        for change in self.changes.iter().filter(|c| c.field == field.name && micros(c.at) <= t) {
            if last.is_none_or(|l| change.at >= l.at) {
                last = Some(change);
            }
        }
        last.and_then(|c| c.value.clone()).or_else(|| field.default.clone())
    }

    /// When anything changes.
    pub fn instants(&self) -> Vec<Micros> {
        self.changes.iter().map(|c| micros(c.at)).collect()
    }

    pub fn named(&self, name: &str, t: Micros) -> Option<Value> {
        let place = self.fields.iter().position(|f| &*f.name == name)?;
        self.value(u16::try_from(place).ok()?, t)
    }
}
