//! The sources of each subject: when something last came of them, by stream, and which of their counts (`seq`) have arrived.
//!
//! A sending counts when it arrives, whatever it was to the readings: `seq` counts sendings, so one that says again what was there, under a count of its own, closes its gap. Removals name no source.
//!
//! Counts that arrived are kept as runs without a hole. Of one source [`MOST_RUNS`] are kept, the highest: whoever does not count one by one has no gaps that could be told, and must not fill memory.
//!
//! Kept in memory beside the tables, as subjects are; what a transaction touched is written at its end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, params};
use vitalog_elog::{Content, Time};

use super::error::ViewsError;

/// Runs that are kept of a source.
pub const MOST_RUNS: usize = 1_000;

type Source = (i64, Arc<str>);

#[derive(Clone, Copy)]
struct Heard {
    arrival: i64,
    /// The latest instant it told of.
    at: i64,
    arrived: i64,
}

/// All sources, by subject and name.
#[derive(Default)]
pub struct Sources {
    heard: HashMap<Source, BTreeMap<u16, Heard>>,
    /// Of each run its first and its last.
    runs: HashMap<Source, BTreeMap<u64, u64>>,
    touched: BTreeSet<(i64, Arc<str>, u16)>,
    counted: BTreeSet<Source>,
}

impl Sources {
    pub fn load(conn: &Connection) -> Result<Sources, ViewsError> {
        let mut sources = Sources::default();
        let mut statement = conn.prepare("select subject, source, stream, arrival, at, arrived from sources")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let heard = Heard { arrival: row.get(3)?, at: row.get(4)?, arrived: row.get(5)? };
            sources.heard.entry((row.get(0)?, row.get(1)?)).or_default().insert(row.get(2)?, heard);
        }
        let mut statement = conn.prepare("select subject, source, low, high from arrived")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // SQLite has no unsigned numbers; the same 64 bits come back.
            let (low, high) = (row.get::<_, i64>(2)? as u64, row.get::<_, i64>(3)? as u64);
            sources.runs.entry((row.get(0)?, row.get(1)?)).or_default().insert(low, high);
        }
        Ok(sources)
    }

    /// A reading came.
    pub fn came(&mut self, subject: i64, arrival: Time, content: &Content) {
        let Some(source) = &content.source else { return };
        let key = (subject, source.clone());
        let stream = content.stream.0;
        let at = content.when.instant().unwrap_or(content.when.start()).0;
        let heard = self.heard.entry(key.clone()).or_default();
        let heard = heard.entry(stream).or_insert(Heard { arrival: arrival.0, at, arrived: 0 });
        *heard = Heard { arrival: heard.arrival.max(arrival.0), at: heard.at.max(at), arrived: heard.arrived + 1 };
        self.touched.insert((subject, source.clone(), stream));
        if let Some(seq) = content.seq
            && join(self.runs.entry(key.clone()).or_default(), seq)
        {
            self.counted.insert(key);
        }
    }

    /// Writes what the transaction touched.
    pub fn store(&mut self, conn: &Connection) -> Result<(), ViewsError> {
        let mut put = conn.prepare_cached(
            "insert into sources (subject, source, stream, arrival, at, arrived) values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict do update set arrival = ?4, at = ?5, arrived = ?6",
        )?;
        for (subject, source, stream) in std::mem::take(&mut self.touched) {
            let key = (subject, source);
            let Some(heard) = self.heard.get(&key).and_then(|streams| streams.get(&stream)) else { continue };
            put.execute(params![subject, &*key.1, stream, heard.arrival, heard.at, heard.arrived])?;
        }
        let mut clear = conn.prepare_cached("delete from arrived where subject = ?1 and source = ?2")?;
        let mut put = conn.prepare_cached("insert into arrived (subject, source, low, high) values (?1, ?2, ?3, ?4)")?;
        for key in std::mem::take(&mut self.counted) {
            clear.execute(params![key.0, &*key.1])?;
            for (low, high) in self.runs.get(&key).into_iter().flatten() {
                put.execute(params![key.0, &*key.1, *low as i64, *high as i64])?;
            }
        }
        Ok(())
    }
}

/// Takes a count into the runs; false where it was there.
fn join(runs: &mut BTreeMap<u64, u64>, seq: u64) -> bool {
    let before = runs.range(..=seq).next_back().map(|(low, high)| (*low, *high));
    if before.is_some_and(|(_, high)| high >= seq) {
        return false;
    }
    let low = match before {
        Some((low, high)) if high.checked_add(1) == Some(seq) => low,
        _ => seq,
    };
    let high = seq.checked_add(1).and_then(|next| runs.remove(&next)).unwrap_or(seq);
    runs.insert(low, high);
    if runs.len() > MOST_RUNS {
        runs.pop_first();
    }
    true
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
    fn whoever_does_not_count_one_by_one_fills_no_memory() {
        let runs = joined((0..50_000).map(|n| n * 300));
        assert_eq!((runs.len(), runs.last()), (MOST_RUNS, Some(&(14_999_700, 14_999_700))));
    }
}
