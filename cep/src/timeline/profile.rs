//! What is set for a subject, and since when.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::Value;

use super::column::Cell;

/// A profile value in atoms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Set {
    Number(i64),
    Enum(u16),
    Bool(bool),
    Text(Arc<str>),
}

/// The changes of every profile field of one subject, by field, each list by instant; of one instant, in the order in which they were journaled.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Profile {
    fields: Vec<Vec<(i64, Option<Set>)>>,
}

impl Set {
    pub fn of(value: &Value) -> Set {
        match value {
            Value::Quantity(amount) => Set::Number(amount.atoms()),
            Value::Enum(place) => Set::Enum(*place),
            Value::Bool(b) => Set::Bool(*b),
            Value::Text(text) => Set::Text(text.clone()),
            Value::TimeOfDay(time) => Set::Number(time.micros()),
        }
    }

    pub fn cell(&self) -> Cell<'_> {
        match self {
            Set::Number(n) => Cell::Number(*n),
            Set::Enum(place) => Cell::Enum(*place),
            Set::Bool(b) => Cell::Bool(*b),
            Set::Text(text) => Cell::Text(text),
        }
    }
}

impl Profile {
    /// The first instant after `t` at which anything changes.
    pub fn next_change(&self, t: i64) -> Option<i64> {
        let later =
            |changes: &Vec<(i64, Option<Set>)>| changes.get(changes.partition_point(|(at, _)| *at <= t)).map(|(at, _)| *at);
        self.fields.iter().filter_map(later).min()
    }

    pub fn change(&mut self, field: u16, at: i64, value: Option<Set>) {
        let field = usize::from(field);
        if self.fields.len() <= field {
            self.fields.resize_with(field + 1, Vec::new);
        }
        let changes = &mut self.fields[field];
        let place = changes.partition_point(|(t, _)| *t <= at);
        changes.insert(place, (at, value));
    }

    /// When a field changed or will change.
    pub fn changes(&self, field: u16) -> impl Iterator<Item = i64> {
        self.fields.get(usize::from(field)).into_iter().flatten().map(|(at, _)| *at)
    }

    /// What was set last at or before `t`; `None`: nothing, or it was set back.
    #[inline]
    pub fn at(&self, field: u16, t: i64) -> Option<&Set> {
        let changes = self.fields.get(usize::from(field))?;
        changes.iter().rev().find(|(at, _)| *at <= t)?.1.as_ref()
    }
}
