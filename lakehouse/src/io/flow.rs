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

#[cfg(test)]
mod tests {
    use super::{Flow, Most};
    use crate::eyes::Eyes;
    use crate::io::lake::{Lake, QUERIES_AT_ONCE};
    use crate::sql::{Limits, SqlError, parse};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    const ENDLESS: &str =
        "with recursive t(n) as (select 1 union all select n + 1 from t where n < 1000000000) select count(*) from t";

    async fn lake(dir: &std::path::Path) -> Lake {
        Lake::open(dir, Arc::default(), 7).await.unwrap()
    }

    async fn flow(lake: &Lake, sql: &'static str, time: Duration, most: Most) -> Result<Flow, SqlError> {
        lake.flow(Eyes::All, move || parse(sql), (), Limits { time, ..Limits::default() }, most).await
    }

    /// How many rows come, and how they end.
    async fn taken(mut flow: Flow) -> (usize, Option<String>) {
        let mut rows = 0;
        while let Some(next) = flow.next().await {
            match next {
                Ok(batch) => rows += batch.num_rows(),
                Err(SqlError::Refused(refused)) => return (rows, Some(refused.code)),
                Err(SqlError::Lake(error)) => panic!("{error}"),
            }
        }
        (rows, None)
    }

    #[tokio::test]
    async fn rows_are_given_up_to_the_limit_and_then_it_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let lake = lake(dir.path()).await;
        let long = Duration::from_secs(60);
        let of = |rows, bytes| Most { rows, bytes };
        let rows = "select value from generate_series(1, 30000)";
        let all = flow(&lake, rows, long, of(30_000, usize::MAX)).await.unwrap();
        assert_eq!(taken(all).await, (30_000, None));
        let cut = flow(&lake, rows, long, of(29_999, usize::MAX)).await.unwrap();
        assert_eq!(taken(cut).await, (29_999, Some("sql_cut".to_owned())));
        let (some, end) = taken(flow(&lake, rows, long, of(30_000, 100_000)).await.unwrap()).await;
        assert!(some < 30_000 && end.as_deref() == Some("sql_memory"), "{some} {end:?}");
        let failing = "select 1 / (value - 29000) from generate_series(1, 30000)";
        let (_, end) = taken(flow(&lake, failing, long, of(30_000, usize::MAX)).await.unwrap()).await;
        assert_eq!(end.as_deref(), Some("sql_failed"));
    }

    #[tokio::test]
    async fn what_takes_too_long_or_is_not_wanted_any_more_ends() {
        let dir = tempfile::tempdir().unwrap();
        let lake = lake(dir.path()).await;
        let most = Most { rows: 10, bytes: usize::MAX };
        for _ in 0..2 * QUERIES_AT_ONCE {
            let began = Instant::now();
            let endless = flow(&lake, ENDLESS, Duration::from_millis(200), most).await.unwrap();
            assert_eq!(taken(endless).await, (0, Some("sql_timeout".to_owned())));
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            drop(flow(&lake, ENDLESS, Duration::from_secs(60), most).await.unwrap());
        }
        // Nothing of it is computed on: every place is free again.
        let until = Instant::now() + Duration::from_secs(5);
        while lake.inner.permits.available_permits() < QUERIES_AT_ONCE {
            assert!(Instant::now() < until, "{} places are free", lake.inner.permits.available_permits());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn the_time_to_take_it_is_not_the_time_to_compute_it() {
        let dir = tempfile::tempdir().unwrap();
        let lake = lake(dir.path()).await;
        let most = Most { rows: usize::MAX, bytes: usize::MAX };
        let mut slow = flow(&lake, "select value from generate_series(1, 50000)", Duration::from_secs(2), most).await.unwrap();
        let mut rows = slow.next().await.unwrap().unwrap().num_rows();
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        rows += taken(slow).await.0;
        assert_eq!(rows, 50_000);
    }
}
