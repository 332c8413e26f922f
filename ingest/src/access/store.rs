//! The SQLite file of accounts: who there is, what they showed to prove it, whom they are assigned.
//!
//! Several processes may have it open: the server reads it, and `vitalog user` and `vitalog token` change it meanwhile. A server sees a change with the next request.
//!
//! INVARIANT (nothing to steal): of tokens there are only hashes, of passwords only argon2id.

use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use vitalog_elog::{Span, Subject, Time};

use super::error::AccessError;
use super::registry::{Account, Emergency, Registry, Token};
use super::role::{Role, Roles};
use super::scope::Scope;
use super::token::{self, Minted};
use super::{is_id, password};

/// "VtAc".
const APPLICATION_ID: i32 = 0x5674_4163;
const FORMAT: u32 = 1;

const TABLES: &str = "
    CREATE TABLE accounts (id TEXT PRIMARY KEY, roles TEXT NOT NULL, own TEXT, password TEXT, generation INTEGER NOT NULL DEFAULT 0,
        disabled_at INTEGER, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE assignments (account TEXT NOT NULL REFERENCES accounts (id), subject TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER,
        by TEXT NOT NULL, PRIMARY KEY (account, subject)) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (id TEXT PRIMARY KEY, account TEXT REFERENCES accounts (id), hash BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL,
        created_at INTEGER NOT NULL, expires_at INTEGER, former BLOB UNIQUE, former_until INTEGER, rate INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE emergencies (number INTEGER PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (id), subject TEXT NOT NULL,
        reason TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL, seen_by TEXT, seen_at INTEGER) STRICT;";

/// A store that is open.
pub struct Store {
    db: Connection,
    /// What it said when it was read last.
    seen: i64,
}

/// A token to be made.
pub struct NewToken<'a> {
    pub id: &'a str,
    /// Whose it is; nobody's is a program's.
    pub account: Option<&'a str>,
    pub scopes: &'a [Scope],
    pub expires: Option<Time>,
    /// Requests a second that may be made with it; as many as there are, if not given.
    pub rate: Option<NonZeroU32>,
}

impl Store {
    /// Opens the file, and makes it where it is missing, readable by its owner only.
    ///
    /// # Errors
    /// Where it can't be opened, or is of something else.
    pub fn open(path: &Path) -> Result<Store, AccessError> {
        let made = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        made.map_err(|e| AccessError::Io(path.to_owned(), e))?;
        Store::over(Connection::open(path)?, path)
    }

    /// Opens a file that is there, to read it only. Where nothing waits in a log beside it, nothing is made there either.
    ///
    /// # Errors
    /// Where it can't be opened, or is of something else.
    pub fn look(path: &Path) -> Result<Store, AccessError> {
        let log = path.with_extension("db-wal");
        let db = match std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            true => Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            false => crate::journal::open_unchanged(path)?,
        };
        db.busy_timeout(Duration::from_secs(5))?;
        let not_ours = |_| AccessError::NotOurs(path.to_owned(), "it is no SQLite file".to_owned());
        let version: u32 = db.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(not_ours)?;
        let application: i32 = db.pragma_query_value(None, "application_id", |r| r.get(0)).map_err(not_ours)?;
        if (application, version) != (APPLICATION_ID, FORMAT) {
            return Err(AccessError::NotOurs(path.to_owned(), "it is a SQLite file of something else".to_owned()));
        }
        Ok(Store { db, seen: -1 })
    }

    /// One that is gone with this process.
    ///
    /// # Errors
    /// Where SQLite can't.
    pub fn in_memory() -> Result<Store, AccessError> {
        Store::over(Connection::open_in_memory()?, Path::new(":memory:"))
    }

    fn over(db: Connection, path: &Path) -> Result<Store, AccessError> {
        db.busy_timeout(Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", "full")?;
        db.pragma_update(None, "secure_delete", "on")?;
        db.pragma_update(None, "foreign_keys", "on")?;
        let tx = rusqlite::Transaction::new_unchecked(&db, rusqlite::TransactionBehavior::Immediate)?;
        let version: u32 = tx.pragma_query_value(None, "user_version", |r| r.get(0))?;
        let application: i32 = tx.pragma_query_value(None, "application_id", |r| r.get(0))?;
        match (application, version) {
            (APPLICATION_ID, FORMAT) => {}
            (0, 0) => {
                tx.execute_batch(TABLES)?;
                tx.pragma_update(None, "application_id", APPLICATION_ID)?;
                tx.pragma_update(None, "user_version", FORMAT)?;
            }
            (APPLICATION_ID, later) => {
                let why = format!("it has version {later} of its layout, and this program knows {FORMAT}");
                return Err(AccessError::NotOurs(path.to_owned(), why));
            }
            _ => return Err(AccessError::NotOurs(path.to_owned(), "it is a SQLite file of something else".to_owned())),
        }
        tx.commit()?;
        Ok(Store { db, seen: -1 })
    }

    /// Makes an account.
    ///
    /// # Errors
    /// An id that can't be one or is taken; roles that want a subject of one's own, or want none.
    pub fn add_account(
        &mut self,
        id: &str,
        roles: Roles,
        own: Option<&Subject>,
        secret: Option<&str>,
        now: Time,
    ) -> Result<(), AccessError> {
        if !is_id(id) {
            return Err(AccessError::BadId(id.to_owned()));
        }
        fits(roles, own)?;
        let hash = secret.map(password::hashed).transpose()?;
        let added = self.db.execute(
            "INSERT INTO accounts (id, roles, own, password, created_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            params![id, roles.to_string(), own.map(Subject::as_str), hash, now.0],
        )?;
        if added == 0 { Err(AccessError::Exists("account", id.to_owned())) } else { Ok(()) }
    }

    /// Gives other roles. Sessions go on, with these.
    ///
    /// # Errors
    /// An account that there is none of; roles that don't fit it.
    pub fn set_roles(&mut self, id: &str, roles: Roles) -> Result<(), AccessError> {
        let own: Option<Option<String>> =
            self.db.query_row("SELECT own FROM accounts WHERE id = ?1", [id], |r| r.get(0)).optional()?;
        let own = own.ok_or_else(|| AccessError::Unknown("account", id.to_owned()))?;
        fits(roles, own.as_deref().map(Subject::new).as_ref())?;
        self.db.execute("UPDATE accounts SET roles = ?2 WHERE id = ?1", params![id, roles.to_string()])?;
        Ok(())
    }

    /// Sets another password; sessions that the former one began are over.
    ///
    /// # Errors
    /// An account that there is none of; a password that can't be used.
    pub fn set_password(&mut self, id: &str, secret: &str) -> Result<(), AccessError> {
        let hash = password::hashed(secret)?;
        self.changed_account(
            self.db.execute("UPDATE accounts SET password = ?2, generation = generation + 1 WHERE id = ?1", params![id, hash])?,
            id,
        )
    }

    /// Shuts an account, or opens it again. Its tokens and sessions do nothing meanwhile.
    ///
    /// # Errors
    /// An account that there is none of.
    pub fn set_disabled(&mut self, id: &str, since: Option<Time>) -> Result<(), AccessError> {
        let sql = "UPDATE accounts SET disabled_at = ?2, generation = generation + 1 WHERE id = ?1";
        self.changed_account(self.db.execute(sql, params![id, since.map(|t| t.0)])?, id)
    }

    fn changed_account(&self, rows: usize, id: &str) -> Result<(), AccessError> {
        if rows == 0 { Err(AccessError::Unknown("account", id.to_owned())) } else { Ok(()) }
    }

    /// Assigns a subject to an account, from `since` on and, if said, not beyond `until`. What was assigned before is replaced.
    ///
    /// # Errors
    /// An account that there is none of.
    pub fn assign(&mut self, id: &str, subject: &Subject, since: Time, until: Option<Time>, by: &str) -> Result<(), AccessError> {
        let tx = self.db.transaction()?;
        let known: Option<i64> = tx.query_row("SELECT 1 FROM accounts WHERE id = ?1", [id], |r| r.get(0)).optional()?;
        if known.is_none() {
            return Err(AccessError::Unknown("account", id.to_owned()));
        }
        tx.execute(
            "INSERT INTO assignments (account, subject, since, until, by) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (account, subject) DO UPDATE SET since = excluded.since, until = excluded.until, by = excluded.by",
            params![id, subject.as_str(), since.0, until.map(|t| t.0), by],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// Takes an assignment back.
    ///
    /// # Errors
    /// Where there is none.
    pub fn unassign(&mut self, id: &str, subject: &Subject) -> Result<(), AccessError> {
        let rows =
            self.db.execute("DELETE FROM assignments WHERE account = ?1 AND subject = ?2", params![id, subject.as_str()])?;
        if rows == 0 { Err(AccessError::Unknown("assignment of", format!("{subject} to {id}"))) } else { Ok(()) }
    }

    /// Makes a token; it is shown once.
    ///
    /// # Errors
    /// An id that can't be one or is taken, an account that there is none of.
    pub fn add_token(&mut self, new: &NewToken<'_>, now: Time) -> Result<Minted, AccessError> {
        let minted = token::mint()?;
        self.insert_token(new, &minted.hash, now)?;
        Ok(minted)
    }

    pub(super) fn insert_token(&mut self, new: &NewToken<'_>, hash: &[u8; 32], now: Time) -> Result<(), AccessError> {
        if !is_id(new.id) {
            return Err(AccessError::BadId(new.id.to_owned()));
        }
        let tx = self.db.transaction()?;
        if let Some(account) = new.account {
            let known: Option<i64> = tx.query_row("SELECT 1 FROM accounts WHERE id = ?1", [account], |r| r.get(0)).optional()?;
            if known.is_none() {
                return Err(AccessError::Unknown("account", account.to_owned()));
            }
        }
        let scopes: Vec<String> = new.scopes.iter().map(Scope::to_string).collect();
        let added = tx.execute(
            "INSERT INTO tokens (id, account, hash, scopes, created_at, expires_at, rate) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            params![new.id, new.account, hash, scopes.join(","), now.0, new.expires.map(|t| t.0), new.rate.map(NonZeroU32::get)],
        )?;
        if added == 0 {
            return Err(AccessError::Exists("token", new.id.to_owned()));
        }
        tx.commit()?;
        Ok(())
    }

    /// Makes a new token of the same id and scopes. The former one is good until `former_until`, so that whoever uses it can change over.
    ///
    /// # Errors
    /// A token that there is none of.
    pub fn rotate_token(&mut self, id: &str, former_until: Time) -> Result<Minted, AccessError> {
        let minted = token::mint()?;
        let rows = self.db.execute(
            "UPDATE tokens SET former = hash, former_until = ?3, hash = ?2 WHERE id = ?1",
            params![id, &minted.hash, former_until.0],
        )?;
        if rows == 0 { Err(AccessError::Unknown("token", id.to_owned())) } else { Ok(minted) }
    }

    /// Takes a token back, for ever: its row is gone, and overwritten.
    ///
    /// # Errors
    /// A token that there is none of.
    pub fn revoke_token(&mut self, id: &str) -> Result<(), AccessError> {
        let rows = self.db.execute("DELETE FROM tokens WHERE id = ?1", [id])?;
        if rows == 0 { Err(AccessError::Unknown("token", id.to_owned())) } else { Ok(()) }
    }

    /// Notes that an account opens a subject in an emergency; the number of the note.
    ///
    /// # Errors
    /// An account that there is none of.
    pub fn open_emergency(
        &mut self,
        id: &str,
        subject: &Subject,
        reason: &str,
        at: Time,
        lasts: Span,
    ) -> Result<i64, AccessError> {
        let known: Option<i64> = self.db.query_row("SELECT 1 FROM accounts WHERE id = ?1", [id], |r| r.get(0)).optional()?;
        if known.is_none() {
            return Err(AccessError::Unknown("account", id.to_owned()));
        }
        let sql = "INSERT INTO emergencies (account, subject, reason, at, until) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.db.execute(sql, params![id, subject.as_str(), reason, at.0, (at + lasts).0])?;
        Ok(self.db.last_insert_rowid())
    }

    /// Notes that somebody has looked into it.
    ///
    /// # Errors
    /// Where there is none of that number, or somebody has already.
    pub fn see_emergency(&mut self, number: i64, by: &str, at: Time) -> Result<(), AccessError> {
        let sql = "UPDATE emergencies SET seen_by = ?2, seen_at = ?3 WHERE number = ?1 AND seen_by IS NULL";
        let rows = self.db.execute(sql, params![number, by, at.0])?;
        if rows == 0 {
            Err(AccessError::Unknown("emergency nobody has looked into of number", number.to_string()))
        } else {
            Ok(())
        }
    }

    /// Everything of a subject that is not a right of its own: assignments, emergencies. What names it still is told: accounts and tokens.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub fn forget(&mut self, subject: &Subject) -> Result<(), AccessError> {
        let tx = self.db.transaction()?;
        tx.execute("DELETE FROM assignments WHERE subject = ?1", [subject.as_str()])?;
        tx.execute("DELETE FROM emergencies WHERE subject = ?1", [subject.as_str()])?;
        tx.commit()?;
        // The log may hold what was overwritten.
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Copies it, as it is at one moment, into a file that is not there yet: readable by its owner only, and on stable storage.
    ///
    /// # Errors
    /// Where that can't be written, or is there.
    pub fn copy_to(&self, path: &Path) -> Result<(), AccessError> {
        let failed = |e| AccessError::Io(path.to_owned(), e);
        // SQLite takes a file that is there and empty.
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let place = path.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
        self.db.execute("VACUUM INTO ?1", [place])?;
        std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(failed)
    }

    /// Whether somebody else has changed it since it was read last.
    ///
    /// # Errors
    /// Where it can't be asked.
    pub fn is_stale(&self) -> Result<bool, AccessError> {
        Ok(self.version()? != self.seen)
    }

    fn version(&self) -> Result<i64, AccessError> {
        Ok(self.db.prepare_cached("PRAGMA data_version")?.query_row([], |r| r.get(0))?)
    }

    /// All that it says.
    ///
    /// # Errors
    /// Where it can't be read, or says what can't be.
    pub fn read(&mut self) -> Result<Registry, AccessError> {
        self.seen = self.version()?;
        let tx = self.db.transaction()?;
        let mut registry = Registry::default();
        each(&tx, "SELECT id, roles, own, password, generation, disabled_at, created_at FROM accounts ORDER BY id", |r| {
            let (id, roles, own): (String, String, Option<String>) = (r.get(0)?, r.get(1)?, r.get(2)?);
            let account = Account {
                roles: Roles::parse(&roles)?,
                own: own.as_deref().map(Subject::new),
                password: r.get(3)?,
                generation: r.get(4)?,
                disabled: r.get::<_, Option<i64>>(5)?.map(Time),
                created: Time(r.get(6)?),
                ..Account::default()
            };
            registry.accounts.insert(id.into(), account);
            Ok(())
        })?;
        each(&tx, "SELECT account, subject, since, until FROM assignments ORDER BY account, subject", |r| {
            let (id, subject): (String, String) = (r.get(0)?, r.get(1)?);
            if let Some(account) = registry.accounts.get_mut(&*id) {
                account.assigned.insert(Subject::new(&subject), (Time(r.get(2)?), r.get::<_, Option<i64>>(3)?.map(Time)));
            }
            Ok(())
        })?;
        each(
            &tx,
            "SELECT id, account, hash, scopes, created_at, expires_at, former, former_until, rate FROM tokens ORDER BY id",
            |r| {
                let (id, scopes): (String, String) = (r.get(0)?, r.get(3)?);
                let scopes: Result<Vec<Scope>, _> = scopes.split(',').filter(|w| !w.is_empty()).map(Scope::parse).collect();
                let former: Option<[u8; 32]> = r.get(6)?;
                let token = Token {
                    id: id.into(),
                    account: r.get::<_, Option<String>>(1)?.map(Into::into),
                    hash: r.get(2)?,
                    scopes: scopes?,
                    created: Time(r.get(4)?),
                    expires: r.get::<_, Option<i64>>(5)?.map(Time),
                    former: former.zip(r.get::<_, Option<i64>>(7)?.map(Time)),
                    rate: r.get::<_, Option<u32>>(8)?.and_then(NonZeroU32::new),
                };
                registry.add_token(token);
                Ok(())
            },
        )?;
        each(&tx, "SELECT number, account, subject, reason, at, until, seen_by FROM emergencies ORDER BY number", |r| {
            let subject: String = r.get(2)?;
            let emergency = Emergency {
                number: r.get(0)?,
                account: r.get::<_, String>(1)?.into(),
                subject: Subject::new(&subject),
                reason: r.get(3)?,
                at: Time(r.get(4)?),
                until: Time(r.get(5)?),
                seen_by: r.get(6)?,
            };
            registry.add_emergency(emergency);
            Ok(())
        })?;
        Ok(registry)
    }
}

/// Whether an account of these roles has a subject of its own where it must, and none where it must not.
fn fits(roles: Roles, own: Option<&Subject>) -> Result<(), AccessError> {
    if roles.is_empty() {
        return Err(AccessError::Roles("an account without a role could do nothing: give it one".to_owned()));
    }
    let wants = roles.has(Role::Patient) || roles.has(Role::Device);
    match (wants, own) {
        (true, None) => Err(AccessError::Roles(format!("{roles} is about a subject of one's own: say which"))),
        (false, Some(own)) => Err(AccessError::Roles(format!("{roles} has no subject of its own: assign {own} instead"))),
        _ => Ok(()),
    }
}

fn each(db: &Connection, sql: &str, mut then: impl FnMut(&Row<'_>) -> Result<(), AccessError>) -> Result<(), AccessError> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        then(row)?;
    }
    Ok(())
}
