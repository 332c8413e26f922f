//! How the process is asked to end: SIGTERM, or Ctrl-C.
//!
//! INVARIANT (heard from the first word): the signals are caught before the process tells anybody that it is there; whoever then asks it to end is heard.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// The signals, caught.
pub struct Interrupt {
    terminate: Signal,
    interrupt: Signal,
}

impl Interrupt {
    /// Catches them from now on.
    ///
    /// # Errors
    /// Where the system does not let signals be caught.
    pub fn catch() -> Result<Interrupt, Failure> {
        Ok(Interrupt { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Ends when the process is asked to end.
    pub async fn come(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// From now on an interrupt ends the process at once. What was acknowledged is journaled all the same.
    pub fn end_at_the_next(mut self) {
        tokio::spawn(async move {
            self.come().await;
            std::process::exit(130);
        });
    }
}
