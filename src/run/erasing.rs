//! Erasing a subject: its keys are destroyed, and then everything goes that was derived from what they sealed.
//!
//! The journal keeps its offsets, and replays what can't be read as [`vitalog_elog::Input::Erased`]. Snapshots, layers, views and lake hold many subjects in one file: they are removed,
//! and made again from the journal at the next start. The outbox loses what it has about the subject's findings and stays where it is.
//!
//! INVARIANT (erased is erased): from the moment the keys are gone, what is left to do stands in the key store, and is done before anything else by whoever opens the directory
//! next to serve or to erase. Each step can be done twice.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use vitalog_dashboards::views::Views;
use vitalog_elog::{MatchId, Subject};
use vitalog_ingest::access;
use vitalog_ingest::journal::{Journal, JournalError};
use vitalog_ingest::keys::KeyError;
use vitalog_notify::Outbox;

use super::clock;
use super::directory::{Directory, has_journal};
use crate::failure::Failure;

/// What was erased.
#[derive(Debug)]
pub struct Erasure {
    /// Keys that were destroyed.
    pub keys: usize,
    /// Deliveries that were forgotten, sent or not.
    pub deliveries: usize,
    /// Whether the key-encryption key was exchanged; else that is for whoever hands it in.
    pub exchanged: bool,
}

/// Erases subjects in a data directory that no server holds. Where it ends half way, those that were named first are erased, and the others are as they were.
///
/// # Errors
/// Where it is held or can't be read, one of them is not known (then none is erased), or a file can't be removed.
pub fn erase(data: &Path, subjects: &[Subject]) -> Result<Erasure, Failure> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())));
    }
    let directory = Directory::hold(data)?;
    let mut journal = open(&directory)?;
    for subject in subjects {
        journal.check_erasable(subject).map_err(|e| match e {
            JournalError::Keys(KeyError::UnknownSubject) => Failure::new(format!("nothing was ever journaled about {subject}"))
                .hint("check the name; what was erased before is not known by its name any more"),
            other => Failure::new(format!("{subject}: {other}")),
        })?;
    }
    // Who was assigned them, and who opened them in an emergency. First, since nobody would know of it any more.
    let mut store = access::open(data, clock::wall()).map_err(|e| Failure::new(e.to_string()))?;
    for subject in subjects {
        store.forget(subject).map_err(|e| Failure::new(e.to_string()))?;
    }
    drop(store);
    let (mut keys, mut gone) = (0, Vec::new());
    for (subject, findings) in subjects.iter().zip(findings_of(&directory, &journal, subjects)?) {
        // Of those only whose keys are gone: the messages about all others are still to be sent.
        gone.extend(findings);
        let note = postcard::to_allocvec(&gone).map_err(|e| Failure::new(format!("cannot note the findings: {e}")))?;
        keys += journal.erase(subject, clock::wall(), &note).map_err(|e| Failure::new(format!("journal: {e}")))?;
    }
    let (deliveries, exchanged) = finish(&directory, &mut journal)?.unwrap_or_default();
    Ok(Erasure { keys, deliveries, exchanged })
}

/// Opens the journal for whoever goes on from what was derived: nothing is left of an erasure then.
///
/// # Errors
/// Those of [`Directory::open_journal`] and of finishing.
pub fn open(directory: &Directory) -> Result<Journal, Failure> {
    let mut journal = directory.open_journal()?;
    finish(directory, &mut journal)?;
    Ok(journal)
}

/// Does what is left of an erasure. `None`: nothing is; else how many deliveries went, and whether the key-encryption key was exchanged.
///
/// # Errors
/// Where a file can't be removed or written.
fn finish(directory: &Directory, journal: &mut Journal) -> Result<Option<(usize, bool)>, Failure> {
    let Some(note) = journal.keys().unfinished() else { return Ok(None) };
    let findings: Vec<MatchId> =
        postcard::from_bytes(note).map_err(|e| Failure::new(format!("the key store's note of an erasure can't be read: {e}")))?;
    let deliveries = forget(directory, journal, &findings)?;
    let mut derived = vec![directory.snapshots(), directory.beyond(), directory.lake()];
    derived.retain(|folder| folder.is_dir());
    for folder in &derived {
        empty(folder)?;
    }
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let path = directory.views().with_file_name(file);
        fs::remove_file(&path).or_else(missing).map_err(|e| Failure::new(format!("cannot remove {}: {e}", path.display())))?;
    }
    for folder in derived.iter().map(std::path::PathBuf::as_path).chain(directory.views().parent()) {
        File::open(folder)?.sync_all()?;
    }
    let exchanged = journal.keys_mut().finish().map_err(|e| Failure::new(format!("key store: {e}")))?;
    Ok(Some((deliveries, exchanged)))
}

/// The findings about each of the subjects, as far as views and outbox know them: by these the outbox is told what to forget when nobody knows the name any more.
fn findings_of(directory: &Directory, journal: &Journal, subjects: &[Subject]) -> Result<Vec<Vec<MatchId>>, Failure> {
    let incarnation = journal.position().incarnation;
    if !directory.outbox().is_file() {
        return Ok(vec![Vec::new(); subjects.len()]);
    }
    let outbox = |e| Failure::new(format!("outbox: {e}"));
    let views = |e| Failure::new(format!("views: {e}"));
    let (sent, told) = (
        Outbox::open(&directory.outbox(), incarnation).map_err(outbox)?,
        Views::open(&directory.views(), incarnation).map_err(views)?,
    );
    let (ahead, behind) = (sent.position().map_err(outbox)?.next, told.position().next);
    if behind < ahead {
        return Err(Failure::new(format!(
            "the views have come to offset {behind}, the outbox to {ahead}: nobody can say yet which messages are to go"
        ))
        .hint("start the server and stop it in order, then erase; several subjects can be erased at once"));
    }
    let of = |subject| {
        let mut findings = told.findings_of(subject).map_err(views)?;
        findings.extend(sent.findings_of(subject).map_err(outbox)?);
        findings.sort_unstable();
        findings.dedup();
        Ok(findings)
    };
    subjects.iter().map(of).collect()
}

fn forget(directory: &Directory, journal: &Journal, findings: &[MatchId]) -> Result<usize, Failure> {
    if !directory.outbox().is_file() {
        return Ok(0);
    }
    let outbox = |e| Failure::new(format!("outbox: {e}"));
    Outbox::open(&directory.outbox(), journal.position().incarnation).map_err(outbox)?.forget(findings).map_err(outbox)
}

fn empty(folder: &Path) -> Result<(), Failure> {
    let emptied = || -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
        Ok(())
    };
    emptied().map_err(|e| Failure::new(format!("cannot empty {}: {e}", folder.display())))
}

fn missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
