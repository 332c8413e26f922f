//! Who asks: the layer over all routes that finds it out and puts it into the request.
//!
//! A request shows a bearer token or the cookie of a session. What may be done is not decided here: each handler asks the access port. Without either, only the public paths
//! open, for nobody in particular; a browser is sent to the page where one logs in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use vitalog_elog::access::Principal;

use super::origin::{self, Origin};
use super::problem::Problem;
use super::room::Room;
use super::{Clock, session};
use crate::access::{NOBODY, Open, Sessions, Tokens};

/// By what people and devices are known.
#[derive(Clone)]
pub enum Credentials {
    /// Everyone who reaches this machine from itself: for the demo on loopback.
    Open,
    Tokens(Tokens),
}

/// Room for those who log in, in bytes: apart from the readings', so that one can always log in.
const ROOM: usize = 1 << 20;

/// What the layer needs.
pub struct Doorman {
    pub(super) credentials: Credentials,
    pub(super) sessions: Sessions,
    pub(super) clock: Clock,
    pub(super) room: Room,
    /// Cookies are sent over TLS only.
    pub(super) is_secure: bool,
    /// Where a browser is sent that has no session.
    login_page: Option<String>,
    /// Paths that need no credentials; one that ends in `/` stands for all below it.
    public: Vec<String>,
}

impl Doorman {
    /// `is_secure`: the server is reached over TLS only. `login_page`: the path of the page with the login form, which is public.
    pub fn new(credentials: Credentials, clock: Clock, is_secure: bool, login_page: Option<String>) -> Doorman {
        let mut public: Vec<String> = ["/v1/session", "/livez", "/readyz"].map(str::to_owned).into();
        public.extend(login_page.clone());
        Doorman { credentials, sessions: Sessions::default(), clock, room: Room::new(ROOM), is_secure, login_page, public }
    }

    /// With another public path.
    #[must_use]
    pub fn with_public(mut self, path: &str) -> Doorman {
        self.public.push(path.to_owned());
        self
    }

    fn is_public(&self, path: &str) -> bool {
        self.public.iter().any(|p| path == p || (p.ends_with('/') && path.starts_with(p.as_str())))
    }

    /// Who asks, or why the door stays shut.
    fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<Principal, Problem> {
        let tokens = match &self.credentials {
            Credentials::Open => {
                if !origin::is_loopback(headers) {
                    let remedy = "use localhost or 127.0.0.1, or start the server with tokens";
                    let detail = "without tokens this server answers to names of its own machine only";
                    return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail, remedy));
                }
                self.refuse_foreign(method, headers, false)?;
                return Ok(Principal { id: Open::ID.into() });
            }
            Credentials::Tokens(tokens) => tokens,
        };
        if let Some(token) = bearer(headers) {
            return tokens.holder_of(token).ok_or_else(|| unauthorized("the token is not known", true));
        }
        if let Some(who) = session::cookie(headers).and_then(|value| self.sessions.who(value, (self.clock)())) {
            self.refuse_foreign(method, headers, true)?;
            return Ok(who);
        }
        if self.is_public(path) {
            self.refuse_foreign(method, headers, false)?;
            return Ok(Principal { id: NOBODY.into() });
        }
        Err(unauthorized("there is no token and no session", false))
    }

    fn refuse_foreign(&self, method: &Method, headers: &HeaderMap, must_be_said: bool) -> Result<(), Problem> {
        let origin = origin::of(headers);
        let is_refused = origin == Origin::Foreign || (must_be_said && origin == Origin::Unsaid);
        if origin::only_looks(method) || !is_refused {
            return Ok(());
        }
        let remedy = "use this server's own pages, or a bearer token";
        Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", "the request was made by another site's page", remedy)
            .closing())
    }
}

/// Puts the layer over a router, and adds `POST` and `DELETE /v1/session`. Handlers find a [`Principal`] among the request's extensions.
pub fn authenticate(router: Router, doorman: Arc<Doorman>) -> Router {
    let sessions = Router::new().route("/v1/session", post(session::begin).delete(session::end)).with_state(doorman.clone());
    router.merge(sessions).layer(from_fn_with_state(doorman, layer))
}

async fn layer(State(doorman): State<Arc<Doorman>>, mut request: Request, next: Next) -> Response {
    match doorman.admit(request.method(), request.uri().path(), request.headers()) {
        Ok(who) => {
            request.extensions_mut().insert(who);
            next.run(request).await
        }
        Err(problem) => match &doorman.login_page {
            Some(page) if wants_a_page(&request) && problem.status() == StatusCode::UNAUTHORIZED => {
                Redirect::to(page).into_response()
            }
            _ => problem.into_response(),
        },
    }
}

fn wants_a_page(request: &Request) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or("");
    request.method() == Method::GET && accepts.contains("text/html")
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

pub(super) fn unauthorized(detail: &str, was_shown: bool) -> Problem {
    let challenge = if was_shown { "Bearer realm=\"vitalog\", error=\"invalid_token\"" } else { "Bearer realm=\"vitalog\"" };
    Problem::new(StatusCode::UNAUTHORIZED, "not_authenticated", detail, "send the header authorization: Bearer TOKEN")
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
        .closing()
}
