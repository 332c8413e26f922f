//! `POST` and `DELETE /v1/session`: a token exchanged for a cookie, so that no page needs to keep the token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::BodyLimits;
use super::body;
use super::doorman::{Credentials, Doorman, bearer, unauthorized};
use super::problem::Problem;
use crate::access::SESSION_LIFE;

const COOKIE: &str = "vitalog_session";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: String,
}

/// The value of the session's cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// Begins a session for who shows a token, in the body (`{"token": …}`) or as a bearer token.
pub(super) async fn begin(State(doorman): State<Arc<Doorman>>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let Credentials::Tokens(tokens) = &doorman.credentials else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let said = match bearer(&headers) {
        Some(token) => token.to_owned(),
        None => {
            let limits = BodyLimits { wire_bytes: 4096, unpacked_bytes: 4096, ..BodyLimits::default() };
            let taken = body::read(&headers, body, &limits, &doorman.room).await?;
            let login: Login = serde_json::from_slice(&taken.bytes).map_err(|_| {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    "malformed_json",
                    "the body can't be read",
                    "send {\"token\":\"…\"} as application/json",
                )
            })?;
            login.token
        }
    };
    let who = tokens.holder_of(&said).ok_or_else(|| unauthorized("the token is not known", true))?;
    let value = doorman.sessions.begin(who, (doorman.clock)()).map_err(|_| body::broken())?;
    let seconds = SESSION_LIFE.micros() / 1_000_000;
    Ok(answer(&doorman, &value, seconds))
}

/// Ends the session.
pub(super) async fn end(State(doorman): State<Arc<Doorman>>, headers: HeaderMap) -> Response {
    if let Some(value) = cookie(&headers) {
        doorman.sessions.end(value);
    }
    answer(&doorman, "", 0)
}

fn answer(doorman: &Doorman, value: &str, seconds: i64) -> Response {
    let secure = if doorman.is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
