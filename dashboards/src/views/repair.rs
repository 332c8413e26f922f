//! Makes the rows of some readings again, and touches no other.
//!
//! What is stored of them, wherever it lies, goes; then they are taken in anew by the code that takes everything in. What is kept about their subjects (how many readings, the latest) is counted again.
//! Findings and all else stay as they are.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use vitalog_elog::{ReadingId, Record, Subject};

use super::Views;
use super::days::Days;
use super::error::ViewsError;
use super::readings::ReadingWriter;
use super::subjects::Subjects;

impl Views {
    /// Makes the rows of these readings again from `records`, which has every input about them and no other, in order. Those behind its position are left for later.
    ///
    /// # Errors
    /// [`ViewsError::Sql`]. After an error nothing has changed.
    pub fn repair(&mut self, wrong: &BTreeSet<(Subject, ReadingId)>, records: &[Record]) -> Result<(), ViewsError> {
        let tx = self.conn.transaction()?;
        let next = self.position.next;
        let repaired = repair(&tx, &mut self.subjects, wrong, records.iter().filter(|record| record.offset < next));
        match repaired.and_then(|()| Ok(tx.commit()?)) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.subjects = Subjects::load(&self.conn)?;
                Err(error)
            }
        }
    }
}

fn repair<'r>(
    tx: &rusqlite::Transaction<'_>,
    subjects: &mut Subjects,
    wrong: &BTreeSet<(Subject, ReadingId)>,
    records: impl Iterator<Item = &'r Record>,
) -> Result<(), ViewsError> {
    for (subject, id) in wrong {
        // Whoever is not known has no rows.
        if let Some(number) = subjects.known(subject) {
            forget(tx, number, *id)?;
        }
    }
    let mut days = Days::default();
    let mut readings = ReadingWriter::new(tx, &mut days);
    for record in records {
        if let Some((reading, outcome)) = record.reading() {
            readings.apply(subjects, record.offset, record.entry.arrival, reading, outcome)?;
        }
    }
    readings.flush()?;
    for (subject, _) in wrong {
        if let Some(number) = subjects.known(subject) {
            subjects.recount(tx, number)?;
        }
    }
    subjects.store(tx)
}

fn forget(conn: &Connection, subject: i64, id: ReadingId) -> Result<(), ViewsError> {
    for table in ["readings", "names", "revisions"] {
        conn.prepare_cached(&format!("delete from {table} where subject = ?1 and id = ?2"))?
            .execute(params![subject, id.0.to_be_bytes()])?;
    }
    Ok(())
}
