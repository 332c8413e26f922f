//! What is suspicious about a reading that was taken all the same.
//!
//! Asked of the readings as they are now (or as they were known), so it is a function of the journal like they are: a reading that is corrected or removed takes its flags with it.

use std::ops::ControlFlow;

use rusqlite::params;
use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::unusual::{UNUSUAL, Unusual, unusual};
use vitalog_elog::{ReadingId, Subject};

use super::Ask;
use super::known::{AsOf, Stretch};
use super::readings::Order;
use super::shape::ReadingView;
use crate::views::{Stored, ViewsError};

/// At one instant of one stream so many are looked at: more are a flood, and the first say it already.
const LOOKED_AT: i64 = 100;

/// Something suspicious.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Flag {
    /// `same_meaning`: another reading says the same. `unusual`: a value is outside of what its stream's declaration says is usual.
    pub code: &'static str,
    /// The other reading, of one that says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Of what is unusual: the field, its value, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Flag {
    fn same(id: String) -> Flag {
        let message = format!("it says the same as {id}: the same stream, time and values; one of the two may be a double");
        Flag { code: "same_meaning", id: Some(id), field: None, value: None, message, remedy: None }
    }

    fn unusual(it: &Unusual<'_>) -> Flag {
        let (field, value) = (Some(it.field.name.to_string()), Some(it.amount.to_string()));
        Flag { code: UNUSUAL, id: None, field, value, message: it.message(), remedy: Some(it.remedy()) }
    }
}

impl Ask<'_> {
    /// A reading that is current, or held at some point, with its flags.
    pub(super) fn flagged(
        &self,
        number: i64,
        subject: &Subject,
        id: ReadingId,
        place: (u16, i64),
        stored: &Stored<'_>,
        as_of: Option<AsOf>,
    ) -> Result<ReadingView, ViewsError> {
        let mut view = ReadingView::of(&self.schema, subject, id, Some(place), stored);
        let Some(content) = &stored.content else { return Ok(view) };
        // By what is declared now, like names of streams and fields: of the time at which it was taken nothing is kept.
        if let Some(stream) = self.schema.streams.get(usize::from(place.0)) {
            view.flags.extend(unusual(stream, &content.values).map(|it| Flag::unusual(&it)));
        }
        let mut look_at = |other: ReadingId, stored: &Stored<'_>| {
            if stored.content.as_ref().is_some_and(|other| content.says_the_same(other)) {
                let id = stored.given.as_deref().map_or_else(|| other.to_string(), str::to_owned);
                view.flags.push(Flag::same(id));
            }
        };
        if let Some(as_of) = as_of {
            let stretch = Stretch { number, stream: place.0, least: place.1, greatest: place.1 };
            let mut left = LOOKED_AT;
            self.each_known(stretch, Order::OldestFirst, as_of, &mut |_, other, _, stored| {
                if other != id {
                    look_at(other, stored);
                    left -= 1;
                }
                Ok(if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            return Ok(view);
        }
        let mut others = self.conn.prepare_cached(
            "select id, body from readings where subject = ?1 and stream = ?2 and at = ?3 and id <> ?4 order by id limit ?5",
        )?;
        let mut rows = others.query(params![number, place.0, place.1, id.0.to_be_bytes(), LOOKED_AT])?;
        while let Some(row) = rows.next()? {
            let other = Stored::decode(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            look_at(ReadingId(u128::from_be_bytes(row.get(0)?)), &other);
        }
        Ok(view)
    }
}
