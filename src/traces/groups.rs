//! What followed from a request's inputs: waiting for the journal, written, decided.

use std::ops::Range;
use std::time::SystemTime;

use opentelemetry::{Context, KeyValue};
use vitalog_elog::{Effect, Record};

use super::{Traces, below};

/// A request that is traced, as far as what it handed in is concerned.
pub struct Cause {
    pub(super) below: Context,
    pub(super) handed_in: SystemTime,
}

/// Inputs of a group that a traced request handed in, by their places.
pub struct Caused {
    pub cause: Cause,
    pub places: Range<usize>,
}

/// When a group began to be written, and when it was on stable storage.
#[derive(Clone, Copy)]
pub struct Stages {
    pub began: SystemTime,
    pub kept: SystemTime,
}

impl Traces {
    /// All of a group is decided.
    pub fn decided(&self, caused: &[Caused], stages: Stages, records: &[Record]) {
        let now = SystemTime::now();
        let inputs = |n: usize| KeyValue::new("vitalog.inputs", n as i64);
        for Caused { cause, places } in caused {
            let Some(mine) = records.get(places.clone()) else { continue };
            self.over("wait for the journal", &cause.below, (cause.handed_in, stages.began), vec![]);
            let group = KeyValue::new("vitalog.group.inputs", records.len() as i64);
            self.over("write the journal", &cause.below, (stages.began, stages.kept), vec![inputs(mine.len()), group]);
            let changes = mine.iter().flat_map(|record| &record.effects).filter(|e| matches!(e, Effect::Finding(_))).count();
            let said = vec![inputs(mine.len()), KeyValue::new("vitalog.changes", changes as i64)];
            let decided = self.over("decide", &cause.below, (stages.kept, now), said);
            self.of_deliveries().note(deliveries(mine), &decided);
        }
        // What the clock decided, and what followed from requests that are not traced.
        let is_caused = |place: usize| caused.iter().any(|c| c.places.contains(&place));
        let others: Vec<u128> = records
            .iter()
            .enumerate()
            .flat_map(|(place, record)| deliveries(std::slice::from_ref(record)).map(move |id| (place, id)))
            .filter(|(place, _)| !is_caused(*place))
            .map(|(_, id)| id)
            .collect();
        if !others.is_empty() {
            let decided = self.over("decide", &Context::new(), (stages.kept, now), vec![]);
            self.of_deliveries().note(others.into_iter(), &decided);
        }
    }
}

impl Cause {
    pub(super) fn now(below_it: opentelemetry::trace::SpanContext) -> Cause {
        Cause { below: below(below_it), handed_in: SystemTime::now() }
    }
}

fn deliveries(records: &[Record]) -> impl Iterator<Item = u128> {
    records.iter().flat_map(|record| &record.effects).filter_map(|effect| match effect {
        Effect::Delivery(delivery) => Some(delivery.id),
        _ => None,
    })
}
