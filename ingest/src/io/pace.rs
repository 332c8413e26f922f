//! How many requests a second each token may make: what is beyond waits outside, with a word on how long.
//!
//! A leaky bucket (GCRA) for each token: a second's worth at once, then at an even pace. Told by the fields of `draft-ietf-httpapi-ratelimit-headers`.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::problem::Problem;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Buckets that are kept; where there are more, those that are full are forgotten, since a new one is full.
const MOST: usize = 10_000;

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// A bucket, and the rate that it is for.
type Paced = (NonZeroU32, Arc<Bucket>);

#[derive(Default)]
pub(super) struct Pace {
    by_token: Mutex<HashMap<Arc<str>, Paced>>,
    clock: DefaultClock,
}

/// What an answer says of the pace.
pub(super) struct Left {
    rate: NonZeroU32,
    remaining: u32,
}

impl Pace {
    /// Takes one request of a token that may make `rate` a second.
    pub fn take(&self, token: &Arc<str>, rate: NonZeroU32) -> Result<Left, Problem> {
        match self.bucket(token, rate).check() {
            Ok(state) => Ok(Left { rate, remaining: state.remaining_burst_capacity() }),
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let detail = format!("this token may make {rate} requests a second, and has made them");
                let remedy = format!("wait {seconds} s, and send more readings in one request");
                let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail, remedy)
                    .with(header::RETRY_AFTER, HeaderValue::from(seconds));
                for (name, value) in (Left { rate, remaining: 0 }).fields(seconds) {
                    problem = problem.with(name, value);
                }
                Err(problem)
            }
        }
    }

    fn bucket(&self, token: &Arc<str>, rate: NonZeroU32) -> Arc<Bucket> {
        let mut buckets = self.by_token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, bucket)) = buckets.get(token)
            && *known == rate
        {
            return bucket.clone();
        }
        if buckets.len() >= MOST {
            let is_full = |(rate, bucket): &Paced| bucket.check().is_ok_and(|s| s.remaining_burst_capacity() + 1 >= rate.get());
            buckets.retain(|_, bucket| !is_full(bucket));
        }
        let bucket = Arc::new(RateLimiter::direct(Quota::per_second(rate)).with_middleware::<StateInformationMiddleware>());
        buckets.insert(token.clone(), (rate, bucket.clone()));
        bucket
    }
}

impl Left {
    fn fields(&self, seconds: u64) -> [(HeaderName, HeaderValue); 2] {
        let text = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        [
            (POLICY, text(format!("\"token\";q={};w=1", self.rate))),
            (LIMIT, text(format!("\"token\";r={};t={seconds}", self.remaining))),
        ]
    }

    /// Says in an answer what is left.
    pub fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in self.fields(1) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_a_bucket_of_its_own_and_a_changed_rate_a_new_one() {
        let pace = Pace::default();
        let rate = |n| NonZeroU32::new(n).expect("not zero");
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        // A rate so low that no time that a test takes fills the bucket again.
        for left in (0..3).rev() {
            let taken = pace.take(&a, rate(3)).map_err(|p| p.status());
            assert_eq!(taken.map(|l| l.remaining), Ok(left));
            if left == 0 {
                break;
            }
        }
        assert!(pace.take(&b, rate(3)).is_ok());
        assert!(pace.take(&a, rate(5)).is_ok_and(|left| left.remaining == 4));
    }

    #[test]
    fn who_is_too_fast_is_told_how_long_to_wait() {
        let pace = Pace::default();
        let (token, rate): (Arc<str>, _) = ("a".into(), NonZeroU32::new(1).expect("not zero"));
        assert!(pace.take(&token, rate).is_ok());
        // Within a second of the first, whatever the machine does meanwhile, one of several is too many.
        let refused = (0..1_000).find_map(|_| pace.take(&token, rate).err()).expect("too fast");
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}
