//! `/v1/subjects/{s}/profile`: what is set for a subject.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::board::Board;
use super::caller::{self, Asked, Caller, Readable};
use super::problem::Problem;
use crate::ask::ProfileView;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProfileQuery {
    /// As it held at this instant; now, if it is left off.
    #[param(format = DateTime)]
    at: Option<String>,
}

/// What is set for a subject.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/profile",
    tag = "see",
    params(ProfileQuery),
    responses((status = 200, description = "The profile", body = ProfileView))
)]
pub async fn show(
    State(board): State<Arc<Board>>,
    caller: Caller,
    Readable(subject): Readable,
    Asked(asked): Asked<ProfileQuery>,
) -> Result<Response, Problem> {
    let at = caller::time("at", asked.at.as_deref())?.unwrap_or_else(|| board.now());
    let profile = board.profile();
    let answer = board.ask(&caller, move |ask| ask.profile(&subject, &profile, at)).await?;
    Ok(answer.found("unknown_subject", "nothing was ever heard of this subject")?.into_response())
}
