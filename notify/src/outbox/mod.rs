//! The outbox: deliveries on disk from the moment they were decided until it is known what became of them.
//!
//! A sink like any other: [`Outbox::apply`] commits the deliveries of a batch of records and the journal position in one transaction, and
//! ignores what lies before its own position, so each delivery enters once. From here on it is at least once: a delivery that was under
//! way in a crash is tried again, under the same id. What no input leads to comes in beside that ([`Outbox::take_in`]).
//!
//! What became of an attempt is recorded with a receipt in the same transaction; receipts wait here until the journal has them.
//! Read back in a replay they keep a rebuilt outbox from sending again what has arrived.
//!
//! Nothing here waits, reads a clock or draws a random number: the worker in [`crate::io`] brings both and does what it is told.

mod apply;
mod attempt;
mod beside;
mod claim;
mod dead;
mod forget;
mod pace;
mod receipt;
mod table;
mod tally;

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use attempt::Answer;
pub use claim::Due;
pub use dead::DeadDelivery;
pub use pace::{Pace, decorrelated};
use rusqlite::Connection;
pub use tally::Waiting;
use vitalog_elog::Position;

/// Deliveries and what became of them.
pub struct Outbox {
    connection: Mutex<Connection>,
    pace: Pace,
    wake: Mutex<Option<Wake>>,
}

/// Called, on the thread that changed the outbox, when there may be something to send.
pub type Wake = Box<dyn Fn() + Send>;

/// Why the outbox can't go on.
#[derive(Debug)]
pub enum OutboxError {
    Store(rusqlite::Error),
    /// It belongs to another journal.
    Incarnation {
        found: u128,
        journal: u128,
    },
    /// Another version of this program wrote it.
    Format(u32),
    /// Records are missing between what it has and what it was given.
    Gap {
        next: u64,
        given: u64,
    },
}

/// How far the outbox of an open file has come, which is not changed.
///
/// # Errors
/// If it is not readable, or of another version.
pub fn peek(connection: &Connection) -> Result<Position, OutboxError> {
    let format: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == table::FORMAT { table::position(connection) } else { Err(OutboxError::Format(format)) }
}

impl Outbox {
    /// Opens the outbox of the journal with that incarnation, and creates it where there is none.
    ///
    /// # Errors
    /// If it is not readable, or belongs to another journal or another version.
    pub fn open(path: &Path, incarnation: u128) -> Result<Outbox, OutboxError> {
        Outbox::open_with(path, incarnation, Pace::default())
    }

    /// Like [`Outbox::open`], with another pace of retries.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(path: &Path, incarnation: u128, pace: Pace) -> Result<Outbox, OutboxError> {
        let connection = table::open(path, incarnation)?;
        Ok(Outbox { connection: Mutex::new(connection), pace, wake: Mutex::new(None) })
    }

    /// How far it has come.
    ///
    /// # Errors
    /// If the store fails.
    pub fn position(&self) -> Result<Position, OutboxError> {
        table::position(&self.connection())
    }

    /// Whom to wake when there may be something to send; replaces the former.
    pub fn on_change(&self, wake: Wake) {
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(wake);
    }

    fn wake(&self) {
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }

    /// A thread that panicked while it held the connection left no half transaction: dropping one rolls it back.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<rusqlite::Error> for OutboxError {
    fn from(e: rusqlite::Error) -> OutboxError {
        OutboxError::Store(e)
    }
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutboxError::Store(e) => write!(f, "the outbox can't be read or written: {e}"),
            OutboxError::Incarnation { found, journal } => write!(
                f,
                "the outbox belongs to journal {found:032x}, not to {journal:032x}; give each its own data directory, or move the outbox away"
            ),
            OutboxError::Format(found) => {
                write!(
                    f,
                    "the outbox has format {found}, and this program writes {}; use the program that wrote it",
                    table::FORMAT
                )
            }
            OutboxError::Gap { next, given } => {
                write!(f, "the outbox is at offset {next} and was given {given}; replay the journal from {next}")
            }
        }
    }
}

impl std::error::Error for OutboxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OutboxError::Store(e) => Some(e),
            _ => None,
        }
    }
}
