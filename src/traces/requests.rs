//! A span for each request, by the template of its route: a path names somebody.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanContext, SpanKind, Status, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::{Cause, Traces};
use crate::metrics::method;

/// What is asked every few seconds, or comes with every page, tells nothing.
const NEVER: [&str; 5] = ["/livez", "/readyz", "/metrics", "/assets/{*path}", "/openapi.json"];

tokio::task_local! {
    /// The span of the request that is being answered.
    static HERE: SpanContext;
}

/// The request that is being answered, where it is traced.
pub fn here() -> Option<Cause> {
    HERE.try_with(|span| Cause::now(span.clone())).ok()
}

/// The layer around all routes.
pub async fn traced(State(traces): State<Option<Arc<Traces>>>, request: Request, next: Next) -> Response {
    let Some(traces) = traces else { return next.run(request).await };
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    if NEVER.contains(&&*route) {
        return next.run(request).await;
    }
    let method = method(request.method());
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
    let said = [KeyValue::new("http.request.method", method), KeyValue::new("http.route", route.clone())];
    let builder = traces.tracer.span_builder(format!("{method} {route}")).with_kind(SpanKind::Server).with_attributes(said);
    let mut span = builder.start_with_context(&traces.tracer, &parent);
    if !span.is_recording() {
        return next.run(request).await;
    }
    // Whoever hangs up drops all of this, and the span ends with it.
    let response = HERE.scope(span.span_context().clone(), next.run(request)).await;
    let status = response.status();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
    span.end();
    response
}
