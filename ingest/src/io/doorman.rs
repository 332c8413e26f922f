//! Who asks: the layer over all routes that finds it out and puts it into the request.
//!
//! A request shows a bearer token or the cookie of a session. What may be done is not decided here: each handler asks the access port. Without either, only the public paths
//! open, for nobody in particular; a browser is sent to the page where one logs in.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use futures::TryStreamExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::{Access as _, Decision, Principal};
use vitalog_elog::metering::Used;

use super::in_time::{BODY_TIME, in_time};
use super::logging::AccessLog;
use super::origin::{self, Origin};
use super::pace::{Left, Pace};
use super::problem::Problem;
use super::provider::{self, Provider, SignIn};
use super::room::Room;
use super::{Clock, body, me, session};
use crate::access::log::Entry;
use crate::access::{Accounts, Asked, NOBODY, NotIn, Noted, Open, Sessions};

/// By what people and devices are known.
#[derive(Clone)]
pub enum Credentials {
    /// Everyone who reaches this machine from itself: for the demo on loopback.
    Open,
    Accounts(Arc<Accounts>),
}

/// Room for those who log in, in bytes: apart from the readings', so that one can always log in.
const ROOM: usize = 1 << 20;

/// Passwords that are hashed at one time.
const HASHING: usize = 2;

/// What the layer needs.
pub struct Doorman {
    pub(super) credentials: Credentials,
    pub(super) sessions: Arc<Sessions>,
    pub(super) clock: Clock,
    pub(super) room: Room,
    /// Cookies are sent over TLS only.
    pub(super) is_secure: bool,
    /// Where it is written down who asked for what.
    log: Option<AccessLog>,
    pace: Pace,
    /// In which a body must come.
    body_time: Duration,
    /// Where a browser is sent that has no session.
    pub(super) login_page: Option<String>,
    /// The provider by which one can sign in, if there is one.
    pub(super) sign_in: Option<SignIn>,
    /// Hashing a password takes memory and a core: so many at a time.
    pub(super) hashing: tokio::sync::Semaphore,
    /// Paths that need no credentials; one that ends in `/` stands for all below it.
    public: Vec<String>,
}

impl Doorman {
    /// `is_secure`: the server is reached over TLS only. `login_page`: the path of the page with the login form, which is public.
    pub fn new(credentials: Credentials, clock: Clock, is_secure: bool, login_page: Option<String>) -> Doorman {
        let mut public: Vec<String> =
            ["/v1/session", "/v1/session/provider", "/v1/session/provider/callback", "/livez", "/readyz"]
                .map(str::to_owned)
                .into();
        public.extend(login_page.clone());
        let hashing = tokio::sync::Semaphore::new(HASHING);
        Doorman {
            credentials,
            sessions: Arc::default(),
            clock,
            room: Room::new(ROOM),
            is_secure,
            login_page,
            sign_in: None,
            hashing,
            public,
            log: None,
            pace: Pace::default(),
            body_time: BODY_TIME,
        }
    }

    /// With these sessions: whoever is signed in stays so, as long as they are kept.
    #[must_use]
    pub fn with_sessions(mut self, sessions: Arc<Sessions>) -> Doorman {
        self.sessions = sessions;
        self
    }

    /// With a provider by which one can sign in.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Doorman {
        self.sign_in = Some(SignIn::new(provider));
        self
    }

    /// With another public path.
    #[must_use]
    pub fn with_public(mut self, path: &str) -> Doorman {
        self.public.push(path.to_owned());
        self
    }

    /// With a log of who asked for what.
    #[must_use]
    pub fn with_log(mut self, log: AccessLog) -> Doorman {
        self.log = Some(log);
        self
    }

    /// Counts a request, its body as it came, and its answer, as far as its length is known before it is sent.
    fn counted(&self, who: &Principal, bytes_in: u64, response: Response) -> Response {
        let Credentials::Accounts(accounts) = &self.credentials else { return response };
        let known = response.body().size_hint().exact();
        accounts.used(who, Used { requests: 1, bytes_in, bytes_out: known.unwrap_or(0), ..Used::default() });
        if known.is_some() || accounts.party(who).is_none() {
            return response;
        }
        let (accounts, who) = (accounts.clone(), who.clone());
        response.map(|body| {
            let counted = body.into_data_stream().inspect_ok(move |chunk| {
                accounts.used(&who, Used { bytes_out: chunk.len() as u64, ..Used::default() });
            });
            Body::from_stream(counted)
        })
    }

    /// With the pace that other ways in have, too.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Doorman {
        self.pace = pace;
        self
    }

    /// With another time in which a body must come.
    #[must_use]
    pub fn with_body_time(mut self, time: Duration) -> Doorman {
        self.body_time = time;
        self
    }

    fn pace(&self, who: &Principal) -> Result<Left, Problem> {
        let Credentials::Accounts(accounts) = &self.credentials else { return Ok(Left::default()) };
        self.pace.take(accounts, who)
    }

    fn is_public(&self, path: &str) -> bool {
        self.public.iter().any(|p| path == p || (p.ends_with('/') && path.starts_with(p.as_str())))
    }

    /// Who asks, or why the door stays shut.
    fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<Principal, Problem> {
        let accounts = match &self.credentials {
            Credentials::Open => {
                if !origin::is_loopback(headers) {
                    let remedy = "use localhost or 127.0.0.1, or start the server with tokens";
                    let detail = "without tokens this server answers to names of its own machine only";
                    return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail, remedy));
                }
                self.refuse_foreign(method, headers, false)?;
                return Ok(Principal::new(Open::ID));
            }
            Credentials::Accounts(accounts) => accounts,
        };
        if let Some(token) = bearer(headers) {
            return accounts.holder_of(token).map_err(|why| not_in(&why));
        }
        if let Some((who, generation)) = session::cookie(headers).and_then(|value| self.sessions.who(value, (self.clock)()))
            && accounts.may_stay(&who, generation)
        {
            self.refuse_foreign(method, headers, true)?;
            return Ok(who);
        }
        if self.is_public(path) {
            self.refuse_foreign(method, headers, false)?;
            return Ok(Principal::new(NOBODY));
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

/// Puts the layer over a router, and adds the doors about [oneself](own). Handlers find a [`Principal`] among the request's extensions.
pub fn authenticate(router: Router, doorman: Arc<Doorman>) -> Router {
    let (own, _) = own().with_state(doorman.clone()).split_for_parts();
    router.merge(own).layer(from_fn_with_state(doorman, layer))
}

/// The doors about oneself, which [`authenticate`] adds: `/v1/session` and `/v1/me`.
pub fn own() -> OpenApiRouter<Arc<Doorman>> {
    OpenApiRouter::default()
        .routes(routes!(session::begin, session::end, provider::ways))
        .routes(routes!(provider::begin))
        .routes(routes!(provider::back))
        .routes(routes!(me::show))
        .routes(routes!(me::change_password))
}

async fn layer(State(doorman): State<Arc<Doorman>>, mut request: Request, next: Next) -> Response {
    match doorman.admit(request.method(), request.uri().path(), request.headers()) {
        Ok(who) => {
            let door = Door::of(&request);
            let left = match doorman.pace(&who) {
                Ok(left) => left,
                Err(problem) => return problem.into_response(),
            };
            let bytes_in = announced(request.headers());
            let visit = Arc::new(Noted::default());
            request.extensions_mut().insert(who.clone().on(visit.clone()));
            let response = in_time(doorman.body_time, request, next).await;
            let mut response = doorman.after(&door, &who, visit.asked(), response).await;
            left.tell(response.headers_mut());
            doorman.counted(&who, bytes_in, response)
        }
        Err(problem) => match &doorman.login_page {
            Some(page) if wants_a_page(&request) && problem.status() == StatusCode::UNAUTHORIZED => {
                Redirect::to(&login(page, request.uri().path())).into_response()
            }
            _ => problem.into_response(),
        },
    }
}

/// The bytes of a body, as its head says.
fn announced(headers: &HeaderMap) -> u64 {
    headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// By which door somebody came.
struct Door {
    method: Method,
    /// As it was declared, with names in place of what identifies anybody.
    path: String,
}

impl Door {
    fn of(request: &Request) -> Door {
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        Door { method: request.method().clone(), path: path.to_owned() }
    }

    /// Whether it gives or takes anything of anybody. Pages are the same for all; a session, and who one is, are one's own.
    fn must_ask(&self) -> bool {
        let own = ["/v1/session", "/v1/session/provider/callback", "/v1/me", "/v1/me/password"];
        self.path == "/metrics" || (self.path.starts_with("/v1/") && !own.contains(&&*self.path))
    }
}

/// Put into an answer by a door that knows better than the layer who came.
#[derive(Clone)]
pub(super) struct CameAs(pub Principal);

impl Doorman {
    /// What is seen to once a door has answered, and before anybody reads the answer: that it has asked, and that it is written down what.
    async fn after(&self, door: &Door, who: &Principal, asked: Asked, response: Response) -> Response {
        let is_good = response.status().is_success();
        if is_good && door.must_ask() && asked.wishes.is_empty() {
            tracing::error!(method = %door.method, path = door.path, "a door has not asked who may pass, so its answer is withheld");
            return body::broken().into_response();
        }
        let Some(log) = &self.log else { return response };
        let came = response.extensions().get::<CameAs>();
        if asked.wishes.is_empty() && came.is_none() {
            return response;
        }
        let who = came.map_or(who, |came| &came.0);
        let shows = asked.wishes.iter().any(|(wish, _, decision)| *decision == Decision::Allow && !KEPT.contains(wish));
        let entry = Entry {
            at: (self.clock)().to_string(),
            who: who.id.to_string(),
            via: who.via.to_string(),
            door: format!("{} {}", door.method, door.path),
            status: response.status().as_u16(),
            ..Entry::default()
        };
        let entry = entry.asking(asked);
        if !shows {
            log.note(entry).await;
        } else if !log.keep(entry).await {
            let detail = "it can't be written down who sees this, so it is not shown";
            let remedy =
                "whoever runs this server sees in its log why, and starts it anew; what is written to it is taken meanwhile";
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "access_log_unwritable", detail, remedy).into_response();
        }
        response
    }
}

/// Wishes whose outcome is in the journal before the answer: nobody waits for the access log, too.
const KEPT: [&str; 3] = ["write", "set_profile", "answer"];

/// The login page, with the way back.
fn login(page: &str, from: &str) -> String {
    if from == "/" {
        return page.to_owned();
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    let back: String = from.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    format!("{page}?next={back}")
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

/// Why somebody was not let in, as it is answered.
pub(super) fn not_in(why: &NotIn) -> Problem {
    match why {
        NotIn::Token(_) => unauthorized(&why.to_string(), true),
        NotIn::Password => unauthorized(&why.to_string(), false),
        NotIn::Unlinked(_) => {
            let remedy = "ask whoever runs this server to link your account: `vitalog user link`";
            Problem::new(StatusCode::FORBIDDEN, "not_linked", why.to_string(), remedy)
        }
        NotIn::Wait(wait) => {
            let seconds = (wait.micros() + 999_999) / 1_000_000;
            let remedy = format!("wait {seconds} s, then try again");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", why.to_string(), remedy)
                .with(header::RETRY_AFTER, HeaderValue::from(seconds))
                .closing()
        }
        NotIn::Store(_) => {
            let detail = "who may come in can't be looked up at present";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "accounts_unreadable", detail, "try again later; the log says why")
                .closing()
        }
    }
}

pub(super) fn unauthorized(detail: &str, was_shown: bool) -> Problem {
    let challenge = if was_shown { "Bearer realm=\"vitalog\", error=\"invalid_token\"" } else { "Bearer realm=\"vitalog\"" };
    Problem::new(StatusCode::UNAUTHORIZED, "not_authenticated", detail, "send the header authorization: Bearer TOKEN")
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
        .closing()
}

#[cfg(test)]
mod fuzz;
