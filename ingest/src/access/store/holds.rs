//! Legal holds: subjects that may not be erased, and why. Whoever erases asks here, in the transaction in which the store forgets the subject.

use rusqlite::{Connection, OptionalExtension, params};
use vitalog_elog::{Subject, Time};

use super::{AccessError, Store};

/// A subject that is held, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub subject: Subject,
    pub reason: String,
    pub since: Time,
    /// When it was let go, and why.
    pub released: Option<(Time, String)>,
}

impl Store {
    /// Holds a subject, known or not: nobody may erase it until it is let go.
    ///
    /// # Errors
    /// Where it is held already.
    pub fn hold(&mut self, subject: &Subject, reason: &str, at: Time) -> Result<(), AccessError> {
        let tx = self.db.transaction()?;
        if held(&tx, subject)?.is_some() {
            return Err(AccessError::Exists("hold on", subject.to_string()));
        }
        tx.execute("INSERT INTO holds (subject, reason, since) VALUES (?1, ?2, ?3)", params![subject.as_str(), reason, at.0])?;
        Ok(tx.commit()?)
    }

    /// Lets a subject go.
    ///
    /// # Errors
    /// Where it is not held.
    pub fn release(&mut self, subject: &Subject, reason: &str, at: Time) -> Result<(), AccessError> {
        let sql = "UPDATE holds SET released_at = ?2, released_for = ?3 WHERE subject = ?1 AND released_at IS NULL";
        match self.db.execute(sql, params![subject.as_str(), at.0, reason])? {
            0 => Err(AccessError::Unknown("hold on", subject.to_string())),
            _ => Ok(()),
        }
    }

    /// All holds there are and were, the newest last. Those on subjects that were erased since went with them.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn holds(&self) -> Result<Vec<Hold>, AccessError> {
        let mut statement =
            self.db.prepare("SELECT subject, reason, since, released_at, released_for FROM holds ORDER BY number")?;
        let holds = statement.query_map([], |row| {
            let released: Option<i64> = row.get(3)?;
            Ok(Hold {
                subject: Subject::new(&row.get::<_, String>(0)?),
                reason: row.get(1)?,
                since: Time(row.get(2)?),
                released: released.map(|at| Ok::<_, rusqlite::Error>((Time(at), row.get(4)?))).transpose()?,
            })
        })?;
        Ok(holds.collect::<Result<_, _>>()?)
    }

    /// That none of these is held.
    ///
    /// # Errors
    /// [`AccessError::Held`] naming the first that is.
    pub fn must_be_free(&self, subjects: &[Subject]) -> Result<(), AccessError> {
        subjects.iter().try_for_each(|subject| must_be_free(&self.db, subject))
    }
}

pub(super) fn must_be_free(db: &Connection, subject: &Subject) -> Result<(), AccessError> {
    match held(db, subject)? {
        Some((since, reason)) => Err(AccessError::Held { subject: subject.clone(), since, reason }),
        None => Ok(()),
    }
}

fn held(db: &Connection, subject: &Subject) -> Result<Option<(Time, String)>, AccessError> {
    let sql = "SELECT since, reason FROM holds WHERE subject = ?1 AND released_at IS NULL";
    Ok(db.query_row(sql, [subject.as_str()], |row| Ok((Time(row.get(0)?), row.get(1)?))).optional()?)
}
