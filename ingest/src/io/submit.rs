//! Handing inputs to the run loop, and waiting for its answer.

use std::sync::atomic::Ordering;

use axum::http::HeaderValue;
use tokio::sync::oneshot;
use vitalog_elog::Input;
use vitalog_elog::port::{Accepted, Unavailable};

use super::Gateway;
use super::problem::Problem;

impl Gateway {
    /// Journals the inputs. The answer comes after they are on stable storage. They are kept even if nobody waits for it any more.
    pub(super) async fn submit(&self, inputs: Vec<Input>) -> Result<Accepted, Problem> {
        let (answer, answered) = oneshot::channel();
        self.inlet.submit(
            inputs,
            Box::new(move |result| {
                // Who asked may have hung up.
                let _ = answer.send(result);
            }),
        );
        let accepted = answered.await.unwrap_or(Err(Unavailable::Closing))?;
        self.told.fetch_max(accepted.position.next, Ordering::AcqRel);
        Ok(accepted)
    }
}

/// The value of the header [`super::POSITION`].
pub(super) fn position_header(position: u64) -> HeaderValue {
    HeaderValue::from(position)
}
