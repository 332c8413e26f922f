//! How much a query may use, and why one was refused.

use std::fmt;
use std::time::Duration;

use datafusion::error::DataFusionError;
use vitalog_elog::Refusal;

use crate::error::LakeError;

/// What one query may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, for sorting, grouping and joining, and again for the result.
    pub memory: usize,
    /// From the question to the last row, waiting for other queries included.
    pub time: Duration,
    /// Rows of the result; further ones are cut off, and the answer says so.
    pub rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { memory: 512 << 20, time: Duration::from_secs(30), rows: 100_000 }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum SqlError {
    /// The question is at fault, or asks for too much.
    Refused(Refusal),
    /// The lake is.
    Lake(LakeError),
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlError::Refused(refusal) => refusal.fmt(f),
            SqlError::Lake(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SqlError {}

impl From<LakeError> for SqlError {
    fn from(error: LakeError) -> Self {
        SqlError::Lake(error)
    }
}

pub(crate) fn refused(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> SqlError {
    SqlError::Refused(Refusal::whole(code, message, remedy))
}

impl From<DataFusionError> for SqlError {
    fn from(error: DataFusionError) -> Self {
        let text = plain(&error.strip_backtrace());
        match error.find_root() {
            DataFusionError::SQL(..) => {
                refused("sql_syntax", text, "mend the statement; the dialect is PostgreSQL's as far as it goes")
            }
            DataFusionError::SchemaError(..) | DataFusionError::Plan(_) | DataFusionError::Diagnostic(..) => {
                refused("sql_invalid", text, "see what there is with SHOW TABLES and DESCRIBE")
            }
            DataFusionError::NotImplemented(_) => refused("sql_unsupported", text, "ask in another way"),
            DataFusionError::ResourcesExhausted(_) => refused(
                "sql_memory",
                "the query needs more memory than it may use",
                "narrow it to fewer subjects or less time, or group before joining",
            ),
            // A condition that was let into the files failed on a row: the question's fault, and not the file's.
            DataFusionError::ParquetError(_) if text.contains("Error evaluating filter predicate") => {
                refused("sql_failed", "a condition failed on a row: a cast, a division or the like", "mend the statement")
            }
            DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) | DataFusionError::ParquetError(_) => {
                SqlError::Lake(LakeError::Storage { doing: "reading files for a query".to_owned(), source: error.into() })
            }
            _ => refused("sql_failed", text, "mend the statement"),
        }
    }
}

/// What a function says of its arguments, without what the planner wraps around it.
fn plain(text: &str) -> String {
    let said = text.split_once("user-defined coercion failed with: ").map_or(text, |(_, said)| said);
    said.split_once(" No function matches the given name").map_or(said, |(said, _)| said).to_owned()
}
