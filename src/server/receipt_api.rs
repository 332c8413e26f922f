//! `GET /v1/subjects/{s}/readings/{id}/receipt`: where each revision of a reading is, at every stage.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::{ReadingId, Subject};

use super::accounts_said::WhereItIs;
use super::problem::problem;
use crate::accounting::Auditor;

/// Receipts that are looked up at a time; more wait.
const AT_ONCE: usize = 4;

/// What the handler needs.
#[derive(Clone)]
pub struct ReceiptState {
    pub auditor: Arc<Auditor>,
    pub access: Arc<dyn Access>,
    turns: Arc<Semaphore>,
}

impl ReceiptState {
    pub fn new(auditor: Arc<Auditor>, access: Arc<dyn Access>) -> ReceiptState {
        ReceiptState { auditor, access, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// The door.
pub fn api() -> OpenApiRouter<ReceiptState> {
    OpenApiRouter::default().routes(routes!(receipt))
}

/// Where each revision of a reading is, at every stage.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/readings/{id}/receipt",
    tag = "see",
    responses((status = 200, description = "Its revisions, the newest first", body = WhereItIs))
)]
async fn receipt(
    State(state): State<ReceiptState>,
    who: Option<Extension<Principal>>,
    Path((subject, id)): Path<(String, String)>,
) -> Response {
    if !Subject::is_valid(&subject) {
        return unknown();
    }
    let subject = Subject::new(&subject);
    if !who.is_some_and(|Extension(who)| state.access.decide(&who, Wish::Read(&subject)) == Decision::Allow) {
        let remedy = "ask for a token with the right `read`";
        return problem(StatusCode::FORBIDDEN, "forbidden", "this token may not read this subject", remedy);
    }
    if !Subject::is_valid(&id) {
        let remedy = "give the name it was sent with, or the id that its receipt told";
        return problem(StatusCode::BAD_REQUEST, "invalid_id", "this cannot be the name of a reading", remedy);
    }
    let Ok(turn) = state.turns.clone().acquire_owned().await else { return unknown() };
    let auditor = state.auditor.clone();
    let looked_up = tokio::task::spawn_blocking(move || {
        let receipt = auditor.receipt(&subject, ReadingId::given(&id));
        // Whoever asked may be gone: the next one's turn is when this is done.
        drop(turn);
        receipt
    });
    match looked_up.await {
        Ok(Ok(Some(receipt))) => Json(receipt).into_response(),
        Ok(Ok(None)) => unknown(),
        Ok(Err(error)) => {
            tracing::error!(%error, "a receipt could not be made out");
            let (what, remedy) = error.parts();
            problem(StatusCode::INTERNAL_SERVER_ERROR, "no_receipt", what, remedy.unwrap_or("see the server's log"))
        }
        Err(_) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, "no_receipt", "no receipt could be made out", "see the server's log")
        }
    }
}

fn unknown() -> Response {
    let remedy = "check subject and name; what was just sent is there in a moment";
    problem(StatusCode::NOT_FOUND, "unknown_reading", "this subject has no reading of that name", remedy)
}
