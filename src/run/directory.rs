//! The data directory: what lies where, and that only one process writes it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A data directory held by this process until dropped.
pub struct Directory {
    root: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes hold of `root`, creating it where it is missing.
    ///
    /// # Errors
    /// Where it can't be created, or another process holds it.
    pub fn hold(root: &Path) -> Result<Directory, Failure> {
        for folder in ["snapshots", "lake"] {
            std::fs::create_dir_all(root.join(folder))
                .map_err(|e| Failure::new(format!("cannot create the data directory {}: {e}", root.display())))?;
        }
        let path = root.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Failure::new(format!("cannot open {}: {e}", path.display())))?;
        lock.try_lock().map_err(|_| {
            Failure::new(format!("the data directory {} is held by another process", root.display()))
                .hint("ask the running server instead (--url), or stop it first")
        })?;
        Ok(Directory { root: root.to_owned(), _lock: lock })
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.db")
    }

    pub fn views(&self) -> PathBuf {
        self.root.join("views.db")
    }

    pub fn outbox(&self) -> PathBuf {
        self.root.join("outbox.db")
    }

    /// Where the lake keeps its tables.
    pub fn lake(&self) -> PathBuf {
        self.root.join("lake")
    }

    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }
}
