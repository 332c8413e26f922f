//! Cutting subjects out of what was derived from the journal: snapshots, layers, views and lake hold many subjects in one file.
//!
//! What is cut is what a replay without the subjects would have made, so nobody has to wait for one. Where subjects share readings that is not so: what they showed to others is theirs,
//! too, and only a replay tells what stands without it. Then, and where something can't be cut because it is damaged, it is removed, and the next start makes it again.
//!
//! Each step can be done twice.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vitalog_cep::driver::partition_of;
use vitalog_dashboards::views::Views;
use vitalog_elog::{MatchId, Position, Schema, Subject};
use vitalog_ingest::journal::Journal;
use vitalog_lakehouse::Lake;
use vitalog_notify::Outbox;

use super::beginning;
use super::beyond::Layers;
use super::directory::Directory;
use super::snapshot::Store;
use crate::failure::Failure;

/// What is cut out of what.
pub struct Cut<'a> {
    pub directory: &'a Directory,
    pub journal: &'a Journal,
    pub subjects: &'a [Subject],
    /// About the subjects, as far as anybody knew of them.
    pub findings: &'a [MatchId],
}

/// Removes all that is made again by a replay; names it.
///
/// # Errors
/// Where a file can't be removed.
pub fn remove_all(directory: &Directory) -> Result<Vec<&'static str>, Failure> {
    remove_state(directory)?;
    remove_views(directory)?;
    empty(&directory.lake())?;
    Ok(vec!["snapshots", "views", "lake"])
}

impl Cut<'_> {
    /// Makes it, and names what could not be cut and is removed.
    ///
    /// # Errors
    /// Where a file can't be removed.
    pub fn make(&self) -> Result<Vec<&'static str>, Failure> {
        let incarnation = self.journal.position().incarnation;
        let Some((mut views, schema)) = self.views(incarnation) else {
            self.may_remove("the views")?;
            return remove_all(self.directory);
        };
        if schema.shares() {
            self.may_remove("what others saw of the subject")?;
            return remove_all(self.directory);
        }
        beginning::must_have(self.journal, "views", views.position().next)?;
        let mut removed = Vec::new();
        let lake = apart(lake(self.directory.lake(), self.subjects.to_vec(), incarnation, Arc::new(schema)));
        if let Ok(position) = &lake {
            beginning::must_have(self.journal, "lake", position.next)?;
        }
        let least = [views.position().next, lake.as_ref().map_or(u64::MAX, |position| position.next), self.outbox(incarnation)];
        let cut = self.state(least.into_iter().min().unwrap_or(0));
        if !cut.unwrap_or_else(|error| self.could_not("the snapshots", &error)) {
            self.may_remove("the snapshots")?;
            remove_state(self.directory)?;
            removed.push("snapshots");
        }
        if let Err(error) = views.forget(self.subjects) {
            self.could_not("the views", &error);
            self.may_remove("the views")?;
            drop(views);
            remove_views(self.directory)?;
            removed.push("views");
        }
        if let Err(error) = lake {
            self.could_not("the lake", &error);
            self.may_remove("the lake")?;
            empty(&self.directory.lake())?;
            removed.push("lake");
        }
        Ok(removed)
    }

    fn could_not(&self, what: &str, error: &dyn std::fmt::Display) -> bool {
        tracing::warn!(%error, "an erased subject could not be cut out of {what}");
        false
    }

    /// INVARIANT (no part for the whole): of a journal that was trimmed nothing can be made again, so nothing is removed. The erasure stays unfinished, and no server starts before it is.
    fn may_remove(&self, what: &str) -> Result<(), Failure> {
        beginning::can_make_again(self.journal, &format!("an erased subject can't be cut out of {what}, which"))
    }

    fn views(&self, incarnation: u128) -> Option<(Views, Schema)> {
        let open = if self.journal.first() > 0 { Views::open_kept } else { Views::open };
        let opened = self.directory.views().is_file().then(|| open(&self.directory.views(), incarnation))?;
        let views = opened.map_err(|error| self.could_not("the views", &error)).ok()?;
        let schema = views.schema().clone();
        Some((views, schema))
    }

    /// The outbox is told of its own; how far it has come says which snapshots can be gone on from.
    fn outbox(&self, incarnation: u128) -> u64 {
        let outbox = Outbox::open(&self.directory.outbox(), incarnation).and_then(|outbox| outbox.position());
        outbox.map_or(0, |position| position.next)
    }

    fn state(&self, least: u64) -> Result<bool, Failure> {
        if !Store::new(self.directory.snapshots()).forget(
            least,
            |position| self.journal.has(position),
            self.subjects,
            self.findings,
        )? {
            return Ok(false);
        }
        if self.directory.beyond().is_dir() {
            let partitions = self.directory.partitions()?;
            let mut concerned: Vec<u32> = self.subjects.iter().map(|subject| partition_of(subject, partitions)).collect();
            concerned.sort_unstable();
            concerned.dedup();
            for partition in concerned {
                Layers::open(&self.directory.beyond(), partition)?.forget(self.subjects)?;
            }
        }
        Ok(true)
    }
}

async fn lake(folder: PathBuf, subjects: Vec<Subject>, incarnation: u128, schema: Arc<Schema>) -> Result<Position, Failure> {
    let failed = |e| Failure::new(format!("lake: {e}"));
    let lake = Lake::open(&folder, Arc::new(Schema::default()), incarnation).await.map_err(failed)?;
    lake.set_schema(schema).map_err(failed)?;
    lake.forget(&subjects).await.map_err(failed)?;
    Ok(lake.position())
}

/// Waits for something that waits, wherever this is called.
fn apart<T: Send>(work: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, Failure> {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work);
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|_| Err(Failure::new("it broke off")))
}

fn remove_state(directory: &Directory) -> Result<(), Failure> {
    empty(&directory.snapshots())?;
    empty(&directory.beyond())
}

fn remove_views(directory: &Directory) -> Result<(), Failure> {
    let views = directory.views();
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let path = views.with_file_name(file);
        fs::remove_file(&path).or_else(missing).map_err(|e| Failure::new(format!("cannot remove {}: {e}", path.display())))?;
    }
    synced(views.parent().map(Path::to_owned))
}

/// Removes what is in a folder, and not the folder.
///
/// # Errors
/// Where something can't be removed.
pub fn empty(folder: &Path) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Ok(());
    }
    let emptied = || -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
        Ok(())
    };
    emptied().map_err(|e| Failure::new(format!("cannot empty {}: {e}", folder.display())))?;
    synced(Some(folder.to_owned()))
}

fn synced(folder: Option<PathBuf>) -> Result<(), Failure> {
    folder.map_or(Ok(()), |folder| Ok(File::open(folder)?.sync_all()?))
}

fn missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
