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
    /// How many changes came since it was made or read.
    #[serde(skip)]
    count: u32,
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

    /// The stretch around `t`, both ends included, in which all says one thing.
    pub fn stretch(&self, t: i64) -> (i64, i64) {
        let before = |changes: &Vec<(i64, Option<Set>)>| changes.iter().rev().map(|(at, _)| *at).find(|at| *at <= t);
        let from = self.fields.iter().filter_map(before).max().unwrap_or(i64::MIN);
        (from, self.next_change(t).map_or(i64::MAX, |next| next.saturating_sub(1)))
    }

    /// Another number after each change.
    pub fn count(&self) -> u32 {
        self.count
    }

    pub fn change(&mut self, field: u16, at: i64, value: Option<Set>) {
        self.count = self.count.wrapping_add(1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_stretch_each_field_says_one_thing() {
        let mut profile = Profile::default();
        assert_eq!((profile.stretch(7), profile.count()), ((i64::MIN, i64::MAX), 0));
        for (field, at) in [(2, 10), (0, 30), (2, 20), (0, 30)] {
            profile.change(field, at, Some(Set::Number(at)));
        }
        let stretches = [9, 10, 19, 20, 29, 30].map(|t| profile.stretch(t));
        assert_eq!(stretches, [(i64::MIN, 9), (10, 19), (10, 19), (20, 29), (20, 29), (30, i64::MAX)]);
        assert_eq!(profile.count(), 4);
    }
}
