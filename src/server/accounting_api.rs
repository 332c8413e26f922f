//! `GET /v1/accounting`: what the journal has, and whether every stage behind it has the same. Everything is read for it, so one at a time is answered.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::accounting::Scope;
use vitalog_elog::{Subject, Time};

use super::accounts_said::AccountOrSplit;
use super::problem::problem;
use crate::accounting::{Auditor, Prefix, split_as_json};
use crate::failure::Failure;

/// Windows that are listed at most, if nobody says how many.
const WINDOWS: usize = 1_000;
const MOST_WINDOWS: usize = 100_000;
/// The longest name of a source or stream, in bytes, as the gateway takes it.
const LONGEST_NAME: usize = 128;

/// What the handler needs.
#[derive(Clone)]
pub struct AccountingState {
    pub auditor: Arc<Auditor>,
    pub access: Arc<dyn Access>,
    /// Held by the one that is answered.
    pub turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    subject: Option<String>,
    /// As it is declared. One that is not has no readings.
    #[param(min_length = 1, max_length = 128)]
    stream: Option<String>,
    #[param(min_length = 1, max_length = 128)]
    source: Option<String>,
    /// Of the readings' instants.
    #[param(format = DateTime)]
    from: Option<String>,
    /// What is at it is not asked for.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Windows that are listed at most.
    #[param(minimum = 0, maximum = 100000, default = 1000)]
    limit: Option<usize>,
    /// The first hexadecimal digits of weights: the journal alone, by the next digit.
    #[param(pattern = "^[0-9a-f]{0,31}$")]
    split: Option<String>,
}

/// What is asked for, read.
struct Question {
    scope: Scope,
    windows: usize,
    split: Option<(String, Prefix)>,
}

/// The door.
pub fn api() -> OpenApiRouter<AccountingState> {
    OpenApiRouter::default().routes(routes!(account))
}

/// What the journal has, by count and sum of hashes, and whether every stage behind it has the same.
#[utoipa::path(
    get,
    path = "/v1/accounting",
    tag = "operate",
    params(Wanted),
    responses((status = 200, description = "The account; with `split`, what of the journal weighs so", body = AccountOrSplit))
)]
async fn account(
    State(state): State<AccountingState>,
    who: Option<Extension<Principal>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Ok(Query(wanted)) = wanted else {
        let remedy = "ask as `?subject=S&stream=S&source=S&from=2026-11-01T00:00:00Z&to=…&limit=N`, each if wanted";
        return problem(StatusCode::BAD_REQUEST, "malformed", "a parameter is not known, or is no number", remedy);
    };
    let question = match Question::read(wanted) {
        Ok(question) => question,
        Err(refused) => return *refused,
    };
    if !who.is_some_and(|Extension(who)| may(&*state.access, &who, &question.scope)) {
        let remedy = "ask about a subject that you may read, or about a subject and source that you may write; about all with the right `operate` or `audit`";
        return problem(StatusCode::FORBIDDEN, "forbidden", "this is not yours to see", remedy);
    }
    let Ok(turn) = state.turn.clone().try_lock_owned() else {
        let mut busy = problem(StatusCode::SERVICE_UNAVAILABLE, "busy", "another account is being taken", "ask again in a while");
        busy.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        return busy;
    };
    let answered = tokio::task::spawn_blocking(move || {
        let answer = question.answer(&state.auditor);
        drop(turn);
        answer
    });
    match answered.await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "no account could be taken");
            let (what, remedy) = error.parts();
            problem(StatusCode::INTERNAL_SERVER_ERROR, "no_account", what, remedy.unwrap_or("see the server's log"))
        }
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "no_account", "no account could be taken", "see the server's log"),
    }
}

/// Of a subject who may read it; of a subject's source who may write there, for a device sees nothing and has to know what came of its own. Of all who operates or audits.
fn may(access: &dyn Access, who: &Principal, scope: &Scope) -> bool {
    let wishes = match (&scope.subject, &scope.source) {
        (Some(subject), Some(_)) => [Wish::Read(subject), Wish::Write(subject)],
        (Some(subject), None) => [Wish::Read(subject); 2],
        (None, _) => [Wish::Operate, Wish::Audit],
    };
    let [first, second] = wishes;
    // One answer is noted: the one that lets them in, if there is one.
    let wish = if access.allows(who, first) { first } else { second };
    access.decide(who, wish) == Decision::Allow
}

impl Question {
    fn read(wanted: Wanted) -> Result<Question, Box<Response>> {
        let wrong = |what: &str, remedy: &str| Box::new(problem(StatusCode::BAD_REQUEST, "malformed", what, remedy));
        let time = |name: &str, text: Option<String>| match text.as_deref().map(Time::parse) {
            None => Ok(None),
            Some(Ok(at)) => Ok(Some(at)),
            Some(Err(_)) => {
                Err(wrong(&format!("`{name}` is not an instant"), "write it as 2026-11-20T08:00:00Z, with its offset from UTC"))
            }
        };
        let subject = match wanted.subject {
            Some(text) if !Subject::is_valid(&text) => {
                return Err(wrong("`subject` cannot be the name of one", "give the name that its readings have"));
            }
            subject => subject.map(|text| Subject::new(&text)),
        };
        let named = |name: &str, text: Option<String>| match text {
            Some(text) if text.is_empty() || text.len() > LONGEST_NAME => Err(wrong(
                &format!("`{name}` cannot be the name of one"),
                "give the name that its readings have, of 1 to 128 bytes",
            )),
            text => Ok(text.map(Into::into)),
        };
        let (stream, source) = (named("stream", wanted.stream)?, named("source", wanted.source)?);
        let scope = Scope { subject, stream, source, from: time("from", wanted.from)?, to: time("to", wanted.to)? };
        if scope.from.zip(scope.to).is_some_and(|(from, to)| from >= to) {
            return Err(wrong("`from` is not before `to`", "what is at `to` is not asked for, so it has to be later"));
        }
        let windows = wanted.limit.unwrap_or(WINDOWS);
        if windows > MOST_WINDOWS {
            return Err(wrong("`limit` is more than 100000", "narrow it by `stream`, `source`, `from` and `to`"));
        }
        let split = match wanted.split {
            None => None,
            Some(text) => match Prefix::parse(&text) {
                Some(prefix) => Some((text, prefix)),
                None => {
                    return Err(wrong(
                        "`split` is no beginning of a weight",
                        "give up to 31 hexadecimal digits in small letters, or none at all",
                    ));
                }
            },
        };
        Ok(Question { scope, windows, split })
    }

    fn answer(&self, auditor: &Auditor) -> Result<Value, Failure> {
        match &self.split {
            None => Ok(auditor.audit(&self.scope)?.as_json(self.windows)),
            // Of all subjects may ask who sees none of them: single revisions are for those who ask about one.
            Some((text, prefix)) => Ok(split_as_json(&auditor.split(&self.scope, *prefix)?, text, self.scope.subject.is_some())),
        }
    }
}
