//! The SQLite file: its tables, its settings, and one row per group.
//!
//! Write-ahead log with `synchronous=FULL`: a commit returns after the log is synced. The file is locked for this one connection, so that two
//! processes can't write one journal.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use vitalog_elog::{Position, Time};

use super::FORMAT;
use super::copy::RestorePoint;
use super::error::JournalError;
use super::home::{Home, Placing};
use super::row::{Head, Row};
use super::trim::{Beginning, Swept};

/// "VtLg", so that `file` and a stray tool can tell what it is.
pub(super) const APPLICATION_ID: i32 = 0x5674_4c67;

const TABLES: &str = "
    CREATE TABLE identity (id INTEGER PRIMARY KEY CHECK (id = 1), incarnation BLOB NOT NULL) STRICT;
    CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), next INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
    CREATE TABLE groups (
        first INTEGER PRIMARY KEY, count INTEGER NOT NULL, arrival INTEGER NOT NULL,
        checksum BLOB NOT NULL, chain BLOB NOT NULL, payload BLOB NOT NULL
    ) STRICT;";

/// Only there where a journal was put back from a copy: where, and when. Programs that do not know it pass over it.
const RESTORED: &str = "CREATE TABLE IF NOT EXISTS restored (next INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;";

const COLUMNS: &str = "first, count, arrival, checksum, chain, payload";

/// Only there where the journal was trimmed: where it begins.
const BEGINNING: &str = "CREATE TABLE IF NOT EXISTS beginning (
        id INTEGER PRIMARY KEY CHECK (id = 1), next INTEGER NOT NULL, chain BLOB NOT NULL, arrival INTEGER NOT NULL, at INTEGER NOT NULL
    ) STRICT;";

/// What `auto_vacuum` says of a file that gives back free pages when it is told to.
const INCREMENTAL: i64 = 2;
/// Pages that are given back at a time: half a megabyte.
const PAGES: u64 = 64;

pub(super) struct Store {
    db: Connection,
    incarnation: u128,
    format: u32,
    /// The log has pages of what was removed.
    has_traces: bool,
}

/// A group as its row has it.
pub(super) fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        first: offset(row, 0)?,
        count: offset(row, 1)?,
        arrival: Time(row.get(2)?),
        checksum: row.get(3)?,
        chain: row.get(4)?,
        payload: row.get(5)?,
    })
}

impl Store {
    pub fn open(path: &Path) -> Result<Store, JournalError> {
        let db = Connection::open(path)?;
        configure(&db)?;
        let version: u32 = db.pragma_query_value(None, "user_version", |r| r.get(0))?;
        let application: i32 = db.pragma_query_value(None, "application_id", |r| r.get(0))?;
        let mut format = version;
        match (application, version) {
            (APPLICATION_ID, 1..=FORMAT) => {}
            (APPLICATION_ID, found) if found > FORMAT => return Err(JournalError::NewerFormat { found, known: FORMAT }),
            (0, 0) if is_empty(&db)? => {
                create(&db, path)?;
                format = FORMAT;
            }
            _ => return Err(JournalError::NotAJournal { detail: "it is a SQLite file of something else".to_owned() }),
        }
        let incarnation: [u8; 16] =
            db.query_row("SELECT incarnation FROM identity WHERE id = 1", [], |r| r.get(0)).map_err(damaged)?;
        Ok(Store { db, incarnation: u128::from_le_bytes(incarnation), format, has_traces: false })
    }

    pub fn note_restored(&self, point: &RestorePoint) -> Result<(), JournalError> {
        note_restored(&self.db, point)
    }
}

impl Home for Store {
    /// The format that the file says it has.
    fn format(&self) -> u32 {
        self.format
    }

    fn placing(&self) -> Option<Placing> {
        None
    }

    /// It has been this process's since it was opened. A program that does not know this format refuses the file from here on.
    fn take(&mut self) -> Result<bool, JournalError> {
        if self.format < FORMAT {
            self.db.pragma_update(None, "user_version", FORMAT)?;
            self.format = FORMAT;
        }
        Ok(true)
    }

    fn incarnation(&self) -> u128 {
        self.incarnation
    }

    fn head(&self) -> Result<Head, JournalError> {
        self.db
            .query_row("SELECT next, chain FROM head WHERE id = 1", [], |r| Ok(Head { next: offset(r, 0)?, chain: r.get(1)? }))
            .map_err(damaged)
    }

    fn restored(&self) -> Result<Vec<RestorePoint>, JournalError> {
        restored(&self.db)
    }

    fn beginning(&self) -> Result<Option<Beginning>, JournalError> {
        beginning(&self.db, self.incarnation)
    }

    fn begin_at(&mut self, to: &Beginning) -> Result<(), JournalError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        note_beginning(&tx, to)?;
        tx.commit()?;
        Ok(())
    }

    /// Groups first, a slice in each transaction; then pages; at last the log, which has had both.
    fn sweep(&mut self, first: u64, bytes: u64) -> Result<Swept, JournalError> {
        let groups = remove(&mut self.db, first, bytes)?;
        if groups > 0 {
            self.has_traces = true;
            return Ok(Swept { groups, ..Swept::default() });
        }
        let free: u64 = self.db.pragma_query_value(None, "freelist_count", |r| offset(r, 0))?;
        if free > 0 && self.gives_back()? {
            self.has_traces = true;
            let pages = free.min(PAGES);
            // It gives back a page for each row that is asked for.
            let mut statement = self.db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            return Ok(Swept { pages, ..Swept::default() });
        }
        if std::mem::take(&mut self.has_traces) {
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(Swept { is_done: true, ..Swept::default() })
    }

    fn gives_back(&self) -> Result<bool, JournalError> {
        Ok(self.db.pragma_query_value(None, "auto_vacuum", |r| r.get::<_, i64>(0))? == INCREMENTAL)
    }

    fn write_anew(&mut self) -> Result<(), JournalError> {
        self.db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// What the operating system could not write it may have dropped: only a new process reads what is there.
    fn look_again(&mut self) -> Result<(), JournalError> {
        Err(JournalError::Failed)
    }

    /// Writes the row and the new head, and syncs.
    fn commit(&mut self, row: &Row) -> Result<(), JournalError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        insert(&tx, row)?;
        let moved = tx.prepare_cached("UPDATE head SET next = ?1, chain = ?2 WHERE id = 1 AND next = ?3")?.execute(params![
            sql(row.first + row.count),
            row.chain,
            sql(row.first)
        ])?;
        if moved != 1 {
            return Err(JournalError::BadRow { offset: row.first, detail: "the head is not where the group begins" });
        }
        tx.commit()?;
        Ok(())
    }

    /// The group that begins at `first`.
    fn at(&self, first: u64) -> Result<Option<Row>, JournalError> {
        let mut statement = self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM groups WHERE first = ?1"))?;
        statement.query_row([sql(first)], read_row).optional().map_err(|e| bad_row(first, e))
    }

    /// The first group that begins at `offset` or behind it. A row with a column that can't be read is an error that names where it begins.
    fn from(&self, offset: u64) -> Result<Option<Row>, JournalError> {
        let first = self
            .db
            .prepare_cached("SELECT first FROM groups WHERE first >= ?1 ORDER BY first LIMIT 1")?
            .query_row([sql(offset)], |r| r.get(0))
            .optional()?;
        let Some(first): Option<i64> = first else { return Ok(None) };
        let first = u64::try_from(first).map_err(|_| JournalError::BadRow { offset, detail: "it begins before the journal" })?;
        self.at(first)
    }

    /// The last group that begins before `offset`; where it can't be read, the error names the entry before `offset`, which it holds.
    fn before(&self, offset: u64) -> Result<Option<Row>, JournalError> {
        let mut statement =
            self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM groups WHERE first < ?1 ORDER BY first DESC LIMIT 1"))?;
        statement.query_row([sql(offset)], read_row).optional().map_err(|e| bad_row(offset.saturating_sub(1), e))
    }

    /// Whether a group begins at or after `offset`.
    fn any_from(&self, offset: u64) -> Result<bool, JournalError> {
        Ok(self.db.query_row("SELECT EXISTS (SELECT 1 FROM groups WHERE first >= ?1)", [sql(offset)], |r| r.get(0))?)
    }
}

/// Writes a group's row.
pub(super) fn insert(db: &Connection, row: &Row) -> Result<(), JournalError> {
    db.prepare_cached("INSERT INTO groups (first, count, arrival, checksum, chain, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![sql(row.first), sql(row.count), row.arrival.0, row.checksum, row.chain, row.payload])?;
    Ok(())
}

/// Removes the oldest groups before `first`, about so many bytes of them.
fn remove(db: &mut Connection, first: u64, bytes: u64) -> Result<u64, JournalError> {
    let (mut until, mut taken, mut groups) = (None, 0, 0);
    {
        // The length of a blob is told without reading it.
        let mut statement =
            db.prepare_cached("SELECT first, length(payload) FROM groups WHERE first < ?1 ORDER BY first LIMIT 1024")?;
        let mut rows = statement.query([sql(first)])?;
        while taken < bytes
            && let Some(row) = rows.next()?
        {
            until = Some(row.get::<_, i64>(0)?);
            taken += offset(row, 1)?;
            groups += 1;
        }
    }
    let Some(until) = until else { return Ok(0) };
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    tx.execute("DELETE FROM groups WHERE first <= ?1", [until])?;
    tx.commit()?;
    Ok(groups)
}

/// SQLite's integers are signed; no journal comes near the 2^63 entries at which an offset would not fit.
fn sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn offset(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let n: i64 = row.get(column)?;
    u64::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, n))
}

fn configure(db: &Connection) -> Result<(), JournalError> {
    db.busy_timeout(std::time::Duration::ZERO)?;
    db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    give_back_later(db)?;
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(JournalError::NotAJournal { detail: format!("its file system allows no write-ahead log (mode {mode})") });
    }
    db.pragma_update(None, "synchronous", "FULL")?;
    // Where a plain fsync does not reach the medium (macOS), ask for the one that does.
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "checkpoint_fullfsync", true)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "wal_autocheckpoint", 2000)?;
    // What goes is overwritten.
    db.pragma_update(None, "secure_delete", true)?;
    Ok(())
}

fn is_empty(db: &Connection) -> Result<bool, JournalError> {
    Ok(db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |r| r.get(0))?)
}

fn create(db: &Connection, path: &Path) -> Result<(), JournalError> {
    let mut incarnation = [0_u8; 16];
    getrandom::fill(&mut incarnation).map_err(|e| JournalError::Mark(std::io::Error::other(e.to_string())))?;
    db.execute_batch("BEGIN IMMEDIATE")?;
    lay_out(db, u128::from_le_bytes(incarnation))?;
    name(db, FORMAT)?;
    db.execute_batch("COMMIT")?;
    // So that the file itself, not only the log beside it, says what it is.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    // The directory holds the name: without this a power cut may leave a synced file that nobody finds.
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(JournalError::Mark)?;
    }
    Ok(())
}

/// The tables of a journal that begins.
pub(super) fn lay_out(db: &Connection, incarnation: u128) -> Result<(), JournalError> {
    db.execute_batch(TABLES)?;
    db.execute("INSERT INTO identity (id, incarnation) VALUES (1, ?1)", params![incarnation.to_le_bytes()])?;
    db.execute("INSERT INTO head (id, next, chain) VALUES (1, 0, ?1)", params![[0_u8; 32]])?;
    Ok(())
}

/// From now on the file says what it is.
pub(super) fn name(db: &Connection, format: u32) -> Result<(), JournalError> {
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.pragma_update(None, "user_version", format)?;
    Ok(())
}

/// Where a journal was put back from a copy.
pub(super) fn restored(db: &Connection) -> Result<Vec<RestorePoint>, JournalError> {
    let known = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'restored')";
    if !db.query_row(known, [], |r| r.get::<_, bool>(0))? {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare("SELECT next, at FROM restored ORDER BY rowid")?;
    let points = statement.query_map([], |r| Ok(RestorePoint { next: offset(r, 0)?, at: Time(r.get(1)?) }))?;
    Ok(points.collect::<Result<_, _>>()?)
}

/// Notes where a journal was put back from a copy.
pub(super) fn note_restored(db: &Connection, point: &RestorePoint) -> Result<(), JournalError> {
    db.execute_batch(RESTORED)?;
    db.execute("INSERT INTO restored (next, at) VALUES (?1, ?2)", params![sql(point.next), point.at.0])?;
    Ok(())
}

/// Where a journal begins that was trimmed.
pub(super) fn beginning(db: &Connection, incarnation: u128) -> Result<Option<Beginning>, JournalError> {
    let known = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'beginning')";
    if !db.query_row(known, [], |r| r.get::<_, bool>(0))? {
        return Ok(None);
    }
    let noted = db.query_row("SELECT next, chain, arrival, at FROM beginning WHERE id = 1", [], |r| {
        let position = Position { incarnation, next: offset(r, 0)?, chain: r.get(1)? };
        Ok(Beginning { position, arrival: Time(r.get(2)?), at: Time(r.get(3)?) })
    });
    noted.optional().map_err(damaged)
}

/// Notes where it begins from now on.
pub(super) fn note_beginning(db: &Connection, beginning: &Beginning) -> Result<(), JournalError> {
    let Beginning { position, arrival, at } = beginning;
    db.execute_batch(BEGINNING)?;
    db.execute(
        "INSERT OR REPLACE INTO beginning (id, next, chain, arrival, at) VALUES (1, ?1, ?2, ?3, ?4)",
        params![sql(position.next), position.chain, arrival.0, at.0],
    )?;
    Ok(())
}

/// The pages of a file that is made: it gives back what it does not need any more, when it is told to. Of one that is there this changes nothing.
pub(super) fn give_back_later(db: &Connection) -> Result<(), JournalError> {
    db.pragma_update(None, "page_size", 8192)?;
    // Said of a file that is there, it would be written down each time.
    if db.pragma_query_value(None, "page_count", |r| r.get::<_, i64>(0))? == 0 {
        db.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    }
    Ok(())
}

/// A row that must be there and readable is not.
fn damaged(error: rusqlite::Error) -> JournalError {
    match error {
        rusqlite::Error::SqliteFailure(..) => error.into(),
        other => JournalError::NotAJournal { detail: other.to_string() },
    }
}

/// A column of a group's row is of another type or size than was written.
fn bad_row(offset: u64, error: rusqlite::Error) -> JournalError {
    match error {
        rusqlite::Error::SqliteFailure(..) => error.into(),
        _ => JournalError::BadRow { offset, detail: "a column has another type or size" },
    }
}

#[cfg(test)]
mod tests {
    use vitalog_elog::{Entry, Input, Schema, Time};

    use super::Store;
    use crate::journal::mark::Mark;
    use crate::journal::{Journal, JournalError};
    use crate::keys::KekPlace;

    /// A full disk, as SQLite tells of it: the write fails, nothing more is written, and a new process finds all that was acknowledged.
    #[test]
    fn a_failed_write_ends_the_journal() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.db");
        let schema = Schema::default();
        let group = vec![Entry { arrival: Time(1), input: Input::Tick }; 4_000];
        let store = Store::open(&path).expect("made");
        store.db.pragma_update(None, "max_page_count", 20).expect("a small disk");
        let (mark, kek) = (Mark::open(&path).expect("a mark"), KekPlace::beside(&path));
        let mut journal = Journal::of(Box::new(store), mark, &path, &kek).expect("opened");
        let mut acknowledged = journal.position();
        let error = loop {
            match journal.append(&schema, &group) {
                Ok(position) => acknowledged = position,
                Err(error) => break error,
            }
        };
        assert!(acknowledged.next > 0, "something was kept before");
        assert!(error.is_fatal() && error.to_string().contains("full"), "{error}");
        assert!(matches!(journal.append(&schema, &group), Err(JournalError::Failed)), "nothing is tried after a failure");
        assert!(matches!(journal.recover(), Err(JournalError::Failed)), "only a new process knows");
        drop(journal);
        let journal = Journal::open(&path).expect("a new process reads what is there");
        assert_eq!(journal.position(), acknowledged);
        assert_eq!(journal.verify().expect("sound"), acknowledged.next / 4_000);
    }
}
