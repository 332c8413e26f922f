//! `POST /v1/subjects/{subject}/moves`: readings that were recorded about the wrong subject, moved to the right one.
//!
//! A meter in the wrong hands, an app that was signed in as somebody else: then two timelines are wrong, one for what it has and one for what it lacks. A reading that is moved is removed from the one and written
//! to the other, as the next revision of both, in one submission: they are journaled in one piece, so no crash leaves a reading on both timelines or on none, and nobody's rules ever see them between.
//!
//! INVARIANT (what was looked at is what is moved): no reading is handed to the run loop between the question which readings there are and the submission that moves them. So whoever amends a reading does it before,
//! and the amendment is moved, or after, and makes the reading anew where it is not any more (which it is told: 201).

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitalog_elog::access::{Decision, Principal, Wish};
use vitalog_elog::once::Told;
use vitalog_elog::{Answered, Input, Reading, ReadingId, Refusal, Schema, Subject, Time};

use super::again::as_before;
use super::body;
use super::once::{self, Key, Ticket, Turn};
use super::prepare::{name_of, not_theirs};
use super::problem::Problem;
use super::submit::position_header;
use super::{Gateway, HeldReading, POSITION, WantedReadings};

/// The most readings that one request moves: a month of a sensor that measures every five minutes.
const MOST: usize = 10_000;

/// Where to, and which.
#[derive(Deserialize, ToSchema)]
#[schema(as = Move, example = json!({"to": "p-002", "source": "g7/8J2K", "from": "2026-03-10T08:00:00+01:00", "dry_run": true}))]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Whom they are about.
    #[schema(pattern = "^[A-Za-z0-9_:@~-][A-Za-z0-9._:@~-]{0,63}$")]
    to: String,
    /// These, by their names.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 10000)]
    ids: Option<Vec<String>>,
    /// Those of a stream.
    #[serde(default)]
    stream: Option<String>,
    /// Those that a device or app sent.
    #[serde(default)]
    source: Option<String>,
    /// Those that lie at or after, an interval by its end.
    #[serde(default)]
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Those that lie before.
    #[serde(default)]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Only tell which they are.
    #[serde(default)]
    dry_run: bool,
}

/// What was moved.
#[derive(Serialize, ToSchema)]
#[schema(as = Moved)]
struct Moved {
    #[schema(value_type = String)]
    subject: Subject,
    #[schema(value_type = String)]
    to: Subject,
    moved: usize,
    /// Nothing was moved: this would be.
    dry_run: bool,
    /// A read that waits for it sees them where they are now.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    readings: Vec<One>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MovedReading)]
struct One {
    /// What it was called.
    id: String,
    /// What it is called now.
    is: String,
    /// Its revision there.
    rev: u32,
}

/// What is said to a repeat beside what its inputs tell.
#[derive(Serialize, Deserialize)]
struct Said {
    to: Subject,
}

/// Moves readings to another subject.
///
/// They are removed here and written there in one piece, as the next revision of both. Whoever asks must be allowed to read and write here, and to write there.
#[utoipa::path(
    post,
    path = "/v1/subjects/{subject}/moves",
    tag = "write",
    request_body = Asked,
    responses(
        (status = 200, description = "They are moved, or would be", body = Moved, headers(("Vitalog-Position" = u64, description = "A read that waits for this position sees the write"))),
        (status = 404, description = "There is no such reading"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "It is no JSON"),
    )
)]
pub(super) async fn post(
    State(gateway): State<Arc<Gateway>>,
    Extension(who): Extension<Principal>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let subject = path.map(|Path(subject)| subject).unwrap_or_default();
    let subject = gateway.permitted(&subject, &who, |s| Wish::Write(s)).await?;
    // Who moves readings to where they may read could else read what they may only write.
    if gateway.access.decide(&who, Wish::Read(&subject)) == Decision::Deny {
        return Err(Problem::forbidden("read this subject"));
    }
    body::must_be_json(&headers, "what is to be moved is said by a JSON object")?;
    let key = Key::of(&headers)?;
    let taken = body::read(&headers, body, &gateway.limits, &gateway.room).await?;
    let asked: Asked = serde_json::from_slice(&taken.bytes).map_err(|error| unreadable(&error))?;
    let to = gateway.permitted(&asked.to, &who, |s| Wish::Write(s)).await?;
    let wanted = wanted(&asked, &subject, &gateway.live.get().schema).map_err(unprocessable)?;
    if to == subject {
        let refusal = Refusal::of("bad_to", "to", to.as_str(), "they are there already", "name the subject whom they are about");
        return Err(unprocessable(refusal));
    }
    let digest = key.map(|key| key.asks(&who, "POST /v1/subjects/{subject}/moves", &[subject.as_str().as_bytes(), &taken.bytes]));
    let mut ticket = match gateway.once.turn(digest).await? {
        Turn::First(ticket) => ticket,
        Turn::Again(answered) => return again(&subject, &answered),
    };
    drop(taken);
    // To its end, whoever hangs up: else what was looked at could be moved later.
    let moving = tokio::spawn(async move { gateway.move_to(&who, (subject, to), wanted, asked.dry_run, &mut ticket).await });
    moving.await.map_err(|_| body::broken())?
}

impl Gateway {
    async fn move_to(
        self: Arc<Self>,
        who: &Principal,
        (subject, to): (Subject, Subject),
        wanted: WantedReadings,
        dry_run: bool,
        ticket: &mut Option<Ticket>,
    ) -> Result<Response, Problem> {
        // Views that lag behind catch up while others write; and what can't be moved is found out, and asked, without holding up anybody.
        let pairs = self.pairs(who, &subject, &to, &wanted).await?;
        if dry_run || pairs.is_empty() {
            return Ok(told(&Moved::of(subject, to, &pairs, dry_run)));
        }
        // Until it is kept nobody settles on a revision, and until it is handed in nobody hands anything in.
        let _amending = self.amending.all().await;
        let still = self.writing.write().await;
        let pairs = self.pairs(who, &subject, &to, &wanted).await?;
        let mut moved = Moved::of(subject.clone(), to.clone(), &pairs, dry_run);
        let inputs = pairs.into_iter().flatten().map(Input::Reading).collect();
        let inputs = self.with_what_is_said(who, inputs, ticket, Some(subject), &Said { to }, true)?;
        let accepted = self.keep(who, self.hand_in_alone(still, inputs), ticket).await?;
        moved.position = Some(accepted.position.next);
        Ok(told(&moved))
    }

    /// What is to be written there and removed here.
    async fn pairs(
        self: &Arc<Self>,
        who: &Principal,
        subject: &Subject,
        to: &Subject,
        wanted: &WantedReadings,
    ) -> Result<Vec<[Reading; 2]>, Problem> {
        let end = once::end_of(&*self.inlet).await?;
        let (held, there) = self.held(wanted.clone(), to.clone(), end).await?;
        if held.len() > MOST {
            let detail = format!("more than {MOST} readings are meant");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many", detail, "move a shorter stretch of time"));
        }
        let there_are: HashSet<ReadingId> = held.iter().map(|held| held.id).collect();
        if let Some(missing) = wanted.ids.iter().flatten().find(|(_, id)| !there_are.contains(id)) {
            let remedy = "see the id; one that is removed is not moved";
            let refusal = Refusal::of("no_such_reading", "ids", &missing.0, "there is no such reading", remedy);
            return Err(Problem::of(StatusCode::NOT_FOUND, refusal));
        }
        let declared = self.live.get();
        let pairs = held.into_iter().zip(there).map(|(held, there)| pair(subject, to, held, there, &declared.schema));
        let pairs: Vec<[Reading; 2]> = pairs.collect::<Result<_, _>>()?;
        if pairs.iter().any(|[written, _]| not_theirs(&*self.access, who, &declared.schema, written).is_some()) {
            return Err(Problem::forbidden("write a further subject that one of them names"));
        }
        Ok(pairs)
    }

    /// The readings that are meant, and the revision each would follow at the other subject (0: none).
    async fn held(
        self: &Arc<Self>,
        wanted: WantedReadings,
        to: Subject,
        after: u64,
    ) -> Result<(Vec<HeldReading>, Vec<u32>), Problem> {
        let gateway = self.clone();
        let schema = self.live.get().schema.clone();
        let look = move || {
            let held = gateway.current.held(&wanted, after)?;
            let place = |held: &HeldReading| (id_there(&to, held, &schema), held.content.stream, held.content.when);
            let places: Vec<_> = held.iter().map(place).collect();
            let there = gateway.current.revisions(&to, &places, after)?;
            Ok((held, there))
        };
        tokio::task::spawn_blocking(look)
            .await
            .map_err(|_| body::broken())?
            .map_err(|behind: super::Behind| Problem::from(behind))
    }
}

/// What a reading is called about the other subject: as its sender called it, or by its content, which the subject is a part of.
fn id_there(to: &Subject, held: &HeldReading, schema: &Schema) -> ReadingId {
    match own_name(held) {
        Some(name) => ReadingId::given(name),
        None => held.content.derived_id(to, &schema.get(held.content.stream).name),
    }
}

/// The name that a sender gave it; one that was amended by the name that its content made has none.
fn own_name(held: &HeldReading) -> Option<&str> {
    held.given.as_deref().filter(|name| ReadingId::from_printed(name).is_none())
}

/// A reading written there and removed here.
fn pair(subject: &Subject, to: &Subject, held: HeldReading, there: u32, schema: &Schema) -> Result<[Reading; 2], Problem> {
    let next = |rev: u32| {
        rev.checked_add(1).ok_or_else(|| {
            let detail = "a reading has the greatest revision there is";
            Problem::new(StatusCode::CONFLICT, "bad_rev", detail, "leave it out, and send it as a new one")
        })
    };
    let is = id_there(to, &held, schema);
    let name = own_name(&held).map_or_else(|| is.to_string().into(), Arc::from);
    let was = held.given.clone().unwrap_or_else(|| held.id.to_string().into());
    // Revisions go on from the greater: what is sent about it under a revision that it had is old news in either place.
    let rev = next(held.rev.max(there))?;
    let stream = schema.get(held.content.stream).name.clone();
    let written = Reading::present(to.clone(), Some(name), rev, &stream, held.content);
    let removed = Reading::removal(subject.clone(), was, next(held.rev)?);
    Ok([written, removed])
}

impl Moved {
    fn of(subject: Subject, to: Subject, pairs: &[[Reading; 2]], dry_run: bool) -> Moved {
        let one = |[written, removed]: &[Reading; 2]| One { id: name_of(removed), is: name_of(written), rev: written.rev };
        let readings: Vec<One> = pairs.iter().map(one).collect();
        Moved { subject, to, moved: readings.len(), dry_run, position: None, readings }
    }
}

/// Which readings are meant.
fn wanted(asked: &Asked, subject: &Subject, schema: &Schema) -> Result<WantedReadings, Refusal> {
    let Asked { ids, stream, source, from, until, .. } = asked;
    let says_nothing = ids.is_none() && stream.is_none() && source.is_none() && from.is_none() && until.is_none();
    if says_nothing {
        let remedy = "say ids, or any of stream, source, from and until; everything there is: \"from\": \"1985-01-01T00:00:00Z\"";
        return Err(Refusal::whole("missing", "it is not said which readings are meant", remedy));
    }
    let ids = match ids {
        None => None,
        Some(names) if names.is_empty() || names.len() > MOST => {
            let (found, remedy) = (names.len().to_string(), format!("name 1 to {MOST}"));
            return Err(Refusal::of("bad_ids", "ids", &found, "so many can't be named", remedy));
        }
        Some(names) => Some(names.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>()?),
    };
    let stream = match stream {
        None => None,
        Some(name) => Some(schema.stream(name).ok_or_else(|| {
            Refusal::of("unknown_stream", "stream", name, "no such stream is declared", "see GET /v1/rules for those there are")
        })?),
    };
    let instant = |field: &str, said: &Option<String>| match said {
        None => Ok(None),
        Some(text) => Time::parse(text).map(Some).map_err(|_| {
            let remedy = "write it as RFC 3339 with its offset from UTC, such as 2026-11-20T08:00:00+01:00";
            Refusal::of("malformed_time", field, text, "it is not a date and time", remedy)
        }),
    };
    let (from, until) = (instant("from", from)?, instant("until", until)?);
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        let text = asked.until.as_deref().unwrap_or_default();
        return Err(Refusal::of("bad_until", "until", text, "it is not after from", "see whether the two were exchanged"));
    }
    Ok(WantedReadings { subject: subject.clone(), ids, stream, source: source.clone(), from, until, limit: MOST + 1 })
}

fn named(name: &str) -> Result<(String, ReadingId), Refusal> {
    if !Subject::is_valid(name) {
        let remedy = "use 1 to 64 letters, digits and any of . _ : @ ~ -, not beginning with a dot";
        return Err(Refusal::of("bad_id", "ids", name, "it can't name a reading", remedy));
    }
    Ok((name.to_owned(), ReadingId::given(name)))
}

fn unreadable(error: &serde_json::Error) -> Problem {
    let remedy = "send an object with to, and ids, stream, source, from or until; see /openapi.json";
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("what is to be moved can't be read: {error}"), remedy)
}

fn unprocessable(refusal: Refusal) -> Problem {
    Problem::of(StatusCode::UNPROCESSABLE_ENTITY, refusal)
}

fn told(moved: &Moved) -> Response {
    let mut response = axum::Json(moved).into_response();
    if let Some(position) = moved.position {
        response.headers_mut().insert(POSITION, position_header(position));
    }
    response
}

/// What was said before: of each reading there are two inputs, as it was written and as it was removed.
fn again(subject: &Subject, answered: &Answered) -> Result<Response, Problem> {
    let Said { to } = once::said(answered)?;
    let named = |told: &Told| match told {
        Told::Reading { id, given, rev, .. } => Some((given.as_deref().map_or_else(|| id.to_string(), str::to_owned), *rev)),
        Told::Other { .. } | Told::Erased => None,
    };
    let readings: Option<Vec<One>> = answered
        .told
        .chunks_exact(2)
        .map(|pair| {
            let (is, rev) = named(&pair[0])?;
            let (id, _) = named(&pair[1])?;
            Some(One { id, is, rev })
        })
        .collect();
    // Where either was erased since, nothing is told of what they were called.
    let readings = readings.ok_or_else(|| {
        let remedy = "see what is there now";
        Problem::new(
            StatusCode::GONE,
            "erased",
            "they were moved, and everything about one of the subjects was erased since",
            remedy,
        )
    })?;
    let position = Some(answered.position);
    let moved = Moved { subject: subject.clone(), to, moved: readings.len(), dry_run: false, position, readings };
    Ok(as_before(told(&moved)))
}
