//! What lies beyond the engines' horizon, on disk: a SQLite file for each partition.
//!
//! A layer is named by its content, so it is never overwritten by another. It is a part of the engine's state like a snapshot, and as such it is made again by a replay: nothing here is
//! synced before a snapshot is taken that needs it, and what a snapshot misses makes that snapshot useless, no more.
//!
//! A layer that was put back is kept until no snapshot can be left that needs it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use vitalog_cep::{Engine, Horizon, LayerId, Parted};
use vitalog_elog::Subject;

use super::beginning::STATE_ANEW;
use crate::failure::Failure;

/// Snapshots after which nobody goes back to a state before a layer was put back: the whole one before the newest is kept, and each may have as many increments upon it as
/// [`MOST_INCREMENTS`](super::snapshot::MOST_INCREMENTS); the newest may not have been written yet.
const SNAPSHOTS: u32 = 2 * super::snapshot::MOST_INCREMENTS as u32 + 6;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS layers (id BLOB PRIMARY KEY, subject TEXT NOT NULL, bytes BLOB NOT NULL, united INTEGER) STRICT;
    CREATE INDEX IF NOT EXISTS united ON layers (united) WHERE united IS NOT NULL;
    CREATE INDEX IF NOT EXISTS subjects ON layers (subject);";

/// Where layers go, and how far engines look.
#[derive(Clone, Debug)]
pub struct Beyond {
    pub dir: PathBuf,
    pub horizon: Horizon,
}

/// The layers of one partition.
pub struct Layers {
    db: Connection,
    path: PathBuf,
    /// Snapshots that were asked for since the file was made.
    snapshots: u32,
}

impl Layers {
    /// # Errors
    /// What SQLite says.
    pub fn open(dir: &Path, partition: u32) -> Result<Layers, Failure> {
        let path = dir.join(format!("{partition:04}.db"));
        let wrong = |error: &dyn std::fmt::Display| failure(&path, error);
        std::fs::create_dir_all(dir).map_err(|e| wrong(&e))?;
        let db = Connection::open(&path).map_err(|e| wrong(&e))?;
        let made = || -> rusqlite::Result<u32> {
            db.pragma_update(None, "journal_mode", "WAL")?;
            // Synced before a snapshot ([`Layers::sync`]).
            db.pragma_update(None, "synchronous", "NORMAL")?;
            db.pragma_update(None, "secure_delete", true)?;
            db.pragma_update(None, "trusted_schema", false)?;
            db.execute_batch(TABLES)?;
            db.pragma_query_value(None, "user_version", |row| row.get(0))
        };
        let snapshots = made().map_err(|e| wrong(&e))?;
        Ok(Layers { db, path, snapshots })
    }

    /// Keeps what was cut off, and notes what is not needed any more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn keep(&mut self, parted: &[Parted], united: &[LayerId]) -> Result<(), Failure> {
        self.write(|tx, snapshots| {
            let mut gone = tx.prepare_cached("UPDATE layers SET united = ?2 WHERE id = ?1")?;
            for id in united {
                gone.execute(params![id.0.to_le_bytes(), snapshots])?;
            }
            let mut keep = tx.prepare_cached("INSERT OR REPLACE INTO layers (id, subject, bytes) VALUES (?1, ?2, ?3)")?;
            for Parted { subject, id, bytes } in parted {
                keep.execute(params![id.0.to_le_bytes(), subject.as_str(), bytes])?;
            }
            Ok(())
        })
    }

    /// # Errors
    /// Where it is not there.
    pub fn get(&self, id: LayerId) -> Result<Vec<u8>, Failure> {
        let read = || {
            let mut statement = self.db.prepare_cached("SELECT bytes FROM layers WHERE id = ?1")?;
            statement.query_row([id.0.to_le_bytes()], |row| row.get(0)).optional()
        };
        let found: Option<Vec<u8>> = read().map_err(|e| failure(&self.path, &e))?;
        found.ok_or_else(|| failure(&self.path, &format_args!("the layer {:032x} is missing", id.0)))
    }

    /// Whether all is there that an engine needs.
    ///
    /// # Errors
    /// What SQLite says; the first that is missing.
    pub fn check(&self, engine: &Engine) -> Result<(), Failure> {
        let mut statement =
            self.db.prepare("SELECT EXISTS (SELECT 1 FROM layers WHERE id = ?1)").map_err(|e| failure(&self.path, &e))?;
        for id in engine.layers() {
            let there: bool = statement.query_row([id.0.to_le_bytes()], |row| row.get(0)).map_err(|e| failure(&self.path, &e))?;
            if !there {
                return Err(failure(&self.path, &format_args!("the layer {:032x} is missing", id.0)));
            }
        }
        Ok(())
    }

    /// Brings all to stable storage, for a snapshot that is to be taken; what none can need any more goes. It counts as one unless it is to be whole: that is asked for where the one before was not
    /// written, and then those that were are still gone back to.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn sync(&mut self, is_whole: bool) -> Result<(), Failure> {
        self.snapshots += u32::from(!is_whole);
        self.write(|tx, snapshots| {
            tx.pragma_update(None, "user_version", snapshots)?;
            tx.execute("DELETE FROM layers WHERE united <= ?1", [i64::from(snapshots) - i64::from(SNAPSHOTS)])?;
            Ok(())
        })?;
        // A checkpoint syncs the log, then the file.
        let checkpoint = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        match checkpoint.map_err(|e| failure(&self.path, &e))? {
            0 => Ok(()),
            _ => Err(failure(&self.path, &"somebody else reads it, so that it can't be synced")),
        }
    }

    /// Removes all layers of these subjects, without a trace in the file: it is written anew, also where none are left, for the former time may have ended before that.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn forget(&mut self, subjects: &[Subject]) -> Result<(), Failure> {
        self.write(|tx, _| {
            for subject in subjects {
                tx.execute("DELETE FROM layers WHERE subject = ?1", [subject.as_str()])?;
            }
            Ok(())
        })?;
        // Deleting overwrites rows; what lies between the rows of a page from former times goes only so.
        self.db.execute_batch("VACUUM").map_err(|e| failure(&self.path, &e))?;
        let checkpoint = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        checkpoint.map_err(|e| failure(&self.path, &e)).map(drop)
    }

    fn write(&mut self, work: impl FnOnce(&rusqlite::Transaction<'_>, u32) -> rusqlite::Result<()>) -> Result<(), Failure> {
        let snapshots = self.snapshots;
        let written = || {
            let tx = self.db.transaction()?;
            work(&tx, snapshots)?;
            tx.commit()
        };
        written().map_err(|e| failure(&self.path, &e))
    }
}

/// Copies the layers of a partition that somebody may be writing: a few at a time, so that whoever syncs them does not wait for long. What is cut off meanwhile may be left out.
///
/// # Errors
/// What SQLite says.
pub fn copy_layers(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = || -> rusqlite::Result<()> {
        let source = Connection::open(from)?;
        let mut copy = Connection::open(to)?;
        copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        copy.execute_batch(TABLES)?;
        let snapshots: u32 = source.pragma_query_value(None, "user_version", |row| row.get(0))?;
        copy.pragma_update(None, "user_version", snapshots)?;
        let tx = copy.transaction()?;
        let mut last = i64::MIN;
        loop {
            // A layer that is put in the place of another comes last, so nothing is passed over.
            let mut some = source.prepare_cached(
                "SELECT rowid, id, subject, bytes, united FROM layers WHERE rowid > ?1 ORDER BY rowid LIMIT 64",
            )?;
            let rows = some.query_map([last], |row| {
                let (id, subject, bytes): (Vec<u8>, String, Vec<u8>) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((row.get::<_, i64>(0)?, id, subject, bytes, row.get::<_, Option<i64>>(4)?))
            })?;
            let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
            let Some(row) = rows.last() else { break };
            last = row.0;
            for (_, id, subject, bytes, united) in rows {
                tx.prepare_cached("INSERT OR REPLACE INTO layers (id, subject, bytes, united) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![id, subject, bytes, united])?;
            }
        }
        tx.commit()
    };
    copied().map_err(|e| failure(from, &e))
}

fn failure(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("{}: {error}", path.display())).hint(STATE_ANEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(id: u128) -> Parted {
        Parted { subject: Subject::new("s"), id: LayerId(id), bytes: vec![id as u8; 40] }
    }

    #[test]
    fn what_is_forgotten_is_in_no_byte_of_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut layers = Layers::open(dir.path(), 3).expect("made");
        let of = |subject: &str, id: u128| Parted {
            subject: Subject::new(subject),
            id: LayerId(id),
            bytes: subject.repeat(900).into(),
        };
        let all: Vec<Parted> = (0..60).map(|id| of(if id % 3 == 0 { "forget-me" } else { "keep-me" }, id)).collect();
        layers.keep(&all, &[]).expect("kept");
        layers.sync(false).expect("synced");
        let has = |text: &str| {
            let files = std::fs::read_dir(dir.path()).expect("a folder").map(|file| file.expect("a file").path());
            files
                .map(|file| std::fs::read(file).expect("read"))
                .any(|bytes| bytes.windows(text.len()).any(|w| w == text.as_bytes()))
        };
        assert!(has("forget-me") && has("keep-me"));
        // The first time ended between deleting and writing the file anew.
        layers.db.execute_batch("PRAGMA secure_delete = OFF; DELETE FROM layers WHERE subject = 'forget-me'").expect("deleted");
        assert!(has("forget-me"));
        layers.forget(&[Subject::new("forget-me"), Subject::new("nobody")]).expect("forgotten");
        assert!(!has("forget-me") && has("keep-me"));
        assert!(layers.get(LayerId(3)).is_err());
        assert_eq!(layers.get(LayerId(4)).expect("kept").len(), 900 * "keep-me".len());
    }

    #[test]
    fn a_layer_is_there_as_long_as_a_snapshot_may_need_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut layers = Layers::open(dir.path(), 3).expect("made");
        layers.keep(&[layer(1), layer(2)], &[]).expect("kept");
        layers.sync(false).expect("synced");
        layers.keep(&[], &[LayerId(1)]).expect("kept");
        // Those that are to be whole are asked for where the one before was not written: however many, what was is gone back to.
        (0..99).for_each(|_| layers.sync(true).expect("synced"));
        assert_eq!(layers.get(LayerId(1)).expect("still needed"), vec![1; 40]);
        for snapshot in 1..SNAPSHOTS {
            layers.sync(false).expect("synced");
            assert_eq!(layers.get(LayerId(1)).expect("still there").len(), 40, "{snapshot} snapshots later");
        }
        // Across restarts, too.
        drop(layers);
        let mut layers = Layers::open(dir.path(), 3).expect("opened");
        layers.sync(false).expect("synced");
        assert!(layers.get(LayerId(1)).is_err_and(|e| e.to_string().contains("is missing")));
        assert_eq!(layers.get(LayerId(2)).expect("nobody put it back"), vec![2; 40]);
        // What is cut off again counts as never put back.
        layers.keep(&[], &[LayerId(2)]).expect("kept");
        layers.keep(&[layer(2)], &[]).expect("kept");
        (0..9).for_each(|_| layers.sync(false).expect("synced"));
        assert_eq!(layers.get(LayerId(2)).expect("there"), vec![2; 40]);
    }
}
