//! For how long inputs have come that no snapshot has. An hour in which nothing comes is none: what the next start replays does not grow by it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What came since the last snapshot.
#[derive(Debug, Default)]
pub struct Unsaved {
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    /// Of the first group that the last snapshot may lack; `None`: it has all.
    first: Option<Instant>,
    /// Of the last group.
    last: Option<Instant>,
}

impl Unsaved {
    /// A group is on stable storage.
    pub fn came(&self, at: Instant) {
        let mut times = self.times();
        times.last = Some(at);
        times.first.get_or_insert(at);
    }

    /// A snapshot is written that was taken before then: what came since it may lack.
    pub fn saved(&self, began: Instant) {
        let mut times = self.times();
        times.first = times.last.filter(|last| *last >= began).map(|_| began);
    }

    /// From the first group that no snapshot has to the last one.
    pub fn lasted(&self) -> Duration {
        let times = self.times();
        times.first.zip(times.last).map_or(Duration::ZERO, |(first, last)| last.saturating_duration_since(first))
    }

    /// Two instants are whole, whoever panics.
    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_from_the_first_that_is_lacking_to_the_last_that_came() {
        let (unsaved, start) = (Unsaved::default(), Instant::now());
        let at = |s| start + Duration::from_secs(s);
        let came = |s| {
            unsaved.came(at(s));
            unsaved.lasted().as_secs()
        };
        assert_eq!(unsaved.lasted(), Duration::ZERO);
        assert_eq!([came(10), came(15), came(40)], [0, 5, 30]);
        // One that was taken before the last of them.
        unsaved.saved(at(30));
        assert_eq!(unsaved.lasted(), Duration::from_secs(10));
        assert_eq!(came(50), 20);
        // One that has all: it begins with the next, however late that comes.
        unsaved.saved(at(60));
        assert_eq!(unsaved.lasted(), Duration::ZERO);
        assert_eq!([came(9_000), came(9_001)], [0, 1]);
    }
}
