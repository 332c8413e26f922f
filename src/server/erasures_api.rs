//! `POST /v1/erasures`: asks the server to erase subjects. It takes that on at once, ends its round in order, erases, and goes on; how that went is asked by number.
//!
//! The answer to whoever asked can't wait for the end, since the server's doors are shut meanwhile. So it is 202, given when what was asked is on stable storage.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::Subject;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_ingest::access::{self, AccessError, AskedErasure};
use vitalog_ingest::journal::Journal;

use super::problem::problem;
use crate::run::{Message, Outcome, clock};

/// Subjects in one request.
const MOST: usize = 1_000;

/// What the handlers need.
#[derive(Clone)]
pub struct ErasuresState {
    pub data: PathBuf,
    pub door: std::sync::mpsc::Sender<Message>,
    /// `None`: nobody listens, so nothing is taken on.
    pub erasing: Option<Arc<Notify>>,
    /// Held by a backup that is being made: it would break off where the round ends.
    pub backups: Arc<tokio::sync::Mutex<()>>,
    pub access: Arc<dyn Access>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Erase {
    /// 1 to 1000 of them.
    #[schema(example = json!(["p-007"]))]
    subjects: Vec<String>,
}

/// An erasure that was asked for. Whom it is about is not told.
#[derive(Serialize, ToSchema)]
#[schema(as = Erasure)]
struct Seen {
    number: i64,
    /// How many subjects.
    subjects: u32,
    asked_at: String,
    /// By what account or token.
    by: String,
    /// `waiting`, `done`, or why it was not made: `held` (a legal hold came in between), `in_clear` (a journal of a former format names the subject where no key reaches).
    state: &'static str,
    ended_at: Option<String>,
    /// Keys that were destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<usize>,
    /// Messages that were forgotten, sent or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<usize>,
    /// Whether the key-encryption key was exchanged; else that is for whoever hands it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    kek_exchanged: Option<bool>,
    /// What could not be cut, and was made again from the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_again: Option<Vec<String>>,
}

/// The doors.
pub fn api() -> OpenApiRouter<ErasuresState> {
    OpenApiRouter::default().routes(routes!(ask)).routes(routes!(show))
}

/// Erases subjects for good.
///
/// Everything is as if nothing had ever been sent about them. The server is away for a moment meanwhile: requests wait, live streams and connections of SQL end.
#[utoipa::path(
    post,
    path = "/v1/erasures",
    tag = "operate",
    request_body = Erase,
    responses(
        (status = 202, description = "It will be made, whatever happens to the server; `Location` tells how it went", body = Seen),
        (status = 404, description = "Nothing was ever sent about one of them; nobody is erased"),
        (status = 409, description = "One of them is held by law, or this server is not one that erases; nobody is erased"),
        (status = 415, description = "Not application/json"),
        (status = 422, description = "No subject, more than 1000, or a name that can't be one"),
    )
)]
async fn ask(
    State(state): State<ErasuresState>,
    who: Option<Extension<Principal>>,
    body: Result<Json<Erase>, JsonRejection>,
) -> Response {
    let body = match body {
        Ok(Json(body)) => body,
        Err(why) => {
            return problem(why.status(), "bad_body", &why.body_text(), r#"send {"subjects": ["p-001"]} as application/json"#);
        }
    };
    let subjects = match named(&body.subjects) {
        Ok(subjects) => subjects,
        Err(detail) => {
            return problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_subjects",
                &detail,
                "name 1 to 1000 subjects as they were sent",
            );
        }
    };
    let allowed = who.as_ref().is_some_and(|Extension(who)| {
        // Each is asked for, so that the access log names each.
        subjects.iter().fold(true, |all, subject| (state.access.decide(who, Wish::Erase(subject)) == Decision::Allow) & all)
    });
    let (Some(Extension(who)), true) = (who, allowed) else { return not_allowed() };
    let Some(erasing) = state.erasing.clone() else {
        let remedy = "stop it and use `vitalog erase --data`; `vitalog serve` is one that erases";
        return problem(StatusCode::CONFLICT, "no_erasing_here", "this server does not erase", remedy);
    };
    match unknown(&state, &subjects).await {
        Ok(None) => {}
        Ok(Some(unknown)) => {
            let remedy = "check the name; what was erased before is not known by its name any more";
            return problem(
                StatusCode::NOT_FOUND,
                "unknown_subject",
                &format!("nothing was ever sent about {unknown}; nobody is erased"),
                remedy,
            );
        }
        Err(()) => {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "closing", "the server is about to stop", "try again in a moment");
        }
    }
    let (by, backups) = (who.id.to_string(), state.backups.clone());
    let taken = tokio::task::spawn_blocking(move || {
        let mut store = access::open(&state.data, clock::wall())?;
        let number = store.ask_erasure(&subjects, &by, clock::wall())?;
        store.erasure(number)
    });
    match taken.await {
        Ok(Ok(Some(asked))) => {
            tracing::info!(number = asked.number, subjects = asked.count, "an erasure was asked for");
            tokio::spawn(begin(erasing, backups));
            let place = format!("/v1/erasures/{}", asked.number);
            (StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(Seen::from(asked))).into_response()
        }
        Ok(Err(error @ AccessError::Held { .. })) => {
            let remedy = "let it go first: `vitalog hold release SUBJECT --reason … --data DATA`";
            problem(StatusCode::CONFLICT, "held", &format!("{error}; nobody is erased"), remedy)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "an erasure could not be taken on");
            broken()
        }
        _ => broken(),
    }
}

/// Has the round end, once no backup is being made; from then on none is begun.
async fn begin(erasing: Arc<Notify>, backups: Arc<tokio::sync::Mutex<()>>) {
    let _turn = backups.lock().await;
    erasing.notify_one();
    std::future::pending::<()>().await;
}

/// How an erasure went.
#[utoipa::path(
    get,
    path = "/v1/erasures/{number}",
    tag = "operate",
    params(("number" = i64, Path, description = "As `POST /v1/erasures` gave it")),
    responses(
        (status = 200, description = "Whether it waits, and what came of it", body = Seen),
        (status = 404, description = "None has that number"),
    )
)]
async fn show(State(state): State<ErasuresState>, who: Option<Extension<Principal>>, Path(number): Path<String>) -> Response {
    let allowed = who.is_some_and(|Extension(who)| state.access.decide(&who, Wish::Administer) == Decision::Allow);
    if !allowed {
        return not_allowed();
    }
    let looked = tokio::task::spawn_blocking(move || match number.parse() {
        Ok(number) => access::open(&state.data, clock::wall())?.erasure(number),
        Err(_) => Ok(None),
    });
    match looked.await {
        Ok(Ok(Some(asked))) => Json(Seen::from(asked)).into_response(),
        Ok(Ok(None)) => {
            let remedy = "take the number from the answer to POST /v1/erasures";
            problem(StatusCode::NOT_FOUND, "unknown_erasure", "no erasure has that number", remedy)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "an erasure could not be looked up");
            broken()
        }
        Err(_) => broken(),
    }
}

fn not_allowed() -> Response {
    let remedy = "ask for an account with the role `administrator`, or a token with the scope `admin`";
    problem(StatusCode::FORBIDDEN, "forbidden", "this token may not erase", remedy)
}

fn broken() -> Response {
    problem(StatusCode::INTERNAL_SERVER_ERROR, "no_erasure", "the store of accounts could not be used", "see the server's log")
}

fn named(names: &[String]) -> Result<Vec<Subject>, String> {
    if names.is_empty() || names.len() > MOST {
        return Err(format!("`subjects` has {} names", names.len()));
    }
    match names.iter().find(|name| !Subject::is_valid(name)) {
        Some(none) => Err(format!("`subjects`: {none:?} is no subject")),
        None => Ok(names.iter().map(|name| Subject::new(name)).collect::<BTreeSet<_>>().into_iter().collect()),
    }
}

/// The first that nothing was ever journaled about.
async fn unknown(state: &ErasuresState, subjects: &[Subject]) -> Result<Option<Subject>, ()> {
    let (tell, told) = oneshot::channel();
    let subjects = subjects.to_vec();
    let look = move |journal: &Journal, _| {
        // Whoever asked may be gone.
        let _ = tell.send(subjects.into_iter().find(|subject| journal.keys().current(Some(subject)).is_none()));
    };
    state.door.send(Message::Errand(Box::new(look))).map_err(drop)?;
    told.await.map_err(drop)
}

impl From<AskedErasure> for Seen {
    fn from(asked: AskedErasure) -> Seen {
        let mut seen = Seen {
            number: asked.number,
            subjects: asked.count,
            asked_at: asked.asked_at.to_string(),
            by: asked.by,
            state: "waiting",
            ended_at: asked.ended.as_ref().map(|(at, _)| at.to_string()),
            keys: None,
            deliveries: None,
            kek_exchanged: None,
            made_again: None,
        };
        // What a later version may have written is at least over.
        let outcome = asked.ended.map(|(_, outcome)| serde_json::from_str(&outcome));
        match outcome {
            None => {}
            Some(Ok(Outcome::Done { keys, deliveries, kek_exchanged, made_again })) => {
                seen.state = "done";
                seen.keys = Some(keys);
                seen.deliveries = Some(deliveries);
                seen.kek_exchanged = Some(kek_exchanged);
                seen.made_again = Some(made_again);
            }
            Some(Ok(Outcome::Held)) => seen.state = "held",
            Some(Ok(Outcome::InClear)) => seen.state = "in_clear",
            Some(Err(_)) => seen.state = "unreadable",
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::{Mutex, Notify};

    use super::begin;

    #[test]
    fn a_backup_is_waited_for_and_none_is_begun_after_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let (erasing, backups) = (Arc::new(Notify::new()), Arc::new(Mutex::new(())));
            let made = backups.clone().try_lock_owned().expect("nobody makes one yet");
            let begun = tokio::spawn(begin(erasing.clone(), backups.clone()));
            let early = tokio::time::timeout(Duration::from_millis(50), erasing.notified()).await;
            assert!(early.is_err(), "the round would end over a backup");
            drop(made);
            erasing.notified().await;
            assert!(backups.try_lock().is_err(), "the next backup would break off");
            begun.abort();
        });
    }
}
