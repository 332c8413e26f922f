//! What became of spans that were sent to a collector of traces.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Spans by what became of them.
pub struct Spans {
    pub sent: Counter,
    pub lost: Counter,
}

impl Spans {
    pub(super) fn new(registry: &mut Registry) -> Spans {
        let spans = Spans { sent: Counter::default(), lost: Counter::default() };
        registry.register("trace_spans_sent", "Spans that the collector of traces took", spans.sent.clone());
        registry.register("trace_spans_lost", "Spans that it did not take in time, or refused", spans.lost.clone());
        spans
    }
}
