//! Handing inputs to the run loop, and waiting for its answer.

use std::sync::atomic::Ordering;

use axum::http::HeaderValue;
use serde::Serialize;
use vitalog_elog::once::Became;
use vitalog_elog::port::Accepted;
use vitalog_elog::{Input, Subject};

use super::Gateway;
use super::once::{self, Ticket};
use super::problem::Problem;

impl Gateway {
    /// Journals the inputs. The answer comes after they are on stable storage. They are kept even if nobody waits for it any more.
    pub(super) async fn submit(&self, inputs: Vec<Input>) -> Result<Accepted, Problem> {
        let accepted = once::submit(&*self.inlet, inputs).await.map_err(|failed| Problem::from(failed.why))?;
        self.told.fetch_max(accepted.position.next, Ordering::AcqRel);
        Ok(accepted)
    }

    /// The same, and of a request that bears a key what is said to it: about one subject, where that is said.
    pub(super) async fn submit_once(
        &self,
        mut inputs: Vec<Input>,
        ticket: &mut Option<Ticket>,
        subject: Option<Subject>,
        said: &impl Serialize,
    ) -> Result<Accepted, Problem> {
        let Some(ticket) = ticket else { return self.submit(inputs).await };
        inputs.push(ticket.said(subject, inputs.len(), said)?);
        let accepted = ticket.submit(&*self.inlet, inputs).await?;
        self.told.fetch_max(accepted.position.next, Ordering::AcqRel);
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
