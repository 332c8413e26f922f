//! Telling people, while a round lasts: what the outbox has is delivered, and notices of emergencies are handed to it.

use std::sync::Arc;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use vitalog_ingest::access::Accounts;
use vitalog_notify::Endpoint;
use vitalog_notify::io::{DeliverError, Ports, Sender, Timeouts, Watch, deliver};

use crate::failure::Failure;
use crate::run::{Node, Notices};

/// What tells people, until it is ended.
pub struct Telling {
    deliveries: Until<Result<(), DeliverError>>,
    /// Without accounts nobody opens anything.
    notices: Option<Until<()>>,
}

/// A task that goes on until it is told to stop, or nobody is there any more to tell it.
struct Until<T> {
    stop: oneshot::Sender<()>,
    task: JoinHandle<T>,
}

impl Telling {
    /// Tells `endpoints`. `opened`: notified when a subject was opened in an emergency.
    ///
    /// # Errors
    /// If TLS can't be set up on this machine.
    pub fn begin(
        node: &Node,
        endpoints: &[Endpoint],
        accounts: Option<&Arc<Accounts>>,
        opened: Arc<Notify>,
    ) -> Result<Telling, Failure> {
        let sender = Sender::new(Timeouts::default()).map_err(|e| Failure::new(format!("webhooks: {e}")))?;
        let watch = node.traces.clone().map(|traces| traces as Arc<dyn Watch>);
        let ports = Ports { inlet: node.door.clone(), now: node.now.clone(), random: Arc::new(random), watch };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(deliver(node.outbox.clone(), endpoints.to_vec(), sender, ports, ended(stopped)));
        let deliveries = Until { stop, task };
        let notices = accounts.map(|accounts| {
            let (accounts, outbox, now) = (accounts.clone(), node.outbox.clone(), node.now.clone());
            let notices = Notices { accounts, outbox, endpoints: endpoints.to_vec(), now };
            let (stop, stopped) = oneshot::channel();
            Until { stop, task: tokio::spawn(notices.run(opened, ended(stopped))) }
        });
        Ok(Telling { deliveries, notices })
    }

    /// Ends it in order: what is handed over last may be delivered yet.
    pub async fn end(self) {
        if let Some(Until { stop, task }) = self.notices {
            let _ = stop.send(());
            let _ = task.await;
        }
        let Until { stop, task } = self.deliveries;
        let _ = stop.send(());
        if let Ok(Err(error)) = task.await {
            tracing::error!(%error, "deliveries had stopped");
        }
    }
}

async fn ended(stopped: oneshot::Receiver<()>) {
    // Either way it is time to stop.
    let _ = stopped.await;
}

/// Spreads retries; nothing depends on its quality.
fn random() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}
