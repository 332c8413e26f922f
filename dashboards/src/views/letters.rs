//! What was refused at the door, kept to be looked at.

use rusqlite::{Connection, params};
use vitalog_elog::Time;
use vitalog_elog::input::DeadLetter;

use super::error::ViewsError;

pub fn apply(conn: &Connection, record: u64, arrival: Time, letter: &DeadLetter) -> Result<(), ViewsError> {
    conn.prepare_cached(
        "insert into dead_letters (record, arrival, subject, code, field, message, raw, sender) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        record as i64,
        arrival.0,
        letter.subject.as_ref().map(|s| s.as_str()),
        &*letter.code,
        letter.field.as_deref(),
        &*letter.message,
        &*letter.raw,
        &*letter.sender,
    ])?;
    Ok(())
}
