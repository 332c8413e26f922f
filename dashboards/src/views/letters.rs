//! What was refused at the door, and what became of it since.

use rusqlite::{Connection, params};
use vitalog_elog::Time;
use vitalog_elog::input::{DeadLetter, Mending, MendingOutcome};

use super::error::ViewsError;

pub fn apply(conn: &Connection, record: u64, arrival: Time, letter: &DeadLetter) -> Result<(), ViewsError> {
    conn.prepare_cached(
        "insert into dead_letters (record, arrival, subject, code, field, message, raw, sender, tries) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
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

/// A letter was tried again. The reading that it became stands right before.
pub fn mend(conn: &Connection, record: u64, arrival: Time, mending: &Mending) -> Result<(), ViewsError> {
    let (taken, refused) = match &mending.outcome {
        MendingOutcome::Taken { name, rev } => (Some((&**name, *rev)), None),
        MendingOutcome::Refused { code, field, message } => (None, Some((&**code, field.as_deref(), &**message))),
    };
    conn.prepare_cached(
        "insert into mendings (letter, record, arrival, person, mended, name, rev, code, field, message, subject) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        mending.letter as i64,
        record as i64,
        arrival.0,
        &*mending.by,
        mending.mended,
        taken.map(|(name, _)| name),
        taken.map(|(_, rev)| rev),
        refused.map(|(code, ..)| code),
        refused.and_then(|(_, field, _)| field),
        refused.map(|(.., message)| message),
        mending.subject.as_ref().map(|s| s.as_str()),
    ])?;
    let reading = taken.map(|_| record.saturating_sub(1) as i64);
    conn.prepare_cached("update dead_letters set tries = tries + 1, reading = coalesce(reading, ?2) where record = ?1")?
        .execute(params![mending.letter as i64, reading])?;
    Ok(())
}
