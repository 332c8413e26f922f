//! Forgets subjects, as if nothing had ever come of them: what is left is what a file has that was fed the journal without them, but for the numbers, which stay as they were given.
//!
//! That holds as long as no reading is seen under several subjects; see `vitalog_elog::Schema::shares`.

use rusqlite::{Connection, params};
use vitalog_elog::Subject;

use super::Views;
use super::answered;
use super::days::Days;
use super::error::ViewsError;
use super::sources::Sources;
use super::subjects::Subjects;

/// Tables that have a subject's number.
const OF_A_NUMBER: [&str; 10] =
    ["readings", "names", "revisions", "days", "sources", "named", "fresh", "profile_changes", "recommendations", "subjects"];
/// Tables that have the id of a finding, and what they call it. What people did about one is kept in any case: the journal says it of the finding's id alone.
const OF_A_FINDING: [(&str, &str); 2] = [("recommendation_history", "id"), ("deliveries", "finding")];

impl Views {
    /// Forgets these subjects, and leaves no byte of them in the file: it is written anew.
    ///
    /// # Errors
    /// [`ViewsError::Sql`]. After an error nothing has changed, or everything but what lies unused in the file.
    pub fn forget(&mut self, gone: &[Subject]) -> Result<(), ViewsError> {
        let tx = self.conn.transaction()?;
        for subject in gone {
            forget(&tx, self.subjects.known(subject), subject)?;
        }
        tx.commit()?;
        self.subjects = Subjects::load(&self.conn)?;
        self.sources = Sources::load(&self.conn)?;
        self.days = Days::default();
        self.conn.execute_batch("vacuum")?;
        self.conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        Ok(())
    }
}

fn forget(conn: &Connection, number: Option<i64>, subject: &Subject) -> Result<(), ViewsError> {
    let name = subject.as_str();
    answered::forget(conn, subject)?;
    // A letter of somebody else may have become a reading of this subject: then that was never tried.
    conn.execute("delete from mendings where subject = ?1", [name])?;
    conn.execute("delete from dead_letters where subject = ?1", [name])?;
    conn.execute(
        "update dead_letters set
             tries = (select count(*) from mendings where letter = dead_letters.record),
             reading = (select min(record) - 1 from mendings where letter = dead_letters.record and name is not null)",
        [],
    )?;
    let Some(number) = number else { return Ok(()) };
    for (table, id) in OF_A_FINDING {
        let sql = format!("delete from {table} where {id} in (select id from recommendations where subject = ?1)");
        conn.execute(&sql, params![number])?;
    }
    for table in OF_A_NUMBER {
        conn.execute(&format!("delete from {table} where subject = ?1"), params![number])?;
    }
    Ok(())
}
