//! Handing inputs to the run loop, and waiting for its answer.

use std::sync::atomic::Ordering;

use axum::http::HeaderValue;
use serde::Serialize;
use vitalog_elog::access::Principal;
use vitalog_elog::metering::{Sent, Used};
use vitalog_elog::once::Became;
use vitalog_elog::port::Accepted;
use vitalog_elog::{Input, Outcome, Subject};

use super::Gateway;
use super::once::{self, Ticket};
use super::problem::Problem;

impl Gateway {
    /// Journals the inputs. The answer comes after they are on stable storage. They are kept even if nobody waits for it any more.
    pub(super) async fn submit(&self, who: &Principal, mut inputs: Vec<Input>) -> Result<Accepted, Problem> {
        inputs.extend(self.put_down(who, &inputs));
        let accepted = once::submit(&*self.inlet, inputs).await.map_err(|failed| Problem::from(failed.why))?;
        self.accepted(who, &accepted);
        Ok(accepted)
    }

    /// Whom what is sent is put down to. It stands behind all else, so that places and offsets before it are what they were.
    fn put_down(&self, who: &Principal, inputs: &[Input]) -> Option<Input> {
        let (mut readings, mut refused) = (0, 0);
        for input in inputs {
            match input {
                Input::Reading(_) => readings += 1,
                Input::DeadLetter(_) => refused += 1,
                _ => {}
            }
        }
        if readings + refused == 0 {
            return None;
        }
        Some(Input::Sent(Sent { by: self.access.party(who)?, readings, refused }))
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
        mut inputs: Vec<Input>,
        ticket: &mut Option<Ticket>,
        subject: Option<Subject>,
        said: &impl Serialize,
    ) -> Result<Accepted, Problem> {
        let Some(ticket) = ticket else { return self.submit(who, inputs).await };
        let put_down = self.put_down(who, &inputs);
        inputs.push(ticket.said(subject, inputs.len(), said)?);
        inputs.extend(put_down);
        let accepted = ticket.submit(&*self.inlet, inputs).await?;
        self.accepted(who, &accepted);
        Ok(accepted)
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
