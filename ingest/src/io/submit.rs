//! Handing inputs to the run loop, and waiting for its answer.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use serde::Serialize;
use tokio::sync::RwLockWriteGuard;
use vitalog_elog::access::Principal;
use vitalog_elog::metering::{Sent, Used};
use vitalog_elog::once::Became;
use vitalog_elog::port::Accepted;
use vitalog_elog::{Input, Outcome, Subject};

use super::Gateway;
use super::once::{self, Ticket, Waiting};
use super::problem::Problem;
use super::quota::Permit;

/// How readings come in.
pub(super) enum Sending {
    /// By whoever sends them, with what they may spend of a quota.
    Sent(Option<Permit>),
    /// They are set right: moved, or a dead letter tried again. That spends nothing.
    Mended,
}

impl Gateway {
    /// Journals the inputs. The answer comes after they are on stable storage. They are kept even if nobody waits for it any more.
    pub(super) async fn submit(
        &self,
        who: &Principal,
        mut inputs: Vec<Input>,
        permit: Option<Permit>,
    ) -> Result<Accepted, Problem> {
        let put_down = self.put_down(who, &inputs, false);
        inputs.extend(put_down);
        self.keep(who, self.hand_in(inputs, permit).await, &mut None).await
    }

    /// Whom what is sent is put down to. It stands behind all else, so that places and offsets before it are what they were; what is mended and not sent is marked so where a quota holds, which it
    /// spends nothing of.
    fn put_down(&self, who: &Principal, inputs: &[Input], is_mended: bool) -> Vec<Input> {
        let (mut readings, mut refused) = (0, 0);
        for input in inputs {
            match input {
                Input::Reading(_) => readings += 1,
                Input::DeadLetter(_) => refused += 1,
                _ => {}
            }
        }
        let Some(by) = self.access.party(who).filter(|_| readings + refused > 0) else { return Vec::new() };
        let mark = (is_mended && !self.access.quotas(who).is_empty()).then(|| Input::Sent(Sent::mended(by.clone())));
        std::iter::once(Input::Sent(Sent { by, readings, refused })).chain(mark).collect()
    }

    fn accepted(&self, who: &Principal, accepted: &Accepted) {
        self.told.fetch_max(accepted.position.next, Ordering::AcqRel);
        let is_duplicate = |outcome: &&Option<Outcome>| matches!(outcome, Some(Outcome::Duplicate));
        let duplicates = accepted.outcomes.iter().filter(is_duplicate).count() as u64;
        if duplicates > 0 {
            self.access.used(who, Used { duplicates, ..Used::default() });
        }
    }

    /// The same, and of a request that bears a key what is said to it: about one subject, where that is said.
    pub(super) async fn submit_once(
        &self,
        who: &Principal,
        inputs: Vec<Input>,
        ticket: &mut Option<Ticket>,
        subject: Option<Subject>,
        said: &impl Serialize,
        sending: Sending,
    ) -> Result<Accepted, Problem> {
        let inputs = self.with_what_is_said(who, inputs, ticket, subject, said, matches!(sending, Sending::Mended))?;
        let permit = if let Sending::Sent(permit) = sending { permit } else { None };
        self.keep(who, self.hand_in(inputs, permit).await, ticket).await
    }

    /// Gives them to the run loop, by whoever keeps all others from that; they are still to be [kept](Gateway::keep).
    pub(super) fn hand_in_alone(&self, _alone: RwLockWriteGuard<'_, ()>, inputs: Vec<Input>) -> Waiting {
        once::hand_in(&*self.inlet, inputs, None)
    }

    /// The inputs, and behind them what is said to a request that bears a key, and whom they are put down to.
    pub(super) fn with_what_is_said(
        &self,
        who: &Principal,
        mut inputs: Vec<Input>,
        ticket: &mut Option<Ticket>,
        subject: Option<Subject>,
        said: &impl Serialize,
        is_mended: bool,
    ) -> Result<Vec<Input>, Problem> {
        let put_down = self.put_down(who, &inputs, is_mended);
        if let Some(ticket) = ticket {
            inputs.push(ticket.said(subject, inputs.len(), said)?);
        }
        inputs.extend(put_down);
        Ok(inputs)
    }

    /// Gives them to the run loop, when nobody has to be alone with it. What was given is on its way, whoever hangs up.
    async fn hand_in(&self, inputs: Vec<Input>, permit: Option<Permit>) -> Waiting {
        let _among_others = self.writing.read().await;
        once::hand_in(&*self.inlet, inputs, permit)
    }

    /// Waits until they are kept.
    pub(super) async fn keep(&self, who: &Principal, waiting: Waiting, ticket: &mut Option<Ticket>) -> Result<Accepted, Problem> {
        let doubt = self.doubts.unless_told();
        let accepted = match ticket {
            Some(ticket) => ticket.wait(waiting).await?,
            None => waiting.await.map_err(|failed| Problem::from(failed.why))?,
        };
        self.accepted(who, &accepted);
        doubt.told();
        Ok(accepted)
    }

    /// An offset before which everything stands that anybody was told of, or hung up on before they could be.
    pub(super) async fn known_end(&self) -> Result<u64, Problem> {
        let open = self.doubts.all.load(Ordering::Acquire);
        if open > self.doubts.settled.load(Ordering::Acquire) {
            self.told.fetch_max(once::end_of(&*self.inlet).await?, Ordering::AcqRel);
            self.doubts.settled.fetch_max(open, Ordering::AcqRel);
        }
        Ok(self.told.load(Ordering::Acquire))
    }
}

/// How often inputs were handed in of which nobody was told where they stand, since their caller hung up or they were not acknowledged.
#[derive(Default)]
pub(super) struct Doubts {
    all: AtomicU64,
    /// Of so many it was found out that they stand before what was told since, if anywhere.
    settled: AtomicU64,
}

/// Is a doubt where it is dropped before anybody was told.
struct Doubt<'a>(Option<&'a Doubts>);

impl Doubts {
    fn unless_told(&self) -> Doubt<'_> {
        Doubt(Some(self))
    }
}

impl Doubt<'_> {
    fn told(mut self) {
        self.0 = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(doubts) = self.0 {
            doubts.all.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// What the input at a place was to those before, where it is a reading.
pub(super) fn became(accepted: &Accepted, place: usize) -> Option<Became> {
    accepted.outcomes.get(place)?.as_ref().map(Became::of)
}

/// The value of the header [`super::POSITION`].
pub(super) fn position_header(position: u64) -> HeaderValue {
    HeaderValue::from(position)
}
