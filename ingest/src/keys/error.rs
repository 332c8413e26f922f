//! What can be wrong with the keys, each with what to do about it.

use std::fmt;
use std::path::PathBuf;

use super::KeyId;

/// Why the key store could not be opened, read or written.
#[derive(Debug)]
pub enum KeyError {
    /// There is a journal, and no key store to it.
    Lost { path: PathBuf },
    /// There is a key store, and no key-encryption key.
    NoKek { place: String },
    /// The key-encryption key is none, or others may read it.
    BadKek { place: String, detail: String },
    /// The key-encryption key is not the one that the store is locked with.
    WrongKek { place: String },
    /// The file was written by a newer version.
    NewerFormat { found: u32, known: u32 },
    /// The file is something else, or damaged.
    NotAKeyStore { detail: String },
    /// Another process has it open.
    InUse,
    /// A row does not open, or says what can't be.
    BadRow { id: KeyId },
    /// SQLite or the operating system refused.
    Storage(rusqlite::Error),
    /// A file could not be read or written.
    File { path: PathBuf, error: std::io::Error },
    /// A key-encryption key that is given from outside can't be exchanged by this program alone.
    KekIsGiven,
    /// There is no key of this subject.
    UnknownSubject,
    /// A former write failed.
    Failed,
}

impl KeyError {
    fn remedy(&self) -> &'static str {
        match self {
            KeyError::Lost { .. } => "restore keys.db from its backup: without it nothing in the journal can be read",
            KeyError::NoKek { .. } => {
                "restore the key-encryption key, or say where it is: without it nothing in the journal can be read"
            }
            KeyError::BadKek { .. } => "it must hold 64 hexadecimal digits, and be readable by its owner only (chmod 600)",
            KeyError::WrongKek { .. } => "give the key that the store was last locked with, or restore both from one backup",
            KeyError::NewerFormat { .. } => "use the version of the program that wrote it, or a newer one",
            KeyError::NotAKeyStore { .. } | KeyError::BadRow { .. } => "restore keys.db from its backup",
            KeyError::InUse => "end the other process, or use another data directory",
            KeyError::Storage(_) | KeyError::File { .. } => {
                "check the disk (free space, permissions, its own log), then start again"
            }
            KeyError::KekIsGiven => "give the new one, too",
            KeyError::UnknownSubject => "check the name: nothing was ever journaled under it, or it was erased",
            KeyError::Failed => "end the process and start again, so that it reads what is really on the disk",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Lost { path } => write!(f, "the journal's keys are missing: there is no {}", path.display())?,
            KeyError::NoKek { place } => write!(f, "the key-encryption key is missing: there is none in {place}")?,
            KeyError::BadKek { place, detail } => write!(f, "{place} is no key-encryption key: {detail}")?,
            KeyError::WrongKek { place } => write!(f, "the key in {place} does not open the key store")?,
            KeyError::NewerFormat { found, known } => {
                write!(f, "the key store has format {found}, and this program knows formats up to {known}")?;
            }
            KeyError::NotAKeyStore { detail } => write!(f, "the file is not a key store, or is damaged: {detail}")?,
            KeyError::InUse => f.write_str("the key store is in use by another process")?,
            KeyError::BadRow { id } => write!(f, "the row of key {id} in the key store is damaged")?,
            KeyError::Storage(error) => write!(f, "the key store's storage failed: {error}")?,
            KeyError::File { path, error } => write!(f, "{}: {error}", path.display())?,
            KeyError::KekIsGiven => f.write_str("the key-encryption key comes from outside, and can't be exchanged from here")?,
            KeyError::UnknownSubject => f.write_str("the subject has no key")?,
            KeyError::Failed => f.write_str("a former write to the key store failed")?,
        }
        write!(f, "; {}", self.remedy())
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyError::Storage(error) => Some(error),
            KeyError::File { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for KeyError {
    fn from(error: rusqlite::Error) -> KeyError {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => KeyError::InUse,
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                KeyError::NotAKeyStore { detail: error.to_string() }
            }
            Some(_) => KeyError::Storage(error),
            None => KeyError::NotAKeyStore { detail: error.to_string() },
        }
    }
}
