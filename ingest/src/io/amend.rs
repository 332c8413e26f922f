//! `PUT` and `DELETE /v1/subjects/{subject}/readings/{id}`: one reading, by its name, amended, made or removed.
//!
//! The revision may be said (in the body, by `?rev=`, or by `If-Match` with the revision that is to be replaced). Where it is not, it is one more than the
//! current one; then writes of one reading through this gateway wait for each other, so that the later write is the later revision.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{Mutex, MutexGuard};
use vitalog_elog::access::{Decision, Principal, Wish};
use vitalog_elog::port::Accepted;
use vitalog_elog::{Answered, Input, Reading, ReadingId, Refusal, Subject};

use super::again::{self, One};
use super::body;
use super::once::{Asked, Key, Ticket, Turn, said as said_before};
use super::prepare::{name_of, not_theirs};
use super::problem::Problem;
use super::quota::{Allowed, beyond};
use super::receipt::Receipt;
use super::submit::{Sending, became, position_header};
use super::{CurrentRevision, Gateway, POSITION};
use crate::admit::dead_letter;
use crate::decode::{RawReading, Scalar, json};

/// Locks, of which each reading has one, and many readings the same.
pub(super) struct Stripes(Vec<Mutex<()>>);

impl Default for Stripes {
    fn default() -> Stripes {
        Stripes((0..64).map(|_| Mutex::new(())).collect())
    }
}

impl Stripes {
    async fn of(&self, subject: &Subject, id: ReadingId) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        (subject, id).hash(&mut hasher);
        let place = hasher.finish() % self.0.len() as u64;
        self.0[place as usize].lock().await
    }

    /// All of them: nobody settles on a revision meanwhile. Always in this order, so that two who want all do not wait for each other.
    pub(super) async fn all(&self) -> Vec<MutexGuard<'_, ()>> {
        let mut all = Vec::with_capacity(self.0.len());
        for stripe in &self.0 {
            all.push(stripe.lock().await);
        }
        all
    }
}

/// Which reading is meant.
struct Target {
    subject: Subject,
    given: String,
    id: ReadingId,
}

impl Target {
    /// All that is asked of it, under a key.
    fn asked(&self, key: &Key, who: &Principal, method: &str, query: Option<&str>, headers: &HeaderMap, bytes: &[u8]) -> Asked {
        let door = format!("{method} /v1/subjects/{{subject}}/readings/{{id}}");
        let replaces = headers.get(header::IF_MATCH).map_or(&b""[..], |tag| tag.as_bytes());
        let names = [self.subject.as_str().as_bytes(), self.given.as_bytes()];
        key.asks(who, &door, &[names[0], names[1], query.unwrap_or("").as_bytes(), replaces, bytes])
    }
}

/// What was said of the revision.
enum Said {
    Nothing,
    /// This is the revision.
    Rev(String),
    /// This revision is to be replaced.
    Replaces(u32),
}

/// The revision to write, and whether one was there before.
struct Settled {
    rev: String,
    is_new: bool,
}

/// Amends a reading, or makes it.
///
/// The body is a native reading; subject and id stand in the path.
#[utoipa::path(
    put,
    path = "/v1/subjects/{subject}/readings/{id}",
    tag = "write",
    params(
        ("rev" = Option<u32>, Query, minimum = 1, description = "The revision that this is"),
        ("If-Match" = Option<String>, Header, description = "The revision that is replaced, in quotes"),
    ),
    request_body = super::said::AmendmentBody,
    responses(
        (status = 200, description = "It was there", body = Receipt, headers(("Vitalog-Position" = u64, description = "A read that waits for this position sees the write"))),
        (status = 201, description = "It is new", body = Receipt),
        (status = 412, description = "Another revision is current"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "It is no JSON"),
    )
)]
pub(super) async fn put(
    State(gateway): State<Arc<Gateway>>,
    Extension(who): Extension<Principal>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let target = gateway.target(path, &who).await?;
    body::must_be_json(&headers, "one reading is amended with a JSON object")?;
    let key = Key::of(&headers)?;
    let taken = body::read(&headers, body, &gateway.limits, &gateway.room).await?;
    let bytes = &taken.bytes;
    let asked = key.map(|key| target.asked(&key, &who, "PUT", query.as_deref(), &headers, bytes));
    let mut ticket = match gateway.once.turn(asked).await? {
        Turn::First(ticket) => ticket,
        Turn::Again(answered) => return again_one(&answered),
    };
    let mut raw = match json::object(bytes) {
        Ok(raw) => raw,
        Err(refusal) => return Err(gateway.refuse_one(refusal, None, &target.subject, bytes, &who, &mut ticket).await?),
    };
    let mut said = said_of_revision(query.as_deref(), &headers)?;
    if let Some(rev) = raw.rev.take() {
        if !matches!(said, Said::Nothing) {
            let detail = "the revision is said twice: in the body, and in the query or in If-Match";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_query", detail, "say it once"));
        }
        said = Said::Rev(rev.shown().into_owned());
    }
    for (name, slot, path) in [("subject", &mut raw.subject, target.subject.as_str()), ("id", &mut raw.id, &target.given)] {
        if slot.as_ref().is_some_and(|said| said.shown() != path) {
            let refusal =
                Refusal::of("contradiction", name, path, "the body says another one than the path", "leave it out of the body");
            return Err(Problem::of(StatusCode::UNPROCESSABLE_ENTITY, refusal));
        }
        *slot = Some(Scalar::Text(Cow::Owned(path.to_owned())));
    }
    let _writing = gateway.amending.of(&target.subject, target.id).await;
    let settled = gateway.settle_revision(&target, said).await?;
    raw.rev = Some(Scalar::Cell(Cow::Owned(settled.rev.clone())));
    gateway.write_one(raw, &target.subject, bytes, &who, settled.is_new, &mut ticket).await
}

/// Removes a reading.
#[utoipa::path(
    delete,
    path = "/v1/subjects/{subject}/readings/{id}",
    tag = "write",
    params(
        ("rev" = Option<u32>, Query, minimum = 1, description = "The revision that this is"),
        ("If-Match" = Option<String>, Header, description = "The revision that is taken back, in quotes"),
    ),
    responses(
        (status = 200, description = "It is removed", body = Receipt, headers(("Vitalog-Position" = u64, description = "A read that waits for this position sees the write"))),
        (status = 412, description = "Another revision is current"),
    )
)]
pub(super) async fn delete(
    State(gateway): State<Arc<Gateway>>,
    Extension(who): Extension<Principal>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let target = gateway.target(path, &who).await?;
    let asked = Key::of(&headers)?.map(|key| target.asked(&key, &who, "DELETE", query.as_deref(), &headers, b""));
    let mut ticket = match gateway.once.turn(asked).await? {
        Turn::First(ticket) => ticket,
        Turn::Again(answered) => return again_one(&answered),
    };
    let said = said_of_revision(query.as_deref(), &headers)?;
    let must_exist = !matches!(said, Said::Rev(_));
    let _writing = gateway.amending.of(&target.subject, target.id).await;
    let settled = gateway.settle_revision(&target, said).await?;
    if must_exist && settled.is_new {
        let remedy = "see the id; to remove a reading that has not come yet, say the revision";
        let refusal = Refusal::of("no_such_reading", "id", &target.given, "there is no such reading, or it is removed", remedy);
        return Err(Problem::of(StatusCode::NOT_FOUND, refusal));
    }
    let raw = RawReading {
        subject: Some(Scalar::Text(Cow::Owned(target.subject.as_str().to_owned()))),
        id: Some(Scalar::Text(Cow::Owned(target.given))),
        rev: Some(Scalar::Cell(Cow::Owned(settled.rev))),
        removed: Some(Scalar::Bool(true)),
        ..RawReading::default()
    };
    let bytes = raw.to_json();
    gateway.write_one(raw, &target.subject, bytes.as_bytes(), &who, false, &mut ticket).await
}

impl Gateway {
    async fn target(
        self: &Arc<Self>,
        path: Result<Path<(String, String)>, PathRejection>,
        who: &Principal,
    ) -> Result<Target, Problem> {
        let Ok(Path((subject, given))) = path else { return Err(bad_path("path", "", "the path can't be read")) };
        let subject = self.permitted(&subject, who, |s| Wish::Write(s)).await?;
        if !Subject::is_valid(&given) {
            return Err(bad_path("id", &given, "it can't name a reading"));
        }
        let id = ReadingId::given(&given);
        Ok(Target { subject, given, id })
    }

    /// The subject, if who asks may do with it what they wish. Nothing of it is looked up before it is settled whose it is.
    pub(super) async fn permitted(
        self: &Arc<Self>,
        subject: &str,
        who: &Principal,
        wish: fn(&Subject) -> Wish<'_>,
    ) -> Result<Subject, Problem> {
        if !Subject::is_valid(subject) {
            return Err(bad_path("subject", subject, "it can't name a subject"));
        }
        let subject = Subject::new(subject);
        loop {
            let may = self.access.decide(who, wish(&subject)) == Decision::Allow;
            if !may || self.access.is_beyond(who, &subject) {
                return Err(self.not_for(who, &subject, "write this subject"));
            }
            if !self.settle(who, [&subject].into_iter()).await? {
                return Ok(subject);
            }
        }
    }

    /// That a subject is not for whoever asks, or beyond what their tenant may have.
    pub(super) fn not_for(&self, who: &Principal, subject: &Subject, what: &str) -> Problem {
        if !self.access.is_beyond(who, subject) {
            return Problem::forbidden(what);
        }
        self.ledger().refused.subjects.fetch_add(1, Ordering::Relaxed);
        Problem::of(StatusCode::FORBIDDEN, beyond(subject))
    }

    /// Refuses a reading that is seen on the timeline of a further subject that is not for whoever writes it.
    async fn permitted_further(self: &Arc<Self>, reading: &Reading, who: &Principal) -> Result<(), Problem> {
        let declared = self.live.get();
        let schema = declared.admission.schema();
        let further = reading.content.as_ref().map_or_else(Vec::new, |content| content.further_subjects(schema));
        loop {
            if let Some(subject) = not_theirs(&*self.access, who, schema, reading) {
                return Err(self.not_for(who, &subject, "write this subject"));
            }
            if !self.settle(who, further.iter()).await? {
                return Ok(());
            }
        }
    }

    async fn settle_revision(self: &Arc<Self>, target: &Target, said: Said) -> Result<Settled, Problem> {
        let replaces = match said {
            Said::Rev(rev) => return Ok(Settled { rev, is_new: false }),
            Said::Replaces(rev) => Some(rev),
            Said::Nothing => None,
        };
        let (gateway, subject, id) = (self.clone(), target.subject.clone(), target.id);
        let after = self.known_end().await?;
        let look = move || gateway.current.current(&subject, id, after);
        let current = tokio::task::spawn_blocking(look).await.map_err(|_| body::broken())??;
        let rev = current.map_or(0, |c| c.rev);
        if replaces.is_some_and(|replaced| replaced != rev) {
            let refusal = Refusal::of(
                "rev_is_not_current",
                "if-match",
                &replaces.unwrap_or_default().to_string(),
                format!("the current revision is {rev}"),
                "look at what was changed meanwhile, and amend that",
            );
            return Err(Problem::of(StatusCode::PRECONDITION_FAILED, refusal));
        }
        let Some(next) = rev.checked_add(1) else {
            let detail = "the reading has the greatest revision there is";
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "bad_rev",
                detail,
                "remove nothing: send a new reading under another id",
            ));
        };
        let is_new = !matches!(current, Some(CurrentRevision { removed: false, .. }));
        Ok(Settled { rev: next.to_string(), is_new })
    }

    async fn write_one(
        self: &Arc<Self>,
        raw: RawReading<'_>,
        subject: &Subject,
        bytes: &[u8],
        who: &Principal,
        is_new: bool,
        ticket: &mut Option<Ticket>,
    ) -> Result<Response, Problem> {
        let admitted = self.live.get().admission.admit(&raw, (self.clock)());
        let reading = match admitted {
            Ok(reading) => reading,
            Err(refusal) => return Err(self.refuse_one(refusal, Some(&raw), subject, bytes, who, ticket).await?),
        };
        self.permitted_further(&reading, who).await?;
        let Allowed { permit, why, .. } = self.allow(who, vec![&reading]).await?;
        if let Some(why) = why {
            return Err(self.nothing_fits(who, why));
        }
        let receipt = Receipt::waiting(0, 1, name_of(&reading), reading.rev);
        let mut receipt = receipt.flagged(self.live.get().admission.schema(), &reading);
        let said = One::Taken { subject: subject.clone(), is_new };
        let (inputs, sending) = (vec![Input::Reading(reading)], Sending::Sent(permit));
        let accepted = self.submit_once(who, inputs, ticket, Some(subject.clone()), &said, sending).await?;
        receipt.settle(accepted.first, became(&accepted, 0));
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = (status, axum::Json(receipt)).into_response();
        response.headers_mut().insert(POSITION, position_header(accepted.position.next));
        self.tell_quotas(who, response.headers_mut());
        Ok(response)
    }

    /// Keeps one refused reading as a dead letter, and tells where.
    async fn refuse_one(
        &self,
        refusal: Refusal,
        raw: Option<&RawReading<'_>>,
        subject: &Subject,
        bytes: &[u8],
        who: &Principal,
        ticket: &mut Option<Ticket>,
    ) -> Result<Problem, Problem> {
        // Subject and id stand in the path: what is kept can be read without it.
        let whole = raw.map(RawReading::to_json);
        let letter = dead_letter(&refusal, raw, whole.as_deref().map_or(bytes, str::as_bytes), &who.id);
        let said = One::Refused { subject: Some(subject.clone()), refusal: refusal.clone() };
        let inputs = vec![Input::DeadLetter(letter)];
        let Accepted { first, position, .. } =
            self.submit_once(who, inputs, ticket, Some(subject.clone()), &said, Sending::Sent(None)).await?;
        let problem = Problem::of(StatusCode::UNPROCESSABLE_ENTITY, refusal).kept_at(first);
        Ok(problem.with(header::HeaderName::from_static(POSITION), position_header(position.next)))
    }
}

/// What was answered before. The refusal of one reading is kept as a dead letter at the first input.
fn again_one(answered: &Answered) -> Result<Response, Problem> {
    match said_before(answered)? {
        One::Taken { is_new, .. } => again::taken(answered, is_new),
        One::Refused { refusal, .. } => Err(again::refused(answered, StatusCode::UNPROCESSABLE_ENTITY, refusal)),
    }
}

fn said_of_revision(query: Option<&str>, headers: &HeaderMap) -> Result<Said, Problem> {
    let bad = |field: &str, value: &str| {
        let refusal = Refusal::of(
            "bad_query",
            field,
            value,
            "the revision can't be read",
            "say ?rev=3, or If-Match: \"2\" for what is replaced",
        );
        Problem::of(StatusCode::BAD_REQUEST, refusal)
    };
    let mut said = Said::Nothing;
    for pair in query.unwrap_or("").split('&').filter(|p| !p.is_empty()) {
        match pair.split_once('=') {
            Some(("rev", rev)) if matches!(said, Said::Nothing) => said = Said::Rev(rev.to_owned()),
            _ => return Err(bad("query", pair)),
        }
    }
    if let Some(tag) = headers.get(header::IF_MATCH) {
        let text = tag.to_str().unwrap_or("");
        let rev = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse().ok());
        match (rev, &said) {
            (Some(rev), Said::Nothing) => said = Said::Replaces(rev),
            _ => return Err(bad("if-match", text)),
        }
    }
    Ok(said)
}

fn bad_path(field: &str, value: &str, message: &str) -> Problem {
    let remedy = "use 1 to 64 letters, digits and any of . _ : @ ~ -, not beginning with a dot";
    Problem::of(StatusCode::UNPROCESSABLE_ENTITY, Refusal::of(&format!("bad_{field}"), field, value, message, remedy))
}
