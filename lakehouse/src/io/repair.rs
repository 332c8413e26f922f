//! Makes the rows of some readings again, in the files where they are wrong and nowhere else.
//!
//! What should be there is what a lake says that was fed nothing but these readings, so it is made by the code that makes every row. Whatever the files have of them, once, twice or bent, is left
//! out as superseded rows are, and the rows that should be there are written beside, but for those that are past retention. The position stays: nothing new is taken in.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use vitalog_elog::{Position, ReadingId, Record, Subject};

use crate::cold::Cold;
use crate::decode::Decoder;
use crate::error::{Doing, LakeError};
use crate::hot::GenerationView;
use crate::io::accounting::said;
use crate::io::delta::{Committed, Delta};
use crate::io::flush::Flushed;
use crate::io::lake::Lake;
use crate::io::query::plain_context;
use crate::io::retain::kept_of;
use crate::io::scan::{HiddenRows, but_for_hidden, hide, scan_files};
use crate::io::write::Writer;
use crate::layout::Layout;
use crate::sorted::sort;
use crate::table::Table;

/// Readings by subject and id.
pub type Wrong = BTreeSet<(Subject, ReadingId)>;

impl Lake {
    /// Makes the rows of these readings again from `records`, which has every input about them and no other, in order. Of a lake that was opened and not fed: what is hot it would overlook.
    ///
    /// # Errors
    /// [`LakeError::Storage`], [`LakeError::Records`].
    pub async fn repair(&self, wrong: &Wrong, records: &[Record]) -> Result<Flushed, LakeError> {
        let view = self.inner.state().view();
        if self.hot().rows > 0 || !view.masks.is_empty() {
            return Err(LakeError::Records("it was fed before it was repaired".to_owned()));
        }
        let mut done = Flushed::default();
        for table in &self.inner.tables {
            if !matches!(table.table, Table::Readings | Table::History) {
                continue;
            }
            let cold = &view.cold[table.table.place()];
            let until = match table.table {
                Table::History => crate::shared::covered(&view.cold, Table::History),
                _ => cold.position.next,
            };
            self.repair_table(table, cold, &view.layout, wrong, (records, until), &mut done).await?;
        }
        Ok(done)
    }

    async fn repair_table(
        &self,
        delta: &Delta,
        cold: &Cold,
        layout: &Arc<Layout>,
        wrong: &Wrong,
        (records, until): (&[Record], u64),
        done: &mut Flushed,
    ) -> Result<(), LakeError> {
        let table = delta.table;
        let repairing = || format!("repairing table {}", table.name());
        let cuts = self.inner.state().keep.dropping();
        let rows = match made_again(layout, records, until).await? {
            Some(made) => kept_of(batches(&made, table, layout)?, table, &cuts)?,
            None => Vec::new(),
        };
        let mut hidden = HiddenRows::new();
        for file in &cold.files {
            let each = but_for_hidden(table, &[vec![file.clone()]], &HiddenRows::new());
            let plan = scan_files(layout.schema(table), each, None, None, None, None);
            let context = plain_context(&self.inner).task_ctx();
            let mut stream = execute_stream(plan.doing(repairing())?, context).doing(repairing())?;
            let (mut of_file, mut before) = (Vec::new(), 0);
            while let Some(batch) = stream.try_next().await.doing(repairing())? {
                of_file.extend(wrong_rows(&batch, layout, wrong)?.into_iter().map(|row| before + row));
                before += batch.num_rows() as u64;
            }
            if !of_file.is_empty() {
                hide(&mut hidden, &file.path, of_file, before);
            }
        }
        if rows.is_empty() && hidden.is_empty() {
            return Ok(());
        }
        let sorted = sort(&rows, table, layout).doing(repairing())?;
        let context = plain_context(&self.inner).task_ctx();
        let writer = Writer { store: &self.inner.store, context, layout, table };
        let change = writer.write(&cold.files, sorted, &hidden).await?;
        done.rows += change.rows;
        done.files += change.adds.len();
        done.replaced += change.removes.len();
        match delta.commit(cold, layout, change.adds, change.removes, cold.position).await? {
            Committed::Done(_) => Ok(()),
            Committed::Conflict => Err(LakeError::Records(format!("somebody else writes to table {}", table.name()))),
        }
    }
}

/// What a lake says that was fed these records alone, as far as they come before an offset; `None`: there are none.
async fn made_again(layout: &Arc<Layout>, records: &[Record], until: u64) -> Result<Option<GenerationView>, LakeError> {
    // Rows of readings do not say their offsets, so these may be others: they have to follow each other.
    let renumber = |(offset, record): (usize, &Record)| Record { offset: offset as u64, ..record.clone() };
    let of: Vec<Record> = records.iter().filter(|r| r.offset < until).enumerate().map(renumber).collect();
    if of.is_empty() {
        return Ok(None);
    }
    let position = Position { next: of.len() as u64, ..Position::start(0) };
    let lake = Lake::open_on(Arc::new(InMemory::new()), layout.streams.clone(), 0).await?;
    lake.apply(&of, position)?;
    let view = lake.inner.state().hot.view();
    Ok(Some(view))
}

fn batches(made: &GenerationView, table: Table, layout: &Layout) -> Result<Vec<RecordBatch>, LakeError> {
    let mut out = Vec::new();
    match table {
        Table::Readings => {
            for lane in &made.readings {
                out.extend(lane.batches(layout)?);
            }
        }
        _ => {
            for lane in &made.history {
                out.extend(lane.batches(layout)?);
            }
        }
    }
    Ok(out)
}

/// Rows of these readings. One that can't be read goes by the names it has, as an audit names it.
fn wrong_rows(batch: &RecordBatch, layout: &Layout, wrong: &Wrong) -> Result<Vec<u64>, LakeError> {
    let decoder = Decoder::new(batch, layout)?;
    let is_wrong = |row: usize| match decoder.row(row) {
        Ok((reading, _)) => wrong.contains(&(reading.subject, reading.id)),
        Err(_) => {
            let (subject, name) = (said(batch, "subject", row), said(batch, "id", row));
            Subject::is_valid(&subject) && wrong.contains(&(Subject::new(&subject), ReadingId::given(&name)))
        }
    };
    Ok((0..batch.num_rows()).filter(|row| is_wrong(*row)).map(|row| row as u64).collect())
}
