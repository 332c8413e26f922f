//! A clock for measuring on a machine that others use as well: it stands still while they have the processor, where the system tells; else it is the wall's.

use std::time::{Duration, Instant};

/// When something began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Instant,
    busy: Option<Duration>,
}

impl Clock {
    pub fn now() -> Clock {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let busy = told.and_then(|t| t.split_whitespace().next()?.parse().ok()).map(Duration::from_nanos);
        Clock { wall: Instant::now(), busy }
    }

    /// The processor's time since. The system counts it in ticks of some milliseconds: what is shorter is taken from the wall.
    pub fn elapsed(&self) -> Duration {
        const TICKS: Duration = Duration::from_millis(12);
        let wall = self.wall.elapsed();
        let busy = Clock::now().busy.zip(self.busy).map(|(now, then)| now.saturating_sub(then));
        if wall < TICKS { wall } else { busy.unwrap_or(wall).min(wall) }
    }
}
