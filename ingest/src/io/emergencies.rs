//! Breaking the glass: `POST /v1/emergencies` opens a subject to a caretaker whom nobody has assigned, for an hour, with a reason. `GET` lists what was opened, and whoever administers says of each
//! that it was looked into.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::{Refusal, Subject};

use super::problem::Problem;
use super::room::Room;
use super::{Clock, body};
use crate::access::{AccessError, Accounts, EMERGENCY, Emergency, Store};

/// The shortest reason that says anything, and the longest.
const REASON: std::ops::RangeInclusive<usize> = 10..=500;

/// Called once it is kept that a subject was opened, or that it was looked into.
pub type News = Arc<dyn Fn() + Send + Sync>;

/// What the doors need.
pub struct Glass {
    accounts: Arc<Accounts>,
    clock: Clock,
    news: News,
    room: Room,
}

impl Glass {
    pub fn new(accounts: Arc<Accounts>, clock: Clock, news: News) -> Arc<Glass> {
        Arc::new(Glass { accounts, clock, news, room: Room::new(1 << 20) })
    }

    /// Changes the store, and says that there is news. Whoever asked may hang up meanwhile: what was begun goes on to its end, so nothing is kept that nobody hears of.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Store) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<Result<T, AccessError>, Problem> {
        let (accounts, news) = (self.accounts.clone(), self.news.clone());
        let changing = move || accounts.change(change).inspect(|_| news());
        tokio::task::spawn_blocking(changing).await.map_err(|_| body::broken())
    }
}

/// The doors.
pub fn emergencies() -> OpenApiRouter<Arc<Glass>> {
    OpenApiRouter::default().routes(routes!(open, list)).routes(routes!(seen)).routes(routes!(of_subject))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = EmergencyOpening)]
#[serde(deny_unknown_fields)]
struct Opening {
    #[schema(pattern = "^[A-Za-z0-9_:@~-][A-Za-z0-9._:@~-]{0,63}$")]
    subject: String,
    /// Why it can't wait for an assignment, on one line.
    #[schema(min_length = 10, max_length = 500)]
    reason: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Emergency)]
struct Opened {
    number: i64,
    account: String,
    subject: String,
    reason: String,
    at: String,
    until: String,
    /// Who has looked into it.
    seen_by: Option<String>,
}

impl From<&Emergency> for Opened {
    fn from(e: &Emergency) -> Opened {
        Opened {
            number: e.number,
            account: e.account.to_string(),
            subject: e.subject.as_str().to_owned(),
            reason: e.reason.clone(),
            at: e.at.to_string(),
            until: e.until.to_string(),
            seen_by: e.seen_by.clone(),
        }
    }
}

/// Opens a subject in an emergency, for an hour.
#[utoipa::path(
    post,
    path = "/v1/emergencies",
    tag = "act",
    request_body = Opening,
    responses((status = 201, description = "It is open", body = Opened))
)]
async fn open(
    State(glass): State<Arc<Glass>>,
    Extension(who): Extension<Principal>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    const SHAPE: &str = "{\"subject\":\"…\",\"reason\":\"…\"}";
    let opening: Opening = body::object(&headers, body, &glass.room, SHAPE).await?;
    let unprocessable = |refusal| Problem::of(StatusCode::UNPROCESSABLE_ENTITY, refusal);
    if !Subject::is_valid(&opening.subject) {
        let detail = "it can't name a subject";
        return Err(unprocessable(Refusal::of(
            "bad_subject",
            "subject",
            &opening.subject,
            detail,
            "check what is written on the wristband",
        )));
    }
    let reason = opening.reason.trim();
    if !REASON.contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        // It is nobody's business in a log or a message: a reason may say more than an id.
        let detail = format!("a reason has {} to {} characters, on one line", REASON.start(), REASON.end());
        return Err(unprocessable(Refusal::of("bad_reason", "reason", "", detail, "say why this can't wait for an assignment")));
    }
    let subject = Subject::new(&opening.subject);
    if glass.accounts.decide(&who, Wish::BreakGlass(&subject)) == Decision::Deny {
        return Err(Problem::forbidden("open a subject in an emergency"));
    }
    let (id, of, reason, at) = (who.id.clone(), subject.clone(), reason.to_owned(), (glass.clock)());
    let opened = glass.change(move |store| store.open_emergency(&id, &of, &reason, at, EMERGENCY)).await?;
    let number = opened.map_err(|error| failed(&error))?;
    tracing::warn!(account = %who.id, subject = %subject, number, "a subject was opened in an emergency; look into it");
    let registry = glass.accounts.registry().map_err(|error| failed(&error))?;
    let opened = registry.emergencies.iter().find(|e| e.number == number).map(Opened::from);
    Ok((StatusCode::CREATED, Json(opened)).into_response())
}

#[derive(Serialize, ToSchema)]
struct Emergencies {
    emergencies: Vec<Opened>,
}

/// What was opened in emergencies, newest first.
#[utoipa::path(
    get,
    path = "/v1/emergencies",
    tag = "administer",
    responses((status = 200, description = "All of them", body = Emergencies))
)]
async fn list(State(glass): State<Arc<Glass>>, Extension(who): Extension<Principal>) -> Result<Response, Problem> {
    if glass.accounts.decide(&who, Wish::Audit) == Decision::Deny {
        return Err(Problem::forbidden("see what was opened in emergencies"));
    }
    let registry = glass.accounts.registry().map_err(|error| failed(&error))?;
    let emergencies = registry.emergencies.iter().rev().map(Opened::from).collect();
    Ok(Json(Emergencies { emergencies }).into_response())
}

/// What was opened in emergencies of one subject: the notice that the law asks for.
#[utoipa::path(
    get,
    path = "/v1/subjects/{subject}/emergencies",
    tag = "see",
    responses((status = 200, description = "All of them", body = Emergencies))
)]
async fn of_subject(
    State(glass): State<Arc<Glass>>,
    Extension(who): Extension<Principal>,
    Path(subject): Path<String>,
) -> Result<Response, Problem> {
    if !Subject::is_valid(&subject) {
        return Err(Problem::of(
            StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::of("bad_subject", "subject", &subject, "it can't name a subject", "name one in the path"),
        ));
    }
    let subject = Subject::new(&subject);
    if glass.accounts.decide(&who, Wish::Read(&subject)) == Decision::Deny {
        return Err(Problem::forbidden("see this subject"));
    }
    let registry = glass.accounts.registry().map_err(|error| failed(&error))?;
    let emergencies = registry.emergencies.iter().rev().filter(|e| e.subject == subject).map(Opened::from).collect();
    Ok(Json(Emergencies { emergencies }).into_response())
}

/// Somebody has looked into it.
#[utoipa::path(
    post,
    path = "/v1/emergencies/{number}/seen",
    tag = "administer",
    responses((status = 204, description = "It is kept"))
)]
async fn seen(
    State(glass): State<Arc<Glass>>,
    Extension(who): Extension<Principal>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    if glass.accounts.decide(&who, Wish::Administer) == Decision::Deny {
        return Err(Problem::forbidden("look into emergencies"));
    }
    let unknown = || {
        let refusal = Refusal::of(
            "unknown_emergency",
            "number",
            &number,
            "nothing of this number waits to be looked into",
            "see GET /v1/emergencies",
        );
        Problem::of(StatusCode::NOT_FOUND, refusal)
    };
    let asked: i64 = number.parse().map_err(|_| unknown())?;
    let (id, at) = (who.id.clone(), (glass.clock)());
    match glass.change(move |store| store.see_emergency(asked, &id, at)).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(AccessError::Unknown(..)) => Err(unknown()),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &AccessError) -> Problem {
    tracing::error!(%error, "the store of accounts");
    let detail = "the store of accounts can't be read or written at present";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "accounts_unreadable", detail, "try again later; the log says why")
}
