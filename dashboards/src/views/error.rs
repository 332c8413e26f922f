//! Why a view could not be opened, fed or asked.

use std::fmt;

/// What went wrong with the views. But for [`Disk`](ViewsError::Disk) nothing was changed: a failed [`apply`](super::Views::apply) leaves content and position as they were.
#[derive(Debug)]
pub enum ViewsError {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// The disk did not take what it was given.
    Disk(std::io::Error),
    /// The file was fed from another journal.
    OtherJournal { file: u128, journal: u128 },
    /// The same offset with another chain hash: the journal's past was changed.
    Forked { next: u64 },
    /// Records are missing between what the file has and what it was given.
    Gap { expected: u64, got: u64 },
    /// The file was written by a newer version.
    NewerFormat { file: i32, known: i32 },
    /// There is no file, or nothing in it, and it may not be begun.
    Missing,
    /// The file was written by an older version, and may not be emptied.
    OlderFormat { file: i32, known: i32 },
    /// What is stored cannot be read back.
    Damaged(&'static str),
    /// The question was given up because it took too long.
    TooSlow,
}

impl fmt::Display for ViewsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ViewsError::Sql(e) => write!(f, "the views' database refused: {e}"),
            ViewsError::Disk(e) => write!(f, "the views could not be brought to the disk: {e}"),
            ViewsError::OtherJournal { file, journal } => write!(
                f,
                "the views belong to another journal\n  detail: the file was fed from {file:032x}, this journal is {journal:032x}\n  remedy: \
                 restore the journal that goes with it, or delete the file and let it be rebuilt"
            ),
            ViewsError::Forked { next } => write!(
                f,
                "the journal's past differs from what the views were fed with\n  detail: another chain hash before offset {next}\n  remedy: \
                 restore the journal that goes with the file, or delete the file and let it be rebuilt"
            ),
            ViewsError::Gap { expected, got } => write!(
                f,
                "records are missing\n  detail: the views have everything before offset {expected}, the next one given was {got}\n  remedy: \
                 feed the journal from offset {expected} on"
            ),
            ViewsError::NewerFormat { file, known } => write!(
                f,
                "the views were written by a newer version\n  detail: the file has format {file}, this version knows {known}\n  remedy: run the \
                 newer version, or delete the file and let it be rebuilt"
            ),
            ViewsError::Missing => write!(f, "the views are not there\n  remedy: restore a backup"),
            ViewsError::OlderFormat { file, known } => write!(
                f,
                "the views were written by an older version, and can't be fed anew\n  detail: the file has format {file}, this version has {known}\n  \
                 remedy: run the older version"
            ),
            ViewsError::Damaged(what) => {
                write!(
                    f,
                    "the views hold something unreadable\n  detail: {what}\n  remedy: delete the file and let it be rebuilt"
                )
            }
            ViewsError::TooSlow => write!(f, "the question took too long\n  remedy: ask for a shorter time or for fewer rows"),
        }
    }
}

impl std::error::Error for ViewsError {}

impl From<rusqlite::Error> for ViewsError {
    fn from(e: rusqlite::Error) -> ViewsError {
        match &e {
            rusqlite::Error::SqliteFailure(f, _) if f.code == rusqlite::ErrorCode::OperationInterrupted => ViewsError::TooSlow,
            _ => ViewsError::Sql(e),
        }
    }
}
