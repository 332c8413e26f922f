//! `GET /v1/session`, `/v1/session/provider` and `/v1/session/provider/callback`: signing in by an OpenID Connect provider (authorization code, PKCE), for the
//! same session that a password begins.
//!
//! A browser that is refused goes back to the login page with a word for it; what exactly was wrong stands in the log, and in the answer to a program. Neither names
//! anybody, and no address has more than that word.

mod contact;
mod known;
mod redeem;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vitalog_elog::Refusal;
use vitalog_elog::access::{Principal, Via};

use super::doorman::{CameAs, Credentials, Doorman, not_in};
use super::problem::Problem;
use super::{body, session};
use crate::access::NotIn;
use crate::access::oidc::{Flows, Identity, LASTS, NotTaken, Refused};
use contact::NoAnswer;

pub use contact::Patience;
pub use known::Provider;

/// The cookie of a browser that is at the provider. It must come along when another site sends the browser back, so it is not `Strict`; it opens nothing.
const COOKIE: &str = "vitalog_sign_in";
const PLACE: &str = "/v1/session/provider";

/// A provider, and who is on the way there.
pub(super) struct SignIn {
    pub provider: Provider,
    flows: Flows,
    /// Codes that are redeemed at one time.
    turns: tokio::sync::Semaphore,
}

/// Codes that are redeemed at one time.
const TURNS: usize = 16;

impl SignIn {
    pub fn new(provider: Provider) -> SignIn {
        SignIn { provider, flows: Flows::default(), turns: tokio::sync::Semaphore::new(TURNS) }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Ways {
    /// What people know the provider by, where one can sign in by a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
}

/// By what one can log in, beside a password or a token.
#[utoipa::path(get, path = "/v1/session", tag = "self", responses((status = 200, description = "The provider's name, if there is one", body = Ways)))]
pub(super) async fn ways(State(doorman): State<Arc<Doorman>>) -> Json<Ways> {
    Json(Ways { provider: doorman.sign_in.as_ref().map(|sign_in| sign_in.provider.settings.name.clone()) })
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Begin {
    /// Where to go afterwards: a path of this server.
    next: Option<String>,
}

/// Sends a browser to the provider.
#[utoipa::path(
    get,
    path = "/v1/session/provider",
    tag = "self",
    params(Begin),
    responses(
        (status = 303, description = "To the provider", headers(("Location" = String), ("Set-Cookie" = String))),
        (status = 404, description = "There is no provider here"),
        (status = 502, description = "The provider is wrongly set up"),
    )
)]
pub(super) async fn begin(
    State(doorman): State<Arc<Doorman>>,
    headers: HeaderMap,
    query: Result<Query<Begin>, axum::extract::rejection::QueryRejection>,
) -> Response {
    match begun(&doorman, query.ok().and_then(|q| q.0.next)).await {
        Ok(response) => response,
        Err(problem) => told(&doorman, &headers, problem),
    }
}

async fn begun(doorman: &Doorman, next: Option<String>) -> Result<Response, Problem> {
    let sign_in = doorman.sign_in.as_ref().ok_or_else(no_provider)?;
    let metadata = sign_in.provider.metadata(&doorman.clock).await.map_err(no_answer)?;
    let next = next.filter(|path| is_ours(path)).unwrap_or_else(|| "/".to_owned());
    let flow = sign_in.flows.begin(&next, (doorman.clock)()).map_err(|_| body::broken())?;
    let mut address = metadata.authorization.clone();
    address
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &sign_in.provider.settings.client)
        .append_pair("redirect_uri", &sign_in.provider.settings.back())
        .append_pair("scope", "openid")
        .append_pair("state", &flow.state)
        .append_pair("nonce", &flow.nonce)
        .append_pair("code_challenge", &flow.challenge)
        .append_pair("code_challenge_method", "S256");
    let mut response = Redirect::to(address.as_str()).into_response();
    set_cookie(&mut response, doorman, &flow.browser, LASTS.micros() / 1_000_000);
    Ok(response)
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Answered {
    /// What the provider gives for who signed in.
    code: Option<String>,
    /// What it was sent along with.
    state: Option<String>,
    /// Which provider says so.
    iss: Option<String>,
    /// Why nobody signed in.
    error: Option<String>,
}

/// Takes in whom the provider sends back.
#[utoipa::path(
    get,
    path = "/v1/session/provider/callback",
    tag = "self",
    params(Answered),
    responses(
        (status = 200, description = "There is a session; the page goes on to where the browser came from", body = String, content_type = "text/html", headers(("Set-Cookie" = String))),
        (status = 404, description = "There is no provider here"),
        (status = 502, description = "What the provider says can't be taken"),
    )
)]
pub(super) async fn back(
    State(doorman): State<Arc<Doorman>>,
    headers: HeaderMap,
    query: Result<Query<Answered>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let mut response = match query {
        Ok(Query(answer)) => match signed_in(&doorman, &headers, answer).await {
            Ok(response) => response,
            Err(problem) => told(&doorman, &headers, problem),
        },
        Err(_) => told(&doorman, &headers, unusable("query", "", "the answer of the provider can't be read")),
    };
    set_cookie(&mut response, &doorman, "", 0);
    response
}

async fn signed_in(doorman: &Arc<Doorman>, headers: &HeaderMap, answer: Answered) -> Result<Response, Problem> {
    let (Some(sign_in), Credentials::Accounts(accounts)) = (&doorman.sign_in, &doorman.credentials) else {
        return Err(no_provider());
    };
    let state = answer.state.ok_or_else(|| unusable("state", "", "the answer has no state"))?;
    let flow = sign_in.flows.take(&state, session::named(headers, COOKIE), (doorman.clock)()).map_err(not_taken)?;
    // Whose answer it is comes before what it says (RFC 9207): that of another provider is not even an error.
    let metadata = sign_in.provider.metadata(&doorman.clock).await.map_err(no_answer)?;
    let issuer = &sign_in.provider.settings.issuer;
    match &answer.iss {
        Some(iss) if iss != issuer => return Err(unusable("iss", iss, "another provider answers than was asked")),
        None if metadata.says_issuer => return Err(unusable("iss", "", "the provider says who it is, and this answer does not")),
        _ => {}
    }
    if let Some(error) = answer.error {
        return Err(refused(&Refused::of("error", word(error), "the provider let nobody in", "begin again")));
    }
    let code = answer.code.ok_or_else(|| unusable("code", "", "the answer has no code"))?;
    let identity = {
        let _turn = sign_in.turns.acquire().await.map_err(|_| body::broken())?;
        sign_in.provider.redeem(&code, &flow, &doorman.clock).await.map_err(no_answer)?
    };
    let Identity { issuer, subject } = &identity;
    match accounts.linked(issuer, subject) {
        Ok((who, generation)) => {
            let response = page(&flow.next);
            session::begun(doorman, who, generation, response)
        }
        Err(why) => {
            let mut refused = told(doorman, headers, not_in(&why));
            if let NotIn::Unlinked(shut) = why {
                tracing::warn!("somebody signed in at the provider who has no account here that is open");
                shut.map(|id| refused.extensions_mut().insert(CameAs(Principal::new(id).via(Via::Provider))));
            }
            Ok(refused)
        }
    }
}

/// Words of the standard are told; what else anybody may have put in their place is not, for it may name somebody.
fn word(said: String) -> String {
    let is_word = said.len() <= 64 && said.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { said } else { String::new() }
}

/// A page that goes on by itself. The session's cookie goes with requests of this site alone (`Strict`): a redirect would still be the other site's request.
fn page(next: &str) -> Response {
    let next = next.replace('&', "&amp;");
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url={next}\"><title>Logged in · Vitalog</title></head><body><p><a href=\"{next}\">Go on</a></p></body></html>"
    );
    let policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)], html).into_response()
}

/// Only a path of this very server, of characters that mean nothing in a page.
fn is_ours(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~%?=&:@,+#".contains(&b);
    path.starts_with('/') && !path.starts_with("//") && path.len() <= 1_024 && path.bytes().all(plain)
}

fn set_cookie(response: &mut Response, doorman: &Doorman, value: &str, seconds: i64) {
    let secure = if doorman.is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path={PLACE}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// A browser goes back to the login page with a word for it; a program gets the problem.
fn told(doorman: &Doorman, headers: &HeaderMap, problem: Problem) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or("");
    match &doorman.login_page {
        Some(page) if accepts.contains("text/html") => {
            Redirect::to(&format!("{page}?sign_in={}", problem.code())).into_response()
        }
        _ => problem.into_response(),
    }
}

fn no_provider() -> Problem {
    let remedy = "log in with a password or a token; whoever runs this server sets a provider by `serve --oidc-issuer`";
    Problem::new(StatusCode::NOT_FOUND, "no_provider", "there is no provider to sign in by", remedy)
}

fn not_taken(why: NotTaken) -> Problem {
    let why = match why {
        NotTaken::Unknown => "no sign-in is under way that this answers: it was answered already, or begun before a restart",
        NotTaken::Late => "it took too long",
        NotTaken::OtherBrowser => "the sign-in was begun in another browser, or anew meanwhile",
    };
    unusable("state", "", why)
}

fn unusable(field: &str, value: &str, why: &str) -> Problem {
    let remedy = "begin again on the login page";
    let refusal = naming("sign_in_unusable", field, value, why, remedy);
    tracing::warn!(field, "an answer of the provider is not taken: {why}");
    Problem::of(StatusCode::BAD_REQUEST, refusal)
}

fn refused(why: &Refused) -> Problem {
    tracing::warn!("nobody is let in by the provider: {why}");
    Problem::of(StatusCode::BAD_GATEWAY, naming("sign_in_refused", why.field, &why.value, &why.why, why.remedy))
}

/// What is wrong, with its value where that may be shown.
fn naming(code: &str, field: &str, value: &str, why: &str, remedy: &str) -> Refusal {
    let refusal = Refusal::of(code, field, value, why, remedy);
    if value.is_empty() { Refusal { value: None, ..refusal } } else { refusal }
}

fn no_answer(why: NoAnswer) -> Problem {
    match why {
        NoAnswer::Refused(why) => refused(&why),
        NoAnswer::Away(why) => {
            tracing::warn!("the provider is away: {why}");
            let detail = format!("the provider can't be asked: {why}");
            let remedy = "try again in a little while, or log in with a password";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "provider_away", detail, remedy)
                .with(header::RETRY_AFTER, HeaderValue::from_static("5"))
        }
    }
}
