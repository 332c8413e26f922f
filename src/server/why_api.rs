//! `GET /v1/subjects/{s}/why`: asked of the engine, answered between two groups.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_cep::Unknown;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::{Subject, Time};
use vitalog_rules::why::{Names, answer, json};

use super::problem::problem;
use crate::run::{Asker, NotAsked, Question, STATE_ANEW};

/// How long an answer may take, with what waits before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the handler needs.
#[derive(Clone)]
pub struct WhyState {
    pub asker: Asker,
    pub access: Arc<dyn Access>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    rule: String,
    /// As far as the engine's clock has come, if it is not given.
    #[param(format = DateTime)]
    at: Option<String>,
    /// `json` or `text`.
    #[param(pattern = "^(json|text)$")]
    format: Option<String>,
}

/// The door.
pub fn api() -> OpenApiRouter<WhyState> {
    OpenApiRouter::default().routes(routes!(why))
}

/// Why a rule found something at an instant, or why not, as the readings are now.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/why",
    tag = "see",
    params(Wanted),
    responses((status = 200, description = "The answer", content((Object = "application/json"), (String = "text/plain"))))
)]
async fn why(
    State(state): State<WhyState>,
    who: Option<Extension<Principal>>,
    Path(subject): Path<String>,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let subject = if Subject::is_valid(&subject) { Subject::new(&subject) } else { return unknown(Unknown::Subject) };
    let allowed = who.is_some_and(|Extension(who)| state.access.decide(&who, Wish::Read(&subject)) == Decision::Allow);
    if !allowed {
        return problem(
            StatusCode::FORBIDDEN,
            "forbidden",
            "this token may not read this subject",
            "ask for a token with the right `read`",
        );
    }
    let Ok(Query(wanted)) = wanted else {
        return problem(
            StatusCode::BAD_REQUEST,
            "malformed",
            "`rule` is missing, or a parameter is not known",
            "ask as `?rule=NAME&at=2026-11-20T08:00:00Z`",
        );
    };
    let at = match wanted.at.as_deref().map(Time::parse) {
        None => None,
        Some(Ok(at)) => Some(at),
        Some(Err(_)) => {
            return problem(
                StatusCode::BAD_REQUEST,
                "malformed",
                "`at` is no instant",
                "write it like 2026-11-20T08:00:00Z, with its offset from UTC",
            );
        }
    };
    let is_text = match wanted.format.as_deref() {
        None | Some("json") => false,
        Some("text") => true,
        Some(_) => return problem(StatusCode::BAD_REQUEST, "malformed", "`format` is not known", "say json or text"),
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    let answered = Box::new(move |answer| {
        // Whoever asked may have gone.
        let _ = tell.send(answer);
    });
    if let Err(not) = state.asker.ask(Question { rule: wanted.rule, subject, at, answer: answered }) {
        let detail = match not {
            NotAsked::Busy => "too much waits for the engine",
            NotAsked::Closing => "the server is closing",
        };
        return problem(StatusCode::SERVICE_UNAVAILABLE, "busy", detail, "ask again in a while");
    }
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(Ok(Ok(why))) if is_text => {
            let names = Names { time: &|t| t.to_string(), reading: &|id| id.to_string() };
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], answer(&why, &names)).into_response()
        }
        Ok(Ok(Ok(why))) => Json(json(&why)).into_response(),
        Ok(Ok(Err(what))) => unknown(what),
        Ok(Err(_)) | Err(_) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "busy", "the engine did not answer in time", "ask again in a while")
        }
    }
}

fn unknown(what: Unknown) -> Response {
    match what {
        Unknown::Rule => problem(
            StatusCode::NOT_FOUND,
            "unknown_rule",
            "there is no rule of this name, and never was",
            "see GET /v1/rules for their names",
        ),
        Unknown::Subject => {
            problem(StatusCode::NOT_FOUND, "unknown_subject", "nothing was ever heard of this subject", "see GET /v1/subjects")
        }
        Unknown::Layers => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "history_unreadable",
            "what lies before this subject's horizon cannot be read",
            STATE_ANEW,
        ),
    }
}
