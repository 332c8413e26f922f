//! Reading a request's body: its form, its packing, and an end to its size.
//!
//! A body that does not end, or unpacks to a thousand times its size, costs no more than the limits say. One that comes a byte a second is cut [before the doors](super::in_time).

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use vitalog_elog::Refusal;

use super::BodyLimits;
use super::problem::Problem;
use super::room::{Held, Room};
use crate::decode::{Format, Packing};

/// The native forms, as they are offered where another one came.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/json, application/x-ndjson, text/csv, application/vnd.apache.arrow.stream");
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// Refuses a body that says it is something else than one JSON object; `detail` says what is wanted.
pub(super) fn must_be_json(headers: &HeaderMap, detail: &str) -> Result<(), Problem> {
    if format(headers)? == Format::Json {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail, "send application/json"))
}

/// The form that the content type names.
pub(super) fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let said = headers.get(header::CONTENT_TYPE).map_or(Ok(""), HeaderValue::to_str).unwrap_or("");
    let mut parts = said.split(';').map(str::trim);
    let kind = parts.next().unwrap_or("").to_ascii_lowercase();
    let charset = parts.find_map(|p| p.to_ascii_lowercase().strip_prefix("charset=").map(|c| c.trim_matches('"').to_owned()));
    let form = match kind.as_str() {
        "application/json" => Some(Format::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => Some(Format::Ndjson),
        "text/csv" => Some(Format::Csv),
        "application/vnd.apache.arrow.stream" => Some(Format::Arrow),
        _ => None,
    };
    match form {
        Some(form) if charset.as_deref().is_none_or(|c| matches!(c, "utf-8" | "utf8" | "us-ascii")) => Ok(form),
        _ => {
            let remedy = "send application/json, application/x-ndjson or text/csv in UTF-8, or application/vnd.apache.arrow.stream, and say so in the header content-type";
            let refusal = Refusal::of("unsupported_media_type", "content-type", said, "this form can't be read here", remedy);
            Err(Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal).with(ACCEPT_POST, ACCEPTED).closing())
        }
    }
}

/// What tells a form from the others.
pub(super) fn form(format: &Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Ndjson => "ndjson",
        Format::Csv => "csv",
        Format::Arrow => "arrow",
        Format::T1dUom(_) | Format::Aim94(_) => "export",
    }
}

/// A whole body, unpacked, and the room it takes for as long as this is kept.
pub(super) struct Taken {
    pub bytes: Bytes,
    _held: Held,
}

/// A small body that is one JSON object; `shape` shows what it looks like.
pub(super) async fn object<T: DeserializeOwned>(headers: &HeaderMap, body: Body, room: &Room, shape: &str) -> Result<T, Problem> {
    const SMALL: usize = 8_192;
    let limits = BodyLimits { wire_bytes: SMALL, unpacked_bytes: SMALL, ..BodyLimits::default() };
    let taken = read(headers, body, &limits, room).await?;
    serde_json::from_slice(&taken.bytes).map_err(|_| {
        let remedy = format!("send {shape} as application/json");
        Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "the body can't be read", remedy)
    })
}

/// Takes in the whole body.
pub(super) async fn read(headers: &HeaderMap, body: Body, limits: &BodyLimits, room: &Room) -> Result<Taken, Problem> {
    let packed = packing(headers)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|n| n > limits.wire_bytes as u64) {
        return Err(too_large(limits.wire_bytes));
    }
    let mut held = room.hold();
    let bytes = collect(body, limits.wire_bytes, &mut held).await?;
    let Some(packing) = packed else { return Ok(Taken { bytes, _held: held }) };
    let unpacked = limits.unpacked_bytes;
    let _turn = room.turn_to_unpack().await;
    let bytes: Bytes = match tokio::task::spawn_blocking(move || packing.unpack(&bytes, unpacked)).await {
        Ok(Ok(bytes)) => bytes.into(),
        Ok(Err(refusal)) if refusal.code == "too_large" => return Err(Problem::of(StatusCode::PAYLOAD_TOO_LARGE, refusal)),
        Ok(Err(refusal)) => return Err(Problem::of(StatusCode::BAD_REQUEST, refusal)),
        Err(_) => return Err(broken()),
    };
    held.grow_to(bytes.len())?;
    Ok(Taken { bytes, _held: held })
}

/// How the body is packed.
fn packing(headers: &HeaderMap) -> Result<Option<Packing>, Problem> {
    let said = headers.get(header::CONTENT_ENCODING).map_or(Ok("identity"), HeaderValue::to_str).unwrap_or("");
    match said.trim().to_ascii_lowercase().as_str() {
        "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Packing::Gzip)),
        "zstd" => Ok(Some(Packing::Zstd)),
        _ => {
            let message = "this packing can't be read here";
            let remedy = "pack once, with gzip or zstd, or not at all";
            let refusal = Refusal::of("unsupported_encoding", "content-encoding", said, message, remedy);
            Err(Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal)
                .with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))
                .closing())
        }
    }
}

/// The body as it comes. One that finds no room is still read to its end: a server that closes on a body midway resets the connection, and then
/// its answer, and with it the advice to come again, may be lost on the way.
async fn collect(body: Body, most: usize, held: &mut Held) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let (mut all, mut came, mut refused) = (Vec::new(), 0, None);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "broken_body", "the body ended before it was whole", "send it again").closing()
        })?;
        came += chunk.len();
        if came > most {
            return Err(too_large(most));
        }
        if refused.is_none() {
            refused = held.grow_to(came).err();
        }
        match refused {
            None => all.extend_from_slice(&chunk),
            Some(_) => all = Vec::new(),
        }
    }
    refused.map_or(Ok(all.into()), Err)
}

fn too_large(most: usize) -> Problem {
    let detail = format!("the body has more than {most} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail, "send fewer readings at a time").closing()
}

/// A task of ours did not end as it should.
pub(super) fn broken() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "something went wrong here",
        "try again; if it stays so, tell whoever runs this",
    )
}
