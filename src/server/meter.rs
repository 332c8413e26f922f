//! Has what was used written down every two seconds, and when the server ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use vitalog_ingest::access::Accounts;

/// How much of what was used is lost at most where the process is killed.
const EVERY: Duration = Duration::from_secs(2);

/// Writes down what was used as long as the server runs.
pub struct MeterKeeper {
    accounts: Arc<Accounts>,
    task: JoinHandle<()>,
}

impl MeterKeeper {
    pub fn start(accounts: Arc<Accounts>) -> MeterKeeper {
        let kept = accounts.clone();
        let task = tokio::spawn(async move {
            let mut each = tokio::time::interval(EVERY);
            loop {
                each.tick().await;
                write(kept.clone()).await;
            }
        });
        MeterKeeper { accounts, task }
    }

    /// Writes down the last of it.
    pub async fn stop(self) {
        self.task.abort();
        write(self.accounts).await;
    }
}

async fn write(accounts: Arc<Accounts>) {
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || accounts.write_used()).await {
        tracing::error!(%error, "what was used can't be written down; it is kept and tried again");
    }
}
