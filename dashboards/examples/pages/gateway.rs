//! What the gateway does for the pages, as far as they need it to be looked at: correcting and removing a reading.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use serde_json::{Map, Value as Json_, json};
use vitalog_elog::{Amount, Content, FieldKind, Input, Reading, ReadingId, Schema, Subject, Time, TimeOfDay, Unit, Value, When};

use crate::support::world::World;

type Shared = (Arc<World>, fn() -> Time);

pub fn router(world: Arc<World>, now: fn() -> Time) -> axum::Router {
    axum::Router::new().route("/v1/subjects/{subject}/readings/{id}", put(correct).delete(remove)).with_state((world, now))
}

async fn correct(
    State((world, now)): State<Shared>,
    Path((subject, id)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Map<String, Json_>>,
) -> Response {
    let subject = Subject::new(&subject);
    let schema = crate::support::schema::schema();
    let current = world.current(&subject, ReadingId::given(&id));
    let rev = current.as_ref().map_or(0, |r| r.rev);
    if replaces(&headers).is_some_and(|r| r != rev) {
        return problem("rev_is_not_current", "if-match", "the current revision is another");
    }
    match read(&schema, &body) {
        Ok(content) => {
            let name = schema.get(content.stream).name.clone();
            let reading = Reading::present(subject, Some(id.into()), rev + 1, &name, content);
            answer(&world, now(), reading)
        }
        Err((field, why)) => problem("malformed", &field, why),
    }
}

async fn remove(State((world, now)): State<Shared>, Path((subject, id)): Path<(String, String)>) -> Response {
    let subject = Subject::new(&subject);
    let rev = world.current(&subject, ReadingId::given(&id)).map_or(0, |r| r.rev);
    answer(&world, now(), Reading::removal(subject, id.into(), rev + 1))
}

fn answer(world: &World, now: Time, reading: Reading) -> Response {
    let accepted = world.give(now, vec![Input::Reading(reading)]);
    ([("vitalog-position", accepted.position.next.to_string())], Json(json!({ "status": "accepted" }))).into_response()
}

fn problem(code: &str, field: &str, detail: &str) -> Response {
    let body = json!({ "code": code, "field": field, "detail": detail, "remedy": "check it" });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

fn replaces(headers: &HeaderMap) -> Option<u32> {
    headers.get("if-match")?.to_str().ok()?.trim_matches('"').parse().ok()
}

fn read(schema: &Schema, body: &Map<String, Json_>) -> Result<Content, (String, &'static str)> {
    let bad = |field: &str, why| (field.to_owned(), why);
    let ix = body.get("stream").and_then(|s| schema.stream(s.as_str()?)).ok_or(bad("stream", "there is no such stream"))?;
    let stream = schema.get(ix);
    let time = |name: &str| {
        body.get(name).and_then(Json_::as_str).map(Time::parse).transpose().map_err(|_| bad(name, "this is not a time"))
    };
    let when = match time("at")? {
        Some(at) => When::At(at),
        None => When::During { start: time("start")?.ok_or(bad("start", "it is missing"))?, end: time("end")? },
    };
    let mut values = Vec::new();
    for field in &stream.fields {
        let value = match (body.get(&*field.name), &field.kind) {
            (None, _) => None,
            (Some(v), FieldKind::Quantity(unit)) => {
                Some(quantity(v, *unit).ok_or(bad(&field.name, "this is not a quantity of this kind"))?)
            }
            (Some(v), FieldKind::Enum(words)) => {
                let place = v.as_str().and_then(|w| words.iter().position(|x| &**x == w));
                Some(Value::Enum(place.ok_or(bad(&field.name, "this is not one of the words"))? as u16))
            }
            (Some(v), FieldKind::Text) => Some(Value::Text(v.as_str().unwrap_or_default().into())),
            (Some(v), FieldKind::TimeOfDay) => v.as_str().and_then(TimeOfDay::parse).map(Value::TimeOfDay),
            (Some(v), FieldKind::Bool) => Some(Value::Bool(v.as_bool().unwrap_or_default())),
        };
        values.push(value);
    }
    let source = body.get("source").and_then(Json_::as_str).map(Into::into);
    Ok(Content { stream: ix, when, values: values.into(), source, seq: None })
}

fn quantity(value: &Json_, unit: Unit) -> Option<Value> {
    let text = match value {
        Json_::Number(n) => n.to_string(),
        Json_::String(s) => s.clone(),
        _ => return None,
    };
    let (number, unit) = match text.split_once(' ') {
        Some((number, name)) => (number.to_owned(), Unit::named(unit.dimension(), name)?),
        None => (text, unit),
    };
    Amount::parse(&number, unit).ok().map(Value::Quantity)
}
