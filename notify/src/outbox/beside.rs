//! Messages that come from beside the journal: notices of what is kept elsewhere.
//!
//! Nobody makes them again in a replay, so an outbox that is rebuilt lacks those that were waiting. Whoever hands one in notes for themselves that they did, and does it again where they can't know: an id that is here is passed
//! over. What became of it is journaled like that of any other; in a replay a receipt of a message that is not here says nothing.
//!
//! INVARIANT (taken in is kept): unlike what the journal would give again, they are on stable storage once they are taken in.

use rusqlite::Connection;
use vitalog_elog::effect::Delivery;

use super::apply::insert;
use super::{Outbox, OutboxError};

impl Outbox {
    /// Takes in those that are not here yet, all or none, and says how many they were.
    ///
    /// # Errors
    /// If the store fails; they are to be handed in again then.
    pub fn take_in(&self, deliveries: &[Delivery]) -> Result<usize, OutboxError> {
        if deliveries.is_empty() {
            return Ok(0);
        }
        let mut connection = self.connection();
        connection.pragma_update(None, "synchronous", "FULL")?;
        let added = insert_all(&mut connection, deliveries);
        // As the rest is written, whatever came of these.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        drop(connection);
        let added = added?;
        if added > 0 {
            self.wake();
        }
        Ok(added)
    }
}

fn insert_all(connection: &mut Connection, deliveries: &[Delivery]) -> Result<usize, OutboxError> {
    let transaction = connection.transaction()?;
    let mut added = 0;
    for delivery in deliveries {
        added += insert(&transaction, delivery)?;
    }
    transaction.commit()?;
    Ok(added)
}
