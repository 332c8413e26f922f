//! Answers made again: what the doors of readings say to a request that was done before.
//!
//! What follows from the inputs is taken from what became of them; here is what else was said, as it is journaled. The body is there again, byte for byte, so what is only read from it is not kept either.

use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use vitalog_elog::once::{Answered, Told};
use vitalog_elog::{Refusal, Subject};

use super::once::{replayed, said};
use super::prepare::{Prepared, not_permitted};
use super::problem::Problem;
use super::quota::beyond;
use super::receipt::{Receipt, Receipts};
use super::submit::position_header;
use super::{POSITION, body};

/// What is said of one reading, or of what was refused whole.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum One {
    /// It was taken; of this subject.
    Taken {
        subject: Subject,
        is_new: bool,
    },
    Refused {
        subject: Option<Subject>,
        refusal: Refusal,
    },
}

/// What is said of many, or of those of one subject among them.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Many {
    /// Those that were not the sender's to write, by their place in the body: nothing of them is journaled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<usize>,
    /// Why those were refused that are kept as dead letters, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<(usize, Refusal)>,
    /// Those whose subject was one more than its tenant might have, likewise: nothing of them is journaled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<usize>,
    /// Those that did not fit into a quota, likewise; and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Refusal>,
}

/// Marks an answer as one that was given before.
pub(super) fn as_before(mut response: Response) -> Response {
    let (name, value) = replayed();
    response.headers_mut().insert(name, value);
    response
}

/// What was refused whole and kept at its first input.
pub(super) fn refused(answered: &Answered, status: StatusCode, refusal: Refusal) -> Problem {
    let (name, value) = replayed();
    let problem = Problem::of(status, refusal).kept_at(answered.first).with(name, value);
    problem.with(HeaderName::from_static(POSITION), position_header(answered.position))
}

/// The receipt of one reading.
pub(super) fn taken(answered: &Answered, is_new: bool) -> Result<Response, Problem> {
    let receipt = answered.told.first().and_then(|told| Receipt::again(0, 1, answered.first, told)).ok_or_else(body::broken)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, axum::Json(receipt)).into_response();
    response.headers_mut().insert(POSITION, position_header(answered.position));
    Ok(as_before(response))
}

/// The receipts of many. `now` is what the same body comes to now: of whom the sender may not write any more, nothing is told.
pub(super) fn receipts(answered: &Answered, now: Prepared) -> Result<Receipts, Problem> {
    let mut before = said::<Many>(answered)?;
    for part in &answered.parts {
        let part: Many = serde_json::from_slice(&part.answer).map_err(|_| body::broken())?;
        before.refused.extend(part.refused);
    }
    before.refused.sort_by_key(|(place, _)| *place);
    let may_now = |place: usize| now.owners.binary_search(&place).is_ok();
    let mut told = (answered.first..).zip(&answered.told);
    let mut receipts = Vec::with_capacity(now.receipts.len());
    for (place, receipt) in now.receipts.iter().enumerate() {
        let (index, line) = (receipt.index, receipt.line);
        if before.denied.binary_search(&place).is_ok() {
            // What may be written now was not then.
            receipts.push(match now.subject_of(place) {
                Some(subject) => Receipt::rejected(index, line, not_permitted(&subject)),
                None => receipt.clone(),
            });
            continue;
        }
        if before.beyond.binary_search(&place).is_ok() {
            receipts.push(match now.subject_of(place) {
                Some(subject) => Receipt::rejected(index, line, beyond(&subject)),
                None => receipt.clone(),
            });
            continue;
        }
        if before.spent.binary_search(&place).is_ok() {
            let why = before.why.clone().filter(|_| may_now(place));
            receipts.push(why.map_or_else(|| receipt.clone(), |why| Receipt::rejected(index, line, why)));
            continue;
        }
        let (offset, told) = told.next().ok_or_else(body::broken)?;
        receipts.push(match Receipt::again(index, line, offset, told) {
            _ if !may_now(place) => receipt.clone(),
            // By what is declared now: of the first time nothing is kept.
            Some(taken) => Receipt { flags: receipt.flags.clone(), ..taken },
            None => {
                let why = before.refused.binary_search_by_key(&place, |(place, _)| *place).map(|i| before.refused[i].1.clone());
                let why = why.ok().filter(|_| *told != Told::Erased).unwrap_or_else(erased);
                let mut receipt = Receipt::rejected(index, line, why);
                receipt.settle(offset, None);
                receipt
            }
        });
    }
    // Parts of people who were erased can't be told from their readings, and stand behind all of them.
    if told.any(|(_, told)| *told != Told::Erased) {
        return Err(body::broken());
    }
    Ok(Receipts::new(receipts, answered.position))
}

fn erased() -> Refusal {
    let remedy = "send it again under another key, if it is to be there again";
    Refusal::whole("erased", "it was taken, and everything about its subject was erased since", remedy)
}
