//! Putting rules in force, once for each key that a request bears.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use vitalog_elog::access::Principal;
use vitalog_elog::input::RuleFile;
use vitalog_elog::port::Unavailable;
use vitalog_elog::{Answered, Position};
use vitalog_ingest::io::once::{Asked, Turn, replayed, said};

use super::super::problem::{kind, problem};
use super::{RulesState, diagnostics};
use crate::run::RulesError;

/// A change of rules that was made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = RulesChanged)]
pub struct Changed {
    ok: bool,
    /// Whether anything is different now.
    changed: bool,
    /// Of a roll back: the version whose files were put in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    to: Option<u64>,
    /// Of a roll back: the number of the new version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    in_force: Option<usize>,
}

/// Puts what `change` makes of the files in force in their place; a roll back says to which version.
pub async fn put(
    state: RulesState,
    who: Principal,
    asked: Option<Asked>,
    to: Option<u64>,
    change: impl FnOnce(Vec<RuleFile>) -> Vec<RuleFile> + Send + 'static,
) -> Response {
    let mut ticket = match state.once.turn(asked).await {
        Err(refused) => return refused.into_response(),
        Ok(Turn::Again(answered)) => return again(&answered),
        Ok(Turn::First(ticket)) => ticket,
    };
    // Whoever hangs up leaves it to its end, and the key taken until then.
    let put = tokio::task::spawn_blocking(move || {
        let mut told = Changed { ok: true, changed: false, to, in_force: None };
        let put = state.desk.put(&*state.inlet, &who.id, change, |changed, number| {
            (told.changed, told.in_force) = (changed, to.map(|_| number));
            ticket.as_mut().and_then(|ticket| ticket.said(None, usize::from(changed), &told).ok())
        });
        if let (Some(ticket), Ok(Some(position))) = (&mut ticket, &put) {
            ticket.kept(position.next);
        }
        put.map(|position| (told, position))
    });
    match put.await {
        Ok(Ok((told, position))) => answer(told, position.map(|p: Position| p.next)),
        Ok(Err(refused)) => refusal(refused),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the change could not be made", "see the server's log"),
    }
}

fn answer(told: Changed, position: Option<u64>) -> Response {
    let mut response = Json(told).into_response();
    if let Some(position) = position {
        response.headers_mut().insert("vitalog-position", HeaderValue::from(position));
    }
    response
}

fn again(answered: &Answered) -> Response {
    let told: Changed = match said(answered) {
        Ok(told) => told,
        Err(refused) => return refused.into_response(),
    };
    let position = told.changed.then_some(answered.position);
    let mut response = answer(told, position);
    let (name, value) = replayed();
    response.headers_mut().insert(name, value);
    response
}

fn refusal(refused: RulesError) -> Response {
    match refused {
        RulesError::Wrong(compiled) => {
            let body = json!({"type": kind("rules_wrong"), "title": "the rules do not compile", "status": 422, "code": "rules_wrong",
                "detail": "the former rules stay in force", "diagnostics": diagnostics(&compiled)});
            (StatusCode::UNPROCESSABLE_ENTITY, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string())
                .into_response()
        }
        RulesError::Unavailable(why @ Unavailable::NoRoom) => {
            let remedy = "free space on the disk of the data directory, then try again";
            problem(StatusCode::INSUFFICIENT_STORAGE, "disk_full", &why.to_string(), remedy)
        }
        RulesError::Unavailable(why) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &why.to_string(), "try again in a moment")
        }
    }
}
