//! What requests were answered that are to have one effect, for as long as their keys stand for them.

use rusqlite::{Connection, params};
use vitalog_elog::once::{Answered, LIFE};
use vitalog_elog::{Input, Record, Subject, Time};

use super::error::ViewsError;

/// Keeps what the record at `place` of its group says. One that was sent anew after its time takes the place of the former.
pub fn apply(conn: &Connection, group: &[Record], place: usize) -> Result<(), ViewsError> {
    let record = &group[place];
    let Input::Once(once) = &record.entry.input else { return Ok(()) };
    // A part of one that stands behind it.
    let Some(request) = &once.request else { return Ok(()) };
    let end = group.last().map_or(record.offset, |last| last.offset) + 1;
    let answered = Answered::of(group, place, end).ok_or(ViewsError::Damaged("what a request was answered"))?;
    conn.prepare_cached("insert or replace into answered (key, arrival, body) values (?1, ?2, ?3)")?.execute(params![
        request.key.to_be_bytes(),
        record.entry.arrival.0,
        encoded(&answered)?
    ])?;
    Ok(())
}

fn encoded(answered: &Answered) -> Result<Vec<u8>, ViewsError> {
    postcard::to_allocvec(answered).map_err(|_| ViewsError::Damaged("an answer could not be encoded"))
}

pub fn decoded(body: &[u8]) -> Result<Answered, ViewsError> {
    postcard::from_bytes(body).map_err(|_| ViewsError::Damaged("what a request was answered"))
}

/// Leaves of each what would be there if it were read from a journal of which a subject was erased.
pub fn forget(conn: &Connection, gone: &Subject) -> Result<(), ViewsError> {
    let mut all = conn.prepare("select key, body from answered")?;
    let all: Vec<([u8; 16], Vec<u8>)> = all.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
    for (key, body) in all {
        match decoded(&body)?.without(gone) {
            Some(left) => conn.execute("update answered set body = ?2 where key = ?1", params![key, encoded(&left)?])?,
            None => conn.execute("delete from answered where key = ?1", params![key])?,
        };
    }
    Ok(())
}

/// Forgets what has had its time, now that an input came at `arrival`: what is left is a function of the inputs, however they were gathered.
pub fn expire(conn: &Connection, arrival: Time) -> Result<(), ViewsError> {
    conn.prepare_cached("delete from answered where arrival <= ?1")?.execute([arrival.0.saturating_sub(LIFE.0)])?;
    Ok(())
}
