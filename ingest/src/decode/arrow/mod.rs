//! Arrow IPC streams: columns with the native names, one reading per row, null for what is not said.
//!
//! Read as the bytes stand, without copying a text: the frames, then the columns of each batch, and a reading where a row is asked for. A stream is one
//! document: it is read as a whole or refused as a whole, and one without its end mark is taken for cut. Numbers keep their digits: integers and
//! decimals as they are, floats by the shortest decimal that reads back as the same float.
//!
//! Refused are what would need guesses (nested columns, dates, times without a zone) and what makes much of little: buffers that are compressed by themselves (a body is
//! packed as a whole, within its limits), and texts that stand for more, written out, than a body may have.

mod batch;
mod cell;
mod column;
mod frame;

use std::borrow::Cow;

use vitalog_elog::Refusal;

use super::raw::{Item, RawReading};
use batch::Reader;
use column::Column;

/// The first bytes of a stream.
pub const BEGINNING: [u8; 4] = [0xff; 4];
/// The most text that all rows may have, written out. Views and dictionaries say one text for many rows.
const MOST_TEXT: usize = 64 << 20;

/// The rows of a stream as readings. A row's line is its place, from 1.
///
/// # Errors
/// Where the stream can't be read to its end, a column is of a kind that is not read, or there is no column `subject`.
pub fn rows(body: &[u8]) -> Result<impl Iterator<Item = Item<'_>>, Refusal> {
    if body.is_empty() {
        return Err(super::json::empty());
    }
    let mut reader = Reader::default();
    for message in frame::Messages::of(body) {
        reader.take(&message?)?;
    }
    let (names, batches) = reader.finish()?;
    let rows = batches.into_iter().flat_map(|batch| {
        let batch = std::rc::Rc::new(batch);
        (0..batch.rows).map(move |row| (batch.clone(), row))
    });
    Ok(rows.enumerate().map(move |(index, (batch, row))| {
        let (bytes, reading) = match reading(&names, &batch.columns, row) {
            Ok(reading) => (&b""[..], Ok(reading)),
            Err(bad) => (bad.bytes, Err(*bad.refusal)),
        };
        Item { index, line: index as u64 + 1, bytes, reading }
    }))
}

fn reading<'a>(names: &[String], columns: &[Column<'a>], row: usize) -> Result<RawReading<'a>, cell::Bad<'a>> {
    let mut reading = RawReading::default();
    for (name, column) in names.iter().zip(columns) {
        if let Some(value) = column.cell(name, row)? {
            reading.set(Cow::Owned(name.clone()), value);
        }
    }
    Ok(reading)
}

/// The stream as a whole can't be read.
fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::whole("malformed_arrow", message, "send an Arrow IPC stream (not a file) from its schema to its end mark")
}
