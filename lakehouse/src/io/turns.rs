//! Whose turn it is: so many statements of one account are under way at once, by whatever doors, so that nobody takes all places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Statements of one account.
const OF_ONE: usize = 2;

/// The accounts that have some.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Weak<Semaphore>>>);

impl Turns {
    /// Waits for a turn of an account; `None` only where there are none any more.
    pub async fn take(&self, account: &str) -> Option<OwnedSemaphorePermit> {
        self.own(account).acquire_owned().await.ok()
    }

    fn own(&self, account: &str) -> Arc<Semaphore> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    use std::time::Duration;

    use super::Turns;

    #[tokio::test]
    async fn one_account_does_not_keep_the_others_out() {
        let turns = Turns::default();
        let waits = async |account: &str| tokio::time::timeout(Duration::from_millis(20), turns.take(account)).await.is_err();
        let first = turns.take("a").await.unwrap();
        let _second = turns.take("a").await.unwrap();
        assert!(waits("a").await, "a third of one account");
        assert!(!waits("b").await);
        drop(first);
        assert!(!waits("a").await);
        assert!(turns.0.lock().unwrap().len() <= 2, "who has none is forgotten");
    }
}
