//! The log through which the file is written, kept from having much that the disk does not have.
//!
//! SQLite syncs it at checkpoints alone. Until then all of it may lie in memory, and whoever syncs another file at that moment waits for it: the journal, and with it everybody who waits for a receipt. So it is synced in
//! between, a little at a time. Nothing that is promised hangs on it: that a checkpoint comes after the log is SQLite's to see to, as before.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::ViewsError;

/// So many pages gather: 2 MB, a few milliseconds of a disk.
const PAGES: i64 = 500;

pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    /// Pages of it that were synced.
    synced: i64,
}

impl Log {
    /// Of the file at `path`.
    pub fn of(path: &Path) -> Log {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        Log { path: name.into(), file: None, synced: 0 }
    }

    /// Syncs it where enough has gathered.
    ///
    /// # Errors
    /// Where the disk says that it could not take it: then the file is not to be trusted any more.
    pub fn settle(&mut self, conn: &Connection) -> Result<(), ViewsError> {
        let pages = length(conn)?;
        if pages < self.synced {
            // It was taken in, and begins anew.
            self.synced = 0;
        }
        if pages - self.synced >= PAGES {
            self.sync().map_err(ViewsError::Disk)?;
            self.synced = pages;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            // It stays the same one for as long as the connection is open.
            none => none.insert(File::options().write(true).open(&self.path)?),
        };
        file.sync_data()
    }
}

/// In pages; what was taken in counts until it begins anew.
fn length(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("pragma wal_checkpoint(noop)")?.query_row([], |row| row.get(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitalog_elog::input::DeadLetter;
    use vitalog_elog::{Entry, Input, Position, Record, Schema, Time};

    use super::super::Views;
    use super::*;

    fn opened(dir: &Path) -> Connection {
        let conn = Connection::open(dir.join("some.db")).expect("opened");
        conn.pragma_update(None, "journal_mode", "wal").expect("a log");
        conn.pragma_update(None, "wal_autocheckpoint", 0).expect("none by itself");
        conn.execute_batch("create table t (x blob)").expect("a table");
        conn
    }

    /// Commits a row of so many pages.
    fn grow(conn: &Connection, pages: i64) {
        conn.execute("insert into t values (zeroblob(?1))", [pages * 4_096]).expect("a row");
    }

    #[test]
    fn it_is_synced_where_enough_has_gathered_and_counts_anew_when_it_begins_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let conn = opened(dir.path());
        let mut log = Log::of(&dir.path().join("some.db"));
        let mut settled = |pages: i64| {
            grow(&conn, pages);
            log.settle(&conn).expect("settled");
            length(&conn).expect("a length") - log.synced
        };
        assert!((200..PAGES).contains(&settled(200)), "too little");
        assert_eq!(settled(300), 0, "enough");
        assert!((450..PAGES).contains(&settled(450)), "too little since then");
        assert_eq!(settled(60), 0, "enough since then");
        conn.query_row("pragma wal_checkpoint", [], |_| Ok(())).expect("taken in");
        assert!((100..PAGES).contains(&settled(100)), "it began anew");
        assert_eq!(settled(450), 0, "enough since then");
    }

    fn large(offset: u64) -> Record {
        let letter = DeadLetter {
            subject: None,
            code: "range".into(),
            field: None,
            message: "too high".into(),
            raw: vec![b'x'; DeadLetter::MAX_RAW].into(),
            sender: "t-1".into(),
        };
        let entry = Entry { arrival: Time(offset as i64), input: Input::DeadLetter(letter) };
        Record { offset, entry: Arc::new(entry), effects: vitalog_elog::Effects::new() }
    }

    #[test]
    fn however_much_views_take_in_little_of_their_log_is_not_on_the_disk() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut views = Views::open(&dir.path().join("views.db"), 1).expect("made");
        let mut position = Position::start(1);
        for _ in 0..40 {
            let records: Vec<Record> = (position.next..position.next + 9).map(large).collect();
            position.next += 9;
            views.apply(&records, position, &Schema::default()).expect("it takes it");
            assert!(length(&views.conn).expect("a length") - views.log.synced < PAGES);
        }
        assert!(views.log.synced > 10 * PAGES);
    }

    #[test]
    fn a_log_that_the_disk_does_not_take_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let conn = opened(dir.path());
        grow(&conn, PAGES);
        let mut elsewhere = Log::of(&dir.path().join("another.db"));
        assert!(matches!(elsewhere.settle(&conn), Err(ViewsError::Disk(_))));
    }

    #[test]
    fn asking_how_long_it_is_takes_nothing_in() {
        let dir = tempfile::tempdir().expect("a folder");
        let conn = opened(dir.path());
        grow(&conn, 100);
        let before = std::fs::metadata(dir.path().join("some.db")).expect("a file").len();
        assert!(length(&conn).expect("a length") >= 100);
        assert_eq!(std::fs::metadata(dir.path().join("some.db")).expect("a file").len(), before);
    }
}
