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

/// Places of [`Days`]: two megabytes.
const PLACES: usize = 1 << 16;

/// What is in the file already of days that were noted lately, so that nearly all of what comes needs no statement: inputs are numbered upwards, and a later one changes nothing of a day that has an
/// earlier. Of those that share a place here the last has it. It only ever saves asking, so it may be thrown away at any time, and must be where the file lost something.
pub struct Days {
    noted: Box<[Noted]>,
}

#[derive(Clone, Copy)]
struct Noted {
    spot: Spot,
    first_record: u64,
}

impl Default for Days {
    fn default() -> Days {
        // Nobody has number 0.
        Days { noted: vec![Noted { spot: (0, 0, 0), first_record: 0 }; PLACES].into_boxed_slice() }
    }
}

impl Days {
    /// Notes what came, given in the order of the file, by which input and when.
    pub fn note(&mut self, conn: &Connection, came: impl Iterator<Item = (Spot, (u64, Time))>) -> Result<(), ViewsError> {
        let mut insert = conn.prepare_cached(
            "insert into days (subject, stream, day, first_record, first_arrival) values (?1, ?2, ?3, ?4, ?5) on conflict do update
             set first_record = excluded.first_record, first_arrival = excluded.first_arrival where excluded.first_record < first_record",
        )?;
        let mut write = |(subject, stream, day): Spot, (record, arrival): (u64, Time)| -> Result<(), ViewsError> {
            let noted = &mut self.noted[place_of(subject, stream)];
            if noted.spot == (subject, stream, day) && noted.first_record <= record {
                return Ok(());
            }
            insert.execute(params![subject, stream, day, record as i64, arrival.0])?;
            *noted = Noted { spot: (subject, stream, day), first_record: record };
            Ok(())
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
        match last {
            Some((spot, first)) => write(spot, first),
            None => Ok(()),
        }
    }
}

/// Neighbours lie side by side: subjects are numbered one by one, and a stream of theirs is mostly one of a few.
fn place_of(subject: i64, stream: u16) -> usize {
    (subject as usize).wrapping_mul(16).wrapping_add(usize::from(stream)) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(conn: &Connection) -> Vec<(i64, i64, i64, i64)> {
        let mut all = conn.prepare("select subject, stream, day, first_record from days order by 1, 2, 3").expect("the table");
        let rows = all.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    fn opened(folder: &tempfile::TempDir) -> Connection {
        super::super::tables::open_for_writing(&folder.path().join("views.sqlite"), true).expect("opened")
    }

    /// Streams and subjects that share places, days back and forth, records that come again lower (as of a repair): the file is as if every one had been written.
    #[test]
    fn what_is_remembered_spares_statements_and_changes_no_row() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut conn = opened(&folder);
        let conn = conn.transaction().expect("begun");
        let mut expected = std::collections::BTreeMap::new();
        let mut days = Days::default();
        for step in 0..3_000_u64 {
            // Subject 4097 shares its places with subject 1, and stream 17 of one is stream 1 of the next.
            let subject = [1, 2, 4_097, 4_098][(step % 4) as usize];
            let (stream, day) = ([0, 1, 16, 17][(step / 5 % 4) as usize], (step * 7 % 11) as i64);
            let record = if step % 13 == 0 { 3_000 - step } else { step };
            days.note(&conn, std::iter::once(((subject, stream, day * DAY + 5), (record, Time(9))))).expect("noted");
            let first = expected.entry((subject, i64::from(stream), day)).or_insert(record);
            *first = record.min(*first);
        }
        let expected: Vec<_> = expected.into_iter().map(|((a, b, c), d)| (a, b, c, d as i64)).collect();
        assert_eq!(rows(&conn), expected);
    }

    #[test]
    fn a_day_that_is_known_is_not_written_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let conn = opened(&folder);
        let mut days = Days::default();
        let mut note = |record| days.note(&conn, std::iter::once(((1, 0, 7), (record, Time(9)))));
        note(5).expect("noted");
        conn.execute("delete from days", []).expect("emptied");
        note(6).expect("noted");
        assert_eq!(rows(&conn), [], "nothing was asked of the file");
        note(4).expect("noted");
        assert_eq!(rows(&conn), [(1, 0, 0, 4)]);
    }
}
