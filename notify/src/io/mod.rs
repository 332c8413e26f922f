//! The worker that sends what is due: the only place of this crate that waits and touches the network.

mod courier;
mod deliver;
mod resolve;
mod sender;
mod watch;

use std::sync::Arc;

pub use deliver::{DeliverError, deliver};
pub use sender::{Sender, Timeouts};
use vitalog_elog::Time;
use vitalog_elog::port::Inlet;
pub use watch::{Attempt, Watch};

/// What the worker needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Where receipts are journaled.
    pub inlet: Arc<dyn Inlet>,
    /// The wall clock.
    pub now: Arc<dyn Fn() -> Time + Send + Sync>,
    /// Uniform over the whole range; spreads retries.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Sees each attempt, if anybody wants to.
    pub watch: Option<Arc<dyn Watch>>,
}
