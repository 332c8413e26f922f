//! A copy of a journal that goes on being written: its groups, row by row, up to where it ended when the copy was begun.
//!
//! Groups are never changed, so whoever has the journal reads a slice of them between two commits, and a copy is as sound as if the journal had stood still. Nothing is opened: what is
//! sealed stays so, and no key is needed. Each row is verified against its predecessor before it is written, so damage is not carried into a backup.
//!
//! INVARIANT (another past): a journal that is put back from a copy says so, and where ([`RestorePoint`]). Its chain goes on from there and differs from that of the one it is a copy of, so
//! a sink that was fed from the lost part never fits again, and is told what it knows that the journal does not.

use std::path::Path;

use rusqlite::{Connection, params};
use vitalog_elog::{Position, Time};

use super::FORMAT;
use super::error::JournalError;
use super::home::Home;
use super::read::verify_alone;
use super::row::Row;
use super::store::{self, Store};
use super::trim::Beginning;
use super::{Journal, mark};

/// Some groups as they are stored.
pub struct Slice {
    rows: Vec<Row>,
}

/// A copy that is being written.
pub struct Copy {
    db: Connection,
    at: Position,
}

/// Where a journal was put back from a copy: what its original had from there on is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestorePoint {
    pub next: u64,
    pub at: Time,
}

impl Slice {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the groups hold, in bytes.
    pub fn bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.payload.len() as u64).sum()
    }
}

impl Journal {
    /// The groups from an offset on at which one begins: at least one where there is any before `until`, then as many as come to about so many bytes.
    ///
    /// # Errors
    /// Where a group is missing or can't be read.
    pub fn slice(&self, from: u64, until: u64, bytes: u64) -> Result<Slice, JournalError> {
        let mut slice = Slice { rows: Vec::new() };
        let (mut next, mut taken) = (from, 0);
        while next < until && taken < bytes {
            let row = self.home.at(next)?.ok_or(JournalError::Gap { offset: next })?;
            next = row.first.saturating_add(row.count.max(1));
            taken += row.payload.len() as u64;
            slice.rows.push(row);
        }
        Ok(slice)
    }

    /// Where it was put back from a copy, the oldest first.
    ///
    /// # Errors
    /// What the storage says.
    pub fn restored(&self) -> Result<Vec<RestorePoint>, JournalError> {
        self.home.restored()
    }
}

impl Copy {
    /// A new file at `path` for groups of the journal of that incarnation, with the places where that was put back itself.
    ///
    /// # Errors
    /// What the storage says.
    pub fn create(path: &Path, incarnation: u128, restored: &[RestorePoint]) -> Result<Copy, JournalError> {
        let db = Connection::open(path)?;
        // Nothing of it counts before it is whole, synced and in its place: that is for whoever makes it to see to.
        store::give_back_later(&db)?;
        db.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        db.pragma_update(None, "synchronous", "OFF")?;
        db.execute_batch("BEGIN")?;
        store::lay_out(&db, incarnation)?;
        restored.iter().try_for_each(|point| store::note_restored(&db, point))?;
        Ok(Copy { db, at: Position::start(incarnation) })
    }

    /// Has it begin where the one begins that it is a copy of, if that was trimmed. Before anything is taken in.
    ///
    /// # Errors
    /// What the storage says.
    pub fn begin_at(&mut self, beginning: &Beginning) -> Result<(), JournalError> {
        store::note_beginning(&self.db, beginning)?;
        self.at = beginning.position;
        Ok(())
    }

    /// Where it has come to.
    pub fn position(&self) -> Position {
        self.at
    }

    /// Takes groups in, each verified.
    ///
    /// # Errors
    /// The first that is damaged or does not follow; what the storage says.
    pub fn take(&mut self, slice: &Slice) -> Result<(), JournalError> {
        for row in &slice.rows {
            verify_alone(row)?;
            if row.first != self.at.next {
                return Err(JournalError::Gap { offset: self.at.next });
            }
            if row.chained_to(&self.at) != row.chain {
                return Err(JournalError::BrokenChain { offset: row.first });
            }
            store::insert(&self.db, row)?;
            self.at = row.position_after(self.at.incarnation);
        }
        Ok(())
    }

    /// Ends it where it is. The caller syncs the file.
    ///
    /// # Errors
    /// What the storage says.
    pub fn finish(self) -> Result<Position, JournalError> {
        let head = params![i64::try_from(self.at.next).unwrap_or(i64::MAX), self.at.chain];
        self.db.execute("UPDATE head SET next = ?1, chain = ?2 WHERE id = 1", head)?;
        store::name(&self.db, FORMAT)?;
        self.db.execute_batch("COMMIT")?;
        self.db.close().map_err(|(_, error)| error)?;
        Ok(self.at)
    }
}

/// Notes in a journal at `path`, a copy that nobody has open, that from its end on it is another than the one it is a copy of. Gives that end.
///
/// # Errors
/// Where it is none, is in use, or can't be written.
pub fn put_back(path: &Path, at: Time) -> Result<Position, JournalError> {
    if std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
        return Err(JournalError::NotAJournal { detail: "there is nothing in it".to_owned() });
    }
    let store = Store::open(path)?;
    let head = store.head()?;
    let position = Position { incarnation: store.incarnation(), next: head.next, chain: head.chain };
    store.note_restored(&RestorePoint { next: position.next, at })?;
    // What it says of its end stands beside it, too: a copy that loses its end is found out like any journal.
    mark::Mark::open(path)?.tell(&position)?;
    Ok(position)
}
