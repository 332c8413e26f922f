//! `/v1/subjects`: who needs a look, and what a page about one of them shows.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use vitalog_elog::Span;
use vitalog_elog::access::Wish;

use super::board::Board;
use super::caller::{self, Asked, Caller, Readable};
use super::problem::Problem;
use crate::ask::{SubjectPage, SubjectQuery, SubjectView, Timeline, TimelineQuery};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Names, separated by commas, at most 200.
    only: Option<String>,
    /// So many of the most pressing are left off.
    skip: Option<usize>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// Who needs a look, most pressing first, each in short.
#[utoipa::path(
    get,
    path = "/v1/subjects",
    tag = "see",
    params(ListQuery),
    responses((status = 200, description = "A page", body = SubjectPage))
)]
pub async fn list(State(board): State<Arc<Board>>, caller: Caller, Asked(asked): Asked<ListQuery>) -> Result<Response, Problem> {
    caller.may(Wish::List)?;
    let only = match &asked.only {
        None => None,
        Some(names) => Some(names.split(',').take(200).map(caller::subject).collect::<Result<Vec<_>, _>>()?),
    };
    let query = SubjectQuery { only, skip: asked.skip.unwrap_or(0), limit: caller::limit(asked.limit, 50, 200)? };
    let (profile, now, may) = (board.profile(), board.now(), caller.reads());
    let answer = board.ask(&caller, move |ask| ask.subjects(&query, &profile, now, &may)).await?;
    Ok(answer.into_response())
}

/// One subject in short.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/summary",
    tag = "see",
    responses((status = 200, description = "The subject", body = SubjectView))
)]
pub async fn summary(State(board): State<Arc<Board>>, caller: Caller, Readable(subject): Readable) -> Result<Response, Problem> {
    let (profile, now) = (board.profile(), board.now());
    let answer = board.ask(&caller, move |ask| ask.summary(&subject, &profile, now)).await?;
    Ok(answer.found("unknown_subject", "nothing was ever heard of this subject")?.into_response())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StretchQuery {
    /// A day before `to`, if it is left off.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Now, if it is left off; at most 400 days after `from`.
    #[param(format = DateTime)]
    to: Option<String>,
    /// At most so many points of a stream.
    #[param(default = 5000)]
    points: Option<usize>,
}

/// The longest stretch that is answered at once.
const LONGEST: Span = Span::days(400);

/// All that a chart needs.
///
/// Instants are milliseconds since 1970.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/timeline",
    tag = "see",
    params(StretchQuery),
    responses((status = 200, description = "The stretch", body = Timeline))
)]
pub async fn timeline(
    State(board): State<Arc<Board>>,
    caller: Caller,
    Readable(subject): Readable,
    Asked(asked): Asked<StretchQuery>,
) -> Result<Response, Problem> {
    let now = board.now();
    let to = caller::time("to", asked.to.as_deref())?.unwrap_or(now);
    let from = caller::time("from", asked.from.as_deref())?.unwrap_or(to - Span::hours(24));
    if from >= to || to.since(from) > LONGEST {
        let shown = asked.from.as_deref().unwrap_or("");
        return Err(Problem::of_field(
            "out_of_range",
            "from",
            shown,
            "a stretch ends after it begins, and lasts at most 400 days",
            "give another from or to",
        ));
    }
    let points = asked.points.unwrap_or(5_000).clamp(4, 50_000);
    let profile = board.profile();
    let query = TimelineQuery { from, to, points };
    let answer = board.ask(&caller, move |ask| ask.timeline(&subject, &query, &profile, now)).await?;
    Ok(answer.found("unknown_subject", "nothing was ever heard of this subject")?.into_response())
}
