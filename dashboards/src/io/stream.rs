//! `GET /v1/stream`: server-sent events, resumable.
//!
//! The id of an event is a place in the journal: `N` says that everything before offset N was told, `N.P` that effect P of record N was. A stream that
//! broke off goes on from there: changes of findings always, from the views; readings as long as memory has them, and else `reload` says
//! that what is shown must be asked for anew.
//!
//! Events: `reading`, `recommendation`, `response`, `profile`, `reload`, `beat`; with `digest`, at most one a second: `digest`. About one subject also `emergencies`: who opened it lately, whole, at the beginning where anybody did and
//! with each change. They are in no journal, so a place in it says nothing of them.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::IntoParams;
use vitalog_elog::access::{Emergency, Wish};
use vitalog_elog::input::Action;
use vitalog_elog::{Content, Effect, Input, Outcome, ReadingId, Record, Schema, Subject};

use super::board::Board;
use super::caller::{self, Asked, Caller};
use super::emergencies;
use super::live::Heard;
use super::problem::Problem;
use crate::ask::{RecommendationView, point};

/// With nothing to tell, a sign of life is given this often.
const BEAT: Duration = Duration::from_secs(15);
/// A digest gathers for this long.
const GATHER: Duration = Duration::from_secs(1);
/// Changes of findings that are caught up at a time.
const MOST_CHANGES: usize = 1_000;
/// Subjects named in a digest; of more it says that there are more.
const MOST_SUBJECTS: usize = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Only of this one.
    subject: Option<String>,
    /// Where to begin, like `Last-Event-ID`, which goes before it.
    after: Option<String>,
    /// Only which subjects changed, gathered over a second.
    digest: Option<bool>,
}

/// The next effect to tell: record and place.
type Cursor = (u64, usize);

struct Listener {
    board: Arc<Board>,
    caller: Caller,
    may: Box<dyn Fn(&Subject) -> bool + Send + Sync>,
    subject: Option<Subject>,
    digest: bool,
    cursor: Cursor,
    waiting: VecDeque<Event>,
    reached: watch::Receiver<u64>,
    emergencies: watch::Receiver<u64>,
    /// Whether there may be others than were told last.
    is_news: bool,
    /// The emergencies that were told last.
    told: Vec<Emergency>,
    closing: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

/// What happens, as it happens: server-sent events.
///
/// A stream that broke off goes on by `Last-Event-ID`.
#[utoipa::path(
    get,
    path = "/v1/stream",
    tag = "see",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Where to go on: the id of the last event that was seen"),
    ),
    responses((status = 200, description = "Events, until one of both sides ends it", body = String, content_type = "text/event-stream"))
)]
pub async fn open(
    State(board): State<Arc<Board>>,
    caller: Caller,
    Asked(asked): Asked<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let subject = match asked.subject.as_deref() {
        Some(text) => Some(caller::subject(text)?),
        None => None,
    };
    caller.may(wish(subject.as_ref()))?;
    let reached = board.live.reached();
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).or(asked.after.as_deref());
    let cursor = match last {
        None | Some("") => (*reached.borrow(), 0),
        Some(text) => parse_id(text).ok_or_else(|| {
            Problem::of_field("malformed", "Last-Event-ID", text, "this is not the id of an event", "leave it off to begin now")
        })?,
    };
    let listener = Listener {
        may: Box::new(caller.reads()),
        caller,
        subject,
        digest: asked.digest.unwrap_or(false),
        cursor,
        waiting: VecDeque::from([Event::default().retry(Duration::from_secs(2)).comment("vitalog")]),
        emergencies: board.live.emergencies(),
        is_news: true,
        told: Vec::new(),
        closing: board.live.closing(),
        _permit: board.stream_permit()?,
        reached,
        board,
    };
    let events = unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let mut response = Sse::new(events).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// What a stream about one subject, or about all that one may see, is a wish for.
fn wish(subject: Option<&Subject>) -> Wish<'_> {
    subject.map_or(Wish::List, Wish::Read)
}

impl Listener {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if *self.closing.borrow() {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            // Whoever was shut out meanwhile hears no more.
            self.caller.may(wish(self.subject.as_ref())).ok()?;
            let reached = *self.reached.borrow_and_update();
            if reached > self.cursor.0 {
                self.gather().await;
                continue;
            }
            // A listener from another journal, or from before it was restored, is ahead of everything.
            if self.cursor.0 > reached {
                self.cursor = (reached, 0);
                self.waiting.push_back(self.event("reload", &json!({})));
                continue;
            }
            if let Some(event) = self.opened() {
                return Some(event);
            }
            tokio::select! {
                changed = self.reached.changed() => changed.ok()?,
                changed = self.emergencies.changed() => {
                    changed.ok()?;
                    self.is_news = true;
                }
                _ = self.closing.changed() => return None,
                () = tokio::time::sleep(BEAT) => {
                    let beat = json!({ "now": self.board.now().to_string(), "position": self.cursor.0 });
                    return Some(self.event("beat", &beat));
                }
            }
            if self.digest {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    /// Who opened the one subject lately, where others did than were told last.
    fn opened(&mut self) -> Option<Event> {
        let subject = self.subject.as_ref().filter(|_| self.is_news && !self.digest)?;
        let lately = emergencies::lately(self.board.access().emergencies(subject), self.board.now());
        self.is_news = false;
        if lately == self.told {
            return None;
        }
        self.told = lately;
        Some(self.event("emergencies", &emergencies::said(subject, &self.told)))
    }

    /// Everything from the cursor up to what the views have reached becomes events.
    async fn gather(&mut self) {
        let heard = self.board.live.since(self.cursor.0);
        let from = self.cursor;
        self.cursor = (heard.reached, 0);
        let missed = heard.begins > from.0;
        if self.digest {
            return self.gather_digest(&heard, from, missed).await;
        }
        let mut events: Vec<(Cursor, Event)> = Vec::new();
        let records = || heard.batches.iter().flat_map(|b| b.iter()).filter(|r| r.offset >= from.0 && r.offset < heard.reached);
        let mut changed = missed;
        for record in records() {
            changed |= record.changes().any(|c| self.concerns(&c.finding.subject));
            if let Some((place, event)) = self.direct(record, &heard.schema)
                && (record.offset, place) >= from
            {
                events.push(((record.offset, place), event));
            }
        }
        let mut reload = missed;
        if changed {
            let (found, all) = self.changes(from, heard.reached).await;
            reload |= !all;
            for (offset, place, view) in found {
                if self.concerns(&Subject::new(&view.subject)) {
                    events.push(((offset, place), with_id(offset, place, "recommendation", &json!(view))));
                }
            }
        }
        events.extend(self.responses(records(), from).await);
        events.sort_by_key(|(cursor, _)| *cursor);
        self.waiting.extend(events.into_iter().map(|(_, event)| event));
        if reload {
            self.waiting.push_back(self.event("reload", &json!({})));
        }
    }

    fn concerns(&self, subject: &Subject) -> bool {
        self.subject.as_ref().is_none_or(|own| own == subject) && (self.may)(subject)
    }

    /// What can be told from the record alone.
    fn direct(&self, record: &Record, schema: &Schema) -> Option<(usize, Event)> {
        match &record.entry.input {
            Input::Reading(reading) if self.concerns(&reading.subject) => {
                let place = record.effects.iter().position(|e| matches!(e, Effect::Reading(_)))?;
                let Effect::Reading(outcome) = &record.effects[place] else { return None };
                if matches!(outcome, Outcome::Duplicate | Outcome::Outdated) {
                    return None;
                }
                let data = reading_data(schema, &reading.subject, reading.id, reading.rev, reading.content.as_ref());
                Some((place, with_id(record.offset, place, "reading", &data)))
            }
            Input::Profile(change) if self.concerns(&change.subject) => {
                let data = json!({ "subject": change.subject.as_str(), "field": &*change.field });
                Some((0, with_id(record.offset, 0, "profile", &data)))
            }
            _ => None,
        }
    }

    async fn changes(&self, from: Cursor, to: u64) -> (Vec<(u64, usize, RecommendationView)>, bool) {
        match self.board.ask_now(move |ask| ask.changes(from, to, MOST_CHANGES + 1)).await {
            Ok(answer) => {
                let mut found = answer.value;
                let all = found.len() <= MOST_CHANGES;
                found.truncate(MOST_CHANGES);
                (found, all)
            }
            Err(_) => (Vec::new(), false),
        }
    }

    /// What people did: whom it concerns only the views know.
    async fn responses<'r>(&self, records: impl Iterator<Item = &'r Record>, from: Cursor) -> Vec<(Cursor, Event)> {
        let mut events = Vec::new();
        for record in records {
            let Input::Command(command) = &record.entry.input else { continue };
            let id = command.finding;
            let Ok(answer) = self.board.ask_now(move |ask| ask.subject_of(id)).await else { continue };
            let Some(subject) = answer.value.filter(|s| self.concerns(s)) else { continue };
            let action = match command.action {
                Action::Acknowledge => "acknowledge",
                Action::Dismiss => "dismiss",
            };
            let at = record.entry.arrival.to_string();
            let data = json!({ "subject": subject.as_str(), "recommendation": id.to_string(), "action": action, "by": &*command.by, "at": at });
            if (record.offset, 0) >= from {
                events.push(((record.offset, 0), with_id(record.offset, 0, "response", &data)));
            }
        }
        events
    }

    async fn gather_digest(&mut self, heard: &Heard, from: Cursor, missed: bool) {
        if missed {
            self.waiting.push_back(self.event("reload", &json!({})));
            return;
        }
        let mut subjects: BTreeSet<Subject> = BTreeSet::new();
        for record in heard.batches.iter().flat_map(|b| b.iter()).filter(|r| r.offset >= from.0 && r.offset < heard.reached) {
            let subject = match &record.entry.input {
                Input::Reading(reading) => Some(reading.subject.clone()),
                Input::Profile(change) => Some(change.subject.clone()),
                Input::Command(command) => {
                    let id = command.finding;
                    self.board.ask_now(move |ask| ask.subject_of(id)).await.ok().and_then(|a| a.value)
                }
                _ => None,
            };
            subjects.extend(subject);
            subjects.extend(record.changes().map(|c| c.finding.subject.clone()));
        }
        subjects.retain(|s| self.concerns(s));
        if !subjects.is_empty() {
            let more = subjects.len() > MOST_SUBJECTS;
            let names: Vec<&str> = subjects.iter().take(MOST_SUBJECTS).map(Subject::as_str).collect();
            self.waiting.push_back(self.event("digest", &json!({ "subjects": names, "more": more })));
        }
    }

    /// An event after which everything up to the cursor was told.
    fn event(&self, name: &str, data: &serde_json::Value) -> Event {
        Event::default().event(name).id(self.cursor.0.to_string()).data(data.to_string())
    }
}

fn with_id(offset: u64, place: usize, name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).id(format!("{offset}.{place}")).data(data.to_string())
}

/// A reading as a chart takes it in: what is current under this id now. Without a point it is removed.
fn reading_data(schema: &Schema, subject: &Subject, id: ReadingId, rev: u32, content: Option<&Content>) -> serde_json::Value {
    json!({
        "subject": subject.as_str(),
        "id": id.to_string(),
        "rev": rev,
        "stream": content.and_then(|c| schema.streams.get(usize::from(c.stream.0))).map(|s| &*s.name),
        "point": content.and_then(|c| point(schema, c)),
    })
}

/// What an event's id says is to be told next.
fn parse_id(text: &str) -> Option<Cursor> {
    match text.split_once('.') {
        None => Some((text.parse().ok()?, 0)),
        Some((offset, place)) => Some((offset.parse().ok()?, place.parse::<usize>().ok()?.checked_add(1)?)),
    }
}
