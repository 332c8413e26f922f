//! `POST` and `DELETE /v1/session`: a token, or a name and a password, exchanged for a cookie, so that no page needs to keep them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use vitalog_elog::access::{Principal, Via};

use super::body;
use super::doorman::{CameAs, Credentials, Doorman, bearer, not_in};
use super::problem::Problem;
use crate::access::{Accounts, NotIn};

/// The cookie of a session.
pub const COOKIE: &str = "vitalog_session";

/// Where one logs out at the provider, too.
const SIGN_OUT: HeaderName = HeaderName::from_static("vitalog-sign-out");

/// What is shown.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Login {
    Token { token: String },
    Password { account: String, password: String },
}

/// The value of the session's cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    named(headers, COOKIE)
}

/// The value of a cookie.
pub(super) fn named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == wanted).then_some(value))
}

/// Trades a token, or a name and a password, for a cookie.
///
/// For who shows a token, as a bearer token or in the body (`{"token": …}`), or a password (`{"account": …, "password": …}`).
#[utoipa::path(
    post,
    path = "/v1/session",
    tag = "self",
    request_body = Login,
    responses(
        (status = 204, description = "There is a session", headers(("Set-Cookie" = String))),
        (status = 413, description = "The body is too large"),
    )
)]
pub(super) async fn begin(State(doorman): State<Arc<Doorman>>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let Credentials::Accounts(accounts) = &doorman.credentials else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let login = match bearer(&headers) {
        Some(token) => Login::Token { token: token.to_owned() },
        None => {
            const SHAPE: &str = "{\"token\":\"…\"} or {\"account\":\"…\",\"password\":\"…\"}";
            body::object(&headers, body, &doorman.room, SHAPE).await?
        }
    };
    let (who, generation) = match login {
        Login::Token { token } => (accounts.holder_of(&token).map_err(|why| not_in(&why))?, 0),
        Login::Password { account, password } => {
            let known = accounts.registry().is_ok_and(|r| r.accounts.contains_key(&*account));
            let tried = Principal::new(&*account).via(Via::Password);
            match log_in(&doorman, accounts, account, password).await? {
                Ok(came) => came,
                Err(why) => {
                    let mut refused = not_in(&why).into_response();
                    // Anything may have been typed in place of a name: a password, too.
                    if known {
                        refused.extensions_mut().insert(CameAs(tried));
                    }
                    return Ok(refused);
                }
            }
        }
    };
    begun(&doorman, who, generation, StatusCode::NO_CONTENT.into_response())
}

/// An answer with which somebody's session begins, however they were known.
pub(super) fn begun(doorman: &Doorman, who: Principal, generation: i64, mut response: Response) -> Result<Response, Problem> {
    let came = CameAs(who.clone());
    let value = doorman.sessions.begin(who, generation, (doorman.clock)()).map_err(|_| body::broken())?;
    let seconds = doorman.sessions.lives().whole.micros() / 1_000_000;
    set_cookie(&mut response, doorman, &value, seconds);
    response.extensions_mut().insert(came);
    Ok(response)
}

/// Away from the threads that serve, and a few at a time.
pub(super) async fn log_in(
    doorman: &Doorman,
    accounts: &Arc<Accounts>,
    account: String,
    password: String,
) -> Result<Result<(Principal, i64), NotIn>, Problem> {
    let _permit = doorman.hashing.acquire().await.map_err(|_| body::broken())?;
    let accounts = accounts.clone();
    tokio::task::spawn_blocking(move || accounts.log_in(&account, &password)).await.map_err(|_| body::broken())
}

/// Ends the session.
#[utoipa::path(
    delete,
    path = "/v1/session",
    tag = "self",
    responses((status = 204, description = "There is none any more", headers(("Vitalog-Sign-Out" = String, description = "Where one logs out at the provider, for who came by it"))))
)]
pub(super) async fn end(State(doorman): State<Arc<Doorman>>, headers: HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(value) = cookie(&headers) {
        let came = doorman.sessions.who(value, (doorman.clock)());
        // Whoever sits down next would be let in again by the provider without a word.
        if came.is_some_and(|(who, _)| who.via == Via::Provider)
            && let Some(out) = doorman.sign_in.as_ref().and_then(|sign_in| sign_in.provider.way_out())
            && let Ok(out) = HeaderValue::try_from(out)
        {
            response.headers_mut().insert(SIGN_OUT, out);
        }
        doorman.sessions.end(value);
    }
    set_cookie(&mut response, &doorman, "", 0);
    response
}

fn set_cookie(response: &mut Response, doorman: &Doorman, value: &str, seconds: i64) {
    let secure = if doorman.is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
