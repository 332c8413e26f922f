//! How long requests take, by the template of their route: a path that names somebody is no label, and neither is one that nobody knows.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Labels, Metrics};

/// Of requests by method, route and status.
pub struct Requests {
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    under_way: Gauge,
}

/// A request that is being answered; gone from the count when it is dropped, whatever became of it.
struct UnderWay(Gauge);

impl Requests {
    pub(super) fn new(registry: &mut Registry) -> Requests {
        let durations = Family::new_with_constructor(super::durations as fn() -> Histogram);
        let under_way = Gauge::default();
        let help = "From the head of a request to the head of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, durations.clone());
        registry.register("http_requests_under_way", "Requests whose answer has not begun", under_way.clone());
        Requests { durations, under_way }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The layer around all routes.
pub async fn measured(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    metrics.requests.under_way.inc();
    let under_way = UnderWay(metrics.requests.under_way.clone());
    let began = Instant::now();
    let response = next.run(request).await;
    drop(under_way);
    let labels = vec![("method", method.to_owned()), ("route", route), ("status", response.status().as_str().to_owned())];
    metrics.requests.durations.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
    response
}

/// Anybody can make up a method; the names of these are all that become labels.
pub fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
