//! Stops what is asked by a ticket, and what would be asked by it later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use vitalog_elog::Time;

/// Tickets that are remembered, of those that run and those that were stopped.
const MOST: usize = 10_000;

/// What runs, by its ticket.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<[u8; 16], One>>>);

struct One {
    stop: watch::Sender<bool>,
    runs: usize,
    /// When the ticket is good no more.
    until: Time,
}

/// Something that runs; it is over with it.
pub(crate) struct Run {
    running: Running,
    id: [u8; 16],
    stop: watch::Receiver<bool>,
}

impl Running {
    /// Begins to run what a ticket asks; `None`: it was stopped, or too much runs.
    pub fn begin(&self, id: [u8; 16], until: Time, now: Time) -> Option<Run> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stop = {
            let one = entry(&mut all, id, until, now)?;
            if *one.stop.borrow() {
                return None;
            }
            one.runs += 1;
            one.stop.subscribe()
        };
        drop(all);
        Some(Run { running: self.clone(), id, stop })
    }

    /// Stops what runs by a ticket, now and later; whether that could be done.
    pub fn stop(&self, id: [u8; 16], until: Time, now: Time) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(one) = entry(&mut all, id, until, now) else { return false };
        one.stop.send_replace(true);
        true
    }
}

fn entry(all: &mut HashMap<[u8; 16], One>, id: [u8; 16], until: Time, now: Time) -> Option<&mut One> {
    if all.len() >= MOST && !all.contains_key(&id) {
        all.retain(|_, one| one.runs > 0 || one.until > now);
        if all.len() >= MOST {
            return None;
        }
    }
    Some(all.entry(id).or_insert_with(|| One { stop: watch::Sender::new(false), runs: 0, until }))
}

impl Run {
    /// Waits until it is to be stopped.
    pub async fn stopped(&mut self) {
        // The sender is kept as long as this.
        if self.stop.wait_for(|is| *is).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut all = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = all.get_mut(&self.id) {
            one.runs -= 1;
            if one.runs == 0 && !*one.stop.borrow() {
                all.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Running;
    use std::time::Duration;
    use vitalog_elog::Time;

    #[tokio::test]
    async fn a_stop_ends_what_runs_and_what_would_run_by_that_ticket_alone() {
        let running = Running::default();
        let (now, until) = (Time(0), Time(1_000));
        let mut one = running.begin([1; 16], until, now).unwrap();
        let mut other = running.begin([2; 16], until, now).unwrap();
        assert!(running.stop([1; 16], until, now));
        tokio::time::timeout(Duration::from_secs(1), one.stopped()).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(20), other.stopped()).await.is_err());
        drop((one, other));
        assert!(running.begin([1; 16], until, now).is_none(), "it stays stopped");
        assert!(running.begin([2; 16], until, now).is_some());
        assert_eq!(running.0.lock().unwrap().len(), 1, "what ended by itself is forgotten");
    }

    #[test]
    fn no_more_are_remembered_than_may_be() {
        let running = Running::default();
        let id = |n: usize| u128::try_from(n).unwrap().to_be_bytes();
        for n in 0..super::MOST {
            assert!(running.stop(id(n), Time(1_000), Time(0)));
        }
        assert!(!running.stop(id(super::MOST), Time(1_000), Time(0)));
        assert!(running.stop(id(super::MOST), Time(9_000), Time(2_000)), "those of tickets that are over are forgotten");
    }
}
