//! The tables of the outbox, and opening them.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use vitalog_elog::Position;

use super::OutboxError;

/// Rises with every change of the tables.
pub(super) const FORMAT: u32 = 1;

/// Of `delivery.state`.
pub(super) const PENDING: i64 = 0;
pub(super) const DELIVERED: i64 = 1;
pub(super) const DEAD: i64 = 2;

/// Times are microseconds since 1970, delays microseconds, ids 16 bytes big-endian.
///
/// `delivery.seq` is the order in which they were decided. `since` is when the horizon of giving up began, `delay` the last delay
/// between two attempts. `endpoint.pause` is the breaker's last pause; `target` is a hash of where the endpoint was when its state was
/// learned.
const TABLES: &str = "
    CREATE TABLE place (
        one INTEGER PRIMARY KEY CHECK (one = 1), incarnation BLOB NOT NULL, next INTEGER NOT NULL, chain BLOB NOT NULL
    ) STRICT;
    CREATE TABLE delivery (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, endpoint TEXT NOT NULL, finding BLOB NOT NULL,
        kind TEXT NOT NULL, body TEXT NOT NULL, since INTEGER NOT NULL, next_at INTEGER NOT NULL,
        state INTEGER NOT NULL DEFAULT 0, claimed INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
        delay INTEGER NOT NULL DEFAULT 0, ended INTEGER, reason TEXT
    ) STRICT;
    CREATE INDEX delivery_pending ON delivery (endpoint, next_at) WHERE state = 0;
    CREATE INDEX delivery_order ON delivery (endpoint, finding, seq) WHERE state = 0;
    CREATE INDEX delivery_since ON delivery (since) WHERE state = 0;
    CREATE INDEX delivery_claimed ON delivery (endpoint) WHERE state = 0 AND claimed = 1;
    CREATE INDEX delivery_ended ON delivery (state, ended) WHERE state <> 0;
    CREATE TABLE endpoint (
        name TEXT PRIMARY KEY, target BLOB NOT NULL, gone INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
        pause INTEGER NOT NULL DEFAULT 0, open_until INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE receipt (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery BLOB NOT NULL, attempt INTEGER NOT NULL, outcome INTEGER NOT NULL,
        reason TEXT, UNIQUE (delivery, attempt)
    ) STRICT;
";

/// A write-ahead log without a sync per commit: a power cut may take the last commits, position and all, and then the journal gives
/// them again. A kill of the process takes none.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";

pub(super) fn open(path: &Path, incarnation: u128) -> Result<Connection, OutboxError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(SETTINGS)?;
    let format: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let transaction = connection.transaction()?;
    match format {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(&format!("PRAGMA user_version = {FORMAT}"))?;
            let chain = Position::start(incarnation).chain;
            transaction.execute("INSERT INTO place VALUES (1, ?1, 0, ?2)", params![incarnation.to_be_bytes(), chain])?;
        }
        FORMAT => {}
        other => return Err(OutboxError::Format(other)),
    }
    let found = position(&transaction)?.incarnation;
    if found != incarnation {
        return Err(OutboxError::Incarnation { found, journal: incarnation });
    }
    transaction.commit()?;
    Ok(connection)
}

pub(super) fn position(connection: &Connection) -> Result<Position, OutboxError> {
    let row = connection
        .query_row("SELECT incarnation, next, chain FROM place", [], |row| {
            let next: i64 = row.get(1)?;
            Ok(Position { incarnation: id(row.get(0)?), next: next.unsigned_abs(), chain: row.get(2)? })
        })
        .optional()?;
    row.ok_or(OutboxError::Store(rusqlite::Error::QueryReturnedNoRows))
}

pub(super) fn id(bytes: [u8; 16]) -> u128 {
    u128::from_be_bytes(bytes)
}
