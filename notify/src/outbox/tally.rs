//! What waits in the outbox, counted for whoever watches it.

use std::sync::Arc;

use rusqlite::OptionalExtension;
use vitalog_elog::Time;

use super::{Outbox, OutboxError};

/// Messages to one endpoint that are not delivered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub endpoint: Arc<str>,
    pub messages: u64,
    /// Since when the oldest of them is to be told.
    pub since: Time,
}

impl Outbox {
    /// What waits, by endpoint.
    ///
    /// # Errors
    /// If the store fails.
    pub fn waiting(&self) -> Result<Vec<Waiting>, OutboxError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT endpoint, count(*), min(since) FROM delivery WHERE state = 0 GROUP BY endpoint ORDER BY endpoint",
        )?;
        let rows = statement.query_map([], |row| {
            let messages: i64 = row.get(1)?;
            Ok(Waiting { endpoint: row.get(0)?, messages: messages.unsigned_abs(), since: Time(row.get(2)?) })
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// Which endpoint a delivery is for; `None` where it is not known, or not any more.
    ///
    /// # Errors
    /// If the store fails.
    pub fn endpoint_of(&self, delivery: u128) -> Result<Option<Arc<str>>, OutboxError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT endpoint FROM delivery WHERE id = ?1")?;
        Ok(statement.query_row([delivery.to_be_bytes()], |row| row.get(0)).optional()?)
    }
}
