//! Who else is named: further subjects on whose timelines readings are seen too. Nothing is kept here of what is said about them; a name that is known so is not free.

use rusqlite::{Connection, params};
use vitalog_elog::{Content, Schema};

use super::error::ViewsError;

/// Notes whom a reading of a subject, by its number, names besides.
pub fn apply(conn: &Connection, schema: &Schema, subject: i64, content: &Content) -> Result<(), ViewsError> {
    for further in content.further_subjects(schema) {
        let sql = "insert into named (name, subject) values (?1, ?2) on conflict do nothing";
        conn.prepare_cached(sql)?.execute(params![further.as_str(), subject])?;
    }
    Ok(())
}
