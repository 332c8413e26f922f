//! How often a delivery is tried, and for how long: pure arithmetic.

use vitalog_elog::Span;

/// The pace of retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The least delay before an attempt is repeated.
    pub base: Span,
    /// The greatest.
    pub cap: Span,
    /// How long after it was decided a delivery is given up.
    pub horizon: Span,
    /// After how many failures in a row the endpoint itself is left alone for a while, and then asked by one delivery at a time.
    pub trip_after: u32,
    /// How many deliveries to one endpoint may be under way.
    pub at_once: u32,
    /// How long it is remembered that a delivery arrived.
    pub keep: Span,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            base: Span::seconds(1),
            cap: Span::minutes(10),
            horizon: Span::hours(24),
            trip_after: 5,
            at_once: 4,
            keep: Span::days(30),
        }
    }
}

/// The next delay, by decorrelated jitter: anywhere between `base` and three times the delay before, at most `cap`. Receivers that failed
/// together are not asked together again. (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
///
/// `random` is uniform over its whole range.
pub fn decorrelated(before: Span, pace: &Pace, random: u64) -> Span {
    let base = pace.base.0.max(1);
    let high = before.0.max(base).saturating_mul(3).min(pace.cap.0).max(base);
    let width = (high - base).unsigned_abs() + 1;
    // The remainder's bias is below 2^-30 for any delay of less than five hours.
    Span(base.saturating_add_unsigned(random % width))
}
