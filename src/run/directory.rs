//! The data directory: what lies where, and that only one process writes it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use vitalog_cep::driver::PARTITIONS;

use vitalog_ingest::journal::Journal;
use vitalog_ingest::keys::KekPlace;

use crate::failure::Failure;

/// More than this are no number that anybody meant.
pub const MOST_PARTITIONS: u32 = 4_096;

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

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.db")
    }

    /// Opens the journal with its keys. The key-encryption key is the file `kek` of the directory, the file that `VITALOG_KEK_FILE` names, or what `VITALOG_KEK` says.
    ///
    /// # Errors
    /// Where the journal or its keys can't be opened.
    pub fn open_journal(&self) -> Result<Journal, Failure> {
        Journal::open_with(&self.journal(), &kek(&self.root)?).map_err(|e| Failure::new(format!("journal: {e}")))
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

    /// How many parts its subjects are split into: written down when the directory is first opened, and the same from then on.
    ///
    /// # Errors
    /// Where the file can't be read or written, or holds no such number.
    pub fn partitions(&self) -> Result<u32, Failure> {
        let path = self.root.join("partitions");
        let wrong = |what: &dyn std::fmt::Display| Failure::new(format!("{}: {what}", path.display()));
        match std::fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                match text.trim().parse() {
                    Ok(number @ 1..=MOST_PARTITIONS) => Ok(number),
                    _ => Err(wrong(&format_args!("not a whole number from 1 to {MOST_PARTITIONS}: {:?}", text.trim())).hint(
                        "restore it from a backup, or remove it and the snapshots: then the journal is replayed from its beginning",
                    )),
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let draft = self.root.join("partitions.draft");
                let write = || {
                    let mut file = File::create(&draft)?;
                    writeln!(file, "{PARTITIONS}")?;
                    file.sync_all()?;
                    std::fs::rename(&draft, &path)?;
                    File::open(&self.root)?.sync_all()
                };
                write().map_err(|e: std::io::Error| wrong(&e))?;
                Ok(PARTITIONS)
            }
            Err(error) => Err(wrong(&error)),
        }
    }

    /// Where that lies which engines do not keep in memory.
    pub fn beyond(&self) -> PathBuf {
        self.root.join("cold")
    }

    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }
}

/// Where the key-encryption key of a data directory comes from.
///
/// # Errors
/// Where it is given twice, or is none.
pub fn kek(data: &Path) -> Result<KekPlace, Failure> {
    let (file, given) = (std::env::var_os("VITALOG_KEK_FILE"), std::env::var("VITALOG_KEK").ok());
    match (file, given) {
        (Some(_), Some(_)) => Err(Failure::usage("VITALOG_KEK and VITALOG_KEK_FILE are both set").hint("unset one of them")),
        (Some(file), None) => Ok(KekPlace::File(PathBuf::from(file))),
        (None, Some(text)) => KekPlace::given(&text, "VITALOG_KEK").map_err(|e| Failure::usage(e.to_string())),
        (None, None) => Ok(KekPlace::beside(&data.join("journal.db"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_partitions_there_are_is_written_down_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let directory = Directory::hold(dir.path()).expect("held");
        assert_eq!(directory.partitions().expect("written"), PARTITIONS);
        let path = dir.path().join("partitions");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), format!("{PARTITIONS}\n"));
        assert!(!dir.path().join("partitions.draft").exists());
        // What is written holds, whatever this version would write.
        for (text, number) in [("8\n", 8), ("1", 1), (" 4096 \n", MOST_PARTITIONS)] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(directory.partitions().expect("a number"), number);
        }
    }

    #[test]
    fn what_is_no_number_of_partitions_is_refused_with_file_value_and_remedy() {
        let dir = tempfile::tempdir().expect("a directory");
        let directory = Directory::hold(dir.path()).expect("held");
        let path = dir.path().join("partitions");
        for text in [&b"0"[..], b"abc", b"99999", b"4097", b"-1", b"16.0", b"16 16", b"", b"\xff8"] {
            std::fs::write(&path, text).expect("written");
            let said = directory.partitions().expect_err("no such number").to_string();
            assert!(said.contains(&path.display().to_string()) && said.contains("from 1 to 4096"), "{said}");
            assert!(said.contains(&format!("{:?}", String::from_utf8_lossy(text))), "{said}");
            assert!(said.contains("restore it from a backup, or remove it and the snapshots"), "{said}");
            assert_eq!(std::fs::read(&path).expect("a file"), text, "it is left as it was");
        }
    }
}
