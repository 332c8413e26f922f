//! Since when a day of a stream has something: what lets a question about what was known pass over what had not come yet.
//!
//! Readings lie by their own time, so those that were known at some instant are strewn among those that came later: a page of them would have to look at years that were sent
//! afterwards. An index by arrival beside the one by time would cost each reading a second row, and no index serves both orders. A row for each day of a stream costs next to nothing
//! and says of most days at once that nothing of them was known.

use rusqlite::{Connection, params};
use vitalog_elog::{Span, Time};

use super::error::ViewsError;

const DAY: i64 = Span::days(1).0;

/// Subject, stream and place in time.
type Spot = (i64, u16, i64);

/// The day that a place is of.
pub fn day_of(place: i64) -> i64 {
    place.div_euclid(DAY)
}

/// The first and the last place of a day. Intervals that go on are in one of their own, the last.
pub fn day_bounds(day: i64) -> (i64, i64) {
    let first = day.saturating_mul(DAY);
    (first, first.saturating_add(DAY - 1))
}

/// Notes what came, given in the order of the file, by which input and when.
pub fn note(conn: &Connection, came: impl Iterator<Item = (Spot, (u64, Time))>) -> Result<(), ViewsError> {
    let mut insert = conn.prepare_cached(
        "insert into days (subject, stream, day, first_record, first_arrival) values (?1, ?2, ?3, ?4, ?5) on conflict do update
         set first_record = excluded.first_record, first_arrival = excluded.first_arrival where excluded.first_record < first_record",
    )?;
    let mut write = |(subject, stream, day): Spot, (record, arrival): (u64, Time)| {
        insert.execute(params![subject, stream, day, record as i64, arrival.0])
    };
    let mut last: Option<(Spot, (u64, Time))> = None;
    for ((subject, stream, place), first) in came {
        let spot = (subject, stream, day_of(place));
        last = match last {
            Some((known, earliest)) if known == spot => Some((known, earliest.min(first))),
            Some((known, earliest)) => {
                write(known, earliest)?;
                Some((spot, first))
            }
            None => Some((spot, first)),
        };
    }
    if let Some((spot, first)) = last {
        write(spot, first)?;
    }
    Ok(())
}
