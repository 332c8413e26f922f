//! Whose turn it is: so many statements flow at once, of all accounts, so that the other doors always find a place.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::io::lake::{Lake, QUERIES_AT_ONCE};

/// Those that wait, and those that flow.
pub(crate) struct Flows(Arc<Semaphore>);

/// A turn; it is over with it.
pub(crate) type Turn = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Default for Flows {
    fn default() -> Flows {
        Flows(Arc::new(Semaphore::new(QUERIES_AT_ONCE - 1)))
    }
}

impl Flows {
    /// Waits for a turn of an account; `None` only where there are none any more.
    pub async fn take(&self, lake: &Lake, account: &str) -> Option<Turn> {
        let own = lake.inner.turns.take(account).await?;
        let all = self.0.clone().acquire_owned().await.ok()?;
        Some((own, all))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use object_store::memory::InMemory;
    use vitalog_elog::Schema;

    use super::Flows;
    use crate::io::lake::Lake;

    #[tokio::test]
    async fn one_place_is_left_to_the_other_doors() {
        let lake = Lake::open_on(Arc::new(InMemory::new()), Arc::new(Schema { streams: Vec::new() }), 1).await.unwrap();
        let flows = Flows::default();
        let waits =
            async |account: &str| tokio::time::timeout(Duration::from_millis(20), flows.take(&lake, account)).await.is_err();
        let first = flows.take(&lake, "a").await.unwrap();
        let _second = flows.take(&lake, "a").await.unwrap();
        assert!(waits("a").await, "a third of one account");
        let third = flows.take(&lake, "b").await.unwrap();
        assert!(waits("c").await, "a fourth of all");
        drop(third);
        assert!(!waits("c").await);
        drop(first);
        assert!(!waits("a").await);
    }
}
