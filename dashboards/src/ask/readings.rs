//! Readings by time, page by page.

use rusqlite::params;
use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{ReadingId, StreamIx, Subject, Time};

use super::Ask;
use super::known::{AsOf, Stretch};
use super::shape::ReadingView;
use crate::views::{Stored, ViewsError};

/// Which readings, and how many of them.
#[derive(Clone, Debug)]
pub struct ReadingQuery {
    /// `None`: all streams.
    pub stream: Option<StreamIx>,
    /// Those that lie at or after, an interval by its end.
    pub from: Option<Time>,
    /// Those that lie before.
    pub to: Option<Time>,
    pub order: Order,
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// As they were known then; `None`: as they are.
    pub as_of: Option<AsOf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    NewestFirst,
    OldestFirst,
}

impl Order {
    pub(super) fn direction(self) -> &'static str {
        match self {
            Order::NewestFirst => "desc",
            Order::OldestFirst => "asc",
        }
    }
}

/// The last row of a page: readings are ordered by place in time, then stream, then id.
pub type Cursor = (i64, u16, u128);

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReadingPage {
    pub readings: Vec<ReadingView>,
    /// To be given as `after` for the next page; `null`: this was the last.
    pub next: Option<String>,
}

pub(super) struct Row {
    pub key: Cursor,
    pub body: Vec<u8>,
}

impl Ask<'_> {
    /// A page of readings; `None`: nothing was ever heard of the subject (or had been by then).
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn readings(&self, subject: &Subject, query: &ReadingQuery) -> Result<Option<ReadingPage>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(None) };
        if let Some(as_of) = query.as_of
            && !self.had_heard_of(number, as_of)?
        {
            return Ok(None);
        }
        let streams: Vec<u16> = match query.stream {
            Some(ix) => vec![ix.0],
            None => (0..self.schema.streams.len() as u16).collect(),
        };
        let mut rows = Vec::new();
        for stream in streams {
            self.rows_of(number, stream, query, &mut rows)?;
        }
        match query.order {
            Order::OldestFirst => rows.sort_unstable_by_key(|r| r.key),
            Order::NewestFirst => rows.sort_unstable_by_key(|r| std::cmp::Reverse(r.key)),
        }
        let more = rows.len() > query.limit;
        rows.truncate(query.limit);
        let next = rows.last().filter(|_| more).map(|r| print_cursor(r.key));
        let readings = rows
            .iter()
            .map(|r| {
                let (at, stream, id) = r.key;
                self.flagged(number, subject, ReadingId(id), (stream, at), &Stored::decode(&r.body)?, query.as_of)
            })
            .collect::<Result<_, ViewsError>>()?;
        Ok(Some(ReadingPage { readings, next }))
    }

    /// At most one row more than the limit, of one stream.
    fn rows_of(&self, number: i64, stream: u16, query: &ReadingQuery, rows: &mut Vec<Row>) -> Result<(), ViewsError> {
        let least = query.from.map_or(i64::MIN, |t| t.0);
        let greatest = query.to.map_or(i64::MAX, |t| t.0.saturating_sub(1));
        // Where this stream goes on after a page that ended in another one: at the same place in time with no id yet, or after it.
        let (pivot, id) = match query.after {
            None => (None, [0; 16]),
            Some((at, last, id)) => match (stream.cmp(&last), query.order) {
                (std::cmp::Ordering::Equal, _) => (Some(at), id.to_be_bytes()),
                (std::cmp::Ordering::Less, Order::NewestFirst) => (Some(at), [0xff; 16]),
                (std::cmp::Ordering::Greater, Order::OldestFirst) => (Some(at), [0; 16]),
                (std::cmp::Ordering::Greater, Order::NewestFirst) => (Some(at), [0; 16]),
                (std::cmp::Ordering::Less, Order::OldestFirst) => (Some(at), [0xff; 16]),
            },
        };
        let sql = match query.order {
            Order::NewestFirst => {
                "select at, id, body from readings where subject = ?1 and stream = ?2 and at between ?3 and ?4
                 and (?5 is null or (at, id) < (?5, ?6)) order by at desc, id desc limit ?7"
            }
            Order::OldestFirst => {
                "select at, id, body from readings where subject = ?1 and stream = ?2 and at between ?3 and ?4
                 and (?5 is null or (at, id) > (?5, ?6)) order by at, id limit ?7"
            }
        };
        let (least, greatest) = match (pivot, query.order) {
            (Some(at), Order::NewestFirst) => (least, greatest.min(at)),
            (Some(at), Order::OldestFirst) => (least.max(at), greatest),
            (None, _) => (least, greatest),
        };
        if let Some(as_of) = query.as_of {
            return self.known_rows(Stretch { number, stream, least, greatest }, query, as_of, rows);
        }
        let mut find = self.conn.prepare_cached(sql)?;
        let mut found = find.query(params![number, stream, least, greatest, pivot, id, query.limit as i64 + 1])?;
        while let Some(row) = found.next()? {
            rows.push(Row { key: (row.get(0)?, stream, u128::from_be_bytes(row.get::<_, [u8; 16]>(1)?)), body: row.get(2)? });
        }
        Ok(())
    }

    /// The latest reading of a stream.
    pub(super) fn last_of(&self, number: i64, subject: &Subject, stream: u16) -> Result<Option<ReadingView>, ViewsError> {
        let mut rows = Vec::new();
        let query =
            ReadingQuery { stream: None, from: None, to: None, order: Order::NewestFirst, limit: 0, after: None, as_of: None };
        self.rows_of(number, stream, &query, &mut rows)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let stored = Stored::decode(&row.body)?;
        Ok(Some(ReadingView::of(&self.schema, subject, ReadingId(row.key.2), Some((stream, row.key.0)), &stored)))
    }
}

fn print_cursor((at, stream, id): Cursor) -> String {
    format!("{at}.{stream}.{id:x}")
}

/// Reads what [`ReadingPage::next`] says.
pub fn parse_cursor(text: &str) -> Option<Cursor> {
    let mut parts = text.splitn(3, '.');
    let at = parts.next()?.parse().ok()?;
    let stream = parts.next()?.parse().ok()?;
    let id = u128::from_str_radix(parts.next()?, 16).ok()?;
    Some((at, stream, id))
}
