//! What the lake holds of each revision, told row by row for accounting: the files alone as they are committed, or files and hot rows together as SQL shows them.
//!
//! Nothing is kept on the way and nothing is taken from a counter: each row is read back from its columns. A row that can't be read is told as one, so that damage is found and not passed over.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use futures::TryStreamExt;
use vitalog_elog::Schema;
use vitalog_elog::accounting::{Held, Reached, Scope, Standing};

use crate::decode::Decoder;
use crate::error::{Doing, LakeError};
use crate::eyes::Eyes;
use crate::io::lake::Lake;
use crate::io::query::plain_context;
use crate::io::readback::Selection;
use crate::io::relation::Relation;
use crate::retention::Cuts;
use crate::shared::{View, covered};
use crate::table::Table;

/// Which part of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The tables' files, as any other program reads them.
    Landed,
    /// Files and hot rows as one, without what is superseded.
    Queryable,
}

/// What was told, and of which moment.
#[derive(Clone, Debug)]
pub struct Told {
    pub reached: Reached,
    pub schema: Arc<Schema>,
}

/// Takes each revision with the declarations it was read by.
pub type Each<'a> = dyn FnMut(Held<'_>, &Schema) + 'a;

impl Lake {
    /// Tells each revision of one moment that stays by `cuts`, whoever's it is.
    ///
    /// # Errors
    /// [`LakeError::Storage`] where a file can't be read; [`LakeError::RowMissing`] where a superseded row is not in the files that should hide it.
    pub async fn account(&self, part: Part, scope: &Scope, cuts: &Cuts, each: &mut Each<'_>) -> Result<Told, LakeError> {
        let mut view = match part {
            Part::Queryable => self.inner.settled_view().await?,
            Part::Landed => {
                let view = self.inner.state().view();
                View { generations: Vec::new(), masks: Vec::new(), ..view }
            }
        };
        view.cuts = Arc::new(cuts.without_holds());
        for (table, standing) in [(Table::Readings, Standing::Current), (Table::History, Standing::Former)] {
            self.tell(&view, table, standing, scope, each).await?;
        }
        let (readings, history) = (view.cold[Table::Readings.place()].position.next, covered(&view.cold, Table::History));
        // A crash between two commits leaves the history ahead of the readings, until those are fed again.
        let reached = match part {
            Part::Landed => Reached { current: readings, former: history },
            Part::Queryable => Reached { current: view.applied.next, former: view.applied.next.max(history) },
        };
        Ok(Told { reached, schema: view.layout.streams.clone() })
    }

    async fn tell(
        &self,
        view: &View,
        table: Table,
        standing: Standing,
        scope: &Scope,
        each: &mut Each<'_>,
    ) -> Result<(), LakeError> {
        let reading = || format!("reading table {}", table.name());
        let relation = Arc::new(Relation::new(table, view, Eyes::All)?);
        let mut frame = plain_context(&self.inner).read_table(relation).doing(reading())?;
        if let Some(filter) = Selection::of(scope).filter() {
            frame = frame.filter(filter).doing(reading())?;
        }
        let mut stream = frame.execute_stream().await.doing(reading())?;
        while let Some(batch) = stream.try_next().await.doing(reading())? {
            tell_batch(&batch, view, standing, scope, each)?;
        }
        Ok(())
    }
}

fn tell_batch(batch: &RecordBatch, view: &View, standing: Standing, scope: &Scope, each: &mut Each<'_>) -> Result<(), LakeError> {
    let decoder = Decoder::new(batch, &view.layout)?;
    let schema = &view.layout.streams;
    for row in 0..batch.num_rows() {
        match decoder.row(row) {
            Ok((reading, _)) if scope.has(&reading, schema) => each(Held::Revision(&reading, standing), schema),
            Ok(_) => {}
            Err(_) => {
                let (subject, name) = (said(batch, "subject", row), said(batch, "id", row));
                each(Held::Unreadable { subject: &subject, name: &name, standing }, schema);
            }
        }
    }
    Ok(())
}

/// A text of a row, as far as there is one.
pub(super) fn said(batch: &RecordBatch, column: &str, row: usize) -> String {
    let texts = batch.column_by_name(column).and_then(|c| c.as_string_view_opt());
    texts.filter(|t| t.is_valid(row)).map_or_else(String::new, |t| t.value(row).to_owned())
}
