//! Whose turn it is: so many statements of one account flow at once, and so many of all, so that the other doors always find a place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::io::lake::QUERIES_AT_ONCE;

/// Statements of one account.
const OF_ONE: usize = 2;

/// Those that wait, and those that flow.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    accounts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A turn; it is over with it.
pub(crate) type Turn = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Default for Turns {
    fn default() -> Turns {
        Turns { all: Arc::new(Semaphore::new(QUERIES_AT_ONCE - 1)), accounts: Mutex::default() }
    }
}

impl Turns {
    /// Waits for a turn of an account; `None` only where there are none any more.
    pub async fn take(&self, account: &str) -> Option<Turn> {
        let own = self.own(account);
        let own = own.acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some((own, all))
    }

    fn own(&self, account: &str) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = accounts.get(account).and_then(Weak::upgrade) {
            return own;
        }
        accounts.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(OF_ONE));
        accounts.insert(account.to_owned(), Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use std::time::Duration;

    #[tokio::test]
    async fn one_account_does_not_keep_the_others_out() {
        let turns = Turns::default();
        let waits = async |account: &str| tokio::time::timeout(Duration::from_millis(20), turns.take(account)).await.is_err();
        let first = turns.take("a").await.unwrap();
        let _second = turns.take("a").await.unwrap();
        assert!(waits("a").await, "a third of one account");
        let third = turns.take("b").await.unwrap();
        assert!(waits("c").await, "one place is left to the other doors");
        drop(third);
        assert!(!waits("c").await);
        drop(first);
        assert!(!waits("a").await);
        assert!(turns.accounts.lock().unwrap().len() <= 3);
    }
}
