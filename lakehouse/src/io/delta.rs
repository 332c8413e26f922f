//! Delta tables: making, reading and committing, each commit with the position it brings the table to.
//!
//! A position is written as application transactions in the very commit that carries the rows: `vitalog/<incarnation>` has the offset of the
//! next input as its version, and `vitalog/<incarnation>/chain/0` to `3` the chain hash, eight bytes each (little endian, as signed
//! numbers). They survive checkpoints and log clean-up, and other engines pass them on.
//!
//! Protocol is reader 1, writer 2, without deletion vectors: every engine reads that. A commit is only ever made from the version that was
//! looked at; if another writer was faster, the caller looks again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{
    Action, Add, ArrayType, DataType, MetadataExt, PrimitiveType, Protocol, Remove, StructField, StructType, Transaction,
};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;
use vitalog_elog::{Position, Time};

use crate::cold::{Cold, DataFile, Stats};
use crate::error::{Doing, LakeError};
use crate::layout::{Layout, PARTITION};
use crate::table::{Column, Kind, Table};

/// Commits between two checkpoints of a table's log.
const CHECKPOINT_INTERVAL: u64 = 50;

/// A table in its store.
#[derive(Clone)]
pub struct Delta {
    pub table: Table,
    log: LogStoreRef,
}

/// What becomes of the versions before the newest when files are removed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Former {
    /// Those that were the newest at the instant, or since, can be read still.
    Readable,
    /// None can be counted on.
    Gone,
}

/// What became of a commit.
pub enum Committed {
    Done(Arc<Cold>),
    /// Somebody else committed first: look again.
    Conflict,
}

impl Delta {
    /// A table in a folder of its name below the store's root.
    ///
    /// # Errors
    /// [`LakeError::Storage`] where the name can't be an address.
    pub fn new(store: Arc<dyn ObjectStore>, table: Table) -> Result<Delta, LakeError> {
        let url = Url::parse(&format!("vitalog:///{}/", table.name())).doing("naming a table")?;
        let own: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(store.clone(), Path::from(table.name())));
        Ok(Delta { table, log: default_logstore(own, store, &url, &StorageConfig::default()) })
    }

    /// # Errors
    /// [`LakeError::Storage`].
    pub async fn exists(&self) -> Result<bool, LakeError> {
        self.log.is_delta_table_location().await.doing(format!("looking for table {}", self.table.name()))
    }

    /// Makes the table, at the start of a journal.
    ///
    /// # Errors
    /// [`LakeError::Storage`].
    pub async fn create(&self, layout: &Layout, incarnation: u128, since: u64) -> Result<(), LakeError> {
        let name = self.table.name();
        let making = || format!("making table {name}");
        let schema = delta_schema(self.table, layout)?;
        let partition: &[&str] = if self.table == Table::Readings { &[PARTITION] } else { &[] };
        let settings = [
            ("delta.checkpointInterval", CHECKPOINT_INTERVAL.to_string()),
            ("delta.logRetentionDuration", "interval 7 days".to_owned()),
            ("delta.deletedFileRetentionDuration", "interval 1 days".to_owned()),
            (INCARNATION, hex(incarnation)),
            (SINCE, since.to_string()),
        ];
        let metadata = deltalake::kernel::new_metadata(&schema, partition, settings).doing(making())?;
        let metadata = metadata.with_name(name.to_owned()).doing(making())?;
        let metadata = metadata.with_description(self.table.comment().to_owned()).doing(making())?;
        let protocol: Protocol =
            serde_json::from_value(serde_json::json!({"minReaderVersion": 1, "minWriterVersion": 2})).doing(making())?;
        let operation = DeltaOperation::Create {
            mode: SaveMode::ErrorIfExists,
            location: self.log.config().location().clone(),
            protocol: protocol.clone(),
            metadata: metadata.clone(),
        };
        let actions = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
        CommitBuilder::default().with_actions(actions).build(None, self.log.clone(), operation).await.doing(making())?;
        Ok(())
    }

    /// The newest version. Files that `former` knows already are taken from there.
    ///
    /// # Errors
    /// [`LakeError::OtherJournal`] where the table belongs to one; [`LakeError::Storage`].
    pub async fn load(&self, incarnation: u128, former: Option<&Cold>) -> Result<Cold, LakeError> {
        let name = self.table.name();
        let state = DeltaTableState::try_new(&self.log, None).await.doing(format!("reading the log of table {name}"))?;
        let settings = state.metadata().configuration();
        let found = settings.get(INCARNATION).cloned().unwrap_or_else(|| "unknown".to_owned());
        if found != hex(incarnation) {
            return Err(LakeError::OtherJournal { table: name, found, expected: hex(incarnation) });
        }
        let since = settings.get(SINCE).and_then(|s| s.parse().ok()).unwrap_or(0);
        let position = self.position(&state, incarnation).await?;
        let files = files_of(&state, former.map_or(&[], |c| &c.files));
        Ok(Cold { state, files, position, since })
    }

    /// That the table's columns are what the declared streams say.
    ///
    /// # Errors
    /// [`LakeError::Schema`] naming the first that isn't.
    pub fn check(&self, cold: &Cold, layout: &Layout) -> Result<(), LakeError> {
        let present = cold.state.schema();
        for column in layout.columns(self.table) {
            let (Some(found), declared) = (present.field(&column.name), delta_field(column)) else { continue };
            let unit = |f: &StructField| f.metadata().get("unit").map(|u| u.to_string());
            if found.data_type() != declared.data_type() || unit(found) != unit(&declared) {
                let (table, name) = (self.table.name(), &column.name);
                return Err(LakeError::Schema(format!("column {name} of table {table} was written with another type or unit")));
            }
        }
        Ok(())
    }

    /// Removes files that the newest version doesn't name and that were written before an instant: those that were replaced, and those of commits that
    /// never came about. A file that was replaced since is what a former version consists of. Says how many.
    ///
    /// # Errors
    /// [`LakeError::Storage`].
    pub async fn tidy(&self, incarnation: u128, before: Time, former: Former) -> Result<usize, LakeError> {
        let tidying = || format!("removing old files of table {}", self.table.name());
        let newest = self.load(incarnation, None).await?;
        let mut needed: HashSet<String> = newest.files.iter().map(|f| f.path.to_string()).collect();
        if former == Former::Readable {
            let mut replaced = newest.state.all_tombstones(&*self.log);
            while let Some(file) = replaced.try_next().await.doing(tidying())? {
                if file.deletion_timestamp().is_none_or(|ms| ms.saturating_mul(1_000) >= before.0) {
                    needed.insert(file.path().into_owned());
                }
            }
        }
        let store = self.log.object_store(None);
        let mut listing = store.list(None);
        let mut old = Vec::new();
        while let Some(object) = listing.try_next().await.doing(tidying())? {
            let is_old = object.last_modified.timestamp_micros() < before.0;
            let path = object.location.as_ref();
            if is_old && path.ends_with(".parquet") && !path.starts_with("_delta_log/") && !needed.contains(path) {
                old.push(object.location);
            }
        }
        for path in &old {
            store.delete(path).await.doing(tidying())?;
        }
        Ok(old.len())
    }

    /// Writes the newest version down whole, and removes the log before it: what a former version had is not said any more.
    ///
    /// # Errors
    /// [`LakeError::Storage`].
    pub async fn forget_former_versions(&self) -> Result<(), LakeError> {
        let forgetting = || format!("removing the log's former versions of table {}", self.table.name());
        let mut table = DeltaTable::new(self.log.clone());
        table.load().await.doing(forgetting())?;
        let Some(newest) = table.version().filter(|version| *version > 0) else { return Ok(()) };
        let store = self.log.object_store(None);
        let words: Vec<_> = store.list(Some(&Path::from("_delta_log"))).try_collect().await.doing(forgetting())?;
        let version_of = |path: &Path| path.filename().and_then(|name| name.get(..20)?.parse::<u64>().ok());
        let is_whole = |path: &Path| path.filename().is_some_and(|name| name.contains(".checkpoint"));
        if !words.iter().any(|word| is_whole(&word.location) && version_of(&word.location) == Some(newest)) {
            create_checkpoint(&table, None).await.doing(forgetting())?;
        }
        for word in words {
            if version_of(&word.location).is_some_and(|version| version < newest) {
                store.delete(&word.location).await.doing(forgetting())?;
            }
        }
        Ok(())
    }

    async fn position(&self, state: &DeltaTableState, incarnation: u128) -> Result<Position, LakeError> {
        let ask = async |app: String| {
            let version = state.transaction_version(&self.log, app).await;
            version.doing(format!("reading the position of table {}", self.table.name()))
        };
        let mut position = Position::start(incarnation);
        if let Some(next) = ask(app_id(incarnation)).await? {
            position.next = next as u64;
            for (i, word) in position.chain.chunks_exact_mut(8).enumerate() {
                word.copy_from_slice(&ask(chain_id(incarnation, i)).await?.unwrap_or(0).to_le_bytes());
            }
        }
        Ok(position)
    }

    /// Commits files and position as one, from the version that was looked at.
    ///
    /// # Errors
    /// [`LakeError::Storage`]; whether the commit landed all the same is seen by loading the table again.
    pub async fn commit(
        &self,
        base: &Cold,
        layout: &Layout,
        adds: Vec<Add>,
        removes: Vec<Remove>,
        position: Position,
    ) -> Result<Committed, LakeError> {
        let committing = || format!("committing to table {}", self.table.name());
        let schema = delta_schema(self.table, layout)?;
        let mut actions: Vec<Action> = Vec::with_capacity(adds.len() + removes.len() + 1);
        if lacks_columns(&base.state, &schema) {
            actions.push(Action::Metadata(base.state.metadata().clone().with_schema(&schema).doing(committing())?));
        }
        actions.extend(removes.into_iter().map(Action::Remove));
        actions.extend(adds.into_iter().map(Action::Add));
        let version = base.state.version() + 1;
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_application_transactions(transactions(position))
            .with_create_checkpoint(true)
            .with_cleanup_expired_logs(Some((version + 1).is_multiple_of(CHECKPOINT_INTERVAL)));
        let partition_by = (self.table == Table::Readings).then(|| vec![PARTITION.to_owned()]);
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by, predicate: None };
        let commit = CommitBuilder::from(properties).with_actions(actions).build(Some(&base.state), self.log.clone(), operation);
        match commit.await {
            Ok(done) if done.version == version => {
                let state = done.snapshot;
                let files = files_of(&state, &base.files);
                Ok(Committed::Done(Arc::new(Cold { state, files, position, since: base.since })))
            }
            Ok(_) => Ok(Committed::Conflict),
            Err(deltalake::DeltaTableError::Transaction {
                source:
                    TransactionError::MaxCommitAttempts(_)
                    | TransactionError::VersionAlreadyExists(_)
                    | TransactionError::CommitConflict(_),
            }) => Ok(Committed::Conflict),
            Err(e) => Err(e).doing(committing()),
        }
    }
}

const INCARNATION: &str = "vitalog.incarnation";
const SINCE: &str = "vitalog.since";

fn hex(incarnation: u128) -> String {
    format!("{incarnation:032x}")
}

fn app_id(incarnation: u128) -> String {
    format!("vitalog/{}", hex(incarnation))
}

fn chain_id(incarnation: u128, i: usize) -> String {
    format!("{}/chain/{i}", app_id(incarnation))
}

fn transactions(position: Position) -> Vec<Transaction> {
    let mut out = vec![Transaction::new(app_id(position.incarnation), position.next as i64)];
    for (i, word) in position.chain.chunks_exact(8).enumerate() {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        out.push(Transaction::new(chain_id(position.incarnation, i), i64::from_le_bytes(bytes)));
    }
    out
}

fn files_of(state: &DeltaTableState, former: &[Arc<DataFile>]) -> Vec<Arc<DataFile>> {
    let known: HashMap<&str, &Arc<DataFile>> = former.iter().map(|f| (&*f.path, f)).collect();
    let read = |file: deltalake::kernel::LogicalFileView| {
        let path = file.path();
        if let Some(known) = known.get(&*path) {
            return Arc::clone(known);
        }
        let stats: Stats = file.stats().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let month = file.partition_values_map().remove(PARTITION).flatten();
        Arc::new(DataFile { path: path.as_ref().into(), bytes: file.size().unsigned_abs(), month, stats })
    };
    state.log_data().iter().map(read).collect()
}

fn lacks_columns(state: &DeltaTableState, schema: &StructType) -> bool {
    let present = state.schema();
    schema.fields().any(|f| present.field(f.name()).is_none())
}

/// A table's columns in Delta's words. What a column means and its unit are in its metadata.
fn delta_schema(table: Table, layout: &Layout) -> Result<StructType, LakeError> {
    let mut fields: Vec<StructField> = layout.columns(table).iter().map(delta_field).collect();
    if table == Table::Readings {
        fields.push(
            StructField::nullable(PARTITION, PrimitiveType::String)
                .with_metadata([("comment", "of the instant, in UTC: YYYY-MM")]),
        );
    }
    StructType::try_new(fields).doing(format!("describing table {}", table.name()))
}

fn delta_field(column: &Column) -> StructField {
    let kind: DataType = match column.kind {
        Kind::Text => PrimitiveType::String.into(),
        Kind::Time => PrimitiveType::Timestamp.into(),
        Kind::Int => PrimitiveType::Long.into(),
        Kind::Float => PrimitiveType::Double.into(),
        Kind::Bool => PrimitiveType::Boolean.into(),
        Kind::Bytes => PrimitiveType::Binary.into(),
        Kind::Texts => ArrayType::new(PrimitiveType::String, true).into(),
    };
    let mut notes = Vec::new();
    if !column.doc.is_empty() {
        notes.push(("comment", column.doc.to_string()));
    }
    if let Some(unit) = column.unit {
        notes.push(("unit", unit.to_owned()));
    }
    StructField::nullable(&*column.name, kind).with_metadata(notes)
}
