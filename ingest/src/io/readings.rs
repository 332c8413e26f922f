//! `POST /v1/readings`: many readings, a receipt for each.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use vitalog_elog::access::Principal;
use vitalog_elog::port::Accepted;
use vitalog_elog::{Input, Refusal};

use super::again::{self, One, as_before};
use super::body;
use super::once::{Asked, Key, Ticket, Turn, said};
use super::prepare::{Judge, Prepared, Whole};
use super::problem::{PROBLEM_JSON, Problem};
use super::quota::Allowed;
use super::receipt::{Receipts, Status};
use super::settle::subjects_of;
use super::submit::{Sending, became, position_header};
use super::{Gateway, POSITION};
use crate::admit::dead_letter;
use crate::decode::Format;

/// Many readings, a receipt for each. `?receipts=summary` leaves out the receipts of what was kept.
///
/// 200 where at least one reading was kept or known, 422 where all were rejected; receipts in both. 400 where the body as a whole can't be read.
#[utoipa::path(
    post,
    path = "/v1/readings",
    tag = "write",
    params(("receipts" = Option<String>, Query, pattern = "^(all|summary)$", description = "`all`, or `summary`: those of the rejected only")),
    request_body(content((super::said::ReadingsBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
    responses(
        (status = 200, description = "At least one was kept or known", body = Receipts, headers(("Vitalog-Position" = u64, description = "A read that waits for this position sees the write"))),
        (status = 422, description = "All were rejected, or the key stands for another request", content_type = "application/problem+json", body = super::said::RefusedBody),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "No such form or packing is read"),
    )
)]
pub(super) async fn post(
    State(gateway): State<Arc<Gateway>>,
    Extension(who): Extension<Principal>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let is_summary = summary_asked(query.as_deref().unwrap_or(""))?;
    let (format, key) = (body::format(&headers)?, Key::of(&headers)?);
    let taken = body::read(&headers, body, &gateway.limits, &gateway.room).await?;
    let bytes = &taken.bytes;

    let (mut judged, asked) = judge(&gateway, &who, &format, bytes, key.map(|key| (key, query))).await?;
    while let Ok(prepared) = &judged {
        let subjects = subjects_of(&prepared.inputs, gateway.live.get().admission.schema());
        // Whose a subject is may have been settled otherwise than by whoever sends this, or be beyond what its tenant may have.
        if !gateway.settle(&who, subjects.iter()).await? {
            break;
        }
        (judged, _) = judge(&gateway, &who, &format, bytes, None).await?;
    }
    let prepared = match judged {
        Ok(prepared) => prepared,
        Err(Whole::Malformed(refusal)) => return Err(gateway.refuse_whole(refusal, bytes, &who, asked).await?),
        Err(Whole::TooMany) => {
            let detail = format!("the body has more than {} readings", gateway.limits.readings);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many", detail, "send fewer readings at a time"));
        }
    };
    let beyond = prepared.beyond();
    gateway.ledger().refused.subjects.fetch_add(beyond.len() as u64, Ordering::Relaxed);
    if prepared.denied == prepared.receipts.len() {
        return Err(match beyond.first().and_then(|place| prepared.receipts[*place].refusal.clone()) {
            Some(refusal) => Problem::of(StatusCode::FORBIDDEN, refusal),
            None => Problem::forbidden("write readings of any subject that was sent"),
        });
    }
    let shown = |receipts: Receipts| answer(if is_summary { receipts.summary() } else { receipts });
    let mut ticket = match gateway.once.turn(asked).await? {
        Turn::First(ticket) => ticket,
        Turn::Again(answered) => return Ok(as_before(shown(again::receipts(&answered, prepared)?))),
    };
    let mut response = shown(gateway.take_in(&who, prepared, &mut ticket).await?);
    gateway.tell_quotas(&who, response.headers_mut());
    Ok(response)
}

/// A JSON body of so many bytes, some eighty readings, wakes no other thread to be judged. (Of other forms the length does not tell how much it becomes.)
const AT_ONCE: usize = 8 * 1024;

/// Holds a body against what is declared and permitted; a large one on a thread of its own.
async fn judge(
    gateway: &Arc<Gateway>,
    who: &Principal,
    format: &Format,
    bytes: &Bytes,
    key: Option<(Key, Option<String>)>,
) -> Result<(Result<Prepared, Whole>, Option<Asked>), Problem> {
    let is_small = bytes.len() <= AT_ONCE && matches!(format, Format::Json | Format::Ndjson);
    let (gateway, who, format, bytes) = (gateway.clone(), who.clone(), format.clone(), bytes.clone());
    let judge = move || {
        let declared = gateway.live.get();
        let now = (gateway.clock)();
        let access = &*gateway.access;
        let judge = Judge { admission: &declared.admission, access, who: &who, now, most: gateway.limits.readings };
        let asked = key.map(|(key, query)| {
            let said = [query.as_deref().unwrap_or("").as_bytes(), body::form(&format).as_bytes(), &bytes];
            key.asks(&who, "POST /v1/readings", &said)
        });
        (judge.body(&format, &bytes), asked)
    };
    if is_small {
        return Ok(judge());
    }
    tokio::task::spawn_blocking(judge).await.map_err(|_| body::broken())
}

impl Gateway {
    async fn take_in(
        self: &Arc<Self>,
        who: &Principal,
        mut prepared: Prepared,
        ticket: &mut Option<Ticket>,
    ) -> Result<Receipts, Problem> {
        let Allowed { permit, refused, why } = self.allow(who, prepared.readings().collect()).await?;
        if let Some(why) = why {
            // Letters that were among it come again with the rest.
            if refused.len() == prepared.readings().count() {
                return Err(self.nothing_fits(who, why));
            }
            prepared.hold(&refused, &why);
        }
        let said = ticket.as_ref().map(|_| prepared.said());
        let Prepared { mut inputs, mut receipts, owners, .. } = prepared;
        let accepted = match said {
            None => self.submit(who, inputs, permit).await?,
            Some((subject, whole, parts)) => {
                inputs.extend(parts);
                self.submit_once(who, inputs, ticket, subject, &whole, Sending::Sent(permit)).await?
            }
        };
        for (i, owner) in owners.into_iter().enumerate() {
            receipts[owner].settle(accepted.first + i as u64, became(&accepted, i));
        }
        Ok(Receipts::new(receipts, accepted.position.next))
    }

    /// Keeps a body that could not be read as a dead letter, and tells where.
    async fn refuse_whole(
        &self,
        refusal: Refusal,
        bytes: &[u8],
        who: &Principal,
        asked: Option<Asked>,
    ) -> Result<Problem, Problem> {
        if refusal.code == "empty_body" {
            return Ok(Problem::of(StatusCode::BAD_REQUEST, refusal));
        }
        let mut ticket = match self.once.turn(asked).await? {
            Turn::First(ticket) => ticket,
            Turn::Again(answered) => match said(&answered)? {
                One::Refused { refusal, .. } => return Ok(again::refused(&answered, StatusCode::BAD_REQUEST, refusal)),
                One::Taken { .. } => return Err(body::broken()),
            },
        };
        let letter = dead_letter(&refusal, None, bytes, &who.id);
        let said = One::Refused { subject: None, refusal: refusal.clone() };
        let inputs = vec![Input::DeadLetter(letter)];
        let Accepted { first, position, .. } =
            self.submit_once(who, inputs, &mut ticket, None, &said, Sending::Sent(None)).await?;
        let problem = Problem::of(StatusCode::BAD_REQUEST, refusal).kept_at(first);
        Ok(problem.with(header::HeaderName::from_static(POSITION), position_header(position.next)))
    }
}

fn summary_asked(query: &str) -> Result<bool, Problem> {
    let bad = |field: &str, value: &str| {
        let refusal =
            Refusal::of("bad_query", field, value, "the query can't be understood", "ask for receipts=all or receipts=summary");
        Problem::of(StatusCode::BAD_REQUEST, refusal).closing()
    };
    let mut is_summary = false;
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        match pair.split_once('=') {
            Some(("receipts", "summary")) => is_summary = true,
            Some(("receipts", "all")) => is_summary = false,
            Some((name, value)) => return Err(bad(name, value)),
            None => return Err(bad(pair, "")),
        }
    }
    Ok(is_summary)
}

/// The receipts; where nothing was kept, as a problem that carries them and says what was wrong with the first.
fn answer(receipts: Receipts) -> Response {
    let position = position_header(receipts.position);
    let is_refused = receipts.accepted + receipts.duplicate == 0;
    // Structs of strings and numbers can't fail to be written.
    let body = if is_refused { refused(&receipts) } else { serde_json::to_vec(&receipts) }.unwrap_or_default();
    let (status, kind) =
        if is_refused { (StatusCode::UNPROCESSABLE_ENTITY, PROBLEM_JSON) } else { (StatusCode::OK, "application/json") };
    let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
    response.headers_mut().insert(POSITION, position);
    response
}

fn refused(receipts: &Receipts) -> serde_json::Result<Vec<u8>> {
    let first = receipts.receipts.iter().find(|r| r.status == Status::Rejected).and_then(|r| r.refusal.clone());
    let first = first.unwrap_or_else(|| Refusal::whole("rejected", "every reading was rejected", "see the receipts"));
    let mut whole = serde_json::to_value(Problem::of(StatusCode::UNPROCESSABLE_ENTITY, first))?;
    if let (Some(whole), serde_json::Value::Object(rest)) = (whole.as_object_mut(), serde_json::to_value(receipts)?) {
        whole.extend(rest);
    }
    serde_json::to_vec(&whole)
}
