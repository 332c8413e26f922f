//! Attempts to log in that failed: after a few, the next has to wait, twice as long each time.
//!
//! By the name that was given, whether there is such an account or not: so nobody learns which there are. Nobody is shut out for good, or anybody could be by
//! anybody; a token or a session that goes on is not asked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vitalog_elog::{Span, Time};

/// So many may fail without a wait.
const FREE: u32 = 5;
/// The first wait.
const FIRST: Span = Span::seconds(1);
/// The longest.
const LONGEST: Span = Span::minutes(15);
/// Names that are remembered; where there are more, the oldest are forgotten.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Attempts {
    failed: Mutex<HashMap<String, (u32, Time)>>,
}

/// How long to wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub Span);

impl Attempts {
    /// Whether another attempt may be made now.
    pub fn may(&self, id: &str, now: Time) -> Result<(), Refused> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((count, last)) = failed.get(id) else { return Ok(()) };
        let until = *last + wait_after(*count);
        if now < until { Err(Refused(until.since(now))) } else { Ok(()) }
    }

    pub fn failed(&self, id: &str, now: Time) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() >= MOST && !failed.contains_key(id) {
            let oldest = failed.iter().min_by_key(|(_, (_, last))| *last).map(|(id, _)| id.clone());
            oldest.map(|id| failed.remove(&id));
        }
        let known = failed.entry(id.to_owned()).or_insert((0, now));
        // What is long ago counts no more.
        let count = if now.since(known.1) > LONGEST { 1 } else { known.0.saturating_add(1) };
        *known = (count, now);
    }

    pub fn fitted(&self, id: &str) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

fn wait_after(count: u32) -> Span {
    if count < FREE {
        return Span(0);
    }
    let doubled = FIRST.0.saturating_mul(1_i64.checked_shl(count - FREE).unwrap_or(i64::MAX));
    Span(doubled.min(LONGEST.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_after_the_fifth_doubles_the_wait() {
        let attempts = Attempts::default();
        let mut now = Time(1_000_000_000);
        let mut waited = Vec::new();
        for _ in 0..20 {
            if let Err(Refused(wait)) = attempts.may("lee", now) {
                waited.push(wait);
                assert_eq!(attempts.may("lee", now + wait - Span(1)), Err(Refused(Span(1))));
                now = now + wait;
            }
            assert_eq!(attempts.may("lee", now), Ok(()));
            assert_eq!(attempts.may("kim", now), Ok(()), "nobody else waits");
            attempts.failed("lee", now);
        }
        let seconds: Vec<i64> = waited.iter().map(|w| w.0 / 1_000_000).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]);
        attempts.fitted("lee");
        assert_eq!(attempts.may("lee", now), Ok(()));
    }

    #[test]
    fn a_flood_of_names_takes_no_more_room_and_what_is_long_ago_is_forgiven() {
        let attempts = Attempts::default();
        for i in 0..MOST as i64 + 100 {
            attempts.failed(&format!("n{i}"), Time(i));
        }
        assert_eq!(attempts.failed.lock().expect("no panic").len(), MOST);
        for i in 0..10 {
            attempts.failed("lee", Time(1_000_000 + i));
        }
        assert!(attempts.may("lee", Time(1_000_010)).is_err());
        let later = Time(1_000_010) + LONGEST + Span(1);
        attempts.failed("lee", later);
        assert_eq!(attempts.may("lee", later), Ok(()), "it is the first again");
    }
}
