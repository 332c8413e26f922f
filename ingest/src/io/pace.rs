//! How many requests a second each token may make, and all of a tenant together: what is beyond waits outside, with a word on how long.
//!
//! A leaky bucket (GCRA) for each: a second's worth at once, then at an even pace. Told by the fields of `draft-ietf-httpapi-ratelimit-headers`.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use vitalog_elog::access::Principal;

use super::problem::Problem;
use crate::access::{Accounts, Paced};

pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Buckets that are kept; where there are more, those that are full are forgotten, since a new one is full.
const MOST: usize = 10_000;

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// Whose a bucket is.
type Whose = (Paced, Arc<str>);

/// A bucket, and the rate that it is for.
type Held = (NonZeroU32, Arc<Bucket>);

/// The buckets. All ways into a server have the same, or each would let a whole rate through.
#[derive(Clone, Default)]
pub struct Pace(Arc<Buckets>);

#[derive(Default)]
struct Buckets {
    held: Mutex<HashMap<Whose, Held>>,
    clock: DefaultClock,
}

/// What an answer says of the pace: of each rate that holds for whoever asks.
#[derive(Default)]
pub(super) struct Left(Vec<LeftOf>);

struct LeftOf {
    paced: Paced,
    rate: NonZeroU32,
    remaining: u32,
    /// Seconds after which there is more.
    wait: u64,
}

impl Pace {
    /// Takes one request of whoever asks.
    pub(super) fn take(&self, accounts: &Accounts, who: &Principal) -> Result<Left, Problem> {
        self.take_of(accounts.rates_of(who))
    }

    /// A request that one bucket refuses has been taken from those before it: a token that is too fast for its tenant makes its own wait longer.
    fn take_of(&self, rates: impl Iterator<Item = (Paced, Arc<str>, NonZeroU32)>) -> Result<Left, Problem> {
        let mut left = Left::default();
        let mut refused = None;
        for (paced, id, rate) in rates {
            let bucket = self.0.bucket((paced, id), rate);
            // Of those behind one that refused nothing is taken.
            if refused.is_some() {
                continue;
            }
            match bucket.check() {
                Ok(state) => left.0.push(LeftOf { paced, rate, remaining: state.remaining_burst_capacity(), wait: 1 }),
                Err(not_until) => {
                    let wait = not_until.wait_time_from(self.0.clock.now());
                    let wait = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                    left.0.push(LeftOf { paced, rate, remaining: 0, wait });
                    refused = Some((paced, rate, wait));
                }
            }
        }
        match refused {
            None => Ok(left),
            Some((paced, rate, wait)) => Err(too_many(paced, rate, wait, &left)),
        }
    }
}

fn too_many(paced: Paced, rate: NonZeroU32, wait: u64, left: &Left) -> Problem {
    let detail = match paced {
        Paced::Token => format!("this token may make {rate} requests a second, and has made them"),
        Paced::Tenant => {
            format!("the accounts and tokens of your tenant may make {rate} requests a second together, and have made them")
        }
    };
    let remedy = format!("wait {wait} s, and send more readings in one request");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail, remedy)
        .with(header::RETRY_AFTER, HeaderValue::from(wait));
    left.fields().into_iter().fold(problem, |problem, (name, value)| problem.with(name, value))
}

impl Buckets {
    fn bucket(&self, whose: Whose, rate: NonZeroU32) -> Arc<Bucket> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, bucket)) = held.get(&whose)
            && *known == rate
        {
            return bucket.clone();
        }
        if held.len() >= MOST {
            let is_full = |(rate, bucket): &Held| bucket.check().is_ok_and(|s| s.remaining_burst_capacity() + 1 >= rate.get());
            held.retain(|_, bucket| !is_full(bucket));
        }
        let bucket = Arc::new(RateLimiter::direct(Quota::per_second(rate)).with_middleware::<StateInformationMiddleware>());
        held.insert(whose, (rate, bucket.clone()));
        bucket
    }
}

impl Left {
    /// Nothing where no rate holds.
    fn fields(&self) -> Vec<(HeaderName, HeaderValue)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let list = |said: fn(&LeftOf) -> String| {
            let text = self.0.iter().map(said).collect::<Vec<_>>().join(", ");
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
        };
        vec![
            (POLICY, list(|left| format!("\"{}\";q={};w=1", name(left.paced), left.rate))),
            (LIMIT, list(|left| format!("\"{}\";r={};t={}", name(left.paced), left.remaining, left.wait))),
        ]
    }

    /// Says in an answer what is left, before what a door has said of quotas.
    pub fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in self.fields() {
            let value = match headers.get(&name) {
                Some(said) => HeaderValue::from_bytes(&[value.as_bytes(), b", ", said.as_bytes()].concat()).unwrap_or(value),
                None => value,
            };
            headers.insert(name, value);
        }
    }
}

fn name(paced: Paced) -> &'static str {
    match paced {
        Paced::Token => "token",
        Paced::Tenant => "tenant",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).expect("not zero")
    }

    fn one(paced: Paced, id: &str, n: u32) -> (Paced, Arc<str>, NonZeroU32) {
        (paced, id.into(), rate(n))
    }

    fn take(pace: &Pace, rates: &[(Paced, Arc<str>, NonZeroU32)]) -> Result<Vec<u32>, Problem> {
        pace.take_of(rates.iter().cloned()).map(|left| left.0.iter().map(|one| one.remaining).collect())
    }

    #[test]
    fn each_token_has_a_bucket_of_its_own_and_a_changed_rate_a_new_one() {
        let pace = Pace::default();
        let (a, b) = (one(Paced::Token, "a", 3), one(Paced::Token, "b", 3));
        for left in (0..3).rev() {
            assert_eq!(take(&pace, std::slice::from_ref(&a)).map_err(|p| p.status()), Ok(vec![left]));
        }
        assert!(take(&pace, &[b]).is_ok());
        assert_eq!(take(&pace, &[one(Paced::Token, "a", 5)]).map_err(|p| p.status()), Ok(vec![4]));
        // A tenant may be called like a token.
        assert_eq!(take(&pace, &[one(Paced::Tenant, "a", 3)]).map_err(|p| p.status()), Ok(vec![2]));
    }

    #[test]
    fn who_is_too_fast_is_told_how_long_to_wait() {
        let pace = Pace::default();
        let a = [one(Paced::Token, "a", 1)];
        assert!(take(&pace, &a).is_ok());
        // Within a second of the first, whatever the machine does meanwhile, one of several is too many.
        let refused = (0..1_000).find_map(|_| take(&pace, &a).err()).expect("too fast");
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    }

    #[test]
    fn tokens_of_a_tenant_have_its_rate_together() {
        let pace = Pace::default();
        let of = |token: &str| [one(Paced::Token, token, 1_000), one(Paced::Tenant, "ward", 2)];
        assert_eq!(take(&pace, &of("a")).map_err(|p| p.status()), Ok(vec![999, 1]));
        assert_eq!(take(&pace, &of("b")).map_err(|p| p.status()), Ok(vec![999, 0]));
        let refused = (0..1_000).find_map(|_| take(&pace, &of("c")).err()).expect("too fast");
        assert!(refused.detail().contains("tenant"), "{}", refused.detail());
        // Whoever has its own is not held up.
        assert!(take(&pace, &[one(Paced::Tenant, "other", 2)]).is_ok());
    }
}
