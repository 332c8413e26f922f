//! Sessions of a browser: a random cookie that stands for who showed a token once.
//!
//! Kept in memory, by hash: a restart logs everyone out, and reading the memory of a file gives nobody a session. The least lately begun makes
//! room where there are too many.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use vitalog_elog::access::Principal;
use vitalog_elog::{Span, Time};

/// How long a session lasts without being begun anew.
pub const SESSION_LIFE: Span = Span::hours(12);

const MOST: usize = 10_000;

/// The sessions that go on.
#[derive(Default)]
pub struct Sessions {
    by_hash: Mutex<BTreeMap<[u8; 32], Session>>,
}

struct Session {
    who: Principal,
    until: Time,
}

impl Sessions {
    /// Begins one; the value of its cookie.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn begin(&self, who: Principal, now: Time) -> Result<String, getrandom::Error> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret)?;
        let value = blake3::Hash::from_bytes(secret).to_hex().to_string();
        let mut sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.until > now);
        if sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.until).map(|(hash, _)| *hash);
            oldest.map(|hash| sessions.remove(&hash));
        }
        sessions.insert(hash_of(&value), Session { who, until: now + SESSION_LIFE });
        Ok(value)
    }

    /// Whose session it is, while it lasts.
    pub fn who(&self, value: &str, now: Time) -> Option<Principal> {
        let sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&hash_of(value)).filter(|session| session.until > now).map(|session| session.who.clone())
    }

    pub fn end(&self, value: &str) {
        self.by_hash.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash_of(value));
    }
}

/// Looking up a hash tells by its time something of the hash, and nothing of the value.
fn hash_of(value: &str) -> [u8; 32] {
    *blake3::hash(value.as_bytes()).as_bytes()
}
