//! Rules over HTTP: see them, check them, change one.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::input::RuleFile;
use vitalog_elog::port::Inlet;
use vitalog_rules::Compiled;

use super::problem::problem;
use crate::run::{RuleDesk, RulesError};

/// What the handlers need.
#[derive(Clone)]
pub struct RulesState {
    pub desk: Arc<RuleDesk>,
    pub inlet: Arc<dyn Inlet>,
    pub access: Arc<dyn Access>,
}

/// Texts to compile as they would be compiled if they were put in force.
#[derive(Deserialize)]
struct Proposal {
    files: Vec<ProposedFile>,
}

#[derive(Deserialize)]
struct ProposedFile {
    name: String,
    text: String,
}

pub fn router(state: RulesState) -> Router {
    Router::new()
        .route("/v1/rules", get(list))
        .route("/v1/rules/check", post(check))
        .route("/v1/rules/{file}", get(show).put(change))
        .with_state(state)
}

async fn list(State(state): State<RulesState>, who: Option<Extension<Principal>>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::List) {
        return refused;
    }
    let library = state.desk.library();
    let rules: Vec<Value> = library
        .rules
        .iter()
        .map(|r| json!({"name": &*r.name, "title": &*r.title, "version": format!("{:016x}", r.meaning), "cite": r.cite.as_deref()}))
        .collect();
    let files: Vec<String> = state.desk.files().iter().map(|f| f.name.to_string()).collect();
    Json(json!({"files": files, "rules": rules})).into_response()
}

async fn show(State(state): State<RulesState>, who: Option<Extension<Principal>>, Path(name): Path<String>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::List) {
        return refused;
    }
    match state.desk.files().into_iter().find(|f| *f.name == *name) {
        Some(file) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], file.text.to_string()).into_response(),
        None => problem(
            StatusCode::NOT_FOUND,
            "unknown_rule_file",
            "no rule file of this name is in force",
            "see GET /v1/rules for their names",
        ),
    }
}

async fn check(State(state): State<RulesState>, who: Option<Extension<Principal>>, Json(proposal): Json<Proposal>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::Rule) {
        return refused;
    }
    let files: Vec<RuleFile> =
        proposal.files.into_iter().map(|f| RuleFile { name: f.name.into(), text: f.text.into() }).collect();
    let compiled = state.desk.check(&files);
    Json(json!({"ok": compiled.library.is_some(), "diagnostics": diagnostics(&compiled)})).into_response()
}

async fn change(
    State(state): State<RulesState>,
    who: Option<Extension<Principal>>,
    Path(name): Path<String>,
    text: String,
) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::Rule) {
        return refused;
    }
    let put = tokio::task::spawn_blocking(move || {
        let mut files = state.desk.files();
        match files.iter_mut().find(|f| *f.name == *name) {
            Some(file) => file.text = text.into(),
            None => files.push(RuleFile { name: name.into(), text: text.into() }),
        }
        state.desk.put(&*state.inlet, files)
    })
    .await;
    match put {
        Ok(Ok(position)) => {
            let mut response = Json(json!({"ok": true, "changed": position.is_some()})).into_response();
            if let Some(value) = position.and_then(|p| HeaderValue::from_str(&p.next.to_string()).ok()) {
                response.headers_mut().insert("vitalog-position", value);
            }
            response
        }
        Ok(Err(RulesError::Wrong(compiled))) => {
            let body = json!({"type": "about:blank", "title": "the rules do not compile", "status": 422, "code": "rules_wrong",
                "detail": "the former rules stay in force", "diagnostics": diagnostics(&compiled)});
            (StatusCode::UNPROCESSABLE_ENTITY, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string())
                .into_response()
        }
        Ok(Err(RulesError::Unavailable(why))) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &why.to_string(), "try again in a moment")
        }
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the change could not be made", "see the server's log"),
    }
}

fn diagnostics(compiled: &Compiled) -> Vec<Value> {
    let shown = compiled.diagnostics.iter().map(|d| d.to_json(&compiled.sources));
    shown.filter_map(|line| serde_json::from_str(&line).ok()).collect()
}

fn refuse(state: &RulesState, who: Option<Extension<Principal>>, wish: Wish<'_>) -> Option<Response> {
    let Some(Extension(who)) = who else {
        return Some(problem(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "nobody is named",
            "send a token: `Authorization: Bearer …`",
        ));
    };
    match state.access.decide(&who, wish) {
        Decision::Allow => None,
        Decision::Deny => {
            Some(problem(StatusCode::FORBIDDEN, "forbidden", "this is not permitted to you", "ask whoever gave you the token"))
        }
    }
}
