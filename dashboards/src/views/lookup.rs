//! Finding the current revision of a reading by its id.
//!
//! An id is a hash, so an index over all of them would be touched at a random page by every reading: it would cost more than everything else together.
//! Readings come by the million without a name of their own and are hardly ever asked for by id; where one lies is mostly known besides. So only
//! those that were given a name are in an index, for they are named in order to be amended. The others are looked for where they are said to lie, and as a
//! last resort among all of their subject's.

use rusqlite::{Connection, OptionalExtension, params};
use vitalog_elog::{Content, ReadingId};

use super::error::ViewsError;
use super::stored;

/// Where a reading lies within its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub stream: u16,
    pub at: i64,
}

/// A current revision.
pub struct Row {
    pub place: Place,
    pub body: Vec<u8>,
}

/// One way of looking for it.
#[derive(Clone, Copy, Debug)]
pub enum Search {
    /// Where it is said to lie.
    At(Place),
    /// Among those that were given a name.
    Names,
    /// Among all of the subject's: in proportion to their number.
    All,
}

impl Place {
    pub fn of(content: &Content) -> Place {
        Place { stream: content.stream.0, at: stored::place(content.when) }
    }

    pub fn bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.stream.to_be_bytes());
        bytes[2..].copy_from_slice(&self.at.to_be_bytes());
        bytes
    }

    pub fn from_bytes(bytes: [u8; 10]) -> Place {
        let (stream, at) = (u16::from_be_bytes([bytes[0], bytes[1]]), bytes[2..].first_chunk().copied());
        Place { stream, at: i64::from_be_bytes(at.unwrap_or_default()) }
    }
}

/// The current revision, by the first of the ways that finds it.
pub fn find(conn: &Connection, subject: i64, id: ReadingId, ways: &[Search]) -> Result<Option<Row>, ViewsError> {
    for way in ways {
        let found = match way {
            Search::At(place) => at(conn, subject, id, *place)?,
            Search::Names => match named(conn, subject, id)? {
                Some(place) => at(conn, subject, id, place)?,
                None => None,
            },
            Search::All => anywhere(conn, subject, id)?,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn at(conn: &Connection, subject: i64, id: ReadingId, place: Place) -> Result<Option<Row>, ViewsError> {
    let mut find = conn.prepare_cached("select body from readings where subject = ?1 and stream = ?2 and at = ?3 and id = ?4")?;
    let body = find.query_row(params![subject, place.stream, place.at, id.0.to_be_bytes()], |r| r.get(0)).optional()?;
    Ok(body.map(|body| Row { place, body }))
}

fn named(conn: &Connection, subject: i64, id: ReadingId) -> Result<Option<Place>, ViewsError> {
    let mut find = conn.prepare_cached("select stream, at from names where subject = ?1 and id = ?2")?;
    let place = find.query_row(params![subject, id.0.to_be_bytes()], |r| Ok(Place { stream: r.get(0)?, at: r.get(1)? }));
    Ok(place.optional()?)
}

fn anywhere(conn: &Connection, subject: i64, id: ReadingId) -> Result<Option<Row>, ViewsError> {
    let mut find = conn.prepare_cached("select stream, at, body from readings where subject = ?1 and id = ?2")?;
    let row = find.query_row(params![subject, id.0.to_be_bytes()], |r| {
        Ok(Row { place: Place { stream: r.get(0)?, at: r.get(1)? }, body: r.get(2)? })
    });
    Ok(row.optional()?)
}
