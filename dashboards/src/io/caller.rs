//! Who asks, from where in the journal on, and what: the parts of a request that every door looks at first.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::{Subject, Time, time::TimeError};

use super::board::Board;
use super::problem::Problem;
use crate::ask::AsOf;

/// Who asks.
pub struct Caller {
    pub who: Principal,
    /// From the header `Vitalog-Position`: the answer must not be older than this.
    pub at_least: Option<u64>,
    pub access: Arc<dyn Access>,
}

/// The parameters of the address.
pub struct Asked<T>(pub T);

/// The subject that the address names. Whoever gets one of these may read it.
pub struct Readable(pub Subject);

impl Caller {
    pub fn may(&self, wish: Wish<'_>) -> Result<(), Problem> {
        match self.access.decide(&self.who, wish) {
            Decision::Allow => Ok(()),
            Decision::Deny => Err(Problem::forbidden()),
        }
    }

    /// Whether they may read about somebody whom only the views know; noted, like any other question.
    pub fn may_read(&self) -> impl Fn(&Subject) -> bool + Send + Sync + 'static {
        let (access, who) = (self.access.clone(), self.who.clone());
        move |subject| access.decide(&who, Wish::Read(subject)) == Decision::Allow
    }

    /// A check for lists, which outlives the request's own handling.
    pub fn reads(&self) -> impl Fn(&Subject) -> bool + Send + Sync + 'static {
        let (access, who) = (self.access.clone(), self.who.clone());
        move |subject| access.allows(&who, Wish::Read(subject))
    }
}

impl FromRequestParts<Arc<Board>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, board: &Arc<Board>) -> Result<Caller, Problem> {
        let who = parts.extensions.get::<Principal>().cloned().ok_or_else(Problem::unauthenticated)?;
        let at_least = match parts.headers.get("vitalog-position") {
            None => None,
            Some(value) => {
                let text = value.to_str().unwrap_or("");
                Some(text.parse().map_err(|_| {
                    Problem::of_field(
                        "malformed",
                        "Vitalog-Position",
                        text,
                        "this is not a position",
                        "send the number that the write answered with",
                    )
                })?)
            }
        };
        Ok(Caller { who, at_least, access: board.access() })
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<Board>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, board: &Arc<Board>) -> Result<Asked<T>, Problem> {
        match Query::<T>::from_request_parts(parts, board).await {
            Ok(Query(asked)) => Ok(Asked(asked)),
            Err(e) => Err(Problem::of_field(
                "malformed",
                "query",
                parts.uri.query().unwrap_or(""),
                e.body_text().to_lowercase(),
                "check the parameters of the address",
            )),
        }
    }
}

impl FromRequestParts<Arc<Board>> for Readable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, board: &Arc<Board>) -> Result<Readable, Problem> {
        let caller = Caller::from_request_parts(parts, board).await?;
        let Ok(Path(path)) = Path::<std::collections::BTreeMap<String, String>>::from_request_parts(parts, board).await else {
            return Err(Problem::not_found("unknown_subject", "the address names no subject"));
        };
        let text = path.get("subject").map_or("", String::as_str);
        let subject = subject(text)?;
        caller.may(Wish::Read(&subject))?;
        Ok(Readable(subject))
    }
}

/// A subject's name from an address.
pub fn subject(text: &str) -> Result<Subject, Problem> {
    if Subject::is_valid(text) {
        return Ok(Subject::new(text));
    }
    Err(Problem::of_field(
        "invalid_subject",
        "subject",
        text,
        "this cannot be the name of a subject",
        "a name is 1 to 64 of letters, digits and . _ : @ ~ -, and does not begin with a dot",
    ))
}

/// An instant from an address: RFC 3339.
pub fn time(field: &str, text: Option<&str>) -> Result<Option<Time>, Problem> {
    let Some(text) = text else { return Ok(None) };
    Time::parse(text).map(Some).map_err(|e| {
        let detail = match e {
            TimeError::NoZone => "this time does not say its offset from UTC",
            TimeError::Malformed => "this is not a date and time",
        };
        Problem::of_field("malformed", field, text, detail, "write it like 2026-11-20T08:00:00Z, and a plus sign as %2B")
    })
}

/// A point in what was accepted: an offset of the journal, or an instant.
pub fn as_of(text: Option<&str>) -> Result<Option<AsOf>, Problem> {
    let Some(text) = text else { return Ok(None) };
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let position = text.parse().map(AsOf::Position);
        return position.map(Some).map_err(|_| {
            Problem::of_field("malformed", "as_of", text, "no journal is this long", "give a position that a write answered with")
        });
    }
    Ok(time("as_of", Some(text))?.map(AsOf::Instant))
}

/// How many rows.
pub fn limit(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, Problem> {
    match asked {
        None => Ok(usual),
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(Problem::of_field(
            "out_of_range",
            "limit",
            &n.to_string(),
            format!("this many rows are not given at a time: 1 to {most}"),
            "ask for fewer, page by page",
        )),
    }
}
