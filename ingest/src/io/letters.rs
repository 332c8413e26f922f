//! `POST /v1/dead-letters/{offset}/replay` and `/v1/dead-letters/replay`: what was refused, tried again, as it is or mended.
//!
//! A letter stands for one reading. Where it is taken, the reading and what it came of are journaled together; where it is refused again, that is
//! journaled, too: so a replay of the journal knows what became of each letter. A letter that has become a reading is not tried again.
//!
//! INVARIANT (one letter, one reading): replays wait for each other, whoever hangs up, and each looks at a letter after the views have seen the replay before.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitalog_elog::access::{Decision, Principal, Wish};
use vitalog_elog::input::{Mending, MendingOutcome};
use vitalog_elog::once::{Became, Told as ToldBefore};
use vitalog_elog::port::Accepted;
use vitalog_elog::{Answered, Input, Outcome, Reading, Refusal, Subject, Time};

use super::again::{self, One, as_before};
use super::body;
use super::once::{Key, Ticket, Turn, said};
use super::prepare::name_of;
use super::problem::Problem;
use super::receipt::Receipt;
use super::settle::subjects_of;
use super::submit::{Sending, became, position_header};
use super::{Behind, Current, Gateway, KeptLetter, POSITION, WantedLetters};
use crate::admit::dead_letter;
use crate::decode::{Format, decode};

/// The most letters that one request tries.
const MOST: usize = 1_000;

/// What a letter is, tried again.
enum Tried {
    Taken(Reading),
    Refused(Refusal, Option<Subject>),
    /// Who asks may not write that subject: nothing of it is journaled.
    Denied(Subject),
}

/// Tries one dead letter again.
///
/// With the body as the reading that is meant, or as it came where the body is empty.
#[utoipa::path(
    post,
    path = "/v1/dead-letters/{offset}/replay",
    tag = "operate",
    request_body(content = Option<super::said::ReadingBody>, content_type = "application/json"),
    responses(
        (status = 200, description = "It has become a reading", body = Receipt, headers(("Vitalog-Position" = u64, description = "A read that waits for this position sees the write"))),
        (status = 409, description = "It has become one already, or a request with this key is under way"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "No such form or packing is read"),
    )
)]
pub(super) async fn replay_one(
    State(gateway): State<Arc<Gateway>>,
    Extension(who): Extension<Principal>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gateway.operator(&who)?;
    let offset = path.ok().and_then(|Path(text)| text.parse::<u64>().ok()).ok_or_else(unknown)?;
    let taken = body::read(&headers, body, &gateway.limits, &gateway.room).await?;
    let form = if taken.bytes.is_empty() { None } else { Some(body::format(&headers)?) };
    let asked = Key::of(&headers)?.map(|key| {
        let form = form.as_ref().map_or("", body::form);
        key.asks(&who, "POST /v1/dead-letters/{offset}/replay", &[&offset.to_le_bytes(), form.as_bytes(), &taken.bytes])
    });
    let mut ticket = match gateway.once.turn(asked).await? {
        Turn::First(ticket) => ticket,
        Turn::Again(answered) => return gateway.tried_before(&answered, &who),
    };

    let tried =
        move |gateway: Arc<Gateway>| async move { gateway.try_one(offset, form.as_ref(), &taken.bytes, &who, &mut ticket).await };
    gateway.apart(tried).await
}

/// Which letters are to be tried.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = WantedLetters)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    code: Option<String>,
    field: Option<String>,
    sender: Option<String>,
    subject: Option<String>,
    #[schema(format = DateTime)]
    from: Option<String>,
    #[schema(format = DateTime)]
    to: Option<String>,
    after: Option<u64>,
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// What became of those that were tried.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[schema(as = LettersTried)]
pub(super) struct Sum {
    tried: usize,
    /// They became readings that were not there.
    accepted: usize,
    /// The reading was there already.
    duplicate: usize,
    /// Refused again.
    rejected: usize,
    /// Left as they are: who asks may not write their subjects.
    denied: usize,
    /// A read that waits for it sees them all.
    position: u64,
    /// To be given as `after` for those that were not tried yet; `null`: there are none.
    next: Option<u64>,
}

/// Tries dead letters again, as they came: those that have become no reading yet.
#[utoipa::path(
    post,
    path = "/v1/dead-letters/replay",
    tag = "operate",
    request_body = Option<Asked>,
    responses(
        (status = 200, description = "They were tried", body = Sum, headers(("Vitalog-Position" = u64, description = "A read that waits for this position sees the write"))),
        (status = 413, description = "The body is too large"),
    )
)]
pub(super) async fn replay_many(
    State(gateway): State<Arc<Gateway>>,
    Extension(who): Extension<Principal>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gateway.operator(&who)?;
    let taken = body::read(&headers, body, &gateway.limits, &gateway.room).await?;
    let wanted = wanted(&taken.bytes).map_err(|refusal| Problem::of(StatusCode::BAD_REQUEST, refusal))?;

    let asked = Key::of(&headers)?.map(|key| key.asks(&who, "POST /v1/dead-letters/replay", &[&taken.bytes]));
    let mut ticket = match gateway.once.turn(asked).await? {
        Turn::First(ticket) => ticket,
        Turn::Again(answered) => return Ok(as_before(again_many(&answered)?)),
    };

    gateway.apart(move |gateway| async move { gateway.try_many(wanted, who, &mut ticket).await }).await
}

/// Why a letter stays one.
enum Told {
    Refused(Refusal),
    Denied(Subject),
}

impl Gateway {
    fn operator(&self, who: &Principal) -> Result<(), Problem> {
        match self.access.decide(who, Wish::Operate) {
            Decision::Allow => Ok(()),
            Decision::Deny => Err(Problem::forbidden("replay dead letters")),
        }
    }

    /// Asks the views, once they have seen all that was told.
    async fn views<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&dyn Current, u64) -> Result<T, Behind> + Send + 'static,
    ) -> Result<T, Problem> {
        let (gateway, after) = (self.clone(), self.told.load(Ordering::Acquire));
        let asked = tokio::task::spawn_blocking(move || question(&*gateway.current, after)).await;
        Ok(asked.map_err(|_| body::broken())??)
    }

    /// One replay after the other, each to its end: one that was given up when its caller hung up could have been submitted, and the next would not know.
    async fn apart<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
        self: &Arc<Self>,
        replay: impl FnOnce(Arc<Gateway>) -> F + Send + 'static,
    ) -> Result<Response, Problem> {
        let gateway = self.clone();
        let task = tokio::spawn(async move {
            let _replaying = gateway.replaying.lock().await;
            replay(gateway.clone()).await
        });
        task.await.map_err(|_| body::broken())?
    }

    async fn try_one(
        self: &Arc<Self>,
        offset: u64,
        form: Option<&Format>,
        bytes: &[u8],
        who: &Principal,
        ticket: &mut Option<Ticket>,
    ) -> Result<Response, Problem> {
        let kept = self.views(move |views, after| views.letter(offset, after)).await?.ok_or_else(unknown)?;
        if let Some(reading) = kept.reading {
            let message = format!("it has become the reading at offset {reading}");
            let refusal = Refusal::of("already_mended", "offset", &offset.to_string(), message, "amend that reading");
            return Err(Problem::of(StatusCode::CONFLICT, refusal));
        }
        let raw = &kept.letter.raw;
        let (told, inputs) = loop {
            let tried = match form {
                Some(form) => self.attempt(form, bytes, who),
                None => self.attempt(&form_of(raw), raw, who),
            };
            let mut inputs = Vec::with_capacity(3);
            let told = match outcome(&kept, tried, form.is_some(), who, &mut inputs) {
                Err(Told::Denied(subject)) => return Err(self.denied(&subject, who)),
                Err(Told::Refused(refusal)) => Err(refusal),
                Ok(receipt) => Ok(receipt),
            };
            // Who operates is of no tenant; but the tenant may have no room for the subject.
            if !self.settle_all(who, &inputs).await? {
                break (told, inputs);
            }
        };
        let subject = inputs.iter().find_map(|input| match input {
            Input::Mending(mending) => mending.subject.clone(),
            _ => None,
        });
        let said = match (&told, &subject) {
            (Ok(_), Some(subject)) => One::Taken { subject: subject.clone(), is_new: false },
            (Err(refusal), _) => One::Refused { subject: subject.clone(), refusal: refusal.clone() },
            // Whatever is taken is about somebody.
            (Ok(_), None) => return Err(body::broken()),
        };
        let reading =
            inputs.iter().find_map(|input| if let Input::Reading(reading) = input { Some(reading.clone()) } else { None });
        let accepted = self.submit_once(who, inputs, ticket, subject, &said, Sending::Mended).await?;
        let mut response = match told {
            Ok(receipt) => {
                let mut receipt = match &reading {
                    Some(reading) => receipt.flagged(self.live.get().admission.schema(), reading),
                    None => receipt,
                };
                receipt.settle(accepted.first, became(&accepted, 0));
                axum::Json(receipt).into_response()
            }
            Err(refusal) => Problem::of(StatusCode::UNPROCESSABLE_ENTITY, refusal).into_response(),
        };
        response.headers_mut().insert(POSITION, position_header(accepted.position.next));
        Ok(response)
    }

    /// What was answered before, to whom may still write the subject.
    fn tried_before(&self, answered: &Answered, who: &Principal) -> Result<Response, Problem> {
        let one = said(answered)?;
        let (One::Taken { subject, .. } | One::Refused { subject: Some(subject), .. }) = &one else {
            return Ok(again_refused(answered, one));
        };
        match self.access.decide(who, Wish::Write(subject)) {
            Decision::Deny => Err(self.denied(subject, who)),
            Decision::Allow => match one {
                One::Taken { is_new, .. } => again::taken(answered, is_new),
                One::Refused { .. } => Ok(again_refused(answered, one)),
            },
        }
    }

    async fn try_many(
        self: &Arc<Self>,
        wanted: WantedLetters,
        who: Principal,
        ticket: &mut Option<Ticket>,
    ) -> Result<Response, Problem> {
        let asked = WantedLetters { limit: wanted.limit + 1, ..wanted.clone() };
        let mut letters = self.views(move |views, after| views.open_letters(&asked, after)).await?;
        let more = letters.len() > wanted.limit;
        letters.truncate(wanted.limit);
        let next = letters.last().filter(|_| more).map(|l| l.offset);
        let letters = Arc::new(letters);
        let (mut sum, inputs) = loop {
            let (gateway, asks, letters) = (self.clone(), who.clone(), letters.clone());
            let judged = tokio::task::spawn_blocking(move || gateway.judge_many(&letters, &asks)).await;
            let (sum, inputs) = judged.map_err(|_| body::broken())?;
            if !self.settle_all(&who, &inputs).await? {
                break (sum, inputs);
            }
        };
        sum.next = next;
        // Under a key it is kept that there was nothing to be tried, too.
        if !inputs.is_empty() || ticket.is_some() {
            let Accepted { outcomes, position, .. } = self.submit_once(&who, inputs, ticket, None, &sum, Sending::Mended).await?;
            sum.settle(outcomes.iter().filter(|outcome| matches!(outcome, Some(Outcome::Duplicate))).count(), position.next);
        } else {
            sum.position = self.told.load(Ordering::Acquire);
        }
        Ok(sum.told())
    }

    fn denied(&self, subject: &Subject, who: &Principal) -> Problem {
        self.not_for(who, subject, &format!("write the subject {}", subject.as_str()))
    }

    async fn settle_all(self: &Arc<Self>, who: &Principal, inputs: &[Input]) -> Result<bool, Problem> {
        let subjects = subjects_of(inputs, self.live.get().admission.schema());
        self.settle(who, subjects.iter()).await
    }

    /// What is to be journaled of each letter, tried as it came.
    fn judge_many(&self, letters: &[KeptLetter], who: &Principal) -> (Sum, Vec<Input>) {
        let (mut sum, mut inputs) = (Sum { tried: letters.len(), ..Sum::default() }, Vec::with_capacity(2 * letters.len()));
        for kept in letters {
            let raw = &kept.letter.raw;
            match outcome(kept, self.attempt(&form_of(raw), raw, who), false, who, &mut inputs) {
                Ok(_) => sum.accepted += 1,
                Err(Told::Refused(_)) => sum.rejected += 1,
                Err(Told::Denied(_)) => sum.denied += 1,
            }
        }
        (sum, inputs)
    }

    fn attempt(&self, form: &Format, bytes: &[u8], who: &Principal) -> Tried {
        let mut items = match decode(form, bytes) {
            Ok(items) => items,
            Err(refusal) => return Tried::Refused(refusal, None),
        };
        let Some(item) = items.next() else {
            return Tried::Refused(Refusal::whole("empty_body", "the body holds no reading", "send one reading"), None);
        };
        if items.next().is_some() {
            let message = "a dead letter stands for one reading, and here are several";
            return Tried::Refused(Refusal::whole("one_reading", message, "send them to POST /v1/readings"), None);
        }
        let admitted = match &item.reading {
            Ok(raw) => self.live.get().admission.admit(raw, (self.clock)()),
            Err(refusal) => Err(refusal.clone()),
        };
        let may = |subject: &Subject| {
            self.access.decide(who, Wish::Write(subject)) == Decision::Allow && !self.access.is_beyond(who, subject)
        };
        match admitted {
            Ok(reading) if may(&reading.subject) => Tried::Taken(reading),
            Ok(reading) => Tried::Denied(reading.subject),
            Err(refusal) => match dead_letter(&refusal, item.reading.as_ref().ok(), b"", "").subject {
                Some(subject) if !may(&subject) => Tried::Denied(subject),
                subject => Tried::Refused(refusal, subject),
            },
        }
    }
}

impl Sum {
    /// Takes in what came back.
    fn settle(&mut self, duplicate: usize, position: u64) {
        self.duplicate = duplicate;
        self.accepted = self.accepted.saturating_sub(duplicate);
        self.position = position;
    }

    fn told(self) -> Response {
        let position = position_header(self.position);
        let mut response = axum::Json(self).into_response();
        response.headers_mut().insert(POSITION, position);
        response
    }
}

fn again_many(answered: &Answered) -> Result<Response, Problem> {
    let mut sum: Sum = said(answered)?;
    let is_duplicate = |told: &&ToldBefore| matches!(told, ToldBefore::Reading { became: Some(Became::Duplicate), .. });
    sum.settle(answered.told.iter().filter(is_duplicate).count(), answered.position);
    Ok(sum.told())
}

/// A letter that was refused again: no further letter is kept of it.
fn again_refused(answered: &Answered, one: One) -> Response {
    let One::Refused { refusal, .. } = one else { return body::broken().into_response() };
    let mut response = Problem::of(StatusCode::UNPROCESSABLE_ENTITY, refusal).into_response();
    response.headers_mut().insert(POSITION, position_header(answered.position));
    as_before(response)
}

/// Puts what is to be journaled of a try behind `inputs`.
fn outcome(kept: &KeptLetter, tried: Tried, mended: bool, who: &Principal, inputs: &mut Vec<Input>) -> Result<Receipt, Told> {
    let mending =
        |subject, outcome| Input::Mending(Mending { letter: kept.offset, subject, by: who.id.clone(), mended, outcome });
    match tried {
        Tried::Taken(reading) => {
            let (subject, name, rev) = (reading.subject.clone(), name_of(&reading), reading.rev);
            let outcome = MendingOutcome::Taken { name: name.as_str().into(), rev };
            inputs.extend([Input::Reading(reading), mending(Some(subject), outcome)]);
            Ok(Receipt::waiting(0, 1, name, rev))
        }
        Tried::Refused(refusal, subject) => {
            let letter = dead_letter(&refusal, None, b"", "");
            let outcome = MendingOutcome::Refused { code: letter.code, field: letter.field, message: letter.message };
            inputs.push(mending(subject.or_else(|| kept.letter.subject.clone()), outcome));
            Err(Told::Refused(refusal))
        }
        Tried::Denied(subject) => Err(Told::Denied(subject)),
    }
}

fn unknown() -> Problem {
    let remedy = "see GET /v1/dead-letters for those that there are";
    Problem::new(StatusCode::NOT_FOUND, "unknown_letter", "there is no dead letter at this offset", remedy)
}

/// The form in which a letter was kept: a row of a table stands under its header.
fn form_of(raw: &[u8]) -> Format {
    let begin = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw).trim_ascii_start().first();
    if matches!(begin, Some(b'{' | b'[')) || !raw.contains(&b'\n') { Format::Json } else { Format::Csv }
}

fn wanted(bytes: &[u8]) -> Result<WantedLetters, Refusal> {
    const REMEDY: &str = "send a JSON object of code, field, sender, subject, from, to, after and limit, or nothing for all";
    let bad = |why: String| Refusal::whole("bad_query", format!("it can't be understood: {why}"), REMEDY);
    let asked: Asked = match bytes.trim_ascii() {
        b"" => Asked::default(),
        // An array would do for a struct, and an empty one for all letters.
        text if !text.starts_with(b"{") => return Err(bad("no JSON object".to_owned())),
        text => serde_json::from_slice(text).map_err(|e| bad(e.to_string()))?,
    };
    let time = |field: &str, text: Option<String>| {
        let bad = |text: &str| {
            Refusal::of("malformed_time", field, text, "it is not a date and time", "write it like 2026-11-20T08:00:00Z")
        };
        text.map(|text| Time::parse(&text).map_err(|_| bad(&text))).transpose()
    };
    let limit = asked.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Refusal::of(
            "out_of_range",
            "limit",
            &limit.to_string(),
            format!("it is 1 to {MOST}"),
            "ask again with next",
        ));
    }
    if let Some(subject) = asked.subject.as_deref().filter(|s| !Subject::is_valid(s)) {
        return Err(Refusal::of(
            "bad_subject",
            "subject",
            subject,
            "it can't name a subject",
            "see its dead letter for its name",
        ));
    }
    Ok(WantedLetters {
        code: asked.code,
        field: asked.field,
        sender: asked.sender,
        subject: asked.subject.as_deref().map(Subject::new),
        from: time("from", asked.from)?,
        to: time("to", asked.to)?,
        after: asked.after,
        limit,
    })
}
