//! `POST /v1/sql`, and what the doors of exports share with it: the statement as JSON (`{"sql": "…"}`) or as plain text, the answer as JSON, NDJSON, CSV or Arrow.
//!
//! The form is chosen by `?format=` or by `Accept`. An answer that was cut off says so in `Vitalog-Truncated`. A reader that has just written sends
//! the write's `Vitalog-Position` and is answered once the lake has it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::{Access, Decision, Principal, Via, Wish};
use vitalog_elog::metering::Used;
use vitalog_elog::{Refusal, Subject};

use crate::eyes::{Eyes, Study};
use crate::io::export::{ExportLimits, door};
use crate::io::lake::Lake;
use crate::sql::{Format, Limits, SqlError};

/// What the door needs.
#[derive(Clone)]
pub struct SqlDoor {
    pub lake: Lake,
    pub access: Arc<dyn Access>,
    /// How those ask who study everybody.
    pub study: Study,
    pub limits: Limits,
    pub exports: ExportLimits,
}

/// How long a reader waits for what it wrote.
const PATIENCE: Duration = Duration::from_secs(2);
pub(super) const POSITION: &str = "vitalog-position";
const TRUNCATED: &str = "vitalog-truncated";

/// The doors.
pub fn api() -> OpenApiRouter<SqlDoor> {
    OpenApiRouter::default().routes(routes!(ask)).routes(routes!(door::ask_subject)).routes(routes!(door::ask_export))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `json`, `ndjson`, `csv` or `arrow`; else by `Accept`.
    #[param(pattern = "^(json|ndjson|csv|arrow)$")]
    format: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SqlQuestion)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// One statement that reads.
    sql: String,
}

/// An error as problem details, RFC 9457.
#[derive(Serialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    remedy: String,
}

/// Any question, in SQL.
#[utoipa::path(
    post,
    path = "/v1/sql",
    tag = "see",
    params(Asked),
    request_body(content((Question = "application/json"), (String = "text/plain"))),
    responses(
        (status = 200, description = "The answer; `Vitalog-Truncated` says where it was cut off",
            content((Vec<serde_json::Value> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "No such form is read"),
    )
)]
async fn ask(
    State(door): State<SqlDoor>,
    who: Option<Extension<Principal>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match answer(door, who, asked, &headers, body).await {
        Ok(response) => response,
        Err((status, refusal)) => problem(status, *refusal),
    }
}

/// An answer that isn't one.
pub(super) type Refused = (StatusCode, Box<Refusal>);

pub(super) fn refuse(status: StatusCode, refusal: Refusal) -> Refused {
    (status, Box::new(refusal))
}

async fn answer(
    door: SqlDoor,
    who: Option<Extension<Principal>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let account = who.as_ref().filter(|who| who.via != Via::Nothing).map(|who| who.id.clone());
    let asks = who.clone();
    let eyes = asker(&door, who)?;
    let Query(asked) = asked
        .map_err(|e| refuse(e.status(), Refusal::whole("bad_query", e.body_text(), "use ?format=csv or the like, or nothing")))?;
    let format = format_of(&asked, headers)?;
    let sql = question(headers, body)?;
    wait_for_write(&door.lake, headers).await?;
    let answer = door.lake.sql_of(account.as_deref(), eyes, &sql, door.limits).await.map_err(refusal_of)?;
    if let Some(Extension(who)) = asks {
        door.access.used(&who, answered(answer.rows()));
    }
    let bytes = answer.write(format).map_err(|e| refusal_of(SqlError::Lake(e)))?;
    let next = answer.position.next.to_string();
    let mut response = ([(header::CONTENT_TYPE, format.media_type())], [(POSITION, next)], bytes).into_response();
    if answer.truncated {
        response.headers_mut().insert(TRUNCATED, header::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Whoever may ask in SQL, and whom they see by it.
pub(super) fn asker(door: &SqlDoor, who: Option<Extension<Principal>>) -> Result<Eyes, Refused> {
    let Some(Extension(who)) = who else {
        let refusal = Refusal::whole("unauthenticated", "it is not known who asks", "send a token, or log in");
        return Err(refuse(StatusCode::UNAUTHORIZED, refusal));
    };
    if door.access.decide(&who, Wish::Query) != Decision::Allow {
        let refusal = Refusal::whole("not_permitted", "you may not ask in SQL", "ask whoever runs this for a token that may");
        return Err(refuse(StatusCode::FORBIDDEN, refusal));
    }
    Ok(eyes(&*door.access, &door.study, &who))
}

/// Whom they may see: everybody, by name or by pseudonym, or those about whom they may read. Which those are is part of what they asked for. For whoever belongs to a tenant, everybody is that.
pub(super) fn eyes(access: &dyn Access, study: &Study, who: &Principal) -> Eyes {
    let bound = access.bound(who);
    if access.allows(who, Wish::QueryAll) {
        who.note(Wish::QueryAll, Decision::Allow);
        return bound.map_or(Eyes::All, |bound| Eyes::only(bound.subjects));
    }
    if access.allows(who, Wish::Study) {
        who.note(Wish::Study, Decision::Allow);
        return Eyes::Study(bound.map_or_else(|| study.clone(), |bound| study.within(&bound.tenant, bound.subjects)));
    }
    let may = |subject: &Subject| access.decide(who, Wish::Read(subject)) == Decision::Allow;
    Eyes::only(access.subjects(who).into_iter().filter(may))
}

/// A statement that was answered.
pub(super) fn answered(rows: usize) -> Used {
    Used { statements: 1, rows: rows as u64, ..Used::default() }
}

fn format_of(asked: &Asked, headers: &HeaderMap) -> Result<Format, Refused> {
    match &asked.format {
        Some(name) => Format::named(name).ok_or_else(|| {
            let refusal = Refusal::of(
                "unknown_format",
                "format",
                name,
                "there is no such form of an answer",
                "use json, ndjson, csv or arrow",
            );
            refuse(StatusCode::BAD_REQUEST, refusal)
        }),
        None => Ok(Format::accepted(text_of(headers, header::ACCEPT.as_str()).unwrap_or_default())),
    }
}

/// The statement that a body holds.
pub(super) fn question(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<String, Refused> {
    let body = body.map_err(|e| refuse(e.status(), Refusal::whole("bad_body", e.body_text(), "send the statement alone")))?;
    let bad = |message: String| {
        let remedy = "send {\"sql\": \"…\"} as application/json, or the statement as text/plain";
        refuse(StatusCode::BAD_REQUEST, Refusal::whole("bad_body", message, remedy))
    };
    let kind = text_of(headers, header::CONTENT_TYPE.as_str()).unwrap_or("text/plain");
    match kind.split(';').next().unwrap_or(kind).trim() {
        "application/json" => {
            let question: Question = serde_json::from_slice(&body).map_err(|e| bad(format!("the body is not such JSON: {e}")))?;
            Ok(question.sql)
        }
        "text/plain" | "application/sql" => {
            Ok(std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8".to_owned()))?.to_owned())
        }
        other => {
            let refusal = Refusal::of(
                "wrong_content_type",
                "content-type",
                other,
                "this is not a form of a question",
                "use application/json or text/plain",
            );
            Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal))
        }
    }
}

pub(super) async fn wait_for_write(lake: &Lake, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(text) = text_of(headers, POSITION) else { return Ok(()) };
    let Ok(next) = text.parse::<u64>() else {
        let refusal = Refusal::of(
            "bad_position",
            "Vitalog-Position",
            text,
            "this is not a position",
            "send the number that the write was answered with",
        );
        return Err(refuse(StatusCode::BAD_REQUEST, refusal));
    };
    tokio::time::timeout(PATIENCE, lake.reached(next)).await.map_err(|_| {
        let refusal =
            Refusal::of("not_reached", "Vitalog-Position", text, "the lake has not seen that write yet", "ask again in a moment");
        refuse(StatusCode::SERVICE_UNAVAILABLE, refusal)
    })
}

pub(super) fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

pub(super) fn refusal_of(error: SqlError) -> Refused {
    match error {
        SqlError::Refused(refusal) => {
            let status = match refusal.code.as_str() {
                "sql_not_allowed" | "sql_study" => StatusCode::FORBIDDEN,
                "sql_timeout" | "sql_memory" => StatusCode::UNPROCESSABLE_ENTITY,
                "sql_closing" | "exports_busy" => StatusCode::SERVICE_UNAVAILABLE,
                "unknown_subject" => StatusCode::NOT_FOUND,
                _ => StatusCode::BAD_REQUEST,
            };
            refuse(status, refusal)
        }
        SqlError::Lake(error) => {
            tracing::error!(error = %error, "a query failed");
            let refusal = Refusal::whole("lake_failed", "the lake could not be read", "see the server's log");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, refusal)
        }
    }
}

pub(super) fn problem(status: StatusCode, refusal: Refusal) -> Response {
    let problem = Problem {
        kind: format!("urn:vitalog:problem:{}", refusal.code),
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: refusal.message,
        code: refusal.code,
        field: refusal.field,
        value: refusal.value,
        remedy: refusal.remedy,
    };
    let mut response = (status, Json(problem)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
    response
}
