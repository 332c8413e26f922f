//! A look at a journal that changes nothing, not even a log beside it: what the file says of itself, and whether its last group fits.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use vitalog_elog::{Position, Time};

use super::error::JournalError;
use super::read::verify_alone;
use super::store;
use super::{Beginning, FORMAT, RestorePoint, mark};

/// What was seen.
#[derive(Debug)]
pub struct Peek {
    pub format: u32,
    /// Where the file ends. What a log beside it still has comes after.
    pub end: Position,
    /// Where it ended when something was acknowledged last, as the mark beside it says.
    pub acknowledged: Option<Position>,
    /// The arrival of its last group.
    pub last: Option<Time>,
    pub restored: Vec<RestorePoint>,
    /// Where it begins, if it was trimmed.
    pub beginning: Option<Beginning>,
    /// Bytes in the log beside it: it was not closed in order.
    pub log: u64,
}

/// Looks at the journal at `path`, which nobody may be writing.
///
/// # Errors
/// Where it is none, of a newer format, can't be read, or its last group does not verify or follow; where less is there than was acknowledged.
pub fn peek(path: &Path) -> Result<Peek, JournalError> {
    let db = open_unchanged(path)?;
    let format: u32 = db.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if db.pragma_query_value(None, "application_id", |r| r.get::<_, i32>(0))? != store::APPLICATION_ID {
        return Err(JournalError::NotAJournal { detail: "it is a SQLite file of something else".to_owned() });
    }
    if format > FORMAT {
        return Err(JournalError::NewerFormat { found: format, known: FORMAT });
    }
    let incarnation: [u8; 16] = db.query_row("SELECT incarnation FROM identity", [], |r| r.get(0))?;
    let (next, chain): (i64, [u8; 32]) = db.query_row("SELECT next, chain FROM head", [], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let end = Position { incarnation: u128::from_le_bytes(incarnation), next: next.unsigned_abs(), chain };
    let log = std::fs::metadata(path.with_file_name("journal.db-wal")).map_or(0, |file| file.len());
    let acknowledged = mark::read(path);
    // With a log beside it the file may be half way between two states: the next start, which reads both, says whether they fit.
    let last = if log > 0 { last_of(&db, &end).unwrap_or_default() } else { last_of(&db, &end)? };
    if let (Some(told), 0) = (acknowledged, log) {
        mark::check(told, &end)?;
    }
    let beginning = store::beginning(&db, end.incarnation)?;
    Ok(Peek { format, end, acknowledged, last, restored: store::restored(&db)?, beginning, log })
}

fn last_of(db: &Connection, end: &Position) -> Result<Option<Time>, JournalError> {
    let last = "SELECT first, count, arrival, checksum, chain, payload FROM groups ORDER BY first DESC LIMIT 1";
    let Some(row) = db.query_row(last, [], store::read_row).optional()? else { return Ok(None) };
    verify_alone(&row)?;
    if row.position_after(end.incarnation) != *end {
        return Err(JournalError::BrokenChain { offset: row.first });
    }
    Ok(Some(row.arrival))
}

/// Opens a SQLite file as one that nobody ever changes: nothing is made beside it, and a log that lies there is not read.
///
/// # Errors
/// Where it is not there, or can't be read.
pub fn open_unchanged(path: &Path) -> rusqlite::Result<Connection> {
    let mut name = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'?' | b'#' | b'%' => name += &format!("%{byte:02x}"),
            _ if byte.is_ascii() => name.push(char::from(*byte)),
            _ => name += &format!("%{byte:02x}"),
        }
    }
    name += "?immutable=1";
    Connection::open_with_flags(name, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}
