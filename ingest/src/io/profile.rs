//! `PUT /v1/subjects/{subject}/profile`: what is set for a subject, all of it or nothing.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitalog_elog::access::{Principal, Wish};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Input, Refusal, Span, Subject, Time};

use super::again::as_before;
use super::body;
use super::once::{Key, Turn, said as said_before};
use super::problem::Problem;
use super::submit::{Sending, position_header};
use super::{Gateway, POSITION};
use crate::admit::{Limits, admit_instant, admit_value, unknown_name};
use crate::decode::json;
use crate::live::Declared;

/// How far ahead a change may be planned.
const AHEAD: Span = Span::days(366);

/// What is said to a repeat beside the subject in its path.
#[derive(Serialize, Deserialize)]
struct Said {
    at: String,
    fields: Vec<Arc<str>>,
}

/// What was set.
#[derive(Serialize, ToSchema)]
#[schema(as = ProfileSet)]
pub(super) struct Answer {
    #[schema(value_type = String)]
    subject: Subject,
    /// From when on the changes hold.
    at: String,
    #[schema(value_type = Vec<String>)]
    fields: Vec<Arc<str>>,
    position: u64,
}

/// Sets fields of a subject's profile.
///
/// A JSON object of the declared fields, `null` to set one back to its default, and `at` where the changes do not
/// hold from now on.
#[utoipa::path(
    put,
    path = "/v1/subjects/{subject}/profile",
    tag = "write",
    request_body = super::said::ProfileBody,
    responses(
        (status = 200, description = "It is set", body = Answer, headers(("Vitalog-Position" = u64, description = "A read that waits for this position sees the write"))),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "It is no JSON"),
    )
)]
pub(super) async fn put(
    State(gateway): State<Arc<Gateway>>,
    Extension(who): Extension<Principal>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Ok(Path(subject)) = path else {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_subject",
            "the path can't be read",
            "name a subject in it",
        ));
    };
    let subject = gateway.permitted(&subject, &who, |s| Wish::SetProfile(s)).await?;
    body::must_be_json(&headers, "a profile is a JSON object")?;
    let key = Key::of(&headers)?;
    let taken = body::read(&headers, body, &gateway.limits, &gateway.room).await?;
    let bytes = &taken.bytes;
    let asked = key.map(|key| key.asks(&who, "PUT /v1/subjects/{subject}/profile", &[subject.as_str().as_bytes(), bytes]));
    let mut ticket = match gateway.once.turn(asked).await? {
        Turn::First(ticket) => ticket,
        Turn::Again(answered) => return Ok(as_before(told(subject, said_before(&answered)?, answered.position))),
    };
    let now = (gateway.clock)();
    let changes = changes(&gateway.live.get(), &subject, bytes, now)
        .map_err(|refusal| Problem::of(StatusCode::UNPROCESSABLE_ENTITY, refusal))?;
    let at = changes.first().map_or(now, |c| c.at);
    let fields = changes.iter().map(|c| c.field.clone()).collect();
    let said = Said { at: at.to_string(), fields };
    let inputs = changes.into_iter().map(Input::Profile).collect();
    let accepted = gateway.submit_once(&who, inputs, &mut ticket, Some(subject.clone()), &said, Sending::Sent(None)).await?;
    Ok(told(subject, said, accepted.position.next))
}

fn told(subject: Subject, Said { at, fields }: Said, position: u64) -> Response {
    let mut response = axum::Json(Answer { subject, at, fields, position }).into_response();
    response.headers_mut().insert(POSITION, position_header(position));
    response
}

fn changes(declared: &Declared, subject: &Subject, bytes: &[u8], now: Time) -> Result<Vec<ProfileChange>, Refusal> {
    let limits = Limits { ahead: AHEAD, ..declared.admission.limits().clone() };
    let (mut changes, mut at) = (Vec::new(), now);
    for (name, said) in json::members(bytes)? {
        if name == "at" {
            if let Some(said) = &said {
                at = admit_instant("at", said, now, &limits)?;
            }
            continue;
        }
        let Some(field) = declared.profile.iter().find(|f| *f.name == *name) else {
            return Err(unknown_name("unknown_field", &name, declared.profile.iter().map(|f| &*f.name), "fields of the profile"));
        };
        let value = match &said {
            None => None,
            Some(said) => Some(admit_value(&field.name, &field.kind, field.range, said, &limits)?),
        };
        changes.push(ProfileChange { subject: subject.clone(), field: field.name.clone(), value, at: now });
    }
    if changes.is_empty() {
        return Err(Refusal::whole("missing", "no field is set", "say at least one, such as {\"bg_low\":\"4.0 mmol/L\"}"));
    }
    changes.iter_mut().for_each(|change| change.at = at);
    Ok(changes)
}
