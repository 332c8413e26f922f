//! What requests were answered that are to have one effect, for as long as their keys stand for them.

use rusqlite::{Connection, params};
use vitalog_elog::once::{Answered, LIFE};
use vitalog_elog::{Record, Time};

use super::error::ViewsError;

/// Keeps what the record at `place` of its group says. One that was sent anew after its time takes the place of the former.
pub fn apply(conn: &Connection, group: &[Record], place: usize) -> Result<(), ViewsError> {
    let record = &group[place];
    let vitalog_elog::Input::Once(once) = &record.entry.input else { return Ok(()) };
    // A part of one that stands behind it.
    let Some(request) = &once.request else { return Ok(()) };
    let end = group.last().map_or(record.offset, |last| last.offset) + 1;
    let answered = Answered::of(group, place, end).ok_or(ViewsError::Damaged("what a request was answered"))?;
    let body = postcard::to_allocvec(&answered).map_err(|_| ViewsError::Damaged("an answer could not be encoded"))?;
    conn.prepare_cached("insert or replace into answered (key, arrival, body) values (?1, ?2, ?3)")?.execute(params![
        request.key.to_be_bytes(),
        record.entry.arrival.0,
        body
    ])?;
    Ok(())
}

/// Forgets what has had its time, now that an input came at `arrival`: what is left is a function of the inputs, however they were gathered.
pub fn expire(conn: &Connection, arrival: Time) -> Result<(), ViewsError> {
    conn.prepare_cached("delete from answered where arrival <= ?1")?.execute([arrival.0.saturating_sub(LIFE.0)])?;
    Ok(())
}
