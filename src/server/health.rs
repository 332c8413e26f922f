//! Is it alive, and is it ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::problem::problem;

#[derive(Clone)]
pub struct Health {
    pub live: Arc<vitalog_dashboards::io::Live>,
    pub is_draining: Arc<AtomicBool>,
}

/// `GET /livez`: the process answers. `GET /readyz`: it has replayed its journal and takes requests.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { Json(json!({"status": "alive"})) }))
        .route("/readyz", get(ready))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> Response {
    if health.is_draining.load(Ordering::Acquire) {
        return problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "draining",
            "the server is ending",
            "send to another, or wait for its next start",
        );
    }
    Json(json!({"status": "ready", "position": *health.live.reached().borrow()})).into_response()
}
