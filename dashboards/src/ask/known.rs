//! Readings as they were known: by the inputs before a position, or by those that had arrived at an instant.
//!
//! A revision was known once the input that brought it was accepted, and held until the input that took its place. Both are stored with it, so what held at any point of the journal is
//! answered as it would have been then; those that came outdated, and removals, never held. [`days`](crate::views) says which days of a stream had anything by then, so years that were sent later are passed over.

use std::ops::ControlFlow;

use rusqlite::params;
use vitalog_elog::{ReadingId, Subject, Time};

use super::Ask;
use super::history::ReadingHistory;
use super::readings::{Cursor, Order, ReadingQuery, Row};
use super::shape::ReadingView;
use crate::views::{Search, Stored, ViewsError, day_bounds, day_of, find};

/// Takes a reading's place, id and body, and says whether to go on.
pub(super) type Each<'e> = dyn FnMut(i64, ReadingId, &[u8], &Stored<'_>) -> Result<ControlFlow<()>, ViewsError> + 'e;

/// A point in what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// After the inputs before this offset, and no other.
    Position(u64),
    /// After all that had arrived, at this instant included.
    Instant(Time),
}

/// The days of a stream on which anything was known.
const DAYS: &str = "select day from days where subject = ?1 and stream = ?2 and day between ?3 and ?4 and first_record < ?5 and first_arrival <= ?6";
/// Of a stretch, what is current, and what was and may have held: whether it was known by then is in the body.
const HELD: &str = "select at, id, body from readings where subject = ?1 and stream = ?2 and at between ?3 and ?4 union all select at, id, body from revisions
     where subject = ?1 and stream = ?2 and at between ?3 and ?4 and ended_record is not null and (ended_record >= ?5 or ended_arrival > ?6)";

impl AsOf {
    /// Whether an input is among them.
    pub(super) fn has(self, record: u64, arrival: i64) -> bool {
        match self {
            AsOf::Position(next) => record < next,
            AsOf::Instant(instant) => arrival <= instant.0,
        }
    }

    /// The same as bounds, of which one always holds: below the first, and not after the second.
    fn bounds(self) -> (i64, i64) {
        match self {
            AsOf::Position(next) => (i64::try_from(next).unwrap_or(i64::MAX), i64::MAX),
            AsOf::Instant(instant) => (i64::MAX, instant.0),
        }
    }
}

/// A stretch of one stream of a subject, both ends included.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    pub number: i64,
    pub stream: u16,
    pub least: i64,
    pub greatest: i64,
}

impl Ask<'_> {
    /// A reading by its id as it was known, with the revisions that were known.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn reading_as_of(&self, subject: &Subject, id: ReadingId, as_of: AsOf) -> Result<Option<ReadingHistory>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(None) };
        let (mut current, mut history) = (None, Vec::new());
        if let Some(row) = find(self.conn, number, id, &[Search::Names, Search::All])? {
            let stored = Stored::decode(&row.body)?;
            if as_of.has(stored.record, stored.arrival) {
                current = Some(self.flagged(number, subject, id, (row.place.stream, row.place.at), &stored, Some(as_of))?);
            }
        }
        let mut rows = self.conn.prepare_cached(
            "select stream, at, body, ended_record, ended_arrival from revisions where subject = ?1 and id = ?2 order by rev desc, hash desc",
        )?;
        let mut rows = rows.query(params![number, id.0.to_be_bytes()])?;
        while let Some(row) = rows.next()? {
            let stored = Stored::decode(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            if !as_of.has(stored.record, stored.arrival) {
                continue;
            }
            let place = row.get::<_, Option<u16>>(0)?.zip(row.get::<_, Option<i64>>(1)?);
            let ended = row.get::<_, Option<i64>>(3)?.zip(row.get::<_, Option<i64>>(4)?);
            match (place, ended) {
                (Some(place), Some((record, arrival))) if !as_of.has(record as u64, arrival) => {
                    current = Some(self.flagged(number, subject, id, place, &stored, Some(as_of))?);
                }
                _ => history.push(ReadingView::of(&self.schema, subject, id, place, &stored)),
            }
        }
        Ok((current.is_some() || !history.is_empty()).then_some(ReadingHistory { current, history }))
    }

    /// Whether anything had been heard of a subject.
    pub(super) fn had_heard_of(&self, number: i64, as_of: AsOf) -> Result<bool, ViewsError> {
        let mut first = self.conn.prepare_cached("select first_record, first_arrival from subjects where subject = ?1")?;
        Ok(first.query_row([number], |r| Ok(as_of.has(r.get::<_, i64>(0)? as u64, r.get(1)?)))?)
    }

    /// At most one row more than the limit, of one stream, in the order of the query: those that held.
    pub(super) fn known_rows(
        &self,
        stretch: Stretch,
        query: &ReadingQuery,
        as_of: AsOf,
        into: &mut Vec<Row>,
    ) -> Result<(), ViewsError> {
        let Stretch { number, stream, least, greatest } = stretch;
        let (before, until) = as_of.bounds();
        let most = into.len() + query.limit + 1;
        let goes_on = |key: Cursor| match (query.after, query.order) {
            (None, _) => true,
            (Some(after), Order::OldestFirst) => key > after,
            (Some(after), Order::NewestFirst) => key < after,
        };
        let mut days = self.conn.prepare_cached(&format!("{DAYS} order by day {}", query.order.direction()))?;
        let mut days = days.query(params![number, stream, day_of(least), day_of(greatest), before, until])?;
        while into.len() < most
            && let Some(day) = days.next()?
        {
            let (first, last) = day_bounds(day.get(0)?);
            let day = Stretch { least: least.max(first), greatest: greatest.min(last), ..stretch };
            if day.least > day.greatest {
                continue;
            }
            self.each_known(day, query.order, as_of, &mut |at, id, body, _| {
                let key = (at, stream, id.0);
                if goes_on(key) {
                    into.push(Row { key, body: body.to_vec() });
                }
                Ok(if into.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
        }
        Ok(())
    }

    /// Tells each reading of a stretch that held, with its place, id and body, until told to stop.
    pub(super) fn each_known(&self, stretch: Stretch, order: Order, as_of: AsOf, each: &mut Each<'_>) -> Result<(), ViewsError> {
        let Stretch { number, stream, least, greatest } = stretch;
        let (before, until) = as_of.bounds();
        let direction = order.direction();
        let mut find = self.conn.prepare_cached(&format!("{HELD} order by at {direction}, id {direction}"))?;
        let mut rows = find.query(params![number, stream, least, greatest, before, until])?;
        while let Some(row) = rows.next()? {
            let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            let stored = Stored::decode(body)?;
            if !as_of.has(stored.record, stored.arrival) {
                continue;
            }
            let id = ReadingId(u128::from_be_bytes(row.get(1)?));
            if each(row.get(0)?, id, body, &stored)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
