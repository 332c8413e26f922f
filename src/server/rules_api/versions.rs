//! Every version of the rules that was ever in force: which there are, what they said, and one of them again.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitalog_elog::Time;
use vitalog_elog::access::{Principal, Wish};
use vitalog_ingest::io::once::Key;

use super::super::problem::problem;
use super::{RulesState, allowed, put, refuse};
use crate::run::{Version, Versions};

/// Which version is to be in force again.
#[derive(Deserialize, ToSchema)]
#[schema(as = RollBack)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    to: u64,
}

/// Every version of the rules there ever was.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleVersions)]
struct All {
    in_force: usize,
    versions: Vec<VersionView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RuleVersion)]
struct VersionView {
    number: usize,
    in_force: bool,
    /// Since when; `null`: always.
    effective: Option<String>,
    accepted_at: String,
    offset: u64,
    /// `null`: from the server's own files.
    by: Option<String>,
    #[schema(value_type = Vec<String>)]
    added: Vec<Arc<str>>,
    #[schema(value_type = Vec<String>)]
    changed: Vec<Arc<str>>,
    #[schema(value_type = Vec<String>)]
    removed: Vec<Arc<str>>,
    #[schema(value_type = Vec<String>)]
    into_shadow: Vec<Arc<str>>,
    #[schema(value_type = Vec<String>)]
    out_of_shadow: Vec<Arc<str>>,
    /// Those with another text.
    #[schema(value_type = Vec<String>)]
    files: Vec<Arc<str>>,
}

/// One version with its files.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleVersionDetail)]
struct Detail {
    #[serde(flatten)]
    version: VersionView,
    texts: Vec<Text>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RuleText)]
struct Text {
    name: String,
    text: String,
}

/// Every version of the rules there ever was.
#[utoipa::path(
    get,
    path = "/v1/rules/versions",
    tag = "rules",
    responses((status = 200, description = "All of them", body = All))
)]
pub async fn list(State(state): State<RulesState>, who: Option<Extension<Principal>>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::SeeRules) {
        return refused;
    }
    let versions = state.desk.versions();
    let all = versions.all().map(|(number, version)| told(&versions, number, version)).collect();
    Json(All { in_force: versions.count(), versions: all }).into_response()
}

/// One version of the rules, with its files.
#[utoipa::path(
    get,
    path = "/v1/rules/versions/{number}",
    tag = "rules",
    responses((status = 200, description = "The version", body = Detail))
)]
pub async fn show(State(state): State<RulesState>, who: Option<Extension<Principal>>, Path(number): Path<String>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::SeeRules) {
        return refused;
    }
    let versions = state.desk.versions();
    let found = number.parse().ok().and_then(|n: usize| Some((n, versions.get(n)?)));
    let Some((number, version)) = found else { return unknown(&number, &versions) };
    let files = versions.files(version);
    let texts = files.iter().map(|f| Text { name: f.name.to_string(), text: f.text.to_string() }).collect();
    Json(Detail { version: told(&versions, number, version), texts }).into_response()
}

/// Puts the files of a former version in force again, from now on.
///
/// They are a new version; what means the same as now goes on.
#[utoipa::path(
    post,
    path = "/v1/rules/rollback",
    tag = "rules",
    request_body = Wanted,
    responses(
        (status = 200, description = "They are in force", body = super::Changed),
        (status = 404, description = "There is no such version"),
    )
)]
pub async fn roll_back(
    State(state): State<RulesState>,
    who: Option<Extension<Principal>>,
    headers: HeaderMap,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Response {
    let who = match allowed(&state, who, Wish::Rule) {
        Ok(who) => who,
        Err(refused) => return refused,
    };
    let Ok(Json(Wanted { to })) = wanted else {
        let detail = "the body must be an object with `to`, the number of a version, and nothing else";
        return problem(StatusCode::BAD_REQUEST, "malformed", detail, "send it as JSON: {\"to\": 3}");
    };
    let versions = state.desk.versions();
    let Some(version) = usize::try_from(to).ok().and_then(|n| versions.get(n)) else {
        return unknown(&to.to_string(), &versions);
    };
    let files = versions.files(version);
    let asked = match Key::of(&headers) {
        Ok(key) => key.map(|key| key.asks(&who, "POST /v1/rules/rollback", &[&to.to_le_bytes()])),
        Err(refused) => return refused.into_response(),
    };
    put::put(state, who, asked, Some(to), |_| files).await
}

fn told(versions: &Versions, number: usize, version: &Version) -> VersionView {
    let d = versions.differences(number);
    // What holds from the beginning has no instant.
    let effective = (version.effective > Time::MIN).then(|| version.effective.to_string());
    VersionView {
        number,
        in_force: number == versions.count(),
        effective,
        accepted_at: version.accepted.to_string(),
        offset: version.offset,
        by: version.by.as_deref().map(str::to_owned),
        added: d.added,
        changed: d.changed,
        removed: d.removed,
        into_shadow: d.into_shadow,
        out_of_shadow: d.out_of_shadow,
        files: d.files,
    }
}

fn unknown(number: &str, versions: &Versions) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "unknown_version",
        &format!("there is no version {number} of the rules; there are 1 to {}", versions.count()),
        "see GET /v1/rules/versions for their numbers",
    )
}
