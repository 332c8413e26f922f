//! Current readings as they were journaled, for whoever writes them elsewhere: exact, and with their names.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::params;
use vitalog_elog::{Content, ReadingId, StreamIx, Subject, Time, When};

use super::Ask;
use crate::views::{ONGOING, Place, Search, Stored, ViewsError, find};

/// Which of a subject's readings; what is not said is wanted whatever it is.
#[derive(Clone, Debug, Default)]
pub struct HeldQuery {
    pub ids: Option<Vec<ReadingId>>,
    pub stream: Option<StreamIx>,
    pub source: Option<String>,
    /// Those that lie at or after, an interval by its end; one that goes on lies after everything.
    pub from: Option<Time>,
    /// Those that lie before.
    pub until: Option<Time>,
    pub limit: usize,
}

/// A current reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub id: ReadingId,
    pub given: Option<Arc<str>>,
    pub rev: u32,
    pub content: Content,
}

impl Ask<'_> {
    /// The readings that are wanted, by stream and time.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn held(&self, subject: &Subject, query: &HeldQuery) -> Result<Vec<Held>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(Vec::new()) };
        let mut held = Vec::new();
        let mut sought: Option<HashSet<u128>> = None;
        if let Some(ids) = &query.ids {
            let mut unnamed = HashSet::new();
            for id in ids.iter().collect::<std::collections::BTreeSet<_>>() {
                match find(self.conn, number, *id, &[Search::Names])? {
                    Some(row) => held.extend(query.admits((row.place.stream, row.place.at), *id, &row.body)?),
                    None => {
                        unnamed.insert(id.0);
                    }
                }
            }
            // What no sender named is found by looking at all there is, once for all of them.
            if unnamed.is_empty() {
                return Ok(held);
            }
            sought = Some(unnamed);
        }
        let mut rows = self.conn.prepare_cached(
            "select at, id, body from readings where subject = ?1 and stream = ?2 and at between ?3 and ?4 order by at, id",
        )?;
        let (least, greatest) = (query.from.map_or(i64::MIN, |t| t.0), query.until.map_or(i64::MAX, |t| t.0.saturating_sub(1)));
        for stream in 0..self.schema.streams.len() as u16 {
            if query.stream.is_some_and(|wanted| wanted.0 != stream) {
                continue;
            }
            let mut rows = rows.query(params![number, stream, least, greatest])?;
            while let Some(row) = rows.next()? {
                if held.len() >= query.limit {
                    return Ok(held);
                }
                let id = ReadingId(u128::from_be_bytes(row.get(1)?));
                if sought.as_ref().is_none_or(|sought| sought.contains(&id.0)) {
                    held.extend(query.admits(
                        (stream, row.get(0)?),
                        id,
                        row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?,
                    )?);
                }
            }
        }
        Ok(held)
    }

    /// The greatest revision of each reading, removals included; 0 where there never was one. Where one stands that no sender named follows from what it says.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn greatest_revisions(
        &self,
        subject: &Subject,
        readings: &[(ReadingId, StreamIx, When)],
    ) -> Result<Vec<u32>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(vec![0; readings.len()]) };
        let mut former = self.conn.prepare_cached("select max(rev) from revisions where subject = ?1 and id = ?2")?;
        let mut greatest = Vec::with_capacity(readings.len());
        for (id, stream, when) in readings {
            let former: Option<u32> = former.query_row(params![number, id.0.to_be_bytes()], |row| row.get(0))?;
            let at = Place { stream: stream.0, at: when.instant().map_or(ONGOING, |t| t.0) };
            // One that has former revisions may have been moved in time.
            let ways: &[Search] =
                if former.is_some() { &[Search::At(at), Search::Names, Search::All] } else { &[Search::At(at), Search::Names] };
            let current = match find(self.conn, number, *id, ways)? {
                Some(row) => Stored::decode(&row.body)?.rev,
                None => 0,
            };
            greatest.push(current.max(former.unwrap_or(0)));
        }
        Ok(greatest)
    }
}

impl HeldQuery {
    /// The reading of a row, where it is wanted.
    fn admits(&self, (stream, at): (u16, i64), id: ReadingId, body: &[u8]) -> Result<Option<Held>, ViewsError> {
        let stored = Stored::decode(body)?;
        let Some(content) = stored.content else { return Ok(None) };
        let wanted = self.stream.is_none_or(|wanted| wanted.0 == stream)
            && self.from.is_none_or(|from| at >= from.0)
            && self.until.is_none_or(|until| at < until.0)
            && self.source.as_deref().is_none_or(|source| content.source.as_deref() == Some(source));
        if !wanted {
            return Ok(None);
        }
        let when = content.when(at);
        let (values, source) = (content.values.into_owned().into(), content.source.as_deref().map(Arc::from));
        let content = Content { stream: StreamIx(stream), when, values, source, seq: content.seq };
        Ok(Some(Held { id, given: stored.given.as_deref().map(Arc::from), rev: stored.rev, content }))
    }
}
