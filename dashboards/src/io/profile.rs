//! `/v1/subjects/{s}/profile`: what is set for a subject.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::board::Board;
use super::caller::{self, Asked, Caller, Readable};
use super::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileQuery {
    /// As it held at this instant; now, if it is left off.
    at: Option<String>,
}

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
