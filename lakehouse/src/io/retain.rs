//! Retention: from when on rows are not answered, and that they go from files and log.
//!
//! A statement leaves rows out from the moment at which they are past, by the clock that is given ([`Lake::keep`]). What goes for good, in a landing or in a pass ([`Lake::retain`]), goes by an instant that whoever runs the lake
//! has noted durably before ([`Lake::note`]): so where the machine's clock is set back, nothing is expected that is gone. A pass makes of each table one version more, at the same position: files of which
//! nothing stays are named no longer, those of which something stays are written anew. A statement that began before reads on from what is there until [`Lake::purge`] removes it, and the log's words about it.
//!
//! Each step can be done twice. Interrupted anywhere, tables are readable and complete: with rows that are past before a table's commit, without them after it, and no answer has them either way.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::physical_plan::execute_stream;
use deltalake::kernel::Remove;
use futures::TryStreamExt;
use vitalog_elog::{Subject, Time};

use crate::cold::{Cold, DataFile};
use crate::error::{Doing, LakeError};
use crate::io::delta::{Committed, Delta, Former};
use crate::io::flush::ATTEMPTS;
use crate::io::forget::is_declared_whole;
use crate::io::lake::{Inner, Lake};
use crate::io::query::plain_context;
use crate::io::scan::{HiddenRows, but_for_hidden, hide, scan_files};
use crate::io::write::{Change, Writer, remove};
use crate::layout::Layout;
use crate::retention::{Cuts, Fate, Policy};
use crate::shared::Keep;
use crate::table::Table;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Rows that went, of all tables.
    pub rows: u64,
    /// Files that went as a whole.
    pub files: usize,
    /// Files that were written anew without some of their rows.
    pub rewritten: usize,
}

impl Lake {
    /// From now on rows stay as long as the policy says, and those of subjects that are held for as long as these are. `now` is the clock; `noted` the last instant by which rows went for good.
    pub fn keep(&self, policy: Policy, held: BTreeSet<Subject>, now: Arc<dyn Fn() -> Time + Send + Sync>, noted: Time) {
        self.inner.state().keep = Keep { policy, held: Arc::new(held), now: Some(now), noted };
    }

    /// These subjects are held, and no others.
    pub fn hold(&self, held: BTreeSet<Subject>) {
        self.inner.state().keep.held = Arc::new(held);
    }

    /// What is past at this instant may go for good. Whoever says so has noted it where the next start finds it.
    pub fn note(&self, now: Time) {
        let mut state = self.inner.state();
        state.keep.noted = state.keep.noted.max(now);
    }

    /// From when on rows stay, by the clock.
    pub fn cuts(&self) -> Cuts {
        self.inner.state().keep.cuts()
    }

    /// From when on rows stay, some time from now: what goes until then is left out already.
    pub fn cuts_at(&self, ahead: vitalog_elog::Span) -> Cuts {
        self.inner.state().keep.cuts_at(ahead)
    }

    /// Takes out of the files what is past at the instant that was noted. Readers of former versions have what they had, until [`Lake::purge`].
    ///
    /// # Errors
    /// [`LakeError::Storage`]; what is not done yet is done by the next pass. [`LakeError::Records`] where a landing failed, and is to be done first.
    pub async fn retain(&self) -> Result<Dropped, LakeError> {
        let mut failed = self.inner.flushing.lock().await;
        let (mut cold, layout, cuts, is_landing, is_clean) = {
            let state = self.inner.state();
            let cuts = state.keep.dropping();
            let is_clean = state.clean.as_deref() == Some(&cuts);
            (state.cold.clone(), state.layout.clone(), cuts, state.frozen.is_some(), is_clean)
        };
        if is_clean && !*failed {
            return Ok(Dropped::default());
        }
        if is_landing {
            return Err(LakeError::Records("a landing failed before, and is to be done first".to_owned()));
        }
        // Should it break off: what was looked at may not be the newest any more. A pass finds that out by the conflict, a landing looks again.
        *failed = true;
        let mut done = Dropped::default();
        for table in &self.inner.tables {
            let of = &mut cold[table.table.place()];
            *of = self.retain_in(table, of.clone(), &layout, &cuts, &mut done).await?;
        }
        let mut state = self.inner.state();
        state.refile(cold);
        state.clean = Some(Arc::new(cuts));
        drop(state);
        *failed = false;
        Ok(done)
    }

    async fn retain_in(
        &self,
        delta: &Delta,
        mut base: Arc<Cold>,
        layout: &Layout,
        cuts: &Cuts,
        done: &mut Dropped,
    ) -> Result<Arc<Cold>, LakeError> {
        for _ in 0..ATTEMPTS {
            let past = self.past(delta.table, &base, layout, cuts).await?;
            if past.rows == 0 {
                return Ok(base);
            }
            is_declared_whole(delta.table, &base, layout)?;
            let context = plain_context(&self.inner).task_ctx();
            let writer = Writer { store: &self.inner.store, context, layout, table: delta.table };
            let Change { adds, mut removes, .. } = writer.write(&past.stay, Default::default(), &past.hidden).await?;
            let (files, rewritten) = (past.removes.len(), past.hidden.len());
            removes.extend(past.removes);
            match delta.commit(&base, layout, adds, removes, base.position).await? {
                Committed::Done(cold) => {
                    done.rows += past.rows;
                    done.files += files;
                    done.rewritten += rewritten;
                    return Ok(cold);
                }
                Committed::Conflict => base = Arc::new(delta.load(self.inner.incarnation, Some(&base)).await?),
            }
        }
        Err(LakeError::Records(format!("somebody else keeps writing to table {}", delta.table.name())))
    }

    /// What of a table's files is past.
    async fn past(&self, table: Table, cold: &Cold, layout: &Layout, cuts: &Cuts) -> Result<Past, LakeError> {
        let mut past = Past::default();
        for file in &cold.files {
            match cuts.of_file(table, file) {
                Fate::Stays => past.stay.push(file.clone()),
                Fate::Goes => past.gone(file, file.stats.num_records),
                Fate::Mixed => {
                    let (rows, of) = rows_past(&self.inner, table, file, layout, cuts).await?;
                    match rows.len() as u64 {
                        0 => past.stay.push(file.clone()),
                        all if all == of => past.gone(file, of),
                        some => {
                            past.rows += some;
                            hide(&mut past.hidden, &file.path, rows, of);
                            past.stay.push(file.clone());
                        }
                    }
                }
            }
        }
        Ok(past)
    }

    /// Removes files that were written before an instant and that no table names any more, and what the logs say of former versions. Who still reads one of these has to begin anew. Says how many files.
    ///
    /// # Errors
    /// [`LakeError::Storage`]; it can be done again. [`LakeError::Records`] where a landing or a pass failed, and is to be done first.
    pub async fn purge(&self, before: Time) -> Result<usize, LakeError> {
        let failed = self.inner.flushing.lock().await;
        if *failed {
            return Err(LakeError::Records("a landing failed before, and is to be done first".to_owned()));
        }
        let mut removed = 0;
        let mut cold = self.inner.state().cold.clone();
        for table in &self.inner.tables {
            removed += table.tidy(self.inner.incarnation, before, Former::Gone).await?;
            table.forget_former_versions().await?;
            // What was looked at reads on from log entries that are gone.
            let of = &mut cold[table.table.place()];
            *of = Arc::new(table.load(self.inner.incarnation, Some(of)).await?);
        }
        self.inner.state().refile(cold);
        Ok(removed)
    }
}

/// What of a table's files is past.
#[derive(Default)]
struct Past {
    /// Files of which something stays.
    stay: Vec<Arc<DataFile>>,
    /// Of these, the rows that go.
    hidden: HiddenRows,
    removes: Vec<Remove>,
    rows: u64,
}

impl Past {
    fn gone(&mut self, file: &DataFile, rows: u64) {
        self.rows += rows;
        self.removes.push(remove(file));
    }
}

/// The rows of a file that are past, ascending, and how many it has.
async fn rows_past(
    inner: &Arc<Inner>,
    table: Table,
    file: &Arc<DataFile>,
    layout: &Layout,
    cuts: &Cuts,
) -> Result<(Vec<u64>, u64), LakeError> {
    let looking = || format!("looking for what is past in {}", file.path);
    let schema = layout.schema(table);
    let columns: Vec<usize> =
        Cuts::columns(table).iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>().doing(looking())?;
    let each = but_for_hidden(table, &[vec![file.clone()]], &HiddenRows::new());
    let plan = scan_files(schema, each, Some(&columns), None, None, None);
    let mut stream = execute_stream(plan.doing(looking())?, plain_context(inner).task_ctx()).doing(looking())?;
    let (mut past, mut before) = (Vec::new(), 0);
    while let Some(batch) = stream.try_next().await.doing(looking())? {
        if let Some(kept) = cuts.kept(table, &batch).doing(looking())? {
            past.extend((0..kept.len()).filter(|row| !kept.value(*row)).map(|row| before + row as u64));
        }
        before += batch.num_rows() as u64;
    }
    Ok((past, before))
}

/// Of rows that wait for a file, those that stay.
///
/// # Errors
/// Where a batch is not of the table.
pub(crate) fn kept_of(batches: Vec<RecordBatch>, table: Table, cuts: &Cuts) -> Result<Vec<RecordBatch>, LakeError> {
    let mut out = Vec::with_capacity(batches.len());
    for batch in batches {
        match cuts.kept(table, &batch).doing("leaving out what is past")? {
            None => out.push(batch),
            Some(rows) if rows.true_count() == 0 => {}
            Some(rows) => out.push(filter_record_batch(&batch, &rows).doing("leaving out what is past")?),
        }
    }
    Ok(out)
}
