//! The questions that the pages and the API ask, and the shapes of the answers.
//!
//! Each question sees one state of the file, at one position, through a connection that cannot write. Everything here blocks; [`io`](crate::io) calls
//! it from threads that may.

mod accounting;
mod answered;
mod because;
mod detail;
mod flags;
mod held;
mod history;
mod known;
mod letters;
mod metering;
mod profile;
mod readings;
mod recommendations;
mod shape;
mod sources;
mod subjects;
mod timeline;
pub mod words;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, InterruptHandle, OptionalExtension};
use vitalog_elog::{Position, Schema, Subject};

pub use accounting::RevisionRow;
pub use because::{Because, BecauseReading};
pub use detail::{DeliveryView, Evidence, RecommendationDetail, Revision};
pub use flags::Flag;
pub use held::{Held, HeldQuery};
pub use history::ReadingHistory;
pub use known::AsOf;
pub use letters::{Letter, LetterDetail, LetterPage, LetterQuery, LetterView, MendingView};
pub use metering::SentSum;
pub use profile::{ProfileChangeView, ProfileFieldView, ProfileView};
pub use readings::{Order, ReadingPage, ReadingQuery, parse_cursor};
pub use recommendations::{OnTrial, RecommendationPage, RecommendationQuery, RecommendationView, Response, StateFilter};
pub use shape::{FieldShape, Point, ReadingView, StreamShape, UnitShape, point};
pub use sources::{Counts, Gap, SourceFigures, SourcePage, SourceQuery, SourceStream, SourceView};
pub use subjects::{Band, Glucose, Spark, SubjectPage, SubjectQuery, SubjectView};
pub use timeline::{Series, Timeline, TimelineQuery};

use crate::views::{ViewsError, open_for_reading, read_state};

/// The connections that questions go through.
pub struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// One connection, for one question; it goes back when dropped.
pub struct Reader<'r> {
    readers: &'r Readers,
    conn: Option<Connection>,
}

/// One state of the file.
pub struct Ask<'c> {
    conn: &'c Connection,
    pub position: Position,
    pub schema: Schema,
}

impl Readers {
    /// Opens the file that a [`Views`](crate::views::Views) has made.
    ///
    /// # Errors
    /// [`ViewsError::Sql`] where it cannot be read.
    pub fn open(path: &Path) -> Result<Readers, ViewsError> {
        let first = open_for_reading(path)?;
        Ok(Readers { path: path.to_owned(), idle: Mutex::new(vec![first]) })
    }

    /// A connection: an idle one, or a new one. How many there are is for the caller to limit.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn take(&self) -> Result<Reader<'_>, ViewsError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => open_for_reading(&self.path)?,
        };
        Ok(Reader { readers: self, conn: Some(conn) })
    }
}

impl Reader<'_> {
    /// What stops the question from another thread: it then ends with [`ViewsError::TooSlow`].
    pub fn interrupt_handle(&self) -> Option<InterruptHandle> {
        self.conn.as_ref().map(Connection::get_interrupt_handle)
    }

    /// Asks, all within one state of the file.
    ///
    /// # Errors
    /// Those of the question.
    pub fn ask<T>(&self, question: impl FnOnce(&Ask<'_>) -> Result<T, ViewsError>) -> Result<T, ViewsError> {
        let Some(conn) = &self.conn else { return Err(ViewsError::Damaged("no connection")) };
        let snapshot = conn.unchecked_transaction()?;
        let (position, schema) = read_state(&snapshot)?.ok_or(ViewsError::Damaged("the position is missing"))?;
        question(&Ask { conn: &snapshot, position, schema })
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}

impl Ask<'_> {
    /// The number of a subject; `None`: nothing was ever heard of it.
    fn number(&self, subject: &Subject) -> Result<Option<i64>, ViewsError> {
        let mut find = self.conn.prepare_cached("select subject from subjects where name = ?1")?;
        Ok(find.query_row([subject.as_str()], |r| r.get(0)).optional()?)
    }

    fn name(&self, number: i64) -> Result<Subject, ViewsError> {
        let mut find = self.conn.prepare_cached("select name from subjects where subject = ?1")?;
        let name: Option<String> = find.query_row([number], |r| r.get(0)).optional()?;
        Ok(Subject::new(&name.ok_or(ViewsError::Damaged("a subject without a name"))?))
    }

    /// Whether a reading of somebody else was ever seen on a subject's timeline.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn is_named(&self, subject: &Subject) -> Result<bool, ViewsError> {
        let mut find = self.conn.prepare_cached("select 1 from named where name = ?1 limit 1")?;
        let found: Option<i64> = find.query_row([subject.as_str()], |r| r.get(0)).optional()?;
        Ok(found.is_some())
    }

    /// Whether anything was ever heard of a subject.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn knows(&self, subject: &Subject) -> Result<bool, ViewsError> {
        Ok(self.number(subject)?.is_some())
    }
}
