//! Is it alive, and is it ready; and if not, what is not and what to do.
//!
//! Not ready means: send your readings elsewhere, or keep them. So only what keeps readings out makes it so (it is ending, the disk is nearly full, the journal does not come back from a
//! write). What merely makes reads late or the next start long is told, and alarmed on ([docs/monitoring]), and does not keep anybody from sending.
//!
//! [docs/monitoring]: ../../docs/monitoring/alerts.yml

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::metrics::{Metrics, Sink};
use crate::run::Room;

/// A group that is not on the disk after so long is waiting for a disk that does not answer.
const STALLED: Duration = Duration::from_secs(10);
/// A sink that lacks something older than this is late.
const LATE_S: f64 = 60.0;
/// So many inputs without a snapshot make a long start.
const LONG_REPLAY: u64 = 5_000_000;

#[derive(Clone)]
pub struct Health {
    pub live: Arc<vitalog_dashboards::io::Live>,
    pub metrics: Arc<Metrics>,
    pub room: Arc<Room>,
    pub is_draining: Arc<AtomicBool>,
}

/// What keeps readings out.
struct Unready {
    code: &'static str,
    detail: &'static str,
    remedy: &'static str,
}

/// The doors: alive, and ready.
pub fn api() -> OpenApiRouter<Health> {
    OpenApiRouter::default().routes(routes!(alive)).routes(routes!(ready))
}

/// The process answers.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "operate",
    responses((status = 200, description = "It is alive", body = Object))
)]
async fn alive() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// It has replayed its journal and takes readings; if not, what keeps them out.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operate",
    responses(
        (status = 200, description = "It is ready", body = Object),
        (status = 503, description = "It is not: `checks` says what is not", body = Object, content_type = "application/problem+json"),
    )
)]
async fn ready(State(health): State<Health>) -> Response {
    let checks = health.checks();
    let Some(Unready { code, detail, remedy }) = health.unready() else {
        return Json(json!({"status": "ready", "position": *health.live.reached().borrow(), "checks": checks})).into_response();
    };
    let body = json!({"type": "about:blank", "title": "Service Unavailable", "status": 503, "code": code, "detail": detail,
        "remedy": remedy, "checks": checks});
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

impl Health {
    pub fn is_ready(&self) -> bool {
        self.unready().is_none()
    }

    /// The first thing that keeps readings out.
    fn unready(&self) -> Option<Unready> {
        if self.is_draining.load(Ordering::Acquire) {
            let (detail, remedy) = ("the server is ending", "send to another, or wait for its next start");
            return Some(Unready { code: "draining", detail, remedy });
        }
        if self.metrics.keeping.is_journal_away() {
            let detail = "the journal can't be written just now, and is waited for";
            let remedy = "see the log, and whether the brokers of its topic run and can be reached; what is sent meanwhile is refused, and nothing that was acknowledged is lost";
            return Some(Unready { code: "journal_away", detail, remedy });
        }
        if self.is_stalled() {
            let detail = "the journal does not come back from a write";
            let remedy = "see whether the disk of the data directory answers, or the brokers of its topic; what is sent waits, and is not acknowledged";
            return Some(Unready { code: "journal_stalled", detail, remedy });
        }
        self.room.is_short().then_some(Unready {
            code: "disk_full",
            detail: "the disk of the data directory is nearly full",
            remedy: "free space there: readings are taken again by themselves; what is there can be read meanwhile",
        })
    }

    fn is_stalled(&self) -> bool {
        self.metrics.keeping.writing_since().is_some_and(|since| since.elapsed() > STALLED)
    }

    fn checks(&self) -> Value {
        let (follow, keeping) = (&self.metrics.follow, &self.metrics.keeping);
        let end = follow.journal();
        let said = |is: bool, otherwise: &str| if is { "ok".to_owned() } else { otherwise.to_owned() };
        let journal = if keeping.is_journal_away() { "away" } else { "stalled" };
        let sinks: serde_json::Map<String, Value> = Sink::ALL
            .into_iter()
            .map(|sink| {
                let (position, seconds) = (follow.position(sink), follow.seconds_behind(sink));
                let behind = end.saturating_sub(position);
                let status = said(seconds < LATE_S, "late");
                (
                    sink.name().to_owned(),
                    json!({"status": status, "position": position, "behind_inputs": behind, "behind_s": seconds}),
                )
            })
            .collect();
        let since = end.saturating_sub(keeping.snapshot_position.get().unsigned_abs());
        json!({
            "journal": {"status": said(!self.is_stalled() && !keeping.is_journal_away(), journal), "offset": end},
            "sinks": sinks,
            "snapshot": {"status": said(since < LONG_REPLAY && !keeping.snapshot_failed(), "late"), "inputs_since": since},
            "disk": {"status": said(!self.room.is_short(), "full"), "free_bytes": self.room.free(), "floor_bytes": self.room.floor()},
            "drain": {"status": said(!self.is_draining.load(Ordering::Acquire), "draining")},
        })
    }
}
