//! Rules over HTTP: see them, check them, change one, go back to how they were.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use vitalog_cep::plan::Rule;
use vitalog_dashboards::ask::Readers;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::input::RuleFile;
use vitalog_elog::port::{Inlet, Unavailable};
use vitalog_elog::{Position, Time};
use vitalog_rules::Compiled;

mod versions;

use super::problem::problem;
use crate::run::{RuleDesk, RulesError};

/// What the handlers need.
#[derive(Clone)]
pub struct RulesState {
    pub desk: Arc<RuleDesk>,
    pub inlet: Arc<dyn Inlet>,
    pub access: Arc<dyn Access>,
    /// The views count what rules on trial would have told.
    pub readers: Arc<Readers>,
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
        .route("/v1/rules/versions", get(versions::list))
        .route("/v1/rules/versions/{number}", get(versions::show))
        .route("/v1/rules/rollback", post(versions::roll_back))
        .route("/v1/rules/{file}", get(show).put(change))
        .with_state(state)
}

async fn list(State(state): State<RulesState>, who: Option<Extension<Principal>>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::SeeRules) {
        return refused;
    }
    let trials = match tokio::task::spawn_blocking({
        let readers = state.readers.clone();
        move || readers.take().and_then(|reader| reader.ask(|ask| ask.on_trial()))
    })
    .await
    {
        Ok(Ok(trials)) => trials,
        _ => return problem(StatusCode::SERVICE_UNAVAILABLE, "busy", "the views can't be asked", "ask again in a while"),
    };
    let (library, versions) = (state.desk.library(), state.desk.versions());
    let shadow = |rule: &Rule| {
        let trial = trials.iter().find(|t| *t.rule == *rule.name && t.version == rule.meaning);
        let since = versions.on_trial_since(&rule.name).filter(|since| *since > Time::MIN).map(|since| since.to_string());
        json!({"since": since, "would_have_told": trial.map_or(0, |t| t.findings), "subjects": trial.map_or(0, |t| t.subjects)})
    };
    let rule = |r: &Arc<Rule>| {
        json!({"name": &*r.name, "title": &*r.title, "version": format!("{:016x}", r.meaning), "cite": r.cite.as_deref(),
            "shadow": r.shadow.then(|| shadow(r))})
    };
    let rules: Vec<Value> = library.rules.iter().map(rule).collect();
    let files: Vec<String> = state.desk.files().iter().map(|f| f.name.to_string()).collect();
    Json(json!({"in_force": versions.count(), "files": files, "rules": rules})).into_response()
}

async fn show(State(state): State<RulesState>, who: Option<Extension<Principal>>, Path(name): Path<String>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::SeeRules) {
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
    let who = match allowed(&state, who, Wish::Rule) {
        Ok(who) => who,
        Err(refused) => return refused,
    };
    let put = tokio::task::spawn_blocking(move || {
        state.desk.put(&*state.inlet, &who.id, |mut files| {
            match files.iter_mut().find(|f| *f.name == *name) {
                Some(file) => file.text = text.into(),
                None => files.push(RuleFile { name: name.into(), text: text.into() }),
            }
            files
        })
    })
    .await;
    match put {
        Ok(put) => changed(put, &json!({})),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the change could not be made", "see the server's log"),
    }
}

/// The answer to a change of rules, with what else there is to say.
fn changed(put: Result<Option<Position>, RulesError>, more: &Value) -> Response {
    match put {
        Ok(position) => {
            let mut body = json!({"ok": true, "changed": position.is_some()});
            for (key, value) in more.as_object().into_iter().flatten() {
                body[key] = value.clone();
            }
            let mut response = Json(body).into_response();
            if let Some(value) = position.and_then(|p| HeaderValue::from_str(&p.next.to_string()).ok()) {
                response.headers_mut().insert("vitalog-position", value);
            }
            response
        }
        Err(RulesError::Wrong(compiled)) => {
            let body = json!({"type": "about:blank", "title": "the rules do not compile", "status": 422, "code": "rules_wrong",
                "detail": "the former rules stay in force", "diagnostics": diagnostics(&compiled)});
            (StatusCode::UNPROCESSABLE_ENTITY, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string())
                .into_response()
        }
        Err(RulesError::Unavailable(why @ Unavailable::NoRoom)) => {
            let remedy = "free space on the disk of the data directory, then try again";
            problem(StatusCode::INSUFFICIENT_STORAGE, "disk_full", &why.to_string(), remedy)
        }
        Err(RulesError::Unavailable(why)) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &why.to_string(), "try again in a moment")
        }
    }
}

fn diagnostics(compiled: &Compiled) -> Vec<Value> {
    let shown = compiled.diagnostics.iter().map(|d| d.to_json(&compiled.sources));
    shown.filter_map(|line| serde_json::from_str(&line).ok()).collect()
}

fn refuse(state: &RulesState, who: Option<Extension<Principal>>, wish: Wish<'_>) -> Option<Response> {
    allowed(state, who, wish).err()
}

/// Who asks, where they may.
#[expect(clippy::result_large_err, reason = "the answer is given at once")]
fn allowed(state: &RulesState, who: Option<Extension<Principal>>, wish: Wish<'_>) -> Result<Principal, Response> {
    let Some(Extension(who)) = who else {
        let remedy = "send a token: `Authorization: Bearer …`";
        return Err(problem(StatusCode::UNAUTHORIZED, "unauthenticated", "nobody is named", remedy));
    };
    match state.access.decide(&who, wish) {
        Decision::Allow => Ok(who),
        Decision::Deny => {
            let remedy = "ask whoever gave you the token";
            Err(problem(StatusCode::FORBIDDEN, "forbidden", "this is not permitted to you", remedy))
        }
    }
}
