//! Requests that have one effect however often they are sent: a caller who lost the answer sends the request again under the same key, and gets it.
//!
//! What was answered is journaled with what it covers, in one group, and the views tell it by its key. Here is only what is under way: who comes with a key has a [`Turn`], and nobody else
//! with the same key has one until that is over.
//!
//! INVARIANT (one effect): before a request is done, the views have been asked for its key after they had seen every group that may hold it. All that a former process journaled they have seen before any door
//! opens; of what this one was told they know the position; and where nobody was told (the caller hung up, the journal was away), something is journaled behind it first that is answered.

mod key;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use vitalog_elog::once::{Once, Request};
use vitalog_elog::port::{Accepted, Inlet, Unavailable};
use vitalog_elog::{Answered, Input, Subject};

use super::problem::Problem;
use super::quota::{self, Permit};
use super::{Clock, Current, body};

pub use key::{Asked, KEY, Key, LONGEST};

/// The header of an answer that was given before.
pub const REPLAYED: &str = "idempotency-replayed";
/// Where so many keys are remembered, those are looked for that the views have seen.
const MANY: usize = 1_024;

/// Knows which keys are under way.
pub struct Desk {
    inlet: Arc<dyn Inlet>,
    current: Arc<dyn Current>,
    clock: Clock,
    keys: Mutex<HashMap<u128, Known>>,
}

/// A key that the views may not know.
struct Known {
    asked: u128,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    UnderWay,
    /// It stands before this offset, if anywhere.
    Before(u64),
    /// It may be journaled, and nobody was told.
    Doubtful,
}

/// What a request is to do.
pub enum Turn {
    /// What it asks for; with a ticket where it bears a key.
    First(Option<Ticket>),
    /// Nothing: it was done.
    Again(Answered),
}

/// The turn of one request. Nobody else has it until this is dropped.
pub struct Ticket {
    desk: Arc<Desk>,
    asked: Asked,
    /// What is to be known of the key when it is over.
    leaves: Option<Stage>,
}

impl Desk {
    pub(super) fn new(inlet: Arc<dyn Inlet>, current: Arc<dyn Current>, clock: Clock) -> Arc<Desk> {
        Arc::new(Desk { inlet, current, clock, keys: Mutex::default() })
    }

    /// Whether a request is the first of its key.
    ///
    /// # Errors
    /// 409 where one with the same key is under way, 422 where the key stands for another request, 503 where it can't be told.
    pub async fn turn(self: &Arc<Self>, asked: Option<Asked>) -> Result<Turn, Problem> {
        let Some(asked) = asked else { return Ok(Turn::First(None)) };
        let (key, digest) = (asked.key, asked.asked);
        let mut ticket = self.begin(asked)?;
        let after = match ticket.leaves {
            Some(Stage::Doubtful) => self.settle_doubts().await?,
            Some(Stage::Before(offset)) => offset,
            _ => 0,
        };
        let current = self.current.clone();
        let found = tokio::task::spawn_blocking(move || current.answered(key, after)).await.map_err(|_| body::broken())??;
        ticket.leaves = None;
        match found.filter(|answered| answered.holds((self.clock)())) {
            None => Ok(Turn::First(Some(ticket))),
            Some(answered) if answered.asked == digest => Ok(Turn::Again(answered)),
            Some(_) => Err(reused()),
        }
    }

    /// Takes the key, unless somebody has it.
    fn begin(self: &Arc<Self>, asked: Asked) -> Result<Ticket, Problem> {
        let mut keys = self.keys();
        if keys.len() >= MANY {
            let reached = self.current.reached();
            keys.retain(|_, known| !matches!(known.stage, Stage::Before(offset) if offset <= reached));
        }
        let was = keys.get(&asked.key).map(|known| (known.stage, known.asked == asked.asked));
        match was {
            Some((Stage::UnderWay, true)) => return Err(under_way()),
            Some((Stage::UnderWay, false)) => return Err(reused()),
            _ => {}
        }
        keys.insert(asked.key, Known { asked: asked.asked, stage: Stage::UnderWay });
        drop(keys);
        Ok(Ticket { desk: self.clone(), asked, leaves: was.map(|(stage, _)| stage) })
    }

    /// An offset that whatever is in doubt stands before, if it is journaled: nothing is submitted behind it, and the answer says where the journal ends.
    async fn settle_doubts(&self) -> Result<u64, Problem> {
        let doubtful: Vec<u128> = {
            let keys = self.keys();
            keys.iter().filter(|(_, known)| known.stage == Stage::Doubtful).map(|(key, _)| *key).collect()
        };
        let end = end_of(&*self.inlet).await?;
        let mut keys = self.keys();
        for key in doubtful {
            if let Some(known) = keys.get_mut(&key).filter(|known| known.stage == Stage::Doubtful) {
                known.stage = Stage::Before(end);
            }
        }
        Ok(end)
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<u128, Known>> {
        // What stands there is whole after every line that changes it.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// What is journaled of the request: behind `inputs` others that came of it. Who has this submits it, so from now on it is not known whether it is journaled.
    ///
    /// # Errors
    /// Never but by a defect of ours: what is said are strings and numbers.
    pub fn said(&mut self, subject: Option<Subject>, inputs: usize, said: &impl Serialize) -> Result<Input, Problem> {
        let inputs = u32::try_from(inputs).map_err(|_| body::broken())?;
        let Asked { by, key, asked } = self.asked.clone();
        let request = Some(Request { by, key, asked, inputs });
        let answer = serde_json::to_vec(said).map_err(|_| body::broken())?.into();
        self.leaves = Some(Stage::Doubtful);
        Ok(Input::Once(Once { subject, request, answer }))
    }

    /// It is journaled, before this offset.
    pub fn kept(&mut self, position: u64) {
        self.leaves = Some(Stage::Before(position));
    }

    /// Nothing of it is journaled.
    fn refused(&mut self) {
        self.leaves = None;
    }

    /// Waits for what the request came to, handed in as [`Ticket::said`] has it.
    pub(super) async fn wait(&mut self, waiting: Waiting) -> Result<Accepted, Problem> {
        match waiting.await {
            Ok(accepted) => {
                self.kept(accepted.position.next);
                Ok(accepted)
            }
            Err(failed) => {
                if failed.is_sure {
                    self.refused();
                }
                Err(failed.why.into())
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut keys = self.desk.keys();
        match self.leaves {
            Some(stage) => keys.insert(self.asked.key, Known { asked: self.asked.asked, stage }),
            None => keys.remove(&self.asked.key),
        };
    }
}

/// A submission that was not acknowledged.
pub(super) struct Failed {
    pub why: Unavailable,
    /// Nothing of it is journaled.
    is_sure: bool,
}

/// Inputs that are on their way.
pub(super) struct Waiting(oneshot::Receiver<Result<Accepted, Unavailable>>);

impl Future for Waiting {
    type Output = Result<Accepted, Failed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answered| match answered {
            Ok(Ok(accepted)) => Ok(accepted),
            Ok(Err(why)) => Err(Failed { is_sure: why != Unavailable::JournalAway, why }),
            Err(_) => Err(Failed { why: Unavailable::Closing, is_sure: false }),
        })
    }
}

/// Hands inputs to the run loop, in the order of these calls. What they may spend of a quota is settled when it is known what came of them, whoever waits for it.
pub(super) fn hand_in(inlet: &dyn Inlet, inputs: Vec<Input>, permit: Option<Permit>) -> Waiting {
    let (answer, answered) = oneshot::channel();
    inlet.submit(
        inputs,
        Box::new(move |result| {
            if let Some(permit) = permit {
                quota::settle(permit, &result);
            }
            // Who asked may have hung up.
            let _ = answer.send(result);
        }),
    );
    Waiting(answered)
}

/// An offset before which all stands that was handed in by now, whoever waits for it: nothing is submitted behind it, and the answer says where the journal ends.
pub(super) async fn end_of(inlet: &dyn Inlet) -> Result<u64, Problem> {
    Ok(end(inlet).await?.position.next)
}

/// The same, with what the clock of acceptance says.
pub(super) async fn end(inlet: &dyn Inlet) -> Result<Accepted, Problem> {
    hand_in(inlet, Vec::new(), None).await.map_err(|failed| Problem::from(failed.why))
}

/// What was said of the whole, as the door wrote it.
///
/// # Errors
/// Where this program does not understand it: another version wrote it.
pub fn said<T: DeserializeOwned>(answered: &Answered) -> Result<T, Problem> {
    serde_json::from_slice(&answered.whole.answer).map_err(|_| body::broken())
}

/// The header that an answer bears which was given before.
pub fn replayed() -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(REPLAYED), HeaderValue::from_static("true"))
}

fn under_way() -> Problem {
    let detail = "a request with this idempotency key is under way";
    Problem::new(StatusCode::CONFLICT, "request_under_way", detail, "send it again a little later for its answer")
        .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

fn reused() -> Problem {
    let detail = "this idempotency key stands for another request";
    let remedy = "give each request a key of its own; a repeat says what the first said, byte for byte";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail, remedy)
}
