//! `/v1/recommendations`: what was found, why, and what people do about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vitalog_elog::access::Wish;
use vitalog_elog::input::{Action, Command, Input};
use vitalog_elog::{FindingState, MatchId, Severity, Subject};

use super::board::Board;
use super::caller::{self, Asked, Caller, Readable};
use super::problem::Problem;
use crate::ask::{RecommendationDetail, RecommendationPage, RecommendationQuery, StateFilter, words};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    #[param(value_type = Option<words::FindingState>, inline)]
    state: Option<String>,
    /// At least so grave.
    #[param(value_type = Option<words::Severity>, inline)]
    severity: Option<String>,
    /// Whether somebody has acknowledged or dismissed it.
    answered: Option<bool>,
    /// What was found on trial, instead of all else.
    shadow: Option<bool>,
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// What the page before named as `next`.
    after: Option<String>,
}

/// What was found, over all subjects.
#[utoipa::path(
    get,
    path = "/v1/recommendations",
    tag = "see",
    params(ListQuery),
    responses((status = 200, description = "A page", body = RecommendationPage))
)]
pub async fn list(State(board): State<Arc<Board>>, caller: Caller, Asked(asked): Asked<ListQuery>) -> Result<Response, Problem> {
    caller.may(Wish::List)?;
    page(&board, &caller, None, &asked).await
}

/// What was found about one subject.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/recommendations",
    tag = "see",
    params(ListQuery),
    responses((status = 200, description = "A page", body = RecommendationPage))
)]
pub async fn of_subject(
    State(board): State<Arc<Board>>,
    caller: Caller,
    Readable(subject): Readable,
    Asked(asked): Asked<ListQuery>,
) -> Result<Response, Problem> {
    page(&board, &caller, Some(subject), &asked).await
}

async fn page(board: &Board, caller: &Caller, subject: Option<Subject>, asked: &ListQuery) -> Result<Response, Problem> {
    let query = parse(asked)?;
    let may = caller.reads();
    let answer = board
        .ask(caller, move |ask| {
            if let Some(subject) = &subject
                && !ask.knows(subject)?
            {
                return Ok(None);
            }
            ask.recommendations(subject.as_ref(), &query, &may).map(Some)
        })
        .await?;
    Ok(answer.found("unknown_subject", "nothing was ever heard of this subject")?.into_response())
}

fn parse(asked: &ListQuery) -> Result<RecommendationQuery, Problem> {
    let state = match asked.state.as_deref() {
        None => StateFilter::Any,
        Some(name) => {
            let all = [FindingState::Open, FindingState::Resolved, FindingState::Lapsed, FindingState::Rescinded];
            let state = all.into_iter().find(|s| s.name() == name);
            StateFilter::Is(state.ok_or_else(|| {
                Problem::of_field("malformed", "state", name, "this is not a state", "say open, resolved, lapsed or rescinded")
            })?)
        }
    };
    let least = match asked.severity.as_deref() {
        None => Severity::Info,
        Some(name) => Severity::ALL.into_iter().find(|s| s.name() == name).ok_or_else(|| {
            Problem::of_field(
                "malformed",
                "severity",
                name,
                "this is not a severity",
                "say info, advisory, warning, urgent or critical",
            )
        })?,
    };
    let after = match asked.after.as_deref() {
        None => None,
        Some(text) => {
            Some(text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, MatchId::parse(id)?.0))).ok_or_else(|| {
                Problem::of_field(
                    "malformed",
                    "after",
                    text,
                    "this is not where a page ended",
                    "give what the page before named as next",
                )
            })?)
        }
    };
    let limit = caller::limit(asked.limit, 100, 1_000)?;
    Ok(RecommendationQuery { state, least, answered: asked.answered, shadow: asked.shadow.unwrap_or(false), limit, after })
}

/// One recommendation, with its readings, its history and why it changed.
#[utoipa::path(
    get,
    path = "/v1/recommendations/{id}",
    tag = "see",
    responses((status = 200, description = "The recommendation", body = RecommendationDetail))
)]
pub async fn one(State(board): State<Arc<Board>>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = MatchId::parse(&id).ok_or_else(unknown)?;
    let may = caller.may_read();
    let answer = board
        .ask(&caller, move |ask| match ask.subject_of(id)? {
            // Whether it is there is not told to whom it does not concern.
            Some(subject) if may(&subject) => ask.recommendation(id),
            _ => Ok(None),
        })
        .await?;
    Ok(answer.found("unknown_recommendation", "there is no such recommendation")?.into_response())
}

/// Somebody has seen it and takes care.
#[utoipa::path(
    post,
    path = "/v1/recommendations/{id}/acknowledge",
    tag = "act",
    responses((status = 200, description = "It is kept", body = Done))
)]
pub async fn acknowledge(
    board: State<Arc<Board>>,
    caller: Caller,
    id: Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(board, caller, id, &headers, Action::Acknowledge).await
}

/// Somebody holds it for wrong, or for nothing to do about.
#[utoipa::path(
    post,
    path = "/v1/recommendations/{id}/dismiss",
    tag = "act",
    responses((status = 200, description = "It is kept", body = Done))
)]
pub async fn dismiss(
    board: State<Arc<Board>>,
    caller: Caller,
    id: Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(board, caller, id, &headers, Action::Dismiss).await
}

/// What a person's deed is answered with.
#[derive(Serialize, ToSchema)]
pub struct Done {
    id: String,
    #[schema(value_type = words::Action)]
    action: Action,
    /// A read that asks for this position sees it.
    position: u64,
}

async fn answer(
    State(board): State<Arc<Board>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: &HeaderMap,
    action: Action,
) -> Result<Response, Problem> {
    refuse_other_sites(headers)?;
    let id = MatchId::parse(&id).ok_or_else(unknown)?;
    let subject = board.ask(&caller, move |ask| ask.subject_of(id)).await?.value.ok_or_else(unknown)?;
    if caller.may(Wish::Read(&subject)).is_err() {
        return Err(unknown());
    }
    caller.may(Wish::Answer(&subject))?;
    let (send, receive) = tokio::sync::oneshot::channel();
    let command = Input::Command(Command { finding: id, action, by: caller.who.id.clone() });
    // Nobody listens any more where the caller has gone; what was done is done.
    board.inlet.submit(vec![command], Box::new(move |result| drop(send.send(result))));
    let accepted = receive.await.map_err(|_| Problem::busy())??;
    let position = accepted.position.next;
    let mut response = Json(Done { id: id.to_string(), action, position }).into_response();
    response.headers_mut().insert("vitalog-position", HeaderValue::from(position));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A page of another site cannot act with the session of whoever looks at it. Programs send no such header.
fn refuse_other_sites(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("sec-fetch-site").and_then(|v| v.to_str().ok()) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "this came from a page of another site",
            "act from Vitalog's own pages",
        )),
    }
}

fn unknown() -> Problem {
    Problem::not_found("unknown_recommendation", "there is no such recommendation")
}
