//! `/v1/sources`: who sends, who is silent, and what never arrived.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use vitalog_elog::access::Wish;

use super::board::Board;
use super::caller::{self, Asked, Caller};
use super::problem::Problem;
use crate::ask::{SourcePage, SourceQuery};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    subject: Option<String>,
    /// Only those that are silent, or only those that are not.
    silent: Option<bool>,
    /// Only those of which some never arrived, or only those of which all did.
    gaps: Option<bool>,
    /// How many to pass over.
    #[param(minimum = 0)]
    skip: Option<usize>,
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Who sends, who is silent, and what never arrived.
#[utoipa::path(
    get,
    path = "/v1/sources",
    tag = "see",
    params(ListQuery),
    responses((status = 200, description = "A page", body = SourcePage))
)]
pub async fn list(State(board): State<Arc<Board>>, caller: Caller, Asked(asked): Asked<ListQuery>) -> Result<Response, Problem> {
    caller.may(Wish::List)?;
    let subject = asked.subject.as_deref().map(caller::subject).transpose()?;
    let limit = caller::limit(asked.limit, 100, 1_000)?;
    let query = SourceQuery { subject, silent: asked.silent, gaps: asked.gaps, skip: asked.skip.unwrap_or(0), limit };
    let (now, may) = (board.now(), caller.reads());
    let answer = board.ask(&caller, move |ask| ask.sources(&query, now, &may)).await?;
    Ok(answer.into_response())
}
