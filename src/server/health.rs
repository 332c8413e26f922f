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

use super::problem::kind;
use crate::metrics::{Metrics, Sink};
use crate::run::Room;

/// A group that is not on the disk after so long is waiting for a disk that does not answer.
const STALLED: Duration = Duration::from_secs(10);
/// A sink that lacks something older than this is late.
const LATE_S: f64 = 60.0;
/// So many inputs without a snapshot make a long start.
const LONG_REPLAY: u64 = 5_000_000;
/// Snapshots follow landings, of which there is one a minute unless somebody says otherwise. Where inputs come for so long and none is written, something is wrong.
const LONG_UNSAVED: Duration = Duration::from_secs(2 * 3_600);

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
    let body = json!({"type": kind(code), "title": "Service Unavailable", "status": 503, "code": code, "detail": detail,
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
        json!({
            "journal": {"status": said(!self.is_stalled() && !keeping.is_journal_away(), journal), "offset": end},
            "sinks": sinks,
            "snapshot": self.snapshot(),
            "disk": {"status": said(!self.room.is_short(), "full"), "free_bytes": self.room.free(), "floor_bytes": self.room.floor()},
            "drain": {"status": said(!self.is_draining.load(Ordering::Acquire), "draining")},
        })
    }

    /// How much the next start has to replay, and why that is too much, if it is.
    fn snapshot(&self) -> Value {
        let keeping = &self.metrics.keeping;
        let since = self.metrics.follow.journal().saturating_sub(keeping.snapshot_position.get().unsigned_abs());
        let unsaved = keeping.unsaved.lasted();
        let late = [
            (
                keeping.snapshot_failed(),
                "the last snapshot could not be written: see the log, and the room and rights of the disk",
            ),
            (
                since >= LONG_REPLAY,
                "so many inputs are in none that the next start takes long: see the log for why none is written",
            ),
            (
                unsaved > LONG_UNSAVED,
                "inputs have come for hours and none was written: see the log, and whether rows land in the lake",
            ),
        ];
        let detail = late.into_iter().find_map(|(is, detail)| is.then_some(detail));
        let status = if detail.is_some() { "late" } else { "ok" };
        json!({"status": status, "inputs_since": since, "inputs_came_s": unsaved.as_secs_f64(), "detail": detail})
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use vitalog_dashboards::io::Live;
    use vitalog_elog::{Position, Time};

    use super::*;

    fn health() -> (tempfile::TempDir, Health) {
        let dir = tempfile::tempdir().expect("a directory");
        let metrics = Arc::new(Metrics::new());
        let room = Room::on(dir.path(), 0, &metrics);
        let is_draining = Arc::new(AtomicBool::new(false));
        (dir, Health { live: Live::new(Position::start(1)), metrics, room, is_draining })
    }

    /// What `GET /readyz` answers.
    async fn told(health: &Health) -> (u16, Value) {
        let answer = ready(State(health.clone())).await;
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("it is whole");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(health.is_ready(), status == 200, "the gauge says the same: {body}");
        (status, body)
    }

    /// Ready, or why not; and what is said of the journal.
    async fn said(health: &Health) -> (u16, String, String) {
        let (status, body) = told(health).await;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let is_whole = status == 200 || (body["status"] == 503 && !word(&body["detail"]).is_empty());
        assert!(is_whole && (status == 200 || !word(&body["remedy"]).is_empty()), "{body}");
        (status, word(&body["code"]), word(&body["checks"]["journal"]["status"]))
    }

    fn three(status: u16, code: &str, journal: &str) -> (u16, String, String) {
        (status, code.to_owned(), journal.to_owned())
    }

    #[tokio::test]
    async fn a_write_that_does_not_come_back_keeps_readings_out_until_it_does() {
        let (_dir, health) = health();
        let keeping = &health.metrics.keeping;
        let ago = |s| Instant::now().checked_sub(Duration::from_secs(s)).expect("the machine is up for longer");
        assert_eq!(said(&health).await, three(200, "", "ok"));
        let began = keeping.begin_to_write();
        assert_eq!(said(&health).await, three(200, "", "ok"), "each write takes a while");
        keeping.writing_from(ago(5));
        assert_eq!(said(&health).await, three(200, "", "ok"));
        keeping.writing_from(ago(11));
        assert_eq!(said(&health).await, three(503, "journal_stalled", "stalled"));
        // It comes back: readings are taken again.
        keeping.written(began, 1);
        assert_eq!(said(&health).await, three(200, "", "ok"));
        // One that failed for brokers that are away is not under way any more.
        keeping.writing_from(ago(11));
        keeping.set_journal_away(true);
        assert_eq!(said(&health).await, three(503, "journal_away", "away"));
        keeping.set_journal_away(false);
        assert_eq!(said(&health).await, three(200, "", "ok"));
        health.is_draining.store(true, Ordering::Release);
        assert_eq!(said(&health).await, three(503, "draining", "ok"));
    }

    #[tokio::test]
    async fn a_snapshot_that_is_old_is_told_with_the_reason_and_keeps_nobody_out() {
        let (_dir, health) = health();
        let (follow, keeping) = (&health.metrics.follow, &health.metrics.keeping);
        let start = Instant::now();
        let hours = |n: u64| start + Duration::from_secs(n * 3_600);
        let snapshot = async || {
            let (status, body) = told(&health).await;
            assert_eq!((status, &body["status"]), (200, &json!("ready")), "it takes readings all the same");
            let snapshot = &body["checks"]["snapshot"];
            let why = snapshot["detail"].as_str().and_then(|d| d.split_whitespace().next()).unwrap_or_default();
            (snapshot["status"].as_str().unwrap_or_default().to_owned(), snapshot["inputs_since"].as_u64(), why.to_owned())
        };
        let is = |status: &str, since: u64, why: &str| (status.to_owned(), Some(since), why.to_owned());
        assert_eq!(snapshot().await, is("ok", 0, ""));
        follow.journaled(10, start);
        keeping.unsaved.came(start);
        keeping.unsaved.came(hours(2));
        assert_eq!(snapshot().await, is("ok", 10, ""));
        keeping.unsaved.came(hours(3));
        assert_eq!(snapshot().await, is("late", 10, "inputs"));
        keeping.snapshot_written(hours(4), (1, 10), Time(0));
        assert_eq!(snapshot().await, is("ok", 0, ""));
        // A night in which nothing came makes nothing late.
        follow.journaled(12, start);
        keeping.unsaved.came(hours(14));
        assert_eq!(snapshot().await, is("ok", 2, ""));
        keeping.snapshot_not_written();
        assert_eq!(snapshot().await, is("late", 2, "the"));
        keeping.snapshot_written(hours(15), (1, 12), Time(0));
        follow.journaled(12 + LONG_REPLAY - 1, start);
        assert_eq!(snapshot().await, is("ok", LONG_REPLAY - 1, ""));
        follow.journaled(12 + LONG_REPLAY, start);
        assert_eq!(snapshot().await, is("late", LONG_REPLAY, "so"));
    }
}
