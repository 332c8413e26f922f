//! Sessions that began with a handshake: each has a word of its own, which the calls after it show.
//!
//! Of the words only hashes are kept. That a session is here says nothing of whether what began it is good still: that is asked with each call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use blake3::Hash;

use crate::io::port::Guest;

/// Sessions at once, of all, and of one account.
const SESSIONS: usize = 1_000;
const OF_ONE: usize = 50;

/// The sessions that there are.
pub(crate) struct Sessions {
    all: Mutex<HashMap<Hash, Held>>,
    idle: Duration,
}

struct Held {
    guest: Arc<dyn Guest>,
    last: Instant,
}

impl Sessions {
    pub fn new(idle: Duration) -> Sessions {
        Sessions { all: Mutex::default(), idle }
    }

    /// Begins one; `None`: there are too many, or there is no chance to be had.
    pub fn begin(&self, guest: Arc<dyn Guest>) -> Option<String> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).ok()?;
        let word: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, held| held.last.elapsed() < self.idle);
        let own = all.values().filter(|held| held.guest.id() == guest.id()).count();
        if all.len() >= SESSIONS || own >= OF_ONE {
            return None;
        }
        all.insert(blake3::hash(word.as_bytes()), Held { guest, last: Instant::now() });
        Some(word)
    }

    /// Whose word it is, if it is one.
    pub fn of(&self, word: &str) -> Option<Arc<dyn Guest>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.get_mut(&blake3::hash(word.as_bytes())).filter(|held| held.last.elapsed() < self.idle)?;
        held.last = Instant::now();
        Some(held.guest.clone())
    }

    /// Forgets it.
    pub fn end(&self, word: &str) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&blake3::hash(word.as_bytes()));
    }
}
