//! What the views hold of each revision of a reading, told row by row for accounting.
//!
//! Each row is read back from what is stored; nothing is taken from the counts that are kept beside. A row that can't be read is told as one, so that damage is found and not passed over.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use vitalog_elog::accounting::{Held, Scope, Standing};
use vitalog_elog::{Content, Reading, ReadingId, Schema, StreamIx, Subject, Time};

use super::Ask;
use crate::views::{Stored, ViewsError};

/// Current revisions, then the others: each in terms of subject, stream, instant, id and body.
const ROWS: [(Standing, &str, &str); 2] = [
    (
        Standing::Current,
        "select subject, stream, at, id, body from readings",
        "select subject, stream, at, id, body from readings where subject = ?1",
    ),
    (
        Standing::Former,
        "select subject, stream, at, id, body from revisions",
        "select subject, stream, at, id, body from revisions where subject = ?1",
    ),
];

/// A revision of a reading, and the offset of the input that brought it.
pub struct RevisionRow {
    pub standing: Standing,
    pub record: u64,
    /// When that was accepted.
    pub arrival: Time,
    pub reading: Reading,
}

impl Ask<'_> {
    /// The rows of one reading: the current revision first, then the others, the greatest first. Those that can't be read are left out.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn revision_rows(&self, subject: &Subject, id: ReadingId) -> Result<Vec<RevisionRow>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (standing, _, of_one) in ROWS {
            let mut statement = self.conn.prepare_cached(&format!("{of_one} and id = ?2"))?;
            let mut rows = statement.query(params![number, id.0.to_be_bytes()])?;
            while let Some(row) = rows.next()? {
                let Some(reading) = revision(row, subject, &self.schema) else { continue };
                let Stored { record, arrival, .. } = Stored::decode(row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?)?;
                found.push(RevisionRow { standing, record, arrival: Time(arrival), reading });
            }
        }
        found.sort_by_key(|row| (row.standing, std::cmp::Reverse(row.reading.revision())));
        Ok(found)
    }

    /// Tells each revision that an input before an offset brought, with that input's offset and arrival; in no order. Rows that can't be read are left out.
    ///
    /// # Errors
    /// [`ViewsError::Sql`] where the file can't be read.
    pub fn revisions_before(&self, offset: u64, each: &mut dyn FnMut(u64, Time, Reading)) -> Result<(), ViewsError> {
        let names = self.names()?;
        for (_, all, _) in ROWS {
            let mut statement = self.conn.prepare(all)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let body = row.get_ref(4)?.as_blob().ok();
                let Some(Stored { record, arrival, .. }) = body.and_then(|body| Stored::decode(body).ok()) else { continue };
                let subject = row.get::<_, i64>(0).ok().and_then(|n| names.get(&n)).filter(|_| record < offset);
                if let Some(reading) = subject.and_then(|subject| revision(row, subject, &self.schema)) {
                    each(record, Time(arrival), reading);
                }
            }
        }
        Ok(())
    }

    /// Tells each revision that is asked for.
    ///
    /// # Errors
    /// [`ViewsError::Sql`] where the file can't be read.
    pub fn account(&self, scope: &Scope, each: &mut dyn FnMut(Held<'_>)) -> Result<(), ViewsError> {
        let names = self.names()?;
        let number = match &scope.subject {
            None => None,
            Some(subject) => match self.number(subject)? {
                Some(number) => Some(number),
                None => return Ok(()),
            },
        };
        for (standing, all, of_one) in ROWS {
            let mut statement = self.conn.prepare(if number.is_some() { of_one } else { all })?;
            let mut rows = match number {
                Some(number) => statement.query(params![number])?,
                None => statement.query([])?,
            };
            while let Some(row) = rows.next()? {
                let subject = row.get::<_, i64>(0).ok().and_then(|n| names.get(&n));
                match subject.and_then(|subject| revision(row, subject, &self.schema)) {
                    Some(reading) if scope.has(&reading, &self.schema) => each(Held::Revision(&reading, standing)),
                    Some(_) => {}
                    None => {
                        let name = id(row).map_or_else(String::new, |id| id.to_string());
                        each(Held::Unreadable { subject: subject.map_or("", |s| s.as_str()), name: &name, standing });
                    }
                }
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<HashMap<i64, Subject>, ViewsError> {
        let mut statement = self.conn.prepare("select subject, name from subjects")?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, Subject::new(&r.get::<_, String>(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The revision that a row says, whatever has been made of it.
fn revision(row: &Row<'_>, subject: &Subject, schema: &Schema) -> Option<Reading> {
    let body = row.get_ref(4).ok()?.as_blob().ok()?;
    let stored = Stored::decode(body).ok()?;
    let (stream, at) = (row.get::<_, Option<u16>>(1).ok()?, row.get::<_, Option<i64>>(2).ok()?);
    let given = stored.given.as_deref().map(Arc::from);
    let reading = match stored.content {
        None => Reading::removal(subject.clone(), given?, stored.rev),
        Some(content) => {
            let when = content.when(at?);
            let values = content.values.into_owned().into_boxed_slice();
            let source = content.source.map(Arc::from);
            let content = Content { stream: StreamIx(stream?), when, values, source, seq: content.seq };
            let name = schema.streams.get(usize::from(content.stream.0)).map_or("", |s| &s.name);
            Reading::present(subject.clone(), given, stored.rev, name, content)
        }
    };
    let id = id(row)?;
    // Another id in the row than the one that follows from what it says: then it is found by nobody who looks for it.
    Some(if reading.id == id { reading } else { Reading { id, given: Some(id.to_string().into()), ..reading } })
}

fn id(row: &Row<'_>) -> Option<ReadingId> {
    match row.get_ref(3).ok()? {
        ValueRef::Blob(bytes) => Some(ReadingId(u128::from_be_bytes(bytes.try_into().ok()?))),
        _ => None,
    }
}
