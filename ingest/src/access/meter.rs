//! What is used, counted until it is written down: every few moments, and before it is asked for.

use std::sync::{Mutex, PoisonError};

use vitalog_elog::metering::{Day, Party, Used};

use super::error::AccessError;
use super::store::{Store, UsedByDay};

/// What was counted and is not written down yet.
#[derive(Default)]
pub(super) struct Meter(Mutex<UsedByDay>);

impl Meter {
    pub fn add(&self, day: Day, party: Party, used: Used) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((day, party)).or_default() += used;
    }

    /// Writes down what was counted. What can't be is kept for the next time.
    pub fn flush(&self, store: &mut Store) -> Result<(), AccessError> {
        let counted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counted.is_empty() {
            return Ok(());
        }
        let done = store.add_used(&counted);
        if done.is_err() {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (whose, used) in counted {
                *kept.entry(whose).or_default() += used;
            }
        }
        done
    }
}
