//! Being asked to end, heard for as long as the process lives: rounds come and go, and a signal that comes between two of them is not lost.
//!
//! Until the first round is there nothing is caught: whoever ends the process then ends it at once, and loses nothing.

use std::sync::mpsc;

use tokio::sync::watch;

use crate::failure::Failure;
use crate::server::{Interrupt, supervisor};

pub struct Ending {
    asked: watch::Receiver<bool>,
}

impl Ending {
    /// Catches signals from now on, in a thread of its own. The second one ends the process at once; what was acknowledged is journaled all the same.
    ///
    /// # Errors
    /// Where the system does not let signals be caught.
    pub fn catch() -> Result<Ending, Failure> {
        let (ask, asked) = watch::channel(false);
        let (tell, caught) = mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error.into()))),
            };
            runtime.block_on(async {
                let mut interrupt = match Interrupt::catch() {
                    Ok(interrupt) => interrupt,
                    Err(error) => return drop(tell.send(Err(error))),
                };
                // Whoever waits for this is there.
                let _ = tell.send(Ok(()));
                interrupt.come().await;
                supervisor::tell(supervisor::STOPPING);
                tracing::info!("ending; interrupt again to end at once");
                ask.send_replace(true);
                interrupt.come().await;
                std::process::exit(130);
            });
        })?;
        caught.recv().map_err(|_| Failure::new("signals can't be caught"))??;
        Ok(Ending { asked })
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Ends when it is asked for.
    pub async fn come(&mut self) {
        // The sender is gone only with the process.
        let _ = self.asked.wait_for(|asked| *asked).await;
    }
}
