//! `/v1/sources`: who sends, who is silent, and what never arrived.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use vitalog_elog::access::Wish;

use super::board::Board;
use super::caller::{self, Asked, Caller};
use super::problem::Problem;
use crate::ask::SourceQuery;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    subject: Option<String>,
    silent: Option<bool>,
    gaps: Option<bool>,
    skip: Option<usize>,
    limit: Option<usize>,
}

pub async fn list(State(board): State<Arc<Board>>, caller: Caller, Asked(asked): Asked<ListQuery>) -> Result<Response, Problem> {
    caller.may(Wish::List)?;
    let subject = asked.subject.as_deref().map(caller::subject).transpose()?;
    let limit = caller::limit(asked.limit, 100, 1_000)?;
    let query = SourceQuery { subject, silent: asked.silent, gaps: asked.gaps, skip: asked.skip.unwrap_or(0), limit };
    let (now, may) = (board.now(), caller.reads());
    let answer = board.ask(&caller, move |ask| ask.sources(&query, now, &may)).await?;
    Ok(answer.into_response())
}
