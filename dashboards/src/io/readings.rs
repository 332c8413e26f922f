//! `/v1/subjects/{s}/readings`: readings by time, and one with its history.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use vitalog_elog::{ReadingId, Subject};

use super::board::Board;
use super::caller::{self, Asked, Caller, Readable};
use super::problem::Problem;
use crate::ask::{Ask, Order, ReadingHistory, ReadingPage, ReadingQuery, parse_cursor};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Of this stream only.
    stream: Option<String>,
    #[param(format = DateTime)]
    from: Option<String>,
    #[param(format = DateTime)]
    to: Option<String>,
    /// `newest` (the usual one) or `oldest` first.
    #[param(pattern = "^(newest|oldest)$")]
    order: Option<String>,
    #[param(minimum = 1, maximum = 5000, default = 100)]
    limit: Option<usize>,
    /// What the page before named as `next`.
    after: Option<String>,
    /// As they were known at this instant, which must be over, or at this position.
    #[param(example = "2026-11-20T08:00:00Z")]
    as_of: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OneQuery {
    /// As it was known at this instant, which must be over, or at this position.
    #[param(example = "2026-11-20T08:00:00Z")]
    as_of: Option<String>,
}

/// Readings by time.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/readings",
    tag = "see",
    params(PageQuery),
    responses((status = 200, description = "A page", body = ReadingPage))
)]
pub async fn page(
    State(board): State<Arc<Board>>,
    caller: Caller,
    Readable(subject): Readable,
    Asked(asked): Asked<PageQuery>,
) -> Result<Response, Problem> {
    let order = match asked.order.as_deref() {
        None | Some("newest") => Order::NewestFirst,
        Some("oldest") => Order::OldestFirst,
        Some(other) => {
            return Err(Problem::of_field("malformed", "order", other, "this is not an order", "say newest or oldest"));
        }
    };
    let after = match asked.after.as_deref() {
        None => None,
        Some(text) => Some(parse_cursor(text).ok_or_else(|| {
            Problem::of_field(
                "malformed",
                "after",
                text,
                "this is not where a page ended",
                "give what the page before named as next",
            )
        })?),
    };
    let query = ReadingQuery {
        stream: None,
        from: caller::time("from", asked.from.as_deref())?,
        to: caller::time("to", asked.to.as_deref())?,
        order,
        limit: caller::limit(asked.limit, 100, 5_000)?,
        after,
        as_of: caller::as_of(asked.as_of.as_deref())?,
    };
    board.settle(query.as_of).await?;
    let stream = asked.stream;
    let answer = board
        .ask(&caller, move |ask| {
            let ix = stream.as_deref().map(|name| ask.schema.stream(name).ok_or(name));
            match ix {
                Some(Err(name)) => Ok(Err(unknown_stream(name))),
                Some(Ok(ix)) => ask.readings(&subject, &ReadingQuery { stream: Some(ix), ..query }).map(Ok),
                None => ask.readings(&subject, &query).map(Ok),
            }
        })
        .await?;
    let answer = answer.transpose()?;
    Ok(answer.found("unknown_subject", "nothing was ever heard of this subject")?.into_response())
}

fn unknown_stream(name: &str) -> Problem {
    Problem::of_field(
        "unknown_stream",
        "stream",
        name,
        "no stream of this name is declared",
        "see the rules for the streams there are",
    )
}

/// One reading, with all its revisions.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/readings/{id}",
    tag = "see",
    params(OneQuery),
    responses((status = 200, description = "The reading", body = ReadingHistory))
)]
pub async fn one(
    State(board): State<Arc<Board>>,
    caller: Caller,
    Readable(subject): Readable,
    Path((_, id)): Path<(String, String)>,
    Asked(asked): Asked<OneQuery>,
) -> Result<Response, Problem> {
    if !Subject::is_valid(&id) {
        return Err(Problem::of_field(
            "invalid_id",
            "id",
            &id,
            "this cannot be the name of a reading",
            "give the name it was sent with, or the id that its receipt told",
        ));
    }
    let (id, as_of) = (ReadingId::given(&id), caller::as_of(asked.as_of.as_deref())?);
    board.settle(as_of).await?;
    let question = move |ask: &Ask<'_>| match as_of {
        None => ask.reading(&subject, id),
        Some(as_of) => ask.reading_as_of(&subject, id, as_of),
    };
    let answer = board.ask(&caller, question).await?;
    Ok(answer.found("unknown_reading", "this subject has no reading of that name")?.into_response())
}
