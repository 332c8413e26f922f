//! The SQLite file of accounts: who there is, what they showed to prove it, whom they are assigned.
//!
//! Several processes may have it open: the server reads it, and `vitalog user` and `vitalog token` change it meanwhile. A server sees a change with the next request.
//!
//! INVARIANT (nothing to steal): of tokens there are only hashes, of passwords only argon2id.

mod accounts;
mod emergencies;
mod erasures;
mod holds;
mod links;
mod quotas;
mod read;
mod tenants;
mod tokens;
mod used;

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::error::AccessError;

pub use accounts::NewAccount;
pub use erasures::AskedErasure;
pub use holds::Hold;
pub use tokens::NewToken;
pub use used::UsedByDay;

/// "VtAc".
const APPLICATION_ID: i32 = 0x5674_4163;
/// 2: with holds. 3: with erasures that were asked for, and links with providers' accounts. 4: with tenants. 5: with quotas. 6: with emergencies of which it is known whether anybody was told.
const FORMAT: u32 = 6;

const TABLES: &str = "
    CREATE TABLE accounts (id TEXT PRIMARY KEY, roles TEXT NOT NULL, own TEXT, password TEXT, generation INTEGER NOT NULL DEFAULT 0,
        disabled_at INTEGER, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE assignments (account TEXT NOT NULL REFERENCES accounts (id), subject TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER,
        by TEXT NOT NULL, PRIMARY KEY (account, subject)) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (id TEXT PRIMARY KEY, account TEXT REFERENCES accounts (id), hash BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL,
        created_at INTEGER NOT NULL, expires_at INTEGER, former BLOB UNIQUE, former_until INTEGER, rate INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE emergencies (number INTEGER PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (id), subject TEXT NOT NULL,
        reason TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL, seen_by TEXT, seen_at INTEGER) STRICT;";

const HOLDS: &str = "
    CREATE TABLE holds (number INTEGER PRIMARY KEY, subject TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL,
        released_at INTEGER, released_for TEXT) STRICT;
    CREATE UNIQUE INDEX held ON holds (subject) WHERE released_at IS NULL;";

// A number is never given twice: whoever asks after one must not be told of another.
const ERASURES: &str = "
    CREATE TABLE erasures (number INTEGER PRIMARY KEY AUTOINCREMENT, subjects TEXT, count INTEGER NOT NULL, asked_at INTEGER NOT NULL,
        by TEXT NOT NULL, ended_at INTEGER, outcome TEXT) STRICT;";

const LINKS: &str = "
    CREATE TABLE links (issuer TEXT NOT NULL, subject TEXT NOT NULL, account TEXT NOT NULL REFERENCES accounts (id), since INTEGER NOT NULL,
        PRIMARY KEY (issuer, subject)) STRICT, WITHOUT ROWID;";

/// A store that is open.
pub struct Store {
    db: Connection,
    /// What it said when it was read last.
    seen: i64,
}

impl Store {
    /// Opens the file, and makes it where it is missing, readable by its owner only.
    ///
    /// # Errors
    /// Where it can't be opened, or is of something else.
    pub fn open(path: &Path) -> Result<Store, AccessError> {
        let made = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        made.map_err(|e| AccessError::Io(path.to_owned(), e))?;
        Store::over(Connection::open(path)?, path)
    }

    /// Opens a file that is there, to read it only. Where nothing waits in a log beside it, nothing is made there either.
    ///
    /// # Errors
    /// Where it can't be opened, or is of something else.
    pub fn look(path: &Path) -> Result<Store, AccessError> {
        let log = path.with_extension("db-wal");
        let db = match std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            true => Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            false => crate::journal::open_unchanged(path)?,
        };
        db.busy_timeout(Duration::from_secs(5))?;
        let not_ours = |_| AccessError::NotOurs(path.to_owned(), "it is no SQLite file".to_owned());
        let version: u32 = db.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(not_ours)?;
        let application: i32 = db.pragma_query_value(None, "application_id", |r| r.get(0)).map_err(not_ours)?;
        if application != APPLICATION_ID || !(1..=FORMAT).contains(&version) {
            return Err(AccessError::NotOurs(path.to_owned(), "it is a SQLite file of something else".to_owned()));
        }
        Ok(Store { db, seen: -1 })
    }

    /// One that is gone with this process.
    ///
    /// # Errors
    /// Where SQLite can't.
    pub fn in_memory() -> Result<Store, AccessError> {
        Store::over(Connection::open_in_memory()?, Path::new(":memory:"))
    }

    fn over(db: Connection, path: &Path) -> Result<Store, AccessError> {
        db.busy_timeout(Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", "full")?;
        db.pragma_update(None, "secure_delete", "on")?;
        db.pragma_update(None, "foreign_keys", "on")?;
        let tx = rusqlite::Transaction::new_unchecked(&db, rusqlite::TransactionBehavior::Immediate)?;
        let version: u32 = tx.pragma_query_value(None, "user_version", |r| r.get(0))?;
        let application: i32 = tx.pragma_query_value(None, "application_id", |r| r.get(0))?;
        match (application, version) {
            (APPLICATION_ID, FORMAT) => {}
            (APPLICATION_ID, former @ 1..FORMAT) => {
                if former < 2 {
                    tx.execute_batch(HOLDS)?;
                }
                if former < 3 {
                    tx.execute_batch(ERASURES)?;
                    tx.execute_batch(LINKS)?;
                }
                if former < 4 {
                    tx.execute_batch(tenants::TENANTS)?;
                }
                if former < 5 {
                    tx.execute_batch(quotas::QUOTAS)?;
                }
                tx.execute_batch(emergencies::TOLD)?;
                tx.pragma_update(None, "user_version", FORMAT)?;
            }
            (0, 0) => {
                tx.execute_batch(TABLES)?;
                tx.execute_batch(HOLDS)?;
                tx.execute_batch(ERASURES)?;
                tx.execute_batch(LINKS)?;
                tx.execute_batch(tenants::TENANTS)?;
                tx.execute_batch(quotas::QUOTAS)?;
                tx.execute_batch(emergencies::TOLD)?;
                tx.pragma_update(None, "application_id", APPLICATION_ID)?;
                tx.pragma_update(None, "user_version", FORMAT)?;
            }
            (APPLICATION_ID, later) => {
                let why = format!("it has version {later} of its layout, and this program knows {FORMAT}");
                return Err(AccessError::NotOurs(path.to_owned(), why));
            }
            _ => return Err(AccessError::NotOurs(path.to_owned(), "it is a SQLite file of something else".to_owned())),
        }
        tx.commit()?;
        Ok(Store { db, seen: -1 })
    }

    /// Copies it, as it is at one moment, into a file that is not there yet: readable by its owner only, and on stable storage.
    ///
    /// # Errors
    /// Where that can't be written, or is there.
    pub fn copy_to(&self, path: &Path) -> Result<(), AccessError> {
        let failed = |e| AccessError::Io(path.to_owned(), e);
        // SQLite takes a file that is there and empty.
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let place = path.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
        self.db.execute("VACUUM INTO ?1", [place])?;
        std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(failed)
    }
}

/// Refuses an account that there is none of.
fn must_be(db: &Connection, id: &str) -> Result<(), AccessError> {
    let known: Option<i64> = db.query_row("SELECT 1 FROM accounts WHERE id = ?1", [id], |r| r.get(0)).optional()?;
    known.map(|_| ()).ok_or_else(|| AccessError::Unknown("account", id.to_owned()))
}
