//! Attempts to tell somebody, below what was decided.

use std::collections::{HashMap, VecDeque};

use opentelemetry::trace::{Span as _, SpanContext, SpanKind, Status, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span;
use vitalog_notify::io::{Attempt, Watch};
use vitalog_notify::outbox::{Answer, Due};

use super::{Traces, below};

/// Of so many deliveries it is known by what span they were decided. An attempt at an older one begins a trace of its own, as after a restart.
const KNOWN: usize = 10_000;

/// By what span deliveries were decided.
#[derive(Default)]
pub struct Decided {
    spans: HashMap<u128, SpanContext>,
    order: VecDeque<u128>,
}

impl Decided {
    /// Notes what is sampled: of the rest nothing is sent in any case.
    pub fn note(&mut self, deliveries: impl Iterator<Item = u128>, by: &SpanContext) {
        for id in deliveries {
            if self.spans.insert(id, by.clone()).is_none() {
                self.order.push_back(id);
            }
            if self.order.len() > KNOWN
                && let Some(oldest) = self.order.pop_front()
            {
                self.spans.remove(&oldest);
            }
        }
    }
}

/// An attempt that is traced.
struct Traced(Span);

impl Watch for Traces {
    fn begin(&self, due: &Due) -> Box<dyn Attempt> {
        let decided = self.of_deliveries().spans.get(&due.id).cloned();
        let parent = decided.map_or_else(Context::new, below);
        let said = [
            KeyValue::new("vitalog.endpoint", due.endpoint.to_string()),
            KeyValue::new("vitalog.delivery", format!("{:032x}", due.id)),
        ];
        let builder = self.tracer.span_builder("deliver").with_kind(SpanKind::Client).with_attributes(said);
        Box::new(Traced(builder.start_with_context(&self.tracer, &parent)))
    }
}

impl Attempt for Traced {
    /// `traceparent`, as the W3C has it, so that whoever is told can go on with the trace.
    fn headers(&self) -> Vec<(&'static str, String)> {
        let of = self.0.span_context();
        let flags = of.trace_flags().to_u8();
        vec![("traceparent", format!("00-{}-{}-{flags:02x}", of.trace_id(), of.span_id()))]
    }

    fn end(mut self: Box<Self>, answer: &Answer) {
        let (said, status) = match answer {
            Answer::Delivered => ("delivered", Status::Unset),
            Answer::Failed { reason, .. } => ("failed", Status::error(reason.clone())),
            Answer::Hopeless { reason } => ("given_up", Status::error(reason.clone())),
            Answer::Gone => ("gone", Status::error("the endpoint answered 410")),
        };
        self.0.set_attribute(KeyValue::new("vitalog.outcome", said));
        self.0.set_status(status);
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_known() {
        let mut decided = Decided::default();
        let by = SpanContext::empty_context();
        decided.note(0..KNOWN as u128, &by);
        // One that is told again is no further one.
        decided.note([7, 8].into_iter(), &by);
        assert_eq!((decided.spans.len(), decided.order.len()), (KNOWN, KNOWN));
        decided.note([KNOWN as u128, KNOWN as u128 + 1].into_iter(), &by);
        assert_eq!((decided.spans.len(), decided.order.len()), (KNOWN, KNOWN));
        let known = [0, 1, 2, KNOWN as u128 + 1].map(|id| decided.spans.contains_key(&id));
        assert_eq!(known, [false, false, true, true]);
    }
}
