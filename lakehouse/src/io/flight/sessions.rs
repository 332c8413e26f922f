//! Sessions that began with a handshake: each has a word of its own, which the calls after it show.
//!
//! Of the words only hashes are kept. That a session is here says nothing of whether what began it is good still: that is asked with each call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use blake3::Hash;

use crate::io::port::Guest;

/// Sessions at once, of all, and of one account: clients often go without a word.
const SESSIONS: usize = 2_000;
const OF_ONE: usize = 100;

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

    /// Begins one, in place of the account's own that was used least lately where it has too many; `None`: others have too many, or there is no chance to be had.
    pub fn begin(&self, guest: Arc<dyn Guest>) -> Option<String> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).ok()?;
        let word: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, held| held.last.elapsed() < self.idle);
        let own = || all.iter().filter(|(_, held)| held.guest.id() == guest.id());
        if own().count() >= OF_ONE
            && let Some(word) = own().min_by_key(|(_, held)| held.last).map(|(word, _)| *word)
        {
            all.remove(&word);
        }
        if all.len() >= SESSIONS {
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

#[cfg(test)]
mod tests {
    use super::{OF_ONE, Sessions};
    use crate::io::port::{Call, Guest, NotIn};
    use std::sync::Arc;
    use std::time::Duration;

    struct Named(&'static str);

    impl Guest for Named {
        fn id(&self) -> &str {
            self.0
        }

        fn call(&self) -> Result<Box<dyn Call>, NotIn> {
            Err(NotIn::Unknown)
        }
    }

    #[test]
    fn an_account_with_too_many_loses_its_own_oldest() {
        let sessions = Sessions::new(Duration::from_secs(60));
        let other = sessions.begin(Arc::new(Named("other"))).unwrap();
        let first = sessions.begin(Arc::new(Named("one"))).unwrap();
        let words: Vec<String> = (1..OF_ONE).map(|_| sessions.begin(Arc::new(Named("one"))).unwrap()).collect();
        assert!(sessions.of(&first).is_some() && sessions.of("").is_none());
        // The first was used just now, so it is the second that goes.
        let last = sessions.begin(Arc::new(Named("one"))).unwrap();
        assert!(sessions.of(&words[0]).is_none());
        for word in [&other, &first, &words[1], &last] {
            assert!(sessions.of(word).is_some());
        }
        sessions.end(&last);
        assert!(sessions.of(&last).is_none());
        let short = Sessions::new(Duration::ZERO);
        let word = short.begin(Arc::new(Named("one"))).unwrap();
        assert!(short.of(&word).is_none(), "what is not used is forgotten");
    }
}
