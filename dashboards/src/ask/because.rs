//! What made the engine look again at a finding: for a reading, what it said before and what it said after.

use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{ReadingId, Subject};

use super::Ask;
use super::shape::ReadingView;
use crate::views::{Place, Search, ViewsError};

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Because {
    /// `reading`, `profile`, `rules` or `clock`.
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<BecauseReading>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BecauseReading {
    pub id: String,
    /// `null`: it was not there.
    pub before: Option<ReadingView>,
    /// A removal where it was removed; the same as `before` where it was there already and only its time had come.
    pub after: Option<ReadingView>,
}

impl Ask<'_> {
    /// `reading`: the one that is the cause, and where it lay if this record brought it; else it had been there before.
    pub(super) fn because(
        &self,
        subject: &Subject,
        cause: u8,
        reading: Option<(ReadingId, Option<Place>)>,
        record: u64,
    ) -> Result<Because, ViewsError> {
        let kind = ["reading", "profile", "rules", "clock"].get(usize::from(cause)).copied().unwrap_or("clock");
        let Some((id, place)) = reading else { return Ok(Because { kind, reading: None }) };
        // One that has since been amended, moved or removed has a name, or none but history.
        let ways = match place {
            Some(place) => vec![Search::At(place), Search::Names],
            None => vec![Search::Names, Search::All],
        };
        let found = self.reading_by(subject, id, &ways)?;
        let (before, after) = found.as_ref().map_or((None, None), |f| f.around(record));
        let reading = BecauseReading { id: id.to_string(), before: before.cloned(), after: after.cloned() };
        Ok(Because { kind, reading: Some(reading) })
    }
}
