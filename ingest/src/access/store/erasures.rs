//! Erasures that a running server was asked for: kept from the moment they are acknowledged until they are made, so that none is forgotten over a crash.
//!
//! INVARIANT (no names afterwards): whom an erasure was about stands here only as long as it waits. What is left says when it was asked for, by whom, and what came of it.

use rusqlite::{OptionalExtension, params};
use vitalog_elog::{Subject, Time};

use super::holds::must_be_free;
use super::{AccessError, Store};

/// An erasure that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedErasure {
    pub number: i64,
    /// How many subjects.
    pub count: u32,
    pub asked_at: Time,
    /// By what account or token.
    pub by: String,
    /// When it ended and what came of it, as whoever made it wrote it down.
    pub ended: Option<(Time, String)>,
}

impl Store {
    /// Takes an erasure on; its number.
    ///
    /// # Errors
    /// [`AccessError::Held`]; where the store can't be written.
    pub fn ask_erasure(&mut self, subjects: &[Subject], by: &str, at: Time) -> Result<i64, AccessError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        subjects.iter().try_for_each(|subject| must_be_free(&tx, subject))?;
        let names: Vec<&str> = subjects.iter().map(Subject::as_str).collect();
        // No name of a subject has a line break in it.
        tx.execute(
            "INSERT INTO erasures (subjects, count, asked_at, by) VALUES (?1, ?2, ?3, ?4)",
            params![names.join("\n"), u32::try_from(names.len()).unwrap_or(u32::MAX), at.0, by],
        )?;
        let number = tx.last_insert_rowid();
        tx.commit()?;
        Ok(number)
    }

    /// Those that wait, the oldest first.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub fn waiting_erasures(&self) -> Result<Vec<(i64, Vec<Subject>)>, AccessError> {
        let sql = "SELECT number, subjects FROM erasures WHERE subjects IS NOT NULL ORDER BY number";
        let mut statement = self.db.prepare(sql)?;
        let waiting = statement.query_map([], |row| {
            let names: String = row.get(1)?;
            Ok((row.get(0)?, names.lines().map(Subject::new).collect()))
        })?;
        Ok(waiting.collect::<Result<_, _>>()?)
    }

    /// Notes what came of one, and forgets whom it was about.
    ///
    /// # Errors
    /// Where none of that number waits, or the store can't be written.
    pub fn end_erasure(&mut self, number: i64, outcome: &str, at: Time) -> Result<(), AccessError> {
        let sql = "UPDATE erasures SET subjects = NULL, ended_at = ?2, outcome = ?3 WHERE number = ?1 AND subjects IS NOT NULL";
        if self.db.execute(sql, params![number, at.0, outcome])? == 0 {
            return Err(AccessError::Unknown("waiting erasure of number", number.to_string()));
        }
        // The log may hold what was overwritten.
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// One of them, ended or not.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub fn erasure(&self, number: i64) -> Result<Option<AskedErasure>, AccessError> {
        let sql = "SELECT count, asked_at, by, ended_at, outcome FROM erasures WHERE number = ?1";
        let found = self.db.query_row(sql, [number], |row| {
            let ended: Option<i64> = row.get(3)?;
            Ok(AskedErasure {
                number,
                count: row.get(0)?,
                asked_at: Time(row.get(1)?),
                by: row.get(2)?,
                ended: ended.map(|at| Ok::<_, rusqlite::Error>((Time(at), row.get(4)?))).transpose()?,
            })
        });
        Ok(found.optional()?)
    }
}
