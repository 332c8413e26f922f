//! One reading with all its revisions.

use rusqlite::params;
use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{ReadingId, Subject};

use super::Ask;
use super::shape::ReadingView;
use crate::views::{Row, Search, Stored, ViewsError, find};

/// One reading: what is current, and what was.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReadingHistory {
    /// `null`: it is removed.
    pub current: Option<ReadingView>,
    /// Revisions that are not current, the greatest first; a removal that holds stands first.
    pub history: Vec<ReadingView>,
}

impl ReadingHistory {
    /// The revision that held just before the input at this offset, and the one that held after it; either may be missing.
    pub fn around(&self, record: u64) -> (Option<&ReadingView>, Option<&ReadingView>) {
        let greatest_first = || self.current.iter().chain(&self.history);
        (greatest_first().find(|r| r.record < record), greatest_first().find(|r| r.record <= record))
    }
}

impl Ask<'_> {
    /// A reading by its id, with all revisions.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn reading(&self, subject: &Subject, id: ReadingId) -> Result<Option<ReadingHistory>, ViewsError> {
        self.reading_by(subject, id, &[Search::Names, Search::All])
    }

    /// The same, looked for in these ways only.
    pub(super) fn reading_by(
        &self,
        subject: &Subject,
        id: ReadingId,
        ways: &[Search],
    ) -> Result<Option<ReadingHistory>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(None) };
        let key = params![number, id.0.to_be_bytes()];
        let view = |place: Option<(u16, i64)>, body: &[u8]| -> Result<ReadingView, ViewsError> {
            Ok(ReadingView::of(&self.schema, subject, id, place, &Stored::decode(body)?))
        };
        let current = find(self.conn, number, id, ways)?
            .map(|Row { place, body }| self.flagged(number, subject, id, (place.stream, place.at), &Stored::decode(&body)?, None))
            .transpose()?;
        let mut history = Vec::new();
        let mut rows = self.conn.prepare_cached(
            "select stream, at, body from revisions where subject = ?1 and id = ?2 order by rev desc, hash desc",
        )?;
        let mut rows = rows.query(key)?;
        while let Some(row) = rows.next()? {
            let place = row.get::<_, Option<u16>>(0)?.zip(row.get::<_, Option<i64>>(1)?);
            history.push(view(place, row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?);
        }
        Ok((current.is_some() || !history.is_empty()).then_some(ReadingHistory { current, history }))
    }
}
