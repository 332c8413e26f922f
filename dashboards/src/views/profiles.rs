//! What is set per subject, and since when.

use rusqlite::{Connection, params};
use vitalog_elog::Time;
use vitalog_elog::profile::ProfileChange;

use super::error::ViewsError;
use super::subjects::Subjects;

pub fn apply(
    conn: &Connection,
    subjects: &mut Subjects,
    record: u64,
    arrival: Time,
    change: &ProfileChange,
) -> Result<(), ViewsError> {
    let subject = subjects.number(&change.subject, record, arrival);
    let value = match &change.value {
        None => None,
        Some(value) => {
            Some(postcard::to_allocvec(value).map_err(|_| ViewsError::Damaged("a profile's value could not be encoded"))?)
        }
    };
    conn.prepare_cached(
        "insert into profile_changes (subject, field, at, record, value, arrival) values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![subject, &*change.field, change.at.0, record as i64, value, arrival.0])?;
    Ok(())
}
