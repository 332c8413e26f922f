//! An answer that flows: its batches are made as they are taken, and none is gathered.
//!
//! It runs where every question runs, in its turn and within the same limits; the time counts while it is computed, and not while whoever asked takes what there is. Whoever takes nothing for long is not
//! waited for: what a question holds is kept from others. Dropping what is left of it ends the work.

use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::sql::parser::Statement;
use futures::TryStreamExt;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::eyes::Eyes;
use crate::io::lake::Lake;
use crate::io::query::{Wanted, closing, timed_out};
use crate::sql::{Limits, SqlError, refused};

/// How long a batch waits to be taken.
const STALL: Duration = Duration::from_secs(30);
/// How long an answer may flow in all.
const WHOLE: Duration = Duration::from_secs(600);

/// How much of an answer may flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Most {
    pub rows: usize,
    pub bytes: usize,
}

/// What is left of an answer.
pub(crate) struct Flow {
    /// As the statement was planned.
    pub schema: SchemaRef,
    batches: Receiver<Result<RecordBatch, SqlError>>,
    /// Of the time to compute in.
    left: Duration,
    limits: Limits,
    _running: Wanted<()>,
}

impl Lake {
    /// Begins to answer a statement. `turn`: what the caller holds as long as it flows.
    ///
    /// # Errors
    /// As [`Lake::sql_for`].
    pub(crate) async fn flow(
        &self,
        eyes: Eyes,
        statement: impl FnOnce() -> Result<Statement, SqlError> + Send + 'static,
        turn: impl Send + 'static,
        limits: Limits,
        most: Most,
    ) -> Result<Flow, SqlError> {
        let began = Instant::now();
        let inner = self.inner.clone();
        let work = async move {
            let permit = inner.permits.clone().acquire_owned().await.map_err(|_| closing())?;
            let (_, schema, stream) = inner.started(&eyes, statement()?, limits).await?;
            Ok((schema, stream, permit))
        };
        let (schema, stream, permit) = self.at_query(limits, work).await?;
        let (sender, batches) = channel(1);
        let threads = self.inner.threads.handle().ok_or_else(closing)?;
        let running = Wanted(threads.spawn(async move {
            // Both are given back when the work has really ended.
            let (_permit, _turn) = (permit, turn);
            match tokio::time::timeout(WHOLE, pump(stream, most, &sender)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => give(&sender, Err(error)).await,
                Err(_) => give(&sender, Err(too_slow(WHOLE))).await,
            }
        }));
        Ok(Flow { schema, batches, left: limits.time.saturating_sub(began.elapsed()), limits, _running: running })
    }
}

impl Flow {
    /// The next batch; `None`: there are no more.
    ///
    /// # Errors
    /// Where the time is over, there are more rows than may be, or the statement fails on a row.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, SqlError>> {
        let began = Instant::now();
        let next = tokio::time::timeout(self.left, self.batches.recv()).await;
        self.left = self.left.saturating_sub(began.elapsed());
        match next {
            Ok(next) => next,
            Err(_) => {
                self.batches.close();
                Some(Err(timed_out(self.limits)))
            }
        }
    }
}

/// Takes rows up to the limit, one batch ahead of whoever takes them.
async fn pump(
    mut stream: SendableRecordBatchStream,
    most: Most,
    sender: &Sender<Result<RecordBatch, SqlError>>,
) -> Result<(), SqlError> {
    let (mut rows, mut bytes) = (0, 0);
    while let Some(batch) = stream.try_next().await? {
        let room = most.rows - rows;
        let is_over = batch.num_rows() > room;
        let batch = if is_over { batch.slice(0, room) } else { batch };
        rows += batch.num_rows();
        bytes += batch.get_array_memory_size();
        if bytes > most.bytes {
            return Err(refused("sql_memory", "the result is larger than it may be", "ask for fewer rows or columns"));
        }
        if batch.num_rows() > 0 {
            match tokio::time::timeout(STALL, sender.send(Ok(batch))).await {
                Ok(Ok(())) => {}
                // Nobody wants it any more.
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(too_slow(STALL)),
            }
        }
        if is_over {
            let cut = format!("there are more rows than the {} that an answer has", most.rows);
            return Err(refused("sql_cut", cut, "narrow the question, or ask with LIMIT"));
        }
    }
    Ok(())
}

/// Says it as soon as there is room, or nobody listens.
async fn give(sender: &Sender<Result<RecordBatch, SqlError>>, what: Result<RecordBatch, SqlError>) {
    let _ = tokio::time::timeout(STALL, sender.send(what)).await;
}

fn too_slow(after: Duration) -> SqlError {
    refused("sql_timeout", format!("the answer was not taken within {after:?}"), "take it faster, or ask for less")
}
