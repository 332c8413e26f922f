//! The journal in its SQLite file: the laws of the port, and what is said of this home alone.

use std::path::{Path, PathBuf};

use vitalog_ingest::journal::{FORMAT, Journal, JournalError};

use super::fixture::health;
use super::laws::{self, Place, entries};

/// All that belongs to a journal.
pub const FILES: [&str; 6] = ["journal.db", "journal.db-wal", "journal.db.mark", "keys.db", "keys.db-wal", "kek"];

/// The files as a killed process leaves them: what was written, without anything that an orderly end would do.
pub fn image(from: &Path, to: &Path) {
    for name in FILES {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

/// A directory with a journal.
struct File {
    dir: tempfile::TempDir,
}

impl File {
    fn new() -> File {
        File { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }
}

impl Place for File {
    fn open(&self) -> Result<Journal, JournalError> {
        Journal::open(&self.path())
    }

    fn killed(&self) -> Box<dyn Place> {
        let killed = File::new();
        image(self.dir.path(), killed.dir.path());
        Box::new(killed)
    }
}

#[test]
fn what_is_written_comes_back_and_goes_on_after_reopening() {
    laws::what_is_written_comes_back_and_goes_on_after_reopening(&File::new());
}

#[test]
fn each_journal_is_another() {
    laws::each_journal_is_another(&File::new(), &File::new());
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    laws::a_killed_process_loses_nothing_that_was_acknowledged(&File::new(), 30);
}

#[test]
fn arrival_never_runs_backwards() {
    laws::arrival_never_runs_backwards(&File::new());
}

#[test]
fn entries_do_not_depend_on_the_order_of_declarations() {
    laws::entries_do_not_depend_on_the_order_of_declarations(&File::new());
}

#[test]
fn an_erased_subject_is_erased_wherever_it_was() {
    laws::an_erased_subject_is_erased_wherever_it_was(&File::new());
}

#[test]
fn a_copy_reads_as_what_it_is_a_copy_of() {
    laws::a_copy_reads_as_what_it_is_a_copy_of(&File::new());
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.db");
    let mut held = Journal::open(&path).expect("made");
    held.append(&health(), &entries(&health(), 0, 1)).expect("kept");
    let error = Journal::open(&path).err().expect("it is held");
    assert!(matches!(error, JournalError::InUse), "{error}");
    drop(held);
    assert_eq!(Journal::open(&path).expect("free again").position().next, 1);
}

#[test]
fn what_is_no_journal_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = dir.path().join("text.db");
    std::fs::write(&text, "a long enough text that is certainly no database at all\n".repeat(40)).expect("written");
    assert!(matches!(Journal::open(&text), Err(JournalError::NotAJournal { .. })));

    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other).and_then(|db| db.execute_batch("CREATE TABLE t (x)")).expect("another database");
    assert!(matches!(Journal::open(&other), Err(JournalError::NotAJournal { .. })));

    let newer = dir.path().join("newer.db");
    drop(Journal::open(&newer).expect("made"));
    rusqlite::Connection::open(&newer).and_then(|db| db.pragma_update(None, "user_version", FORMAT + 1)).expect("a newer format");
    let error = Journal::open(&newer).err().expect("newer");
    assert!(matches!(error, JournalError::NewerFormat { found, known: FORMAT } if found == FORMAT + 1), "{error}");
    assert!(error.to_string().contains("use the version"), "{error}");
}
