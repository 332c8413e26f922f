//! Forgetting: what the outbox holds about a subject that is erased.
//!
//! It stays where it is in the journal: were it fed anew, an endpoint that came later would be told of years that are over.

use rusqlite::params;
use vitalog_elog::{MatchId, Subject};

use super::{Outbox, OutboxError, table};

impl Outbox {
    /// The findings about a subject of which there is a message that still has its text.
    ///
    /// # Errors
    /// If the store fails.
    pub fn findings_of(&self, subject: &Subject) -> Result<Vec<MatchId>, OutboxError> {
        let connection = self.connection();
        let mut statement = connection.prepare(
            "SELECT DISTINCT finding FROM delivery WHERE body <> '' AND json_extract(body, '$.data.subject') = ?1 ORDER BY finding",
        )?;
        let found = statement.query_map([subject.as_str()], |row| Ok(MatchId(table::id(row.get(0)?))))?;
        Ok(found.collect::<Result<Vec<_>, _>>()?)
    }

    /// Removes all deliveries about these findings, sent or not, without a trace in the file, and says how many there were.
    ///
    /// # Errors
    /// If the store fails.
    pub fn forget(&self, findings: &[MatchId]) -> Result<usize, OutboxError> {
        let mut connection = self.connection();
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction()?;
        let mut gone = 0;
        for finding in findings {
            let id = finding.0.to_be_bytes();
            transaction
                .execute("DELETE FROM receipt WHERE delivery IN (SELECT id FROM delivery WHERE finding = ?1)", params![id])?;
            gone += transaction.execute("DELETE FROM delivery WHERE finding = ?1", params![id])?;
        }
        transaction.commit()?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(gone)
    }
}
