//! `/v1/dead-letters`: what was refused at the door, and what became of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use vitalog_elog::access::Wish;

use super::board::Board;
use super::caller::{self, Asked, Caller};
use super::problem::Problem;
use crate::ask::{LetterDetail, LetterPage, LetterQuery};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    code: Option<String>,
    field: Option<String>,
    sender: Option<String>,
    subject: Option<String>,
    /// Whether it has become a reading since.
    mended: Option<bool>,
    /// Of their arrival.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Of their arrival.
    #[param(format = DateTime)]
    to: Option<String>,
    /// What the page before named as `next`.
    after: Option<u64>,
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// What was refused, the newest first.
#[utoipa::path(
    get,
    path = "/v1/dead-letters",
    tag = "operate",
    params(ListQuery),
    responses((status = 200, description = "A page", body = LetterPage))
)]
pub async fn list(State(board): State<Arc<Board>>, caller: Caller, Asked(asked): Asked<ListQuery>) -> Result<Response, Problem> {
    caller.may(Wish::Operate)?;
    let limit = caller::limit(asked.limit, 100, 1_000)?;
    let (from, to) = (caller::time("from", asked.from.as_deref())?, caller::time("to", asked.to.as_deref())?);
    let ListQuery { code, field, sender, subject, mended, after, .. } = asked;
    let query = LetterQuery { code, field, sender, subject, mended, from, to };
    Ok(board.ask(&caller, move |ask| ask.dead_letters(&query, after, limit)).await?.into_response())
}

/// One that was refused, and who tried it again.
#[utoipa::path(
    get,
    path = "/v1/dead-letters/{offset}",
    tag = "operate",
    responses((status = 200, description = "The dead letter", body = LetterDetail))
)]
pub async fn one(State(board): State<Arc<Board>>, caller: Caller, Path(offset): Path<String>) -> Result<Response, Problem> {
    caller.may(Wish::Operate)?;
    let unknown = || Problem::not_found("unknown_letter", "there is no dead letter at this offset");
    let offset: u64 = offset.parse().map_err(|_| unknown())?;
    let answer = board.ask(&caller, move |ask| ask.dead_letter(offset)).await?;
    Ok(answer.found("unknown_letter", "there is no dead letter at this offset")?.into_response())
}
