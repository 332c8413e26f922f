//! Forgets subjects: their rows leave the files, the files that had them leave the store, and the log's words about those files go with them.
//!
//! What is written is what a flush writes: files without these rows, committed as a version more, at the same position. Then nothing remembers a former version: the
//! newest is written down whole (a checkpoint), and the log before it goes, for it names bounds of columns, among them the names of subjects. Who reads by version has to begin anew.
//!
//! Each step can be done twice. Interrupted anywhere, tables are readable and complete: with these rows before the commit, without them after it.

use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;
use vitalog_elog::{Subject, Time};

use crate::cold::{Cold, DataFile};
use crate::error::{Doing, LakeError};
use crate::io::delta::{Committed, Delta, Former};
use crate::io::flush::Flushed;
use crate::io::lake::Lake;
use crate::io::query::plain_context;
use crate::io::scan::{HiddenRows, but_for_hidden, hide, scan_files};
use crate::io::write::Writer;
use crate::layout::{Layout, PARTITION};
use crate::table::Table;

/// The column that says whom a row is about, in every table.
const WHOM: &str = "subject";

impl Lake {
    /// Forgets these subjects. Of a lake that was opened and not fed: what is hot it would overlook. It must be opened anew before it is used.
    ///
    /// # Errors
    /// [`LakeError::Storage`]; [`LakeError::Records`] where it was fed, or somebody else writes.
    pub async fn forget(&self, subjects: &[Subject]) -> Result<Flushed, LakeError> {
        let view = self.inner.state().view();
        if self.hot().rows > 0 || !view.masks.is_empty() {
            return Err(LakeError::Records("it was fed before subjects were forgotten".to_owned()));
        }
        let gone: BTreeSet<&str> = subjects.iter().map(Subject::as_str).collect();
        let mut done = Flushed::default();
        for table in &self.inner.tables {
            let cold = &view.cold[table.table.place()];
            self.forget_in(table, cold, &view.layout, &gone, &mut done).await?;
            // Also where there is nothing of them now: former versions may have had it.
            table.tidy(self.inner.incarnation, Time::MAX, Former::Gone).await?;
            table.forget_former_versions().await?;
        }
        Ok(done)
    }

    async fn forget_in(
        &self,
        delta: &Delta,
        cold: &Cold,
        layout: &Layout,
        gone: &BTreeSet<&str>,
        done: &mut Flushed,
    ) -> Result<(), LakeError> {
        let table = delta.table;
        let forgetting = || format!("forgetting subjects in table {}", table.name());
        let schema = layout.schema(table);
        is_declared_whole(table, cold, layout)?;
        let whom = schema.index_of(WHOM).doing(forgetting())?;
        let mut hidden = HiddenRows::new();
        for file in cold.files.iter().filter(|file| may_hold(file, gone)) {
            let each = but_for_hidden(table, &[vec![file.clone()]], &HiddenRows::new());
            let plan = scan_files(schema, each, Some(&vec![whom]), None, None, None);
            let context = plain_context(&self.inner).task_ctx();
            let mut stream = execute_stream(plan.doing(forgetting())?, context).doing(forgetting())?;
            let (mut of_file, mut before) = (Vec::new(), 0);
            while let Some(batch) = stream.try_next().await.doing(forgetting())? {
                let names = batch.column(0).as_string_view();
                let of_them = (0..names.len()).filter(|row| names.is_valid(*row) && gone.contains(names.value(*row)));
                of_file.extend(of_them.map(|row| before + row as u64));
                before += batch.num_rows() as u64;
            }
            if !of_file.is_empty() {
                hide(&mut hidden, &file.path, of_file, before);
            }
        }
        if hidden.is_empty() {
            return Ok(());
        }
        let context = plain_context(&self.inner).task_ctx();
        let writer = Writer { store: &self.inner.store, context, layout, table };
        let change = writer.write(&cold.files, Default::default(), &hidden).await?;
        done.rows += change.rows;
        done.files += change.adds.len();
        done.replaced += change.removes.len();
        match delta.commit(cold, layout, change.adds, change.removes, cold.position).await? {
            Committed::Done(_) => Ok(()),
            Committed::Conflict => Err(LakeError::Records(format!("somebody else writes to table {}", table.name()))),
        }
    }
}

/// That rows can be written with the columns at hand: none that there is may be missing among them.
pub(super) fn is_declared_whole(table: Table, cold: &Cold, layout: &Layout) -> Result<(), LakeError> {
    let schema = layout.schema(table);
    let strange = |name: &&str| *name != PARTITION && schema.index_of(name).is_err();
    match cold.state.schema().fields().map(|field| field.name().as_str()).find(|name| strange(name)) {
        Some(column) => Err(LakeError::Schema(format!("column {column} of table {} is not declared", table.name()))),
        None => Ok(()),
    }
}

/// Whether rows about one of them may be in a file, by its bounds.
fn may_hold(file: &DataFile, gone: &BTreeSet<&str>) -> bool {
    file.stats.text(WHOM).is_none_or(|(least, greatest)| gone.iter().any(|name| (least..=greatest).contains(name)))
}
