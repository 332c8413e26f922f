//! Every version of the rules that was ever in force: which there are, what they said, and one of them again.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use vitalog_elog::Time;
use vitalog_elog::access::{Principal, Wish};

use super::super::problem::problem;
use super::{RulesState, allowed, changed, refuse};
use crate::run::{Version, Versions};

/// Which version is to be in force again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    to: u64,
}

pub async fn list(State(state): State<RulesState>, who: Option<Extension<Principal>>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::SeeRules) {
        return refused;
    }
    let versions = state.desk.versions();
    let all: Vec<Value> = versions.all().map(|(number, version)| told(&versions, number, version)).collect();
    Json(json!({"in_force": versions.count(), "versions": all})).into_response()
}

pub async fn show(State(state): State<RulesState>, who: Option<Extension<Principal>>, Path(number): Path<String>) -> Response {
    if let Some(refused) = refuse(&state, who, Wish::SeeRules) {
        return refused;
    }
    let versions = state.desk.versions();
    let found = number.parse().ok().and_then(|n: usize| Some((n, versions.get(n)?)));
    let Some((number, version)) = found else { return unknown(&number, &versions) };
    let mut body = told(&versions, number, version);
    let files = versions.files(version);
    body["texts"] = files.iter().map(|f| json!({"name": &*f.name, "text": &*f.text})).collect();
    Json(body).into_response()
}

/// Puts the files of a former version in force from now on, as a new version: what means the same as now goes on.
pub async fn roll_back(
    State(state): State<RulesState>,
    who: Option<Extension<Principal>>,
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
    let desk = state.desk.clone();
    let put = tokio::task::spawn_blocking(move || state.desk.put(&*state.inlet, &who.id, |_| files)).await;
    match put {
        Ok(put) => changed(put, &json!({"to": to, "in_force": desk.versions().count()})),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the change could not be made", "see the server's log"),
    }
}

fn told(versions: &Versions, number: usize, version: &Version) -> Value {
    let d = versions.differences(number);
    // What holds from the beginning has no instant.
    let effective = (version.effective > Time::MIN).then(|| version.effective.to_string());
    json!({
        "number": number,
        "in_force": number == versions.count(),
        "effective": effective,
        "accepted_at": version.accepted.to_string(),
        "offset": version.offset,
        "by": version.by.as_deref(),
        "added": d.added,
        "changed": d.changed,
        "removed": d.removed,
        "into_shadow": d.into_shadow,
        "out_of_shadow": d.out_of_shadow,
        "files": d.files,
    })
}

fn unknown(number: &str, versions: &Versions) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "unknown_version",
        &format!("there is no version {number} of the rules; there are 1 to {}", versions.count()),
        "see GET /v1/rules/versions for their numbers",
    )
}
