//! Traces by OpenTelemetry: how long each part of the way took, from a request to whoever is told of what it led to.
//!
//! A request has a span; what it hands in has three below it (waiting for the journal, written, decided), and each attempt to tell somebody of what was decided has one below that. What the
//! clock decided begins a trace of its own. None of them says whom something is about, nor what: routes are templates, and a delivery has its id.
//!
//! Nothing waits for a collector: spans that it does not take in time are lost, and counted.

mod collector;
mod deliveries;
mod groups;
mod requests;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span, SpanContext, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

pub use collector::Wanted;
use deliveries::Decided;
pub use groups::{Cause, Caused, Stages};
pub use requests::{here, traced};

use crate::failure::Failure;
use crate::metrics::Metrics;

/// How long the last spans may take when the server ends.
const LAST: Duration = Duration::from_secs(3);

/// Makes spans and sends them to a collector.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// By what span each of the last deliveries was decided.
    decided: Mutex<Decided>,
}

impl Traces {
    /// For a runtime that goes on until [`Traces::end`].
    ///
    /// # Errors
    /// Where what is wanted can't be.
    pub fn start(wanted: &Wanted, metrics: &Metrics) -> Result<Traces, Failure> {
        let provider = collector::provider(wanted, metrics)?;
        let tracer = provider.tracer("vitalog");
        Ok(Traces { provider, tracer, decided: Mutex::default() })
    }

    /// Sends what is left, for a while.
    pub fn end(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }

    /// A span that is over.
    fn over(
        &self,
        name: &'static str,
        parent: &Context,
        (from, until): (SystemTime, SystemTime),
        attributes: Vec<KeyValue>,
    ) -> SpanContext {
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Internal).with_start_time(from);
        let mut span = builder.with_attributes(attributes).start_with_context(&self.tracer, parent);
        let context = span.span_context().clone();
        span.end_with_timestamp(until.max(from));
        context
    }

    fn of_deliveries(&self) -> std::sync::MutexGuard<'_, Decided> {
        // What is left of it by a thread that broke is whole: it is changed by whole entries.
        self.decided.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes below a span.
fn below(span: SpanContext) -> Context {
    Context::new().with_remote_span_context(span)
}
