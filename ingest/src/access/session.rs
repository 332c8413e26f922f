//! Sessions of a browser: a random cookie that stands for who showed a token or a password once.
//!
//! Kept in memory, by hash: a restart logs everyone out, and reading the memory of a file gives nobody a session. The one that ends first makes room where there are too many.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use vitalog_elog::access::Principal;
use vitalog_elog::{Span, Time};

const MOST: usize = 10_000;

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// At most, from its beginning.
    pub whole: Span,
    /// Without anything being asked.
    pub idle: Span,
}

impl Default for Lives {
    /// Twelve hours, a shift; and half an hour without a request.
    fn default() -> Lives {
        Lives { whole: Span::hours(12), idle: Span::minutes(30) }
    }
}

/// The sessions that go on.
#[derive(Default)]
pub struct Sessions {
    lives: Lives,
    by_hash: Mutex<BTreeMap<[u8; 32], Session>>,
}

struct Session {
    who: Principal,
    /// Of the account's password when it began.
    generation: i64,
    until: Time,
    asked: Time,
}

impl Sessions {
    pub fn lasting(lives: Lives) -> Sessions {
        Sessions { lives, by_hash: Mutex::default() }
    }

    pub fn lives(&self) -> Lives {
        self.lives
    }

    /// Begins one; the value of its cookie.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn begin(&self, who: Principal, generation: i64, now: Time) -> Result<String, getrandom::Error> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret)?;
        let value = blake3::Hash::from_bytes(secret).to_hex().to_string();
        let mut sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| self.lives.go_on(session, now));
        if sessions.len() >= MOST {
            let first = sessions.iter().min_by_key(|(_, session)| session.until).map(|(hash, _)| *hash);
            first.map(|hash| sessions.remove(&hash));
        }
        sessions.insert(hash_of(&value), Session { who, generation, until: now + self.lives.whole, asked: now });
        Ok(value)
    }

    /// Whose session it is, while it lasts, and the generation of the password that began it. It lasts longer for being asked.
    pub fn who(&self, value: &str, now: Time) -> Option<(Principal, i64)> {
        let hash = hash_of(value);
        let mut sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(&hash)?;
        if !self.lives.go_on(session, now) {
            sessions.remove(&hash);
            return None;
        }
        session.asked = now.max(session.asked);
        Some((session.who.clone(), session.generation))
    }

    pub fn end(&self, value: &str) {
        self.by_hash.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash_of(value));
    }
}

impl Lives {
    fn go_on(self, session: &Session, now: Time) -> bool {
        now < session.until && now.since(session.asked) < self.idle
    }
}

/// Looking up a hash tells by its time something of the hash, and nothing of the value.
fn hash_of(value: &str) -> [u8; 32] {
    *blake3::hash(value.as_bytes()).as_bytes()
}
