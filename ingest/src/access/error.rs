//! What can be wrong with accounts, tokens and their store.

use std::fmt;
use std::path::PathBuf;

use vitalog_elog::{Subject, Time};

use super::role::RoleError;
use super::scope::ScopeError;

/// Why something could not be done.
#[derive(Debug)]
pub enum AccessError {
    /// The store can't be read or written.
    Db(rusqlite::Error),
    Io(PathBuf, std::io::Error),
    /// A SQLite file of something else, or of a later version.
    NotOurs(PathBuf, String),
    /// A line of the former file of tokens.
    Line(usize, String),
    BadId(String),
    Role(RoleError),
    Scope(ScopeError),
    /// Roles that want what was not given: a subject of one's own, or none.
    Roles(String),
    /// There is one already.
    Exists(&'static str, String),
    /// There is none.
    Unknown(&'static str, String),
    /// What names nobody at a provider.
    Link {
        field: &'static str,
        why: &'static str,
        remedy: &'static str,
    },
    /// What can't be said of a tenant.
    Tenant {
        field: &'static str,
        value: String,
        why: String,
        remedy: &'static str,
    },
    /// The subject may not be erased.
    Held {
        subject: Subject,
        since: Time,
        reason: String,
    },
    /// Too short, or too long.
    Password {
        length: usize,
    },
    /// The system gave no random numbers.
    Random,
    Broken(String),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessError::Db(error) => write!(f, "the store of accounts: {error}"),
            AccessError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            AccessError::NotOurs(path, why) => write!(f, "{} is no store of accounts: {why}", path.display()),
            AccessError::Line(line, why) => write!(f, "the token file is wrong on line {line}: {why}"),
            AccessError::BadId(id) => write!(f, "{id:?} can't be an id: use 1 to 64 letters, digits and any of . _ -"),
            AccessError::Role(error) => error.fmt(f),
            AccessError::Scope(error) => error.fmt(f),
            AccessError::Roles(why) => f.write_str(why),
            AccessError::Exists(what, id) => write!(f, "there is a {what} {id} already"),
            AccessError::Unknown(what, id) => write!(f, "there is no {what} {id}"),
            AccessError::Link { field, why, remedy } => write!(f, "{field}: {why}; {remedy}"),
            AccessError::Tenant { field, value, why, remedy } => write!(f, "{field} {value}: {why}; {remedy}"),
            AccessError::Held { subject, since, reason } => write!(f, "{subject} is held since {since}: {reason}"),
            AccessError::Password { length } => write!(
                f,
                "a password of {length} characters can't be used: {} to {} are wanted",
                super::password::LEAST,
                super::password::MOST
            ),
            AccessError::Random => f.write_str("the system gave no random numbers"),
            AccessError::Broken(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for AccessError {}

impl From<rusqlite::Error> for AccessError {
    fn from(error: rusqlite::Error) -> AccessError {
        AccessError::Db(error)
    }
}

impl From<RoleError> for AccessError {
    fn from(error: RoleError) -> AccessError {
        AccessError::Role(error)
    }
}

impl From<ScopeError> for AccessError {
    fn from(error: ScopeError) -> AccessError {
        AccessError::Scope(error)
    }
}
