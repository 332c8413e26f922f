//! What can go wrong in the lake, said so that an operator can act on it.
//!
//! A storage failure is passed on with what was being done; an inconsistency between lake and journal names what is missing. No text
//! here carries a value of a reading.

use std::fmt;

use vitalog_elog::ReadingId;

/// Why the lake refuses or fails.
#[derive(Debug)]
pub enum LakeError {
    /// The tables belong to another journal.
    OtherJournal { table: &'static str, found: String, expected: String },
    /// A table holds effects of inputs that the journal doesn't have: the offsets at which they end.
    AheadOfJournal { table: &'static str, lake: u64, journal: u64 },
    /// Lake and journal disagree about what was journaled before an offset.
    Forked { table: &'static str, at: u64 },
    /// A table that others depend on was taken away.
    TableMissing { table: &'static str },
    /// The declared streams contradict the ones the lake was written with.
    Schema(String),
    /// Records came with a gap, or name a stream that isn't declared.
    Records(String),
    /// A revision that should be in the table isn't there.
    RowMissing { id: ReadingId },
    /// The object store, Delta or Parquet failed.
    Storage { doing: String, source: Box<dyn std::error::Error + Send + Sync> },
}

impl LakeError {
    /// A failure of what lies below, with what was being done.
    pub(crate) fn storage(doing: impl Into<String>) -> impl FnOnce(BoxedError) -> LakeError {
        let doing = doing.into();
        move |source| LakeError::Storage { doing, source }
    }
}

pub(crate) type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// Adds what was being done to the error of a library.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, LakeError>;
}

impl<T, E: Into<BoxedError>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, LakeError> {
        self.map_err(|e| LakeError::storage(what)(e.into()))
    }
}

impl fmt::Display for LakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LakeError::OtherJournal { table, found, expected } => write!(
                f,
                "the lake's table {table} belongs to another journal\n  it was written from journal {found}; this one is {expected}\n  \
                 restore the journal it came from, or move the lake away and let it be rebuilt"
            ),
            LakeError::AheadOfJournal { table, lake, journal } => write!(
                f,
                "the lake is ahead of the journal\n  table {table} holds the effects of inputs up to {}, the journal ends at {}: {} inputs are missing\n  \
                 restore a journal that has them, or move the lake away and let it be rebuilt",
                lake,
                journal,
                lake.saturating_sub(*journal)
            ),
            LakeError::Forked { table, at } => write!(
                f,
                "lake and journal tell different stories\n  the inputs before {} that table {table} was written from are not those of this journal\n  \
                 restore the journal it came from, or move the lake away and let it be rebuilt",
                at
            ),
            LakeError::TableMissing { table } => write!(
                f,
                "the lake's table {table} is missing\n  it can't be rebuilt without the table readings\n  \
                 restore it from a backup, or move the whole lake away and let it be rebuilt"
            ),
            LakeError::Schema(why) => write!(f, "the declared streams don't fit the lake\n  {why}"),
            LakeError::Records(why) => write!(f, "the lake was fed wrongly\n  {why}"),
            LakeError::RowMissing { id } => write!(
                f,
                "a superseded reading is not in the lake\n  reading {id} should be among the current readings\n  \
                 make it again from the journal with `vitalog audit --repair`, or move the lake away and let all of it be rebuilt"
            ),
            LakeError::Storage { doing, source } => write!(f, "the lake failed {doing}\n  {source}"),
        }
    }
}

impl std::error::Error for LakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LakeError::Storage { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
