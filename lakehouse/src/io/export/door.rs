//! `GET /v1/subjects/{s}/export` and `POST /v1/export`.
//!
//! A statement is asked for by whoever may ask in SQL, and sees what SQL would; a subject by whoever may read it, and sees that one alone. What breaks off ends the
//! connection: a client is told of a file that is not whole.

use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use vitalog_elog::access::{Decision, Principal, Wish};
use vitalog_elog::{Refusal, Subject, Time};

use super::Exported;
use crate::export::Form;
use crate::eyes::Eyes;
use crate::io::http::{
    POSITION, Question, Refused, SqlDoor, answered, asker, problem, question, refusal_of, refuse, text_of, wait_for_write,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AskedTable {
    /// `csv`, `parquet` or `arrow`; else by `Accept`.
    #[param(pattern = "^(csv|parquet|arrow)$")]
    format: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AskedSubject {
    /// `csv`, `parquet`, `arrow` or `fhir`; else by `Accept`.
    #[param(pattern = "^(csv|parquet|arrow|fhir)$")]
    format: Option<String>,
    /// Readings from this instant on.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Readings before this instant.
    #[param(format = DateTime)]
    to: Option<String>,
}

/// The current readings of a subject, as a file.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/export",
    tag = "see",
    params(AskedSubject),
    responses(
        (status = 200, description = "The file",
            content((String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream"), (Object = "application/fhir+json"))),
        (status = 406, description = "There is no such form of an export"),
    )
)]
pub async fn ask_subject(
    State(door): State<SqlDoor>,
    who: Option<Extension<Principal>>,
    Path(subject): Path<String>,
    asked: Result<Query<AskedSubject>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    of_subject(door, who, &subject, asked, &headers).await.unwrap_or_else(|(status, refusal)| problem(status, *refusal))
}

/// The result of any question in SQL, as a file.
#[utoipa::path(
    post,
    path = "/v1/export",
    tag = "see",
    params(AskedTable),
    request_body(content((Question = "application/json"), (String = "text/plain"))),
    responses(
        (status = 200, description = "The file",
            content((String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
        (status = 406, description = "There is no such form of an export"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "No such form is read"),
    )
)]
pub async fn ask_export(
    State(door): State<SqlDoor>,
    who: Option<Extension<Principal>>,
    asked: Result<Query<AskedTable>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    of_statement(door, who, asked, &headers, body).await.unwrap_or_else(|(status, refusal)| problem(status, *refusal))
}

async fn of_subject(
    door: SqlDoor,
    who: Option<Extension<Principal>>,
    subject: &str,
    asked: Result<Query<AskedSubject>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    if !Subject::is_valid(subject) {
        let remedy = "a name is 1 to 64 of letters, digits and . _ : @ ~ -, and does not begin with a dot";
        let refusal = Refusal::of("invalid_subject", "subject", subject, "this cannot be the name of a subject", remedy);
        return Err(refuse(StatusCode::BAD_REQUEST, refusal));
    }
    let subject = Subject::new(subject);
    if !who.is_some_and(|Extension(who)| door.access.decide(&who, Wish::Read(&subject)) == Decision::Allow) {
        let remedy = "ask for a token with the right `read`";
        return Err(refuse(StatusCode::FORBIDDEN, Refusal::whole("forbidden", "this token may not read this subject", remedy)));
    }
    let Query(asked) = asked.map_err(bad_query)?;
    let form = form(asked.format.as_deref(), headers, Form::ALL)?;
    let (from, to) = (time("from", asked.from.as_deref())?, time("to", asked.to.as_deref())?);
    wait_for_write(&door.lake, headers).await?;
    let name = format!("{subject}.{}", form.extension());
    let eyes = Eyes::only([subject.clone()]);
    give(&door, eyes, Exported::Readings { subject, from, to }, form, &name).await
}

async fn of_statement(
    door: SqlDoor,
    who: Option<Extension<Principal>>,
    asked: Result<Query<AskedTable>, QueryRejection>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let asks = who.clone();
    let eyes = asker(&door, who)?;
    let Query(asked) = asked.map_err(bad_query)?;
    let form = form(asked.format.as_deref(), headers, Form::TABLES)?;
    let sql = question(headers, body)?;
    wait_for_write(&door.lake, headers).await?;
    let name = format!("export.{}", form.extension());
    let given = give(&door, eyes, Exported::Statement(sql), form, &name).await?;
    if let Some(Extension(who)) = asks {
        door.access.used(&who, answered(0));
    }
    Ok(given)
}

async fn give(door: &SqlDoor, eyes: Eyes, what: Exported, form: Form, name: &str) -> Result<Response, Refused> {
    let export = door.lake.export(eyes, what, form, door.exports).await.map_err(refusal_of)?;
    let next = export.position.next.to_string();
    let mut response =
        ([(header::CONTENT_TYPE, form.media_type())], [(POSITION, next)], Body::from_stream(export)).into_response();
    // A subject's name has nothing in it that would end the quotes.
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn bad_query(e: QueryRejection) -> Refused {
    refuse(e.status(), Refusal::whole("bad_query", e.body_text(), "use ?format=csv or the like, or nothing"))
}

/// The form that is asked for by name, or else by `Accept`.
fn form(named: Option<&str>, headers: &HeaderMap, of: &[Form]) -> Result<Form, Refused> {
    let names = of.iter().map(|form| form.name()).collect::<Vec<_>>().join(", ");
    match named {
        Some(name) => of.iter().find(|form| form.name() == name).copied().ok_or_else(|| {
            let refusal = Refusal::of(
                "unknown_format",
                "format",
                name,
                "there is no such form of this export",
                format!("use one of {names}"),
            );
            refuse(StatusCode::BAD_REQUEST, refusal)
        }),
        None => {
            let accept = text_of(headers, header::ACCEPT.as_str()).unwrap_or_default();
            Form::accepted(accept, of).ok_or_else(|| {
                let types = of.iter().map(|form| form.media_type()).collect::<Vec<_>>().join(", ");
                let remedy = format!("accept one of {types}, or ask with ?format=");
                let refusal = Refusal::of("unknown_format", "Accept", accept, "there is no such form of this export", remedy);
                refuse(StatusCode::NOT_ACCEPTABLE, refusal)
            })
        }
    }
}

fn time(field: &str, text: Option<&str>) -> Result<Option<Time>, Refused> {
    text.map(Time::parse).transpose().map_err(|_| {
        let remedy = "write it like 2026-11-20T08:00:00Z, with its offset from UTC, and a plus sign as %2B";
        let refusal = Refusal::of("malformed", field, text.unwrap_or_default(), "this is no instant", remedy);
        refuse(StatusCode::BAD_REQUEST, refusal)
    })
}
