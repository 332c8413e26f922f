//! Answers as files, streamed: rows become bytes as they come, and wait where whoever takes them is slow.
//!
//! It runs on the query threads, as an answer does, but not in its turns. The first rows are there before it is said that there will be any, so what is wrong with a
//! question is an error and no torn file. What goes wrong later breaks the stream off: INVARIANT (no part for the whole) it ends well only after the last byte.

pub(super) mod door;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use futures::{Stream, TryStreamExt};
use tokio::sync::{mpsc, oneshot};
use vitalog_elog::{Position, Subject, Time};

use crate::export::{Form, Sheet, of_any, of_readings};
use crate::eyes::Eyes;
use crate::io::lake::{Inner, Lake};
use crate::io::query::{Begun, closing};
use crate::sql::{SqlError, parse, refused};

/// What is exported.
#[derive(Clone, Debug)]
pub enum Exported {
    /// The result of a statement.
    Statement(String),
    /// The current readings of a subject, from an instant on, and before another.
    Readings { subject: Subject, from: Option<Time>, to: Option<Time> },
}

/// What one export may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportLimits {
    /// Bytes, for sorting, grouping and joining.
    pub memory: usize,
    /// From the question to the last byte.
    pub time: Duration,
    /// In which some byte must be taken.
    pub stalled: Duration,
    pub rows: u64,
    /// Of the file.
    pub bytes: u64,
}

impl Default for ExportLimits {
    fn default() -> Self {
        ExportLimits {
            memory: 512 << 20,
            time: Duration::from_secs(30 * 60),
            stalled: Duration::from_secs(30),
            rows: 50_000_000,
            bytes: 8 << 30,
        }
    }
}

/// Bytes to come. Dropping it ends the work.
pub struct Export {
    /// Everything before it is seen, nothing after it.
    pub position: Position,
    pieces: mpsc::Receiver<Piece>,
    is_whole: bool,
    task: tokio::task::JoinHandle<()>,
}

enum Piece {
    Bytes(Bytes),
    End,
    Broken(SqlError),
}

/// Pieces that wait to be taken, and about how large each is.
const WAITING: usize = 4;
const PIECE: usize = 64 * 1024;
/// How long one that comes when enough others run waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

impl Lake {
    /// Begins an export of what these eyes may see.
    ///
    /// # Errors
    /// [`SqlError::Refused`] where the question is at fault, there is nothing to be seen of the subject, or too many exports run.
    pub async fn export(&self, eyes: Eyes, what: Exported, form: Form, limits: ExportLimits) -> Result<Export, SqlError> {
        let threads = self.inner.threads.handle().ok_or_else(closing)?;
        let (begin, begun) = oneshot::channel();
        let (sender, pieces) = mpsc::channel(WAITING);
        let inner = self.inner.clone();
        let pouring = Pouring { begin: Some(begin), pieces: sender, limits };
        let task = threads.spawn(async move { pouring.run(&inner, &eyes, what, form).await });
        let mut export = Export { position: Position::start(0), pieces, is_whole: false, task };
        // A panic in a library: it ends this export only.
        export.position =
            begun.await.unwrap_or_else(|_| Err(refused("sql_failed", "the export broke off", "ask in another way")))?;
        Ok(export)
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stream for Export {
    type Item = Result<Bytes, SqlError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_whole {
            return Poll::Ready(None);
        }
        Poll::Ready(match std::task::ready!(self.pieces.poll_recv(context)) {
            Some(Piece::Bytes(bytes)) => Some(Ok(bytes)),
            Some(Piece::End) => {
                self.is_whole = true;
                None
            }
            Some(Piece::Broken(error)) => Some(Err(error)),
            None => Some(Err(refused("sql_failed", "the export broke off", "ask in another way"))),
        })
    }
}

/// The other end of it.
struct Pouring {
    /// Until it has begun.
    begin: Option<oneshot::Sender<Result<Position, SqlError>>>,
    pieces: mpsc::Sender<Piece>,
    limits: ExportLimits,
}

impl Pouring {
    async fn run(mut self, inner: &Inner, eyes: &Eyes, what: Exported, form: Form) {
        let limit = self.limits.time;
        let done = tokio::time::timeout(limit, self.pour(inner, eyes, what, form)).await;
        let error = match done {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => {
                let after = format!("the export was stopped after {limit:?}");
                refused("sql_timeout", after, "export fewer subjects or less time at once")
            }
        };
        match self.begin.take() {
            // Whoever asked may have gone.
            Some(begin) => drop(begin.send(Err(error))),
            None => {
                // A refusal may quote what was asked, or a value of a row.
                match &error {
                    SqlError::Refused(refusal) => tracing::warn!(code = %refusal.code, "an export broke off"),
                    SqlError::Lake(error) => tracing::error!(%error, "an export broke off"),
                }
                let _ = self.pieces.send(Piece::Broken(error)).await;
            }
        }
    }

    async fn pour(&mut self, inner: &Inner, eyes: &Eyes, what: Exported, form: Form) -> Result<(), SqlError> {
        let turn = tokio::time::timeout(PATIENCE, inner.exports.clone().acquire_owned()).await;
        let _turn = turn
            .map_err(|_| refused("exports_busy", "as many exports run as may at once", "try again in a minute"))?
            .map_err(|_| closing())?;
        let Begun { mut stream, position, layout, .. } =
            inner.started(eyes, parse(&statement(&what))?, self.limits.memory).await?;
        let first = stream.try_next().await?;
        let mut sheet = match &what {
            Exported::Statement(_) => of_any(form, stream.schema())?,
            Exported::Readings { subject, .. } => {
                if first.is_none() {
                    self.known(inner, eyes, subject).await?;
                }
                of_readings(form, stream.schema(), &layout, subject.as_str())?
            }
        };
        if let Some(begin) = self.begin.take() {
            let _ = begin.send(Ok(position));
        }
        let (mut rows, mut bytes) = (0, 0);
        let mut next = first;
        while let Some(batch) = next {
            rows += batch.num_rows() as u64;
            if rows > self.limits.rows {
                let many = format!("there are more rows than the {} that an export may have", self.limits.rows);
                return Err(refused("export_rows", many, "export fewer subjects or less time at once"));
            }
            self.add(&mut *sheet, &batch, &mut bytes).await?;
            next = stream.try_next().await?;
        }
        sheet.end()?;
        self.send(sheet.take(), &mut bytes).await?;
        self.give(Piece::End).await
    }

    /// A batch, slice by slice: what one becomes is not held as a whole where it is large.
    async fn add(&self, sheet: &mut dyn Sheet, batch: &RecordBatch, bytes: &mut u64) -> Result<(), SqlError> {
        const SLICE: usize = 1024;
        for start in (0..batch.num_rows()).step_by(SLICE) {
            sheet.add(&batch.slice(start, SLICE.min(batch.num_rows() - start)))?;
            self.send(sheet.take(), bytes).await?;
        }
        Ok(())
    }

    async fn send(&self, written: Vec<u8>, bytes: &mut u64) -> Result<(), SqlError> {
        *bytes += written.len() as u64;
        if *bytes > self.limits.bytes {
            let large = format!("the file is larger than the {} MiB that an export may have", self.limits.bytes >> 20);
            return Err(refused("export_bytes", large, "export fewer subjects or less time at once, or as parquet"));
        }
        let mut written = Bytes::from(written);
        while !written.is_empty() {
            let piece = written.split_to(PIECE.min(written.len()));
            self.give(Piece::Bytes(piece)).await?;
        }
        Ok(())
    }

    async fn give(&self, piece: Piece) -> Result<(), SqlError> {
        match self.pieces.send_timeout(piece, self.limits.stalled).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(refused("export_left", "nobody takes it any more", "ask again")),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                Err(refused("export_stalled", "nothing of it was taken for a while", "ask again, and take it as it comes"))
            }
        }
    }

    /// A subject without a reading is known where it had one.
    async fn known(&self, inner: &Inner, eyes: &Eyes, subject: &Subject) -> Result<(), SqlError> {
        let had = format!(
            "(select 1 from readings where subject = '{subject}' limit 1) union all (select 1 from readings_history where subject = '{subject}' limit 1)"
        );
        let mut stream = inner.started(eyes, parse(&had)?, self.limits.memory).await?.stream;
        while let Some(batch) = stream.try_next().await? {
            if batch.num_rows() > 0 {
                return Ok(());
            }
        }
        Err(refused(
            "unknown_subject",
            "there are no readings of this subject",
            "check the name; GET /v1/subjects has all of them",
        ))
    }
}

/// What is asked of the lake. A subject's name has nothing in it that would have to be quoted.
fn statement(what: &Exported) -> String {
    match what {
        Exported::Statement(sql) => sql.clone(),
        Exported::Readings { subject, from, to } => {
            let mut sql = format!("select * from readings where subject = '{subject}'");
            // What goes on has no instant yet, and stands where it began.
            if let Some(from) = from {
                sql += &format!(" and (at >= '{from}' or (at is null and start_at >= '{from}'))");
            }
            if let Some(to) = to {
                sql += &format!(" and (at < '{to}' or (at is null and start_at < '{to}'))");
            }
            sql
        }
    }
}
