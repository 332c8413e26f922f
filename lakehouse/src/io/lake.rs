//! The lake: opened, fed, flushed, asked.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::runtime_env::RuntimeEnv;
use object_store::ObjectStore;
use tokio::sync::{Semaphore, watch};
use vitalog_elog::{Position, Record, Schema, Time};

use crate::cold::Cold;
use crate::error::{Doing, LakeError};
use crate::io::delta::{Delta, Former};
use crate::io::footers::MOST_BYTES;
use crate::io::runtime::{QueryThreads, files_only};
use crate::io::store::DurableStore;
use crate::io::turns::Turns;
use crate::layout::Layout;
use crate::shared::{Shared, committed};
use crate::table::Table;

/// Queries that run at the same time; more wait.
pub(crate) const QUERIES_AT_ONCE: usize = 4;
/// Exports that run at the same time, besides: they last as long as whoever takes them needs.
const EXPORTS_AT_ONCE: usize = 2;

/// Tables, hot rows, and SQL over both as one relation. Cloning it gives another handle on the same lake.
#[derive(Clone)]
pub struct Lake {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) tables: [Delta; 5],
    pub(crate) incarnation: u128,
    state: Mutex<Shared>,
    /// One flush at a time; whether the last one failed, so that the tables must be looked at again.
    pub(crate) flushing: tokio::sync::Mutex<bool>,
    /// The offset up to which everything is applied, for those who wait for it.
    applied: watch::Sender<u64>,
    /// Reads files, and knows of no other store.
    pub(crate) runtime: Arc<RuntimeEnv>,
    /// Footers of files that were read.
    pub(crate) footers: Arc<FileMetadataCache>,
    pub(crate) threads: QueryThreads,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) turns: Turns,
    pub(crate) exports: Arc<Semaphore>,
}

/// What waits to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hot {
    /// Rows, of all tables.
    pub rows: usize,
    /// Readings in files that are superseded: their files are rewritten with the next flush.
    pub superseded: usize,
}

impl Lake {
    /// Opens the lake in a folder, and makes what isn't there.
    ///
    /// # Errors
    /// [`LakeError::OtherJournal`] if it was written from another journal; [`LakeError::Schema`]; [`LakeError::Storage`].
    pub async fn open(root: &Path, schema: Arc<Schema>, incarnation: u128) -> Result<Lake, LakeError> {
        let store = DurableStore::open(root).doing("opening the lake's folder")?;
        Lake::open_on(Arc::new(store), schema, incarnation).await
    }

    /// Opens the lake on a store. What the store acknowledges must be durable, and a put that must not overwrite must not.
    ///
    /// # Errors
    /// As [`Lake::open`], and [`LakeError::TableMissing`].
    pub async fn open_on(store: Arc<dyn ObjectStore>, schema: Arc<Schema>, incarnation: u128) -> Result<Lake, LakeError> {
        let layout = Arc::new(Layout::new(schema)?);
        let delta = |table| Delta::new(store.clone(), table);
        let [a, b, c, d, e] = Table::ALL;
        let tables = [delta(a)?, delta(b)?, delta(c)?, delta(d)?, delta(e)?];
        let cold = open_tables(&tables, &layout, incarnation).await?;
        let state = Shared::new(layout, cold);
        let (applied, _) = watch::channel(state.applied.next);
        let footers: Arc<FileMetadataCache> = Arc::new(DefaultCache::new(MOST_BYTES));
        Ok(Lake {
            inner: Arc::new(Inner {
                runtime: files_only(&store, &footers, None)?,
                footers,
                store,
                tables,
                incarnation,
                state: Mutex::new(state),
                flushing: tokio::sync::Mutex::new(false),
                applied,
                threads: QueryThreads::start()?,
                permits: Arc::new(Semaphore::new(QUERIES_AT_ONCE)),
                turns: Turns::default(),
                exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)),
            }),
        })
    }

    /// What is committed, in every table: records below it need not be fed again.
    pub fn position(&self) -> Position {
        committed(&self.inner.state().cold)
    }

    /// What is applied: SQL sees everything before it.
    pub fn applied(&self) -> Position {
        self.inner.state().applied
    }

    /// Compares each table's position with the journal. `chain_at` gives the journal's chain hash before an offset, if a group begins there.
    ///
    /// # Errors
    /// [`LakeError::AheadOfJournal`], [`LakeError::Forked`], [`LakeError::OtherJournal`].
    pub fn verify(&self, journal: Position, chain_at: &dyn Fn(u64) -> Option<[u8; 32]>) -> Result<(), LakeError> {
        let state = self.inner.state();
        for table in Table::ALL {
            let lake = state.cold[table.place()].position;
            if journal.incarnation != lake.incarnation {
                let (found, expected) = (format!("{:032x}", lake.incarnation), format!("{:032x}", journal.incarnation));
                return Err(LakeError::OtherJournal { table: table.name(), found, expected });
            }
            if lake.next > journal.next {
                return Err(LakeError::AheadOfJournal { table: table.name(), lake: lake.next, journal: journal.next });
            }
            if lake.next > 0 && chain_at(lake.next) != Some(lake.chain) {
                return Err(LakeError::Forked { table: table.name(), at: lake.next });
            }
        }
        Ok(())
    }

    /// Takes new declarations in. Columns are added with the next flush, and are there for SQL at once.
    ///
    /// # Errors
    /// [`LakeError::Schema`] where they do more than add.
    pub fn set_schema(&self, schema: Arc<Schema>) -> Result<(), LakeError> {
        let layout = Layout::new(schema)?;
        let mut state = self.inner.state();
        layout.extends(&state.layout)?;
        state.layout = Arc::new(layout);
        Ok(())
    }

    /// Takes in records, in their order, and the position after them. Cheap; SQL sees them at once and all together. Records that were
    /// applied before are ignored.
    ///
    /// # Errors
    /// [`LakeError::Records`] where they don't follow, [`LakeError::OtherJournal`].
    pub fn apply(&self, records: &[Record], position: Position) -> Result<(), LakeError> {
        let mut state = self.inner.state();
        if position.incarnation != self.inner.incarnation {
            let (found, expected) = (format!("{:032x}", self.inner.incarnation), format!("{:032x}", position.incarnation));
            return Err(LakeError::OtherJournal { table: Table::Readings.name(), found, expected });
        }
        if position.next <= state.applied.next {
            return Ok(());
        }
        let next = state.applied.next;
        if let Some(first) = records.iter().find(|r| r.offset >= next)
            && first.offset != next
        {
            return Err(LakeError::Records(format!("input {next} is missing: input {} came next", first.offset)));
        }
        if records.last().is_none_or(|last| last.offset + 1 != position.next) {
            return Err(LakeError::Records(format!("the records don't end before the position {}", position.next)));
        }
        for record in records {
            state.apply(record)?;
        }
        state.applied = position;
        drop(state);
        self.inner.applied.send_replace(position.next);
        Ok(())
    }

    /// What waits to be written: a reason to flush early.
    pub fn hot(&self) -> Hot {
        let state = self.inner.state();
        let rows = state.hot.rows() + state.frozen.as_ref().map_or(0, |f| f.rows.rows());
        Hot { rows, superseded: state.masks.len() }
    }

    /// Removes files that were written before an instant and that no version has needed since: those that a flush replaced, and those that a
    /// crash left. A statement or another program that reads a version older than that fails, so let the instant be a day or so ago. Says how many.
    ///
    /// # Errors
    /// [`LakeError::Storage`].
    pub async fn tidy(&self, before: Time) -> Result<usize, LakeError> {
        let mut removed = 0;
        for table in &self.inner.tables {
            removed += table.tidy(self.inner.incarnation, before, Former::Readable).await?;
        }
        Ok(removed)
    }

    /// Waits until everything before an offset is applied.
    pub async fn reached(&self, next: u64) {
        // The sender lives as long as this handle.
        let _ = self.inner.applied.subscribe().wait_for(|applied| *applied >= next).await;
    }
}

impl Inner {
    /// A poisoned lock is passed on: state is only changed by steps that can't panic half way, and a query must still be answered.
    pub(crate) fn state(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn open_tables(tables: &[Delta; 5], layout: &Layout, incarnation: u128) -> Result<[Arc<Cold>; 5], LakeError> {
    let [.., readings] = tables;
    let since = if readings.exists().await? { readings.load(incarnation, None).await?.position.next } else { 0 };
    // The readings come last here too: where they are, everything else was once.
    for table in tables {
        if table.exists().await? {
            continue;
        }
        if since > 0 && table.table == Table::History {
            return Err(LakeError::TableMissing { table: table.table.name() });
        }
        table.create(layout, incarnation, since).await?;
    }
    let [a, b, c, d, e] = tables;
    let load = async |table: &Delta| {
        let cold = table.load(incarnation, None).await?;
        table.check(&cold, layout)?;
        Ok::<_, LakeError>(Arc::new(cold))
    };
    Ok([load(a).await?, load(b).await?, load(c).await?, load(d).await?, load(e).await?])
}
