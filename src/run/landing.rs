//! When hot rows land in the lake, when its old files go, and what is past retention.
//!
//! They land at a steady pace, and before their time where many have gathered, for they are held in memory. After each landing a snapshot is asked for: with
//! the next landing it becomes a restore point.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};
use vitalog_elog::{Span, Time};
use vitalog_lakehouse::Lake;

use super::clock;
use super::retention::Retention;
use super::snapshot::Wish;
use crate::metrics::Metrics;

/// So many rows land at once, whenever the last landing was.
const MANY: usize = 500_000;
/// How often is looked whether it is time.
const LOOK: Duration = Duration::from_millis(250);
/// A pause before a failed landing is tried again, however much waits.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// When files are removed that nothing names any more: first some time after the start, so that a server which is started daily comes to it, too.
const FIRST_TIDY: Duration = Duration::from_secs(600);
const TIDY: Duration = Duration::from_secs(24 * 3_600);
/// For so long a former version can be read: statements, exports and other programs may be at it. The tables' property `delta.deletedFileRetentionDuration`
/// promises the same.
const FORMER: Span = Span::days(1);

/// The landing task.
pub struct Landing {
    pub lake: Arc<Lake>,
    /// Until the first landing.
    pub first: Duration,
    /// Between two.
    pub every: Duration,
    /// Told when something has landed.
    pub wish: Arc<Wish>,
    pub metrics: Arc<Metrics>,
    pub retention: Retention,
}

impl Landing {
    /// Runs until told to close; the last landing, and what is left to do of retention, is for whoever closes.
    pub async fn run(mut self, closing: Arc<Notify>) -> Retention {
        let mut look = interval(LOOK.min(self.every.max(Duration::from_millis(50))));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Instant::now() + self.first;
        let mut tidy_at = Instant::now() + FIRST_TIDY;
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = closing.notified() => return self.retention,
            }
            self.retention.turn().await;
            if Instant::now() < due && self.lake.hot().rows < MANY {
                continue;
            }
            let began = Instant::now();
            match self.lake.flush().await {
                Ok(_) => {
                    self.metrics.keeping.landing.observe(began.elapsed().as_secs_f64());
                    self.wish.want();
                }
                // What is hot stays hot and queryable; the next landing takes it along.
                Err(error) => {
                    self.metrics.keeping.landing_failures.inc();
                    tracing::error!(%error, "a landing failed and will be tried again");
                    tokio::time::sleep(AFTER_FAILURE.min(self.every)).await;
                }
            }
            due = Instant::now() + self.every;
            if Instant::now() >= tidy_at {
                tidy_at = Instant::now() + TIDY;
                self.tidy().await;
            }
        }
    }

    async fn tidy(&self) {
        let before = Time(clock::wall().0.saturating_sub(FORMER.0));
        match self.lake.tidy(before).await {
            Ok(files) => tracing::info!(files, "old files of the lake were removed"),
            Err(error) => tracing::error!(%error, "old files of the lake could not be removed"),
        }
    }
}
