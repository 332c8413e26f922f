//! A clock for measuring on a machine that others use as well: it stands still while they have the processor.

use std::time::Duration;

use cpu_time::ThreadTime;

/// When something began, by the processor's time of this thread.
#[derive(Clone, Copy, Debug)]
pub struct Clock(ThreadTime);

impl Clock {
    pub fn now() -> Clock {
        Clock(ThreadTime::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
