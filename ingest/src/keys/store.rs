//! The SQLite file of the key store: what is on the disk, each row sealed under the key-encryption key.
//!
//! INVARIANT (keys before groups): a key is on stable storage before anything is sealed under it is journaled. A key without a group is harmless; a group without its key is lost.
//! INVARIANT (no trace): a destroyed key's row is overwritten (`secure_delete`), and the write-ahead log, which may hold it, is emptied before anybody is told.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use vitalog_elog::{Subject, Time};
use zeroize::{Zeroize, Zeroizing};

use super::error::KeyError;
use super::kek::KekPlace;
use super::seal::{KEY, NONCE, Secret, random};
use super::{Held, KeyId};

/// "VtKy".
const APPLICATION_ID: i32 = 0x5674_4b79;
/// The version of the file's layout.
pub(super) const FORMAT: u32 = 1;

/// `lock.kek` is a hash of the key-encryption key, to tell which one it is. `unfinished` has a row while what was derived from erased inputs is yet to
/// go: whatever the one who erases needs to know for that.
const TABLES: &str = "
    CREATE TABLE lock (id INTEGER PRIMARY KEY CHECK (id = 1), kek BLOB NOT NULL) STRICT;
    CREATE TABLE keys (id BLOB PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE erased (id BLOB PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE unfinished (id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL) STRICT;";

/// What the rows are sealed for: one of a kind opens as no other.
const DATA_KEY: &[u8] = b"vitalog data key";
const ERASED: &[u8] = b"vitalog erased key";
const UNFINISHED: &[u8] = b"vitalog unfinished erasure";
/// Of a row that is of no key.
const NOBODY: KeyId = KeyId([0; 16]);

/// What a row of `keys` says when it is opened.
#[derive(Serialize, Deserialize)]
struct KeyRow {
    /// `None`: the house's own.
    subject: Option<Subject>,
    version: u32,
    secret: [u8; KEY],
}

impl Drop for KeyRow {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

pub(super) struct KeyStore {
    db: Connection,
    kek: Secret,
}

/// Everything that the file says.
pub(super) struct Contents {
    pub keys: Vec<Held>,
    pub erased: Vec<(KeyId, Time)>,
    pub unfinished: Option<Vec<u8>>,
}

impl KeyStore {
    /// Opens the file, or makes it where `may_make`.
    pub fn open(path: &Path, place: &KekPlace, may_make: bool) -> Result<KeyStore, KeyError> {
        if !may_make && std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
            return Err(KeyError::Lost { path: path.to_owned() });
        }
        let db = Connection::open(path)?;
        configure(&db)?;
        let version: u32 = db.pragma_query_value(None, "user_version", |r| r.get(0))?;
        let application: i32 = db.pragma_query_value(None, "application_id", |r| r.get(0))?;
        match (application, version) {
            (APPLICATION_ID, FORMAT) => unlock(db, place),
            (APPLICATION_ID, found) if found > FORMAT => Err(KeyError::NewerFormat { found, known: FORMAT }),
            (0, 0) if is_empty(&db)? => {
                if !may_make {
                    return Err(KeyError::Lost { path: path.to_owned() });
                }
                create(db, path, place)
            }
            _ => Err(KeyError::NotAKeyStore { detail: "it is a SQLite file of something else".to_owned() }),
        }
    }

    pub fn read(&self) -> Result<Contents, KeyError> {
        let mut statement = self.db.prepare("SELECT id, sealed FROM keys")?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let mut keys = Vec::new();
        for row in rows {
            let (id, sealed): ([u8; 16], Vec<u8>) = row?;
            let id = KeyId(id);
            let row: KeyRow = self.opened(DATA_KEY, id, &sealed)?;
            keys.push(Held { id, subject: row.subject.clone(), version: row.version, secret: Secret::new(row.secret) });
        }
        let mut statement = self.db.prepare("SELECT id, sealed FROM erased")?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let mut erased = Vec::new();
        for row in rows {
            let (id, sealed): ([u8; 16], Vec<u8>) = row?;
            erased.push((KeyId(id), self.opened(ERASED, KeyId(id), &sealed)?));
        }
        let unfinished: Option<Vec<u8>> = self.db.query_row("SELECT sealed FROM unfinished", [], |r| r.get(0)).optional()?;
        let unfinished = unfinished.map(|sealed| self.opened(UNFINISHED, NOBODY, &sealed)).transpose()?;
        Ok(Contents { keys, erased, unfinished })
    }

    /// Adds keys, and syncs.
    pub fn add(&mut self, keys: &[Held]) -> Result<(), KeyError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for key in keys {
            let sealed = sealed_key(&self.kek, key)?;
            tx.prepare_cached("INSERT INTO keys (id, sealed) VALUES (?1, ?2)")?.execute(params![key.id.0, sealed])?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Removes keys for ever, notes that they were erased and what is yet to go with them, and syncs.
    pub fn destroy(&mut self, ids: &[KeyId], at: Time, unfinished: &[u8]) -> Result<(), KeyError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for id in ids {
            let sealed = sealed(&self.kek, ERASED, *id, &at)?;
            tx.execute("DELETE FROM keys WHERE id = ?1", [id.0])?;
            tx.execute("INSERT INTO erased (id, sealed) VALUES (?1, ?2)", params![id.0, sealed])?;
        }
        let note = sealed(&self.kek, UNFINISHED, NOBODY, &unfinished)?;
        tx.execute("INSERT OR REPLACE INTO unfinished (id, sealed) VALUES (1, ?1)", [note])?;
        tx.commit()?;
        self.empty_the_log()
    }

    /// What was derived from erased inputs is gone.
    pub fn finish(&mut self) -> Result<(), KeyError> {
        self.db.execute("DELETE FROM unfinished", [])?;
        self.empty_the_log()
    }

    /// Seals every row under another key-encryption key, in one transaction.
    pub fn lock_with(&mut self, kek: Secret, contents: &Contents) -> Result<(), KeyError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for key in &contents.keys {
            tx.execute("UPDATE keys SET sealed = ?2 WHERE id = ?1", params![key.id.0, sealed_key(&kek, key)?])?;
        }
        for (id, at) in &contents.erased {
            let sealed = sealed(&kek, ERASED, *id, at)?;
            tx.execute("UPDATE erased SET sealed = ?2 WHERE id = ?1", params![id.0, sealed])?;
        }
        if let Some(note) = &contents.unfinished {
            tx.execute("UPDATE unfinished SET sealed = ?1", [sealed(&kek, UNFINISHED, NOBODY, note)?])?;
        }
        tx.execute("UPDATE lock SET kek = ?1 WHERE id = 1", [name_of(&kek)])?;
        tx.commit()?;
        self.kek = kek;
        self.empty_the_log()
    }

    /// A copy of the file as it is, without what is left in it of rows that were destroyed.
    pub fn copy_to(&self, path: &Path) -> Result<(), KeyError> {
        let Some(name) = path.to_str() else {
            return Err(KeyError::NotAKeyStore { detail: format!("{} is no name that SQLite takes", path.display()) });
        };
        self.db.execute("VACUUM INTO ?1", [name])?;
        Ok(())
    }

    fn opened<T: for<'d> Deserialize<'d>>(&self, purpose: &[u8], id: KeyId, bytes: &[u8]) -> Result<T, KeyError> {
        let bad = || KeyError::BadRow { id };
        let (nonce, body) = bytes.split_first_chunk::<NONCE>().ok_or_else(bad)?;
        let plain = Zeroizing::new(self.kek.open(nonce, &[purpose, &id.0].concat(), body).map_err(|_| bad())?);
        postcard::from_bytes(&plain).map_err(|_| bad())
    }

    fn empty_the_log(&self) -> Result<(), KeyError> {
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

fn sealed_key(kek: &Secret, key: &Held) -> Result<Vec<u8>, KeyError> {
    let row = KeyRow { subject: key.subject.clone(), version: key.version, secret: *key.secret.bytes() };
    sealed(kek, DATA_KEY, key.id, &row)
}

fn sealed<T: Serialize>(kek: &Secret, purpose: &[u8], id: KeyId, what: &T) -> Result<Vec<u8>, KeyError> {
    let lost = |detail: String| KeyError::NotAKeyStore { detail };
    let nonce: [u8; NONCE] = random().map_err(|e| lost(e.to_string()))?;
    let mut body = postcard::to_allocvec(what).map_err(|e| lost(e.to_string()))?;
    kek.seal(&nonce, &[purpose, &id.0].concat(), &mut body).map_err(|_| KeyError::BadRow { id })?;
    Ok([&nonce[..], &body].concat())
}

/// Tells key-encryption keys apart and says nothing of them.
fn name_of(kek: &Secret) -> [u8; 32] {
    blake3::derive_key("vitalog 2026-11 name of a key-encryption key", kek.bytes())
}

fn unlock(db: Connection, place: &KekPlace) -> Result<KeyStore, KeyError> {
    let named: [u8; 32] = db.query_row("SELECT kek FROM lock WHERE id = 1", [], |r| r.get(0))?;
    let candidates = place.candidates()?;
    if candidates.is_empty() {
        return Err(KeyError::NoKek { place: place.name() });
    }
    for (kek, at) in candidates {
        if name_of(&kek) == named {
            if let Some(at) = at {
                place.end_exchange(&at)?;
            }
            return Ok(KeyStore { db, kek });
        }
    }
    Err(KeyError::WrongKek { place: place.name() })
}

fn configure(db: &Connection) -> Result<(), KeyError> {
    db.busy_timeout(std::time::Duration::ZERO)?;
    db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(KeyError::NotAKeyStore { detail: format!("its file system allows no write-ahead log (mode {mode})") });
    }
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "checkpoint_fullfsync", true)?;
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    Ok(())
}

fn is_empty(db: &Connection) -> Result<bool, KeyError> {
    Ok(db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |r| r.get(0))?)
}

fn create(db: Connection, path: &Path, place: &KekPlace) -> Result<KeyStore, KeyError> {
    let kek = place.first()?;
    db.execute_batch("BEGIN IMMEDIATE")?;
    db.execute_batch(TABLES)?;
    db.execute("INSERT INTO lock (id, kek) VALUES (1, ?1)", [name_of(&kek)])?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.pragma_update(None, "user_version", FORMAT)?;
    db.execute_batch("COMMIT")?;
    let store = KeyStore { db, kek };
    store.empty_the_log()?;
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        let synced = std::fs::File::open(dir).and_then(|d| d.sync_all());
        synced.map_err(|error| KeyError::File { path: dir.to_owned(), error })?;
    }
    Ok(store)
}
