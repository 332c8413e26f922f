//! Bringing receipts from the outbox to the journal.
//!
//! A receipt is taken out of the outbox only when the journal has it. A crash in between journals it twice, which changes nothing: of one
//! attempt the first receipt decides.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use vitalog_elog::Input;
use vitalog_elog::input::DeliveryReceipt;
use vitalog_elog::port::{Inlet, Unavailable};

use super::deliver::{DeliverError, blocking};
use crate::outbox::Outbox;

/// How many receipts go in one piece.
const BATCH: u32 = 256;

/// How long to wait when the run loop has too much to do.
const OVERLOADED: Duration = Duration::from_secs(1);

/// Journals receipts whenever `some` says that there are any, until the run loop closes.
pub(super) async fn carry(outbox: Arc<Outbox>, inlet: Arc<dyn Inlet>, some: Arc<Notify>) -> Result<(), DeliverError> {
    loop {
        if !drain(&outbox, &*inlet).await? {
            return Ok(());
        }
        some.notified().await;
    }
}

/// Journals all receipts that wait. `false`: the run loop is closing, and they wait for the next start.
pub(super) async fn drain(outbox: &Arc<Outbox>, inlet: &dyn Inlet) -> Result<bool, DeliverError> {
    loop {
        let receipts = blocking(outbox, |outbox| outbox.receipts(BATCH)).await?;
        if receipts.is_empty() {
            return Ok(true);
        }
        match submit(inlet, &receipts).await {
            Ok(()) => blocking(outbox, move |outbox| outbox.journaled(&receipts)).await?,
            Err(Unavailable::Overloaded | Unavailable::NoRoom | Unavailable::JournalAway) => tokio::time::sleep(OVERLOADED).await,
            Err(Unavailable::Closing) => return Ok(false),
        }
    }
}

async fn submit(inlet: &dyn Inlet, receipts: &[DeliveryReceipt]) -> Result<(), Unavailable> {
    let (answer, answered) = oneshot::channel();
    let done = Box::new(move |result: Result<_, Unavailable>| {
        // Nobody listens any more if the worker was stopped meanwhile: then they are journaled again.
        let _ = answer.send(result.map(drop));
    });
    inlet.submit(receipts.iter().cloned().map(Input::Receipt).collect(), done);
    answered.await.unwrap_or(Err(Unavailable::Closing))
}
