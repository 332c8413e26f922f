//! The data directory: what lies where, and that only one process writes it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use vitalog_cep::driver::{PARTITIONS, partition_of};

use vitalog_ingest::journal::kafka::Settings;
use vitalog_ingest::journal::{Journal, Placing};
use vitalog_ingest::keys::KekPlace;

use crate::failure::Failure;

/// More than this are no number that anybody meant.
pub const MOST_PARTITIONS: u32 = 4_096;

/// The journal, where it is a file.
const JOURNAL: &str = "journal.db";
/// Says where the journal is, where it is none; its mark lies beside it.
pub const ELSEWHERE: &str = "journal.kafka";

/// A data directory held by this process until dropped.
pub struct Directory {
    root: PathBuf,
    /// Said by whoever started this process, if not noted.
    journal_in: Option<Settings>,
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
        Ok(Directory { root: root.to_owned(), journal_in: None, _lock: lock })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join(JOURNAL)
    }

    /// From here on the journal is kept in a topic of Kafka. It is noted at once where nothing was, and else by [`Directory::note_journal`], when the topic was found to be the journal's.
    ///
    /// # Errors
    /// Where there is a journal in the directory itself, or the note can't be written.
    pub fn keep_journal_in(&mut self, settings: &Settings) -> Result<(), Failure> {
        if self.journal().is_file() {
            return Err(Failure::usage(format!("{} has a journal of its own", self.root.display()))
                .hint("leave --journal out, or begin with a new data directory: a journal does not move between homes"));
        }
        self.journal_in = Some(settings.clone());
        if self.root.join(ELSEWHERE).is_file() { Ok(()) } else { self.note_journal() }
    }

    /// Notes where the journal is kept, for starts that are not told.
    ///
    /// # Errors
    /// Where the note can't be written.
    pub fn note_journal(&self) -> Result<(), Failure> {
        let Some(settings) = &self.journal_in else { return Ok(()) };
        let (path, text) = (self.root.join(ELSEWHERE), settings.text());
        if std::fs::read_to_string(&path).is_ok_and(|noted| noted == text) {
            return Ok(());
        }
        let draft = self.root.join("journal.kafka.draft");
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            File::open(&self.root)?.sync_all()
        };
        write().map_err(|e: std::io::Error| Failure::new(format!("cannot write {}: {e}", path.display())))
    }

    /// Opens the journal with its keys, in the directory or where it is noted that it is kept. The key-encryption key is the file `kek` of the directory, the file that `VITALOG_KEK_FILE` names, or what `VITALOG_KEK` says.
    ///
    /// # Errors
    /// Where the journal or its keys can't be opened.
    pub fn open_journal(&self) -> Result<Journal, Failure> {
        let failed = |e| Failure::new(format!("journal: {e}"));
        let kek = kek(&self.root)?;
        let elsewhere = match &self.journal_in {
            Some(settings) => Some(settings.clone()),
            None => elsewhere(&self.root)?,
        };
        match elsewhere {
            None => Journal::open_with(&self.journal(), &kek).map_err(failed),
            Some(settings) => {
                let placing = placing(self.partitions()?);
                Journal::open_kafka(&settings, placing, &self.root.join(ELSEWHERE), &kek).map_err(failed)
            }
        }
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

/// Whether a data directory has a journal, wherever that is kept.
pub fn has_journal(data: &Path) -> bool {
    data.join(JOURNAL).is_file() || data.join(ELSEWHERE).is_file()
}

/// Where the journal of a data directory is, if not in it.
///
/// # Errors
/// Where the note can't be read, or there are two journals.
pub fn elsewhere(data: &Path) -> Result<Option<Settings>, Failure> {
    let path = data.join(ELSEWHERE);
    if !path.is_file() {
        return Ok(None);
    }
    if data.join(JOURNAL).is_file() {
        return Err(Failure::new(format!("{} has both {JOURNAL} and {ELSEWHERE}", data.display()))
            .hint("one of them does not belong there: move it away"));
    }
    Settings::read(&path).map(Some).map_err(|e| Failure::new(format!("journal: {e}")))
}

/// How a topic's groups are cut: as engines split subjects, so that one partition of the topic is one of theirs.
pub fn placing(partitions: u32) -> Placing {
    Placing { partitions, of: partition_of }
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
        (None, None) => Ok(KekPlace::beside(&data.join(JOURNAL))),
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
