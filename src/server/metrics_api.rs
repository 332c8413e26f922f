//! `GET /metrics`: for whoever watches the server. It takes the right to operate it, as accounting does.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::{Access, Decision, Principal, Wish};

use super::problem::problem;
use crate::metrics::{Metrics, OPENMETRICS};

/// What the handler needs.
#[derive(Clone)]
pub struct MetricsState {
    pub metrics: Arc<Metrics>,
    pub access: Arc<dyn Access>,
}

/// The door.
pub fn api() -> OpenApiRouter<MetricsState> {
    OpenApiRouter::default().routes(routes!(metrics))
}

/// How it goes, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operate",
    responses((status = 200, description = "OpenMetrics", body = String, content_type = "application/openmetrics-text"))
)]
async fn metrics(State(state): State<MetricsState>, who: Option<Extension<Principal>>) -> Response {
    let allowed = who.is_some_and(|Extension(who)| state.access.decide(&who, Wish::Operate) == Decision::Allow);
    if !allowed {
        return problem(
            StatusCode::FORBIDDEN,
            "forbidden",
            "this token may not see metrics",
            "ask for a token with the right `operate`",
        );
    }
    // Some figures are looked up in files.
    match tokio::task::spawn_blocking(move || state.metrics.text()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        _ => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the metrics could not be told", "see the server's log"),
    }
}
