//! Sign-ins that are under way: begun here, at the provider now.
//!
//! INVARIANT (once): a state is good for one answer, in the browser that began it, for ten minutes. Whatever comes of it, it is gone when it was shown.
//!
//! Kept in memory, by hash; where there are too many, the oldest makes room.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use vitalog_elog::{Span, Time};
use zeroize::Zeroizing;

use super::{drawn, encoded};

/// How long somebody may take at the provider.
pub const LASTS: Span = Span::minutes(10);
const MOST: usize = 10_000;

/// The flows under way.
#[derive(Default)]
pub struct Flows {
    by_state: Mutex<HashMap<[u8; 32], Flow>>,
}

/// One of them.
pub struct Flow {
    /// What its browser shows, by hash.
    browser: [u8; 32],
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that whoever redeems the code began the flow (PKCE).
    pub verifier: Zeroizing<String>,
    /// Where the browser wanted to go.
    pub next: String,
    until: Time,
}

/// What a browser takes along.
pub struct Begun {
    pub state: String,
    pub nonce: String,
    /// The verifier's digest (S256).
    pub challenge: String,
    /// The value of its cookie.
    pub browser: String,
}

/// Why an answer belongs to no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Never begun, answered already, or begun before a restart.
    Unknown,
    Late,
    /// Begun in another browser, or the cookie is gone.
    OtherBrowser,
}

impl Flows {
    /// Begins one.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn begin(&self, next: &str, now: Time) -> Result<Begun, getrandom::Error> {
        let (state, nonce, verifier, browser) = (drawn()?, drawn()?, Zeroizing::new(drawn()?), drawn()?);
        let challenge = encoded(digest(&SHA256, verifier.as_bytes()).as_ref());
        let flow = Flow { browser: hash(&browser), nonce: nonce.clone(), verifier, next: next.to_owned(), until: now + LASTS };
        let mut flows = self.by_state.lock().unwrap_or_else(PoisonError::into_inner);
        flows.retain(|_, flow| now < flow.until);
        if flows.len() >= MOST {
            let oldest = flows.iter().min_by_key(|(_, flow)| flow.until).map(|(state, _)| *state);
            oldest.map(|state| flows.remove(&state));
        }
        flows.insert(hash(&state), flow);
        Ok(Begun { state, nonce, challenge, browser })
    }

    /// The flow that an answer belongs to, which is over with it.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn take(&self, state: &str, browser: Option<&str>, now: Time) -> Result<Flow, NotTaken> {
        let flow = self.by_state.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(state)).ok_or(NotTaken::Unknown)?;
        if now >= flow.until {
            return Err(NotTaken::Late);
        }
        match browser.is_some_and(|shown| hash(shown) == flow.browser) {
            true => Ok(flow),
            false => Err(NotTaken::OtherBrowser),
        }
    }
}

/// Comparing hashes tells by its time something of the hash, and nothing of the value.
fn hash(value: &str) -> [u8; 32] {
    *blake3::hash(value.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_000_000_000);

    fn outcome(flows: &Flows, state: &str, browser: Option<&str>, now: Time) -> Result<String, NotTaken> {
        flows.take(state, browser, now).map(|flow| flow.next)
    }

    #[test]
    fn an_answer_is_taken_once_in_its_browser_and_in_time() {
        let flows = Flows::default();
        let begin = || flows.begin("/subjects/p-1", NOW).expect("begun");
        let (a, b) = (begin(), begin());
        assert_eq!(outcome(&flows, &a.state, Some(&a.browser), NOW + LASTS - Span(1)), Ok("/subjects/p-1".to_owned()));
        assert_eq!(outcome(&flows, &a.state, Some(&a.browser), NOW), Err(NotTaken::Unknown), "once");
        assert_eq!(outcome(&flows, &b.state, Some(&a.browser), NOW), Err(NotTaken::OtherBrowser));
        assert_eq!(outcome(&flows, &b.state, Some(&b.browser), NOW), Err(NotTaken::Unknown), "an attempt ends it");
        assert_eq!(outcome(&flows, &begin().state, None, NOW), Err(NotTaken::OtherBrowser));
        let late = begin();
        assert_eq!(outcome(&flows, &late.state, Some(&late.browser), NOW + LASTS), Err(NotTaken::Late));
        assert_eq!(outcome(&flows, "never begun", Some(&late.browser), NOW), Err(NotTaken::Unknown));
    }

    #[test]
    fn nothing_that_is_drawn_is_drawn_twice_and_a_flood_takes_no_more_room() {
        let flows = Flows::default();
        let first = flows.begin("/", NOW).expect("begun");
        let mut seen = std::collections::HashSet::new();
        for _ in 0..MOST {
            let begun = flows.begin("/", NOW + Span(1)).expect("begun");
            for text in [begun.state, begun.nonce, begun.challenge, begun.browser] {
                assert!(text.len() == 43 && seen.insert(text));
            }
        }
        assert_eq!(flows.by_state.lock().expect("no panic").len(), MOST);
        assert_eq!(outcome(&flows, &first.state, Some(&first.browser), NOW), Err(NotTaken::Unknown), "the oldest made room");
    }

    /// The example of RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_the_digest_of_the_verifier() {
        let digest = encoded(digest(&SHA256, b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").as_ref());
        assert_eq!(digest, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let flows = Flows::default();
        let begun = flows.begin("/", NOW).expect("begun");
        let flow = flows.take(&begun.state, Some(&begun.browser), NOW).expect("its own");
        assert_eq!(encoded(ring::digest::digest(&SHA256, flow.verifier.as_bytes()).as_ref()), begun.challenge);
        assert_eq!(flow.nonce, begun.nonce);
    }
}
