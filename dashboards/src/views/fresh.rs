//! How many readings were new of those that were sent, by whom and of whom: what quotas are counted by.
//!
//! The journal says whom a request is put down to and how much it had; what each reading was to those before, the engine says. Both are here. It is kept by subject, so that a file which forgets one has what a
//! file has that is fed without it; and for two days, since nobody asks about days that are over.

use std::sync::Arc;

use foldhash::HashMap;
use rusqlite::{Connection, params};
use vitalog_elog::metering::{Day, Sent};
use vitalog_elog::{Input, Once, Outcome, Record, Time};

use super::error::ViewsError;
use super::subjects::Subjects;

/// Day, tenant and token (empty: none).
type Key = (Day, Arc<str>, Arc<str>);

/// What a transaction adds, by the subject's number.
#[derive(Default)]
pub struct Fresh(HashMap<Key, HashMap<i64, u64>>);

impl Fresh {
    /// Counts what was new of the request that the input at `place` of its group stands behind.
    pub fn apply(&mut self, subjects: &mut Subjects, group: &[Record], place: usize, sent: &Sent) {
        let is_mended =
            group.get(place + 1).is_some_and(|next| matches!(&next.entry.input, Input::Sent(sent) if sent.says_mended()));
        if is_mended {
            return;
        }
        let nobody = |id: &Option<Arc<str>>| id.clone().unwrap_or_else(|| "".into());
        // What is of one group was accepted at one moment, nearly always.
        for of_a_day in request(group, place, sent).chunk_by(|a, b| Day::of(a.entry.arrival) == Day::of(b.entry.arrival)) {
            let is_new = |record: &&Record| matches!(record.reading(), Some((_, Outcome::New)));
            let mut new = of_a_day.iter().filter(is_new).peekable();
            let Some(first) = new.peek() else { continue };
            let key = (Day::of(first.entry.arrival), nobody(&sent.by.tenant), nobody(&sent.by.token));
            let counts = self.0.entry(key).or_default();
            for record in new {
                if let Some((reading, _)) = record.reading() {
                    *counts.entry(subjects.number(&reading.subject, record.offset, record.entry.arrival)).or_default() += 1;
                }
            }
        }
    }

    /// Writes it down, and forgets what is two days old when an input came at `arrival`.
    pub fn store(self, conn: &Connection, arrival: Time) -> Result<(), ViewsError> {
        let sql = "insert into fresh (day, tenant, token, subject, readings) values (?1, ?2, ?3, ?4, ?5)
            on conflict (day, tenant, token, subject) do update set readings = readings + excluded.readings";
        let mut add = conn.prepare_cached(sql)?;
        for ((day, tenant, token), counts) in self.0 {
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_unstable();
            for (subject, readings) in counts {
                add.execute(params![day.0, &*tenant, &*token, subject, readings as i64])?;
            }
        }
        conn.prepare_cached("delete from fresh where day < ?1")?.execute([Day::of(arrival).0 - 1])?;
        Ok(())
    }
}

/// New readings of a day, by tenant (`None`: the house) and token.
pub type FreshSums = Vec<(Option<Arc<str>>, Option<Arc<str>>, u64)>;

/// How many new readings were sent on a day, and by whom: of today and the day before.
///
/// # Errors
/// [`ViewsError::Sql`].
pub fn fresh(conn: &Connection, day: Day) -> Result<FreshSums, ViewsError> {
    let sql = "select tenant, token, sum(readings) from fresh where day = ?1 group by tenant, token order by tenant, token";
    let mut find = conn.prepare_cached(sql)?;
    let rows = find.query_map([day.0], |row| {
        let said = |text: String| (!text.is_empty()).then(|| text.into());
        Ok((said(row.get(0)?), said(row.get(1)?), u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The inputs of the request that a [`Sent`] stands behind. What was erased of them still has its place.
fn request<'r>(group: &'r [Record], place: usize, sent: &Sent) -> &'r [Record] {
    let before = place.checked_sub(1).map(|before| &group[before].entry.input);
    let inputs = match before {
        // What was said to it stands between.
        Some(Input::Once(Once { request: Some(request), .. })) => request.inputs as usize + 1,
        _ => sent.readings as usize + sent.refused as usize,
    };
    &group[place.saturating_sub(inputs)..place]
}
