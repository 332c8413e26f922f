//! `low_glucose` as one would write it by hand: no late data, no amendments, no ids, no text, no evidence.
#![allow(clippy::disallowed_types, reason = "what one would write by hand")]

use std::collections::HashMap;

use vitalog_elog::{Reading, Span, Subject, Time, Value};

use crate::ten_rules::{BG, MG_DL};

/// Its state for all subjects.
#[derive(Default)]
pub struct Yardstick {
    states: HashMap<Subject, Low>,
    pub opened: u64,
}

#[derive(Default)]
struct Low {
    last: Option<Time>,
    run: Option<Time>,
    open: bool,
    calm: Option<Time>,
}

impl Yardstick {
    pub fn step(&mut self, reading: &Reading) {
        let Some(content) = reading.content.as_ref().filter(|c| c.stream == BG) else { return };
        let (Some(at), Some(Value::Quantity(value))) = (content.when.instant(), &content.values[0]) else { return };
        let value = value.atoms();
        let state = match self.states.get_mut(&reading.subject) {
            Some(state) => state,
            None => self.states.entry(reading.subject.clone()).or_default(),
        };
        let gap = state.last.is_some_and(|last| at.since(last) > Span::minutes(15));
        if state.last.is_some_and(|last| at.since(last) > Span::minutes(30)) {
            *state = Low::default();
        }
        state.last = Some(at);
        let held = |since: &mut Option<Time>, holds: bool| {
            if !holds {
                *since = None;
            } else if since.is_none() || gap {
                *since = Some(at);
            }
            since.is_some_and(|since| at.since(since) >= Span::minutes(15))
        };
        if state.open {
            if held(&mut state.calm, value >= 80 * MG_DL) {
                *state = Low { last: state.last, ..Low::default() };
            }
        } else if held(&mut state.run, value < 70 * MG_DL) {
            *state = Low { last: state.last, open: true, ..Low::default() };
            self.opened += 1;
        }
    }
}
