//! Rules over HTTP: see them, check them, change one, go back to how they were.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, StringRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_cep::plan::Rule;
use vitalog_dashboards::ask::Readers;
use vitalog_elog::Time;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::input::RuleFile;
use vitalog_elog::port::Inlet;
use vitalog_ingest::io::once::{Desk, Key};
use vitalog_rules::Compiled;

mod put;
mod versions;

use super::problem::problem;
use crate::run::RuleDesk;
use put::Changed;

/// What the handlers need.
#[derive(Clone)]
pub struct RulesState {
    pub desk: Arc<RuleDesk>,
    pub inlet: Arc<dyn Inlet>,
    pub access: Arc<dyn Access>,
    /// The views count what rules on trial would have told.
    pub readers: Arc<Readers>,
    /// Where requests with a key have their turn.
    pub once: Arc<Desk>,
}

/// Texts to compile as they would be compiled if they were put in force.
#[derive(Deserialize, ToSchema)]
#[schema(as = RuleFiles)]
struct Proposal {
    files: Vec<ProposedFile>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = RuleFile)]
struct ProposedFile {
    name: String,
    text: String,
}

/// The rules in force.
#[derive(Serialize, ToSchema)]
#[schema(as = RulesInForce)]
struct InForce {
    /// The number of their version.
    in_force: usize,
    files: Vec<String>,
    rules: Vec<RuleView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Rule)]
struct RuleView {
    name: String,
    title: String,
    /// What it means, as a hash: it stays where only words change.
    version: String,
    cite: Option<String>,
    /// Of one on trial.
    shadow: Option<Trial>,
}

#[derive(Serialize, ToSchema)]
struct Trial {
    /// `null`: always.
    since: Option<String>,
    /// Findings of this meaning, those taken back included. They are of everybody, so whoever belongs to a tenant is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_have_told: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<u64>,
}

/// What the compiler says.
#[derive(Serialize, ToSchema)]
#[schema(as = RulesChecked)]
struct Checked {
    ok: bool,
    #[schema(value_type = Vec<Object>)]
    diagnostics: Vec<Value>,
}

/// The doors.
pub fn api() -> OpenApiRouter<RulesState> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(check))
        .routes(routes!(versions::list))
        .routes(routes!(versions::show))
        .routes(routes!(versions::roll_back))
        .routes(routes!(show, change))
}

/// The rules in force.
#[utoipa::path(
    get,
    path = "/v1/rules",
    tag = "rules",
    responses((status = 200, description = "The rules", body = InForce))
)]
async fn list(State(state): State<RulesState>, who: Option<Extension<Principal>>) -> Response {
    let is_bound = who.as_ref().is_some_and(|Extension(who)| state.access.bound(who).is_some());
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
        let told = |count: u64| Some(count).filter(|_| !is_bound);
        let (findings, subjects) = trial.map_or((0, 0), |t| (t.findings, t.subjects));
        Trial { since, would_have_told: told(findings), subjects: told(subjects) }
    };
    let rule = |r: &Arc<Rule>| RuleView {
        name: r.name.to_string(),
        title: r.title.to_string(),
        version: format!("{:016x}", r.meaning),
        cite: r.cite.as_deref().map(str::to_owned),
        shadow: r.shadow.then(|| shadow(r)),
    };
    let rules = library.rules.iter().map(rule).collect();
    let files = state.desk.files().iter().map(|f| f.name.to_string()).collect();
    Json(InForce { in_force: versions.count(), files, rules }).into_response()
}

/// A rule file as it is written.
#[utoipa::path(
    get,
    path = "/v1/rules/{file}",
    tag = "rules",
    responses((status = 200, description = "Its text", body = String, content_type = "text/plain"))
)]
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

/// What the compiler says of rule files, as they would be compiled if they were put in force.
#[utoipa::path(
    post,
    path = "/v1/rules/check",
    tag = "rules",
    request_body = Proposal,
    responses(
        (status = 200, description = "What it says", body = Checked),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "It is no JSON"),
    )
)]
async fn check(
    State(state): State<RulesState>,
    who: Option<Extension<Principal>>,
    proposal: Result<Json<Proposal>, JsonRejection>,
) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::Rule) {
        return refused;
    }
    let proposal = match proposal {
        Ok(Json(proposal)) => proposal,
        Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => return too_large(),
        Err(_) => {
            let remedy = "send JSON with its content type: {\"files\": [{\"name\": \"own.rules\", \"text\": \"…\"}]}";
            return problem(StatusCode::BAD_REQUEST, "malformed", "this is no list of rule files", remedy);
        }
    };
    let files: Vec<RuleFile> =
        proposal.files.into_iter().map(|f| RuleFile { name: f.name.into(), text: f.text.into() }).collect();
    let compiled = state.desk.check(&files);
    Json(Checked { ok: compiled.library.is_some(), diagnostics: diagnostics(&compiled) }).into_response()
}

/// Puts a rule file in force.
///
/// Where the rules do not compile the former ones stay, and the answer has the diagnostics.
#[utoipa::path(
    put,
    path = "/v1/rules/{file}",
    tag = "rules",
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, description = "It is in force", body = Changed),
        (status = 413, description = "The body is too large"),
    )
)]
async fn change(
    State(state): State<RulesState>,
    who: Option<Extension<Principal>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    text: Result<String, StringRejection>,
) -> Response {
    let who = match allowed(&state, who, Wish::Rule) {
        Ok(who) => who,
        Err(refused) => return refused,
    };
    let text = match text {
        Ok(text) => text,
        Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => return too_large(),
        Err(_) => {
            return problem(StatusCode::BAD_REQUEST, "malformed", "a rule file is text in UTF-8", "send its text as the body");
        }
    };
    // One that is there may be changed, however whoever brought it has called it.
    if !is_file_name(&name) && !state.desk.files().iter().any(|file| *file.name == *name) {
        let remedy = "use letters, digits, '.', '_' and '-', at most 64 of them, and no '.' at the beginning";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_file", "this can't be the name of a rule file", remedy);
    }
    let asked = match Key::of(&headers) {
        Ok(key) => key.map(|key| key.asks(&who, "PUT /v1/rules/{file}", &[name.as_bytes(), text.as_bytes()])),
        Err(refused) => return refused.into_response(),
    };
    let change = move |mut files: Vec<RuleFile>| {
        match files.iter_mut().find(|f| *f.name == *name) {
            Some(file) => file.text = text.into(),
            None => files.push(RuleFile { name: name.into(), text: text.into() }),
        }
        files
    };
    put::put(state, who, asked, None, change).await
}

fn too_large() -> Response {
    problem(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "these are more bytes than rule files may have",
        "part them into several files",
    )
}

/// As `docs/http.md` and the description say.
fn is_file_name(name: &str) -> bool {
    let is_of_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_of_names)
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
