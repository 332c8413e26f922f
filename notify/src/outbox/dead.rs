//! Dead letters of the outbox: what could not be delivered, to be looked at and sent again.

use rusqlite::params;
use vitalog_elog::{MatchId, Time};

use super::{Outbox, OutboxError, table};

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadDelivery {
    pub id: u128,
    pub finding: MatchId,
    pub endpoint: String,
    /// `finding.opened`, …
    pub kind: String,
    pub attempts: u32,
    pub given_up: Time,
    pub reason: String,
}

impl Outbox {
    /// What was given up, the latest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn dead(&self, most: u32) -> Result<Vec<DeadDelivery>, OutboxError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, finding, endpoint, kind, attempts, coalesce(ended, since), coalesce(reason, '') FROM delivery
             WHERE state = 2 ORDER BY ended DESC, seq DESC LIMIT ?1",
        )?;
        let dead = statement.query_map([most], |row| {
            Ok(DeadDelivery {
                id: table::id(row.get(0)?),
                finding: MatchId(table::id(row.get(1)?)),
                endpoint: row.get(2)?,
                kind: row.get(3)?,
                attempts: row.get(4)?,
                given_up: Time(row.get(5)?),
                reason: row.get(6)?,
            })
        })?;
        Ok(dead.collect::<Result<Vec<_>, _>>()?)
    }

    /// Sends it again, under the same id, and asks its endpoint again even if that had said that it is gone. `false`: there is no dead
    /// delivery with this id, or nobody it could be sent to.
    ///
    /// # Errors
    /// If the store fails.
    pub fn replay(&self, id: u128, now: Time) -> Result<bool, OutboxError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let revived = transaction.execute(
            "UPDATE delivery SET state = 0, claimed = 0, since = ?2, next_at = ?2, delay = 0, ended = NULL
             WHERE id = ?1 AND state = 2 AND endpoint <> ''",
            params![id.to_be_bytes(), now.0],
        )?;
        if revived > 0 {
            transaction.execute(
                "UPDATE endpoint SET gone = 0, open_until = 0 WHERE name = (SELECT endpoint FROM delivery WHERE id = ?1)",
                [id.to_be_bytes()],
            )?;
        }
        transaction.commit()?;
        drop(connection);
        if revived > 0 {
            self.wake();
        }
        Ok(revived > 0)
    }
}
