//! Subjects opened in emergencies, whether anybody was told of it, and what is forgotten of a subject that is erased.

use rusqlite::params;
use vitalog_elog::access::Emergency;
use vitalog_elog::{Span, Subject, Time};

use super::holds::must_be_free;
use super::read::{EMERGENCY, emergency};
use super::tenants::new_era;
use super::{AccessError, Store, must_be};

/// Of those that were opened before there was a notice nobody is told now.
pub(super) const TOLD: &str = "
    ALTER TABLE emergencies ADD COLUMN told_at INTEGER;
    UPDATE emergencies SET told_at = at;";

impl Store {
    /// Notes that an account opens a subject in an emergency; the number of the note.
    ///
    /// # Errors
    /// An account that there is none of.
    pub fn open_emergency(
        &mut self,
        id: &str,
        subject: &Subject,
        reason: &str,
        at: Time,
        lasts: Span,
    ) -> Result<i64, AccessError> {
        must_be(&self.db, id)?;
        let sql = "INSERT INTO emergencies (account, subject, reason, at, until) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.db.execute(sql, params![id, subject.as_str(), reason, at.0, (at + lasts).0])?;
        Ok(self.db.last_insert_rowid())
    }

    /// Those that nobody was told of yet, the oldest first.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub fn untold_emergencies(&self) -> Result<Vec<Emergency>, AccessError> {
        let sql = format!("SELECT {EMERGENCY} FROM emergencies WHERE told_at IS NULL ORDER BY number");
        let mut statement = self.db.prepare_cached(&sql)?;
        let untold = statement.query_map([], emergency)?;
        Ok(untold.collect::<Result<_, _>>()?)
    }

    /// Notes that whoever is to be told of one is told, whatever comes. One that was forgotten meanwhile is none any more, and so no error.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub fn emergency_is_told(&mut self, number: i64, at: Time) -> Result<(), AccessError> {
        self.db.execute("UPDATE emergencies SET told_at = ?2 WHERE number = ?1 AND told_at IS NULL", params![number, at.0])?;
        Ok(())
    }

    /// Notes that somebody has looked into it.
    ///
    /// # Errors
    /// Where there is none of that number, or somebody has already.
    pub fn see_emergency(&mut self, number: i64, by: &str, at: Time) -> Result<(), AccessError> {
        let sql = "UPDATE emergencies SET seen_by = ?2, seen_at = ?3 WHERE number = ?1 AND seen_by IS NULL";
        let rows = self.db.execute(sql, params![number, by, at.0])?;
        if rows == 0 {
            Err(AccessError::Unknown("emergency nobody has looked into of number", number.to_string()))
        } else {
            Ok(())
        }
    }

    /// Everything of a subject that is not a right of its own: assignments, emergencies, whose it is. What names it still is told: accounts and tokens.
    ///
    /// # Errors
    /// [`AccessError::Held`]; where the store can't be written.
    pub fn forget(&mut self, subject: &Subject) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        must_be_free(&tx, subject)?;
        tx.execute("DELETE FROM holds WHERE subject = ?1", [subject.as_str()])?;
        tx.execute("DELETE FROM assignments WHERE subject = ?1", [subject.as_str()])?;
        tx.execute("DELETE FROM emergencies WHERE subject = ?1", [subject.as_str()])?;
        if tx.execute("DELETE FROM subjects WHERE subject = ?1", [subject.as_str()])? > 0 {
            new_era(&tx)?;
        }
        tx.commit()?;
        // The log may hold what was overwritten.
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}
