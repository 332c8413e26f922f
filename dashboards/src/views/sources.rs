//! The sources of each subject: when something last came of them, by stream, and which of their counts (`seq`) have arrived.
//!
//! A sending counts when it arrives, whatever it was to the readings: `seq` counts sendings, so one that says again what was there, under a count of its own, closes its gap. Removals name no source.
//!
//! Counts that arrived are kept as runs without a hole. Of one source [`MOST_RUNS`] are kept, the highest: whoever does not count one by one has no gaps that could be told, and must not fill memory.
//!
//! How long a reading was on its way is its arrival less its instant: what the way took, and by how much the sender's clock is behind. The least of many has little of the way left in it, and one below nothing has none: by so much at least the clock is
//! ahead. Clocks are set right, and drift, so the least is of the last two days on which something came.
//!
//! Kept in memory beside the table, as subjects are: a reading costs a look-up, and a transaction writes one row for each source that it touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use vitalog_elog::{Content, Time};

use super::days::day_of;
use super::error::ViewsError;

/// Runs that are kept of a source.
pub const MOST_RUNS: usize = 1_000;

/// All sources, by subject and name: a sender may call each reading's source otherwise, so they are not walked.
#[derive(Default)]
pub struct Sources {
    all: HashMap<(i64, Arc<str>), Source>,
    /// Those that are to be written.
    touched: Vec<(i64, Arc<str>)>,
}

#[derive(Default)]
struct Source {
    heard: Heard,
    is_touched: bool,
}

/// What was heard of a source.
#[derive(Default, Serialize, Deserialize)]
pub struct Heard {
    pub streams: Vec<HeardStream>,
    /// Of each run its first and its last.
    pub runs: BTreeMap<u64, u64>,
}

#[derive(Serialize, Deserialize)]
pub struct HeardStream {
    pub stream: u16,
    /// Of the last.
    pub arrival: i64,
    /// The latest instant it told of.
    pub at: i64,
    /// Sendings, repeated ones included.
    pub arrived: u64,
    /// Of the last two days on which something with an instant came, the day of arrival and the least delay in microseconds.
    delays: Vec<(i64, i64)>,
}

impl Sources {
    pub fn load(conn: &Connection) -> Result<Sources, ViewsError> {
        let mut sources = Sources::default();
        let mut statement = conn.prepare("select subject, source, body from sources")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let heard = Heard::decode(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            sources.all.insert((row.get(0)?, row.get(1)?), Source { heard, is_touched: false });
        }
        Ok(sources)
    }

    /// A reading came.
    pub fn came(&mut self, subject: i64, arrival: Time, content: &Content) {
        let Some(name) = &content.source else { return };
        let source = self.all.entry((subject, name.clone())).or_default();
        if !source.is_touched {
            source.is_touched = true;
            self.touched.push((subject, name.clone()));
        }
        source.heard.came(arrival, content);
    }

    /// Writes what the transaction touched.
    pub fn store(&mut self, conn: &Connection) -> Result<(), ViewsError> {
        self.touched.sort_unstable();
        let mut put = conn.prepare_cached(
            "insert into sources (subject, source, body) values (?1, ?2, ?3) on conflict (subject, source) do update set body = excluded.body",
        )?;
        let mut body = Vec::new();
        for key in self.touched.drain(..) {
            let Some(source) = self.all.get_mut(&key) else { continue };
            source.is_touched = false;
            body.clear();
            body = postcard::to_extend(&source.heard, body).map_err(|_| ViewsError::Damaged("a source could not be encoded"))?;
            put.execute(params![key.0, &*key.1, body])?;
        }
        Ok(())
    }
}

impl HeardStream {
    /// The least time that a reading of the last two days was on its way, in microseconds; `None`: none had an instant.
    pub fn least_delay(&self) -> Option<i64> {
        self.delays.iter().map(|(_, least)| *least).min()
    }

    fn was_on_its_way(&mut self, arrival: Time, delay: i64) {
        let day = day_of(arrival.0);
        match self.delays.last_mut() {
            Some((last, least)) if *last == day => *least = (*least).min(delay),
            _ => {
                if self.delays.len() == 2 {
                    self.delays.remove(0);
                }
                self.delays.push((day, delay));
            }
        }
    }
}

impl Heard {
    pub fn decode(bytes: &[u8]) -> Result<Heard, ViewsError> {
        postcard::from_bytes(bytes).map_err(|_| ViewsError::Damaged("the row of a source"))
    }

    fn came(&mut self, arrival: Time, content: &Content) {
        let at = content.when.instant().unwrap_or(content.when.start()).0;
        let place = self.streams.iter().position(|heard| heard.stream == content.stream.0).unwrap_or_else(|| {
            let stream = content.stream.0;
            self.streams.push(HeardStream { stream, arrival: arrival.0, at, arrived: 0, delays: Vec::new() });
            self.streams.len() - 1
        });
        let heard = &mut self.streams[place];
        heard.arrival = heard.arrival.max(arrival.0);
        heard.at = heard.at.max(at);
        heard.arrived += 1;
        // What goes on is told of at any time since it began.
        if let Some(instant) = content.when.instant() {
            heard.was_on_its_way(arrival, arrival.since(instant).0);
        }
        if let Some(seq) = content.seq {
            join(&mut self.runs, seq);
        }
    }
}

/// Takes a count into the runs.
fn join(runs: &mut BTreeMap<u64, u64>, seq: u64) {
    // Nearly all are the next.
    if let Some(mut newest) = runs.last_entry()
        && newest.get().checked_add(1) == Some(seq)
    {
        newest.insert(seq);
        return;
    }
    let high = seq.checked_add(1).and_then(|next| runs.remove(&next)).unwrap_or(seq);
    match runs.range_mut(..=seq).next_back() {
        // It is in the run, or the next of it.
        Some((_, last)) if last.checked_add(1).is_none_or(|next| next >= seq) => *last = high.max(*last),
        _ => {
            runs.insert(seq, high);
        }
    }
    if runs.len() > MOST_RUNS {
        runs.pop_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(all: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
        let mut runs = BTreeMap::new();
        for seq in all {
            join(&mut runs, seq);
        }
        runs.into_iter().collect()
    }

    #[test]
    fn counts_become_runs_whatever_their_order() {
        assert_eq!(joined([1, 2, 3, 7, 8]), [(1, 3), (7, 8)]);
        assert_eq!(joined([8, 3, 1, 7, 2, 3, 3]), [(1, 3), (7, 8)]);
        assert_eq!(joined([1, 2, 3, 7, 8, 5, 6, 4]), [(1, 8)]);
        assert_eq!(joined([u64::MAX, 0, u64::MAX - 1]), [(0, 0), (u64::MAX - 1, u64::MAX)]);
    }

    #[test]
    fn the_least_delay_is_of_the_last_two_days_on_which_something_came() {
        let day = |n: i64| Time(n * 86_400_000_000);
        let mut heard = HeardStream { stream: 0, arrival: 0, at: 0, arrived: 0, delays: Vec::new() };
        let mut least = Vec::new();
        for (n, delay) in [(1, 9), (1, -7), (1, 3), (2, 5), (4, 6), (9, 8)] {
            heard.was_on_its_way(day(n), delay);
            least.push(heard.least_delay());
        }
        assert_eq!(least, [9, -7, -7, -7, 5, 6].map(Some));
    }

    #[test]
    fn whoever_does_not_count_one_by_one_fills_no_memory() {
        let runs = joined((0..50_000).map(|n| n * 300));
        assert_eq!((runs.len(), runs.last()), (MOST_RUNS, Some(&(14_999_700, 14_999_700))));
    }
}
