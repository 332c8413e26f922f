//! Runs a statement, within its limits.
//!
//! It runs on the query threads. When its time is over it is cancelled there, and its place among those that run at once is given back only
//! when it has really ended; what can't be cancelled, because it doesn't give way, delays other queries but nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::datasource::source_as_provider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::functions_table::generate_series::GenerateSeriesTable;
use datafusion::logical_expr::TableScan;
use datafusion::sql::parser::Statement;
use futures::TryStreamExt;
use vitalog_elog::Position;

use crate::error::LakeError;
use crate::eyes::Eyes;
use crate::io::lake::{Inner, Lake};
use crate::io::locate::locate;
use crate::io::relation::Relation;
use crate::io::runtime::files_only;
use crate::io::session::session;
use crate::layout::Layout;
use crate::shared::{Mask, View};
use crate::sql::{Answer, Class, Limits, SqlError, check_size, explains, floored, parse, refused};
use crate::table::Table;

impl Lake {
    /// Answers one statement that only reads, from one moment of the lake, for whoever may see everything.
    ///
    /// # Errors
    /// [`SqlError::Refused`] where the statement is at fault or exceeds a limit.
    pub async fn sql(&self, sql: &str, limits: Limits) -> Result<Answer, SqlError> {
        self.sql_for(Eyes::All, sql, limits).await
    }

    /// Answers one statement as if there were only the rows that these eyes may see.
    ///
    /// # Errors
    /// [`SqlError::Refused`] where the statement is at fault or exceeds a limit.
    pub async fn sql_for(&self, eyes: Eyes, sql: &str, limits: Limits) -> Result<Answer, SqlError> {
        self.sql_of(None, eyes, sql, limits).await
    }

    /// The same for an account, which has so many statements under way at once and no more; its next one waits.
    ///
    /// # Errors
    /// [`SqlError::Refused`] where the statement is at fault or exceeds a limit.
    pub async fn sql_of(&self, account: Option<&str>, eyes: Eyes, sql: &str, limits: Limits) -> Result<Answer, SqlError> {
        let (inner, sql, account) = (self.inner.clone(), sql.to_owned(), account.map(str::to_owned));
        // Read there and not in the caller's thread, which may have little room for a deep statement.
        let work = async move { inner.in_turn(account.as_deref(), &eyes, parse(&sql)?, limits).await };
        self.at_query(limits, work).await
    }

    /// Does something on the query threads, within the time; nobody waiting for it any more ends it.
    pub(crate) async fn at_query<T: Send + 'static>(
        &self,
        limits: Limits,
        work: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlError> {
        let threads = self.inner.threads.handle().ok_or_else(closing)?;
        let mut running = Wanted(threads.spawn(work));
        match tokio::time::timeout(limits.time, &mut running.0).await {
            Ok(Ok(done)) => done,
            // A panic in a library: it ends this query only.
            Ok(Err(_)) => Err(refused("sql_failed", "the query broke off", "ask in another way")),
            Err(_) => Err(timed_out(limits)),
        }
    }
}

/// An answer that has begun: its rows to come, and the moment they are of.
pub(crate) struct Begun {
    /// As it was planned.
    pub schema: SchemaRef,
    pub stream: SendableRecordBatchStream,
    pub position: Position,
    pub layout: Arc<Layout>,
}

pub(crate) fn timed_out(limits: Limits) -> SqlError {
    let after = format!("the query was stopped after {:?}", limits.time);
    refused("sql_timeout", after, "narrow it to fewer subjects or less time")
}

pub(crate) fn closing() -> SqlError {
    refused("sql_closing", "the server is closing", "ask again when it is back")
}

/// Work that goes on only as long as somebody waits for it.
pub(crate) struct Wanted<T>(pub tokio::task::JoinHandle<T>);

impl<T> Drop for Wanted<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Inner {
    /// Answers when it is its turn, and the account's.
    pub(crate) async fn in_turn(
        &self,
        account: Option<&str>,
        eyes: &Eyes,
        statement: Statement,
        limits: Limits,
    ) -> Result<Answer, SqlError> {
        let _own = match account {
            Some(account) => Some(self.turns.take(account).await.ok_or_else(closing)?),
            None => None,
        };
        let _permit = self.permits.clone().acquire_owned().await.map_err(|_| closing())?;
        self.answer(eyes, statement, limits).await
    }

    async fn answer(&self, eyes: &Eyes, statement: Statement, limits: Limits) -> Result<Answer, SqlError> {
        let Begun { stream, position, .. } = self.started(eyes, statement, limits.memory).await?;
        let schema = stream.schema();
        let (batches, truncated) = collect(stream, limits).await?;
        Ok(Answer { schema, batches, truncated, position })
    }

    /// Plans a statement over one moment of the lake, and begins to answer it.
    pub(crate) async fn started(&self, eyes: &Eyes, statement: Statement, memory: usize) -> Result<Begun, SqlError> {
        if !eyes.is_all() && explains(&statement) {
            // It says what files and rows there are, whoever's they are.
            return Err(refused("sql_not_allowed", "EXPLAIN is for those who may see everything", "ask the question itself"));
        }
        let view = self.settled_view().await?;
        let (position, layout) = (view.applied, view.layout.clone());
        let context = session(&view, files_only(&self.store, &self.footers, Some(memory))?, eyes)?;
        drop(view);
        let (schema, stream) = execute(&context, statement, eyes).await?;
        Ok(Begun { schema, stream, position, layout })
    }

    /// The state at one moment, with every superseded row of the files found.
    pub(crate) async fn settled_view(&self) -> Result<View, LakeError> {
        let mut view = self.state().view();
        let unknown: Vec<&Mask> = view.masks.iter().filter(|m| !m.in_flush && m.found.is_none()).collect();
        if unknown.is_empty() {
            return Ok(view);
        }
        let found = locate(&self.store, &view.cold[Table::Readings.place()], &view.layout, &unknown, &view.cuts).await?;
        self.state().keep_found(&found);
        give(&mut view, found);
        Ok(view)
    }
}

fn give(view: &mut View, mut found: BTreeMap<u64, crate::shared::Found>) {
    for mask in &mut view.masks {
        if let Some(found) = found.remove(&mask.serial) {
            mask.found = Some(found);
        }
    }
}

async fn execute(
    context: &SessionContext,
    statement: Statement,
    eyes: &Eyes,
) -> Result<(SchemaRef, SendableRecordBatchStream), SqlError> {
    let plan = context.state().statement_to_plan(statement).await?;
    let only_reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_reads.verify_plan(&plan)?;
    check_size(&plan)?;
    let plan = match eyes.floor() {
        Some(floor) => {
            let state = context.state();
            let options = state.config_options().clone();
            let analyzed = state.analyzer().execute_and_check(plan, &options, |_, _| {})?;
            floored(analyzed, floor, &class)?
        }
        None => plan,
    };
    let schema = Arc::new(plan.schema().as_arrow().clone());
    Ok((schema, context.execute_logical_plan(plan).await?.execute_stream().await?))
}

/// What the rows of a relation are: those of the lake are of subjects. Of the others these are made of nothing that the lake holds.
fn class(scan: &TableScan) -> Class {
    let Ok(provider) = source_as_provider(&scan.source) else { return Class::Unknown };
    let is_made = provider.downcast_ref::<GenerateSeriesTable>().is_some() || provider.downcast_ref::<CteWorkTable>().is_some();
    if provider.downcast_ref::<Relation>().is_some() {
        Class::OfSubjects
    } else if is_made || scan.table_name.schema() == Some("information_schema") {
        Class::Public
    } else {
        Class::Unknown
    }
}

/// Takes rows up to the limit, and says whether there were more.
async fn collect(mut stream: SendableRecordBatchStream, limits: Limits) -> Result<(Vec<RecordBatch>, bool), SqlError> {
    let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while let Some(batch) = stream.try_next().await? {
        let room = limits.rows - rows;
        if batch.num_rows() > room {
            batches.push(batch.slice(0, room));
            return Ok((batches, true));
        }
        rows += batch.num_rows();
        bytes += batch.get_array_memory_size();
        if bytes > limits.memory {
            return Err(refused("sql_memory", "the result is larger than it may be", "ask for fewer rows or columns"));
        }
        if batch.num_rows() > 0 {
            batches.push(batch);
        }
    }
    Ok((batches, false))
}

/// For those who build on the engine's own types within this crate.
pub(crate) fn plain_context(inner: &Arc<Inner>) -> SessionContext {
    SessionContext::new_with_config_rt(datafusion::prelude::SessionConfig::new(), inner.runtime.clone())
}
