//! The port of the journal: what a home must do so that groups are kept in it, and nothing more.
//!
//! Two homes are behind it: one SQLite file ([`super::store`]) and one topic of Kafka ([`super::kafka`]). What a group is, how it is sealed, checked, chained and read back is said once, above the
//! port; a home keeps rows in their order, says where they end, and tells what it does not know.
//!
//! INVARIANT (acknowledged is durable): `commit` returns after the row would outlive the loss of power that the home is meant to outlive; only then is anything told.

use vitalog_elog::Subject;

use super::copy::RestorePoint;
use super::error::JournalError;
use super::row::{Head, Outline, Row};
use super::trim::{Beginning, Swept};

/// How a home with several partitions wants a group cut: one part for each that has a subject in it.
#[derive(Clone, Copy)]
pub struct Placing {
    /// How many there are.
    pub partitions: u32,
    /// Says which of so many a subject is in: the same for ever.
    pub of: fn(&Subject, u32) -> u32,
}

/// Where groups are kept.
pub(super) trait Home: Send {
    fn incarnation(&self) -> u128;

    /// The version of its layout.
    fn format(&self) -> u32;

    /// `None`: it takes groups whole.
    fn placing(&self) -> Option<Placing>;

    /// Where it ends.
    fn head(&self) -> Result<Head, JournalError>;

    /// From here on it is this process that writes. `false`: it no longer ends where [`Home::head`] said, and is to be looked at again.
    fn take(&mut self) -> Result<bool, JournalError>;

    /// Keeps the row behind the last.
    fn commit(&mut self, row: &Row) -> Result<(), JournalError>;

    /// Looks at what is really there, after a commit that did not say. Then it is taken anew.
    fn look_again(&mut self) -> Result<(), JournalError>;

    /// The group that begins at `first`.
    fn at(&self, first: u64) -> Result<Option<Row>, JournalError>;

    /// The first group that begins at `offset` or behind it. One that can't be read is an error that names where it begins.
    fn from(&self, offset: u64) -> Result<Option<Row>, JournalError>;

    /// The last group that begins before `offset`; where it can't be read, the error names an entry that it holds.
    fn before(&self, offset: u64) -> Result<Option<Row>, JournalError>;

    /// The same without what it says.
    fn outline_before(&self, offset: u64) -> Result<Option<Outline>, JournalError> {
        let row = self.before(offset)?;
        Ok(row.map(|row| Outline { first: row.first, count: row.count, arrival: row.arrival }))
    }

    /// Whether a group begins at or after `offset`.
    fn any_from(&self, offset: u64) -> Result<bool, JournalError>;

    /// Where it was put back from a copy.
    fn restored(&self) -> Result<Vec<RestorePoint>, JournalError>;

    /// Where it begins, if it was trimmed.
    fn beginning(&self) -> Result<Option<Beginning>, JournalError>;

    /// From here on it begins there. When it returns that is durable.
    fn begin_at(&mut self, to: &Beginning) -> Result<(), JournalError>;

    /// Removes about so many bytes of what lies before `first`, where it begins, or else gives back some of the room that is free.
    fn sweep(&mut self, first: u64, bytes: u64) -> Result<Swept, JournalError>;

    /// Whether room that is free can be given back.
    fn gives_back(&self) -> Result<bool, JournalError>;

    /// Is laid out so that it can.
    fn write_anew(&mut self) -> Result<(), JournalError>;

    /// Whether something was written of which it is not known whether it is kept: then it is to be looked at again before anything else is written.
    fn is_in_doubt(&self) -> bool {
        false
    }
}
