//! The worker: sends what is due, records what became of it, and sleeps until something is.
//!
//! It is woken when the outbox changes and otherwise at the next time at which anything is due; it never asks at intervals.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use vitalog_elog::Time;

use super::courier::{carry, drain};
use super::{Ports, Sender};
use crate::config::Endpoint;
use crate::outbox::{Answer, Due, Outbox, OutboxError};

/// How long attempts under way may take to end when the worker is stopped; after that they are due again at the next start.
const GRACE: Duration = Duration::from_secs(5);

/// The longest sleep at one go: a timer that far off need not be exact.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 3600);

/// Why the worker ended before it was stopped.
#[derive(Debug)]
pub enum DeliverError {
    Outbox(OutboxError),
    /// A task of it panicked.
    Task(JoinError),
}

/// Delivers until `stop`. To be started once the outbox has caught up with the journal.
///
/// # Errors
/// If the outbox fails: nothing is sent whose outcome could not be recorded.
pub async fn deliver(
    outbox: Arc<Outbox>,
    endpoints: Vec<Endpoint>,
    sender: Sender,
    ports: Ports,
    stop: impl Future<Output = ()>,
) -> Result<(), DeliverError> {
    let changed = Arc::new(Notify::new());
    let wake = changed.clone();
    outbox.on_change(Box::new(move || wake.notify_one()));
    let endpoints: Arc<[Endpoint]> = endpoints.into();
    let (all, at) = (endpoints.clone(), (ports.now)());
    blocking(&outbox, move |outbox| outbox.register(&all, at)).await?;

    let receipts = Arc::new(Notify::new());
    // In sets, so that nothing of it goes on when this future is dropped.
    let mut courier: JoinSet<Result<(), DeliverError>> = JoinSet::new();
    courier.spawn(carry(outbox.clone(), ports.inlet.clone(), receipts.clone()));
    let mut attempts: JoinSet<Result<(), DeliverError>> = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let now = (ports.now)();
        let due = blocking(&outbox, move |outbox| outbox.claim(now)).await?;
        for due in due {
            attempts.spawn(attempt(outbox.clone(), endpoints.clone(), sender.clone(), ports.clone(), due));
        }
        receipts.notify_one();
        let next = blocking(&outbox, |outbox| outbox.next_due()).await?;
        let pause = next.map_or(LONGEST_SLEEP, |next| until(next, (ports.now)()));
        tokio::select! {
            () = &mut stop => break,
            () = changed.notified() => {}
            () = sleep(pause) => {}
            Some(ended) = attempts.join_next() => ended??,
            Some(ended) = courier.join_next() => ended??,
        }
    }
    let rest = async {
        while let Some(ended) = attempts.join_next().await {
            ended??;
        }
        Ok::<(), DeliverError>(())
    };
    // What does not end within the grace is due again at the next start.
    if let Ok(ended) = timeout(GRACE, rest).await {
        ended?;
    }
    courier.shutdown().await;
    // Receipts that the run loop takes no more wait for the next start.
    if let Ok(drained) = timeout(GRACE, drain(&outbox, &*ports.inlet)).await {
        drained?;
    }
    Ok(())
}

async fn attempt(
    outbox: Arc<Outbox>,
    endpoints: Arc<[Endpoint]>,
    sender: Sender,
    ports: Ports,
    due: Due,
) -> Result<(), DeliverError> {
    let watched = ports.watch.as_ref().map(|watch| watch.begin(&due));
    let headers = watched.as_ref().map(|attempt| attempt.headers()).unwrap_or_default();
    let answer = match endpoints.iter().find(|endpoint| endpoint.name == due.endpoint) {
        Some(endpoint) => sender.send(endpoint, &due, (ports.now)(), &headers).await,
        None => Answer::Hopeless { reason: "the endpoint is not configured".to_owned() },
    };
    if let Some(attempt) = watched {
        attempt.end(&answer);
    }
    match &answer {
        Answer::Delivered => tracing::debug!(endpoint = %due.endpoint, delivery = %hex(due.id), "delivered"),
        Answer::Failed { reason, .. } => {
            tracing::warn!(endpoint = %due.endpoint, delivery = %hex(due.id), %reason, "a delivery failed; it will be tried again");
        }
        Answer::Hopeless { reason } => {
            tracing::error!(endpoint = %due.endpoint, delivery = %hex(due.id), %reason, "a delivery was given up");
        }
        Answer::Gone => tracing::error!(endpoint = %due.endpoint, "the endpoint answered 410 and is not used any more"),
    }
    let (now, random) = ((ports.now)(), (ports.random)());
    blocking(&outbox, move |outbox| outbox.record(due.id, answer, now, random)).await
}

/// Runs something that waits for the disk where waiting holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    outbox: &Arc<Outbox>,
    work: impl FnOnce(&Outbox) -> Result<T, OutboxError> + Send + 'static,
) -> Result<T, DeliverError> {
    let outbox = outbox.clone();
    Ok(tokio::task::spawn_blocking(move || work(&outbox)).await??)
}

fn until(next: Time, now: Time) -> Duration {
    // Timers count whole milliseconds: one more, so as not to wake just before it is due.
    let micros = u64::try_from(next.since(now).micros()).unwrap_or(0);
    (Duration::from_micros(micros) + Duration::from_millis(1)).min(LONGEST_SLEEP)
}

fn hex(id: u128) -> String {
    format!("{id:032x}")
}

impl From<OutboxError> for DeliverError {
    fn from(e: OutboxError) -> DeliverError {
        DeliverError::Outbox(e)
    }
}

impl From<JoinError> for DeliverError {
    fn from(e: JoinError) -> DeliverError {
        DeliverError::Task(e)
    }
}

impl fmt::Display for DeliverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeliverError::Outbox(e) => write!(f, "deliveries have stopped: {e}"),
            DeliverError::Task(e) => write!(f, "deliveries have stopped: a task of theirs broke: {e}"),
        }
    }
}

impl std::error::Error for DeliverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DeliverError::Outbox(e) => Some(e),
            DeliverError::Task(e) => Some(e),
        }
    }
}
