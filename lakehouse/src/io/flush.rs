//! Brings the hot rows into the files.
//!
//! The hot rows are set aside, the files' superseded rows are found, and table by table what is new is committed with the position: the
//! history first, the readings last. Only then are files and hot rows swapped, in one step. A failure anywhere leaves the state as it was, to
//! be tried again: a table that has the position already (a put may have landed although it reported a failure) is not written twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;
use vitalog_elog::Position;

use crate::cold::Cold;
use crate::encode::{HistoryRow, Rows};
use crate::error::{Doing, LakeError};
use crate::hot::GenerationView;
use crate::io::delta::{Committed, Delta};
use crate::io::lake::{Inner, Lake};
use crate::io::locate::locate;
use crate::io::retain::kept_of;
use crate::io::scan::{HiddenRows, hidden_rows};
use crate::io::write::Writer;
use crate::layout::Layout;
use crate::retention::Cuts;
use crate::shared::{Found, Mask, covered};
use crate::sorted::sort;
use crate::table::Table;

/// How often a table is looked at anew when somebody else commits to it.
pub(super) const ATTEMPTS: usize = 5;

/// What a flush did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Rows written, those of rewritten files included.
    pub rows: u64,
    pub files: usize,
    /// Files that were merged, or rid of superseded rows.
    pub replaced: usize,
}

/// What one flush carries.
struct Load {
    rows: Arc<GenerationView>,
    masks: Vec<Mask>,
    cold: [Arc<Cold>; 5],
    layout: Arc<Layout>,
    position: Position,
    /// What is past does not land.
    cuts: Cuts,
}

impl Lake {
    /// Commits what is hot. After it returns, [`Lake::position`] is at least what [`Lake::applied`] was when it was called.
    ///
    /// # Errors
    /// [`LakeError::Storage`]; the state stays as it was, and the next flush tries again.
    pub async fn flush(&self) -> Result<Flushed, LakeError> {
        let wanted = self.applied().next;
        let mut done = Flushed::default();
        let mut failed = self.inner.flushing.lock().await;
        // What a failed flush left goes first; then what came since.
        while self.position().next < wanted || self.inner.state().frozen.is_some() {
            let looked = std::mem::replace(&mut *failed, true);
            let one = self.inner.flush_once(looked).await?;
            *failed = false;
            done = Flushed { rows: done.rows + one.rows, files: done.files + one.files, replaced: done.replaced + one.replaced };
        }
        Ok(done)
    }
}

impl Inner {
    async fn flush_once(&self, after_failure: bool) -> Result<Flushed, LakeError> {
        let mut load = self.take_load();
        if after_failure {
            for table in &self.tables {
                let cold = &mut load.cold[table.table.place()];
                *cold = Arc::new(table.load(self.incarnation, Some(cold)).await?);
            }
        }
        let found = self.find(&load, &load.cold[Table::Readings.place()]).await?;
        let mut done = Flushed::default();
        for table in &self.tables {
            let landed = self.land(table, &load, &found, &mut done).await?;
            load.cold[table.table.place()] = landed;
        }
        self.state().thaw(load.cold, Some(&load.cuts).filter(|_| !after_failure));
        Ok(done)
    }

    fn take_load(&self) -> Load {
        let mut state = self.state();
        state.freeze();
        let (rows, masks, position) = match &state.frozen {
            Some(frozen) => (frozen.view.clone(), state.masks[..frozen.masks].to_vec(), frozen.position),
            None => (Arc::new(state.hot.view()), Vec::new(), state.applied),
        };
        Load { rows, masks, cold: state.cold.clone(), layout: state.layout.clone(), position, cuts: state.keep.dropping() }
    }

    /// Where the superseded rows lie; what a query found out before is taken from there.
    async fn find(&self, load: &Load, readings: &Cold) -> Result<BTreeMap<u64, Found>, LakeError> {
        if readings.position.next >= load.position.next {
            return Ok(BTreeMap::new());
        }
        let known = load.masks.iter().filter_map(|m| Some((m.serial, m.found.clone().filter(|f| readings.has(&f.file))?)));
        let mut found: BTreeMap<u64, Found> = known.collect();
        let unknown: Vec<&Mask> = load.masks.iter().filter(|m| !found.contains_key(&m.serial)).collect();
        if !unknown.is_empty() {
            found.extend(locate(&self.store, readings, &load.layout, &unknown, &load.cuts).await?);
        }
        Ok(found)
    }

    /// Commits a table's share, unless it is there.
    async fn land(
        &self,
        delta: &Delta,
        load: &Load,
        found: &BTreeMap<u64, Found>,
        done: &mut Flushed,
    ) -> Result<Arc<Cold>, LakeError> {
        let table = delta.table;
        let mut base = load.cold[table.place()].clone();
        for attempt in 0..ATTEMPTS {
            if base.position.next >= load.position.next {
                return Ok(base);
            }
            let batches = load.batches(table, found)?;
            // Only the readings say how far the lake is; others follow if they have something to add or to catch up with.
            if batches.is_empty() && table != Table::Readings && covered(&load.cold, table) >= base.since {
                return Ok(base);
            }
            let hidden = match (table, attempt) {
                (Table::Readings, 0) => hidden_rows(found.values()),
                (Table::Readings, _) => hidden_rows(self.find(load, &base).await?.values()),
                _ => HiddenRows::new(),
            };
            let sorted = sort(&batches, table, &load.layout).doing(format!("sorting rows of table {}", table.name()))?;
            let context = SessionContext::new_with_config_rt(SessionConfig::new(), self.runtime.clone()).task_ctx();
            let writer = Writer { store: &self.store, context, layout: &load.layout, table };
            let change = writer.write(&base.files, sorted, &hidden).await?;
            let (files, replaced, rows) = (change.adds.len(), change.removes.len(), change.rows);
            match delta.commit(&base, &load.layout, change.adds, change.removes, load.position).await? {
                Committed::Done(cold) => {
                    done.rows += rows;
                    done.files += files;
                    done.replaced += replaced;
                    return Ok(cold);
                }
                Committed::Conflict => base = Arc::new(delta.load(self.incarnation, Some(&base)).await?),
            }
        }
        let source = "somebody else keeps committing to it".into();
        Err(LakeError::Storage { doing: format!("committing to table {}", table.name()), source })
    }
}

impl Load {
    /// A table's new rows, as far as they stay.
    fn batches(&self, table: Table, found: &BTreeMap<u64, Found>) -> Result<Vec<RecordBatch>, LakeError> {
        let layout = &self.layout;
        let all = match table {
            Table::Readings => {
                let mut out = Vec::new();
                for lane in &self.rows.readings {
                    out.extend(lane.batches(layout)?);
                }
                out
            }
            Table::History => {
                let mut out = Vec::new();
                for lane in &self.rows.history {
                    out.extend(lane.batches(layout)?);
                }
                out.extend(masked_history(&self.masks, found, layout)?);
                out
            }
            Table::Matches => self.rows.matches.batches(layout)?,
            Table::Recommendations => self.rows.recommendations.batches(layout)?,
            Table::DeadLetters => self.rows.letters.batches(layout)?,
        };
        kept_of(all, table, &self.cuts)
    }
}

/// The history's rows of readings that are superseded but still in the files of the current ones.
pub fn masked_history(masks: &[Mask], found: &BTreeMap<u64, Found>, layout: &Layout) -> Result<Vec<RecordBatch>, LakeError> {
    let mut by_stream: BTreeMap<_, Vec<HistoryRow>> = BTreeMap::new();
    for mask in masks {
        let (Some((superseded_at, reason)), Some(found)) = (mask.history, found.get(&mask.serial)) else { continue };
        by_stream.entry(mask.place.0).or_default().push(HistoryRow { entry: found.entry.clone(), superseded_at, reason });
    }
    by_stream.into_iter().map(|(stream, rows)| HistoryRow::encode(&rows, Some(stream), layout)).collect()
}
