//! Tenants, and whose subjects are.
//!
//! INVARIANT (one owner): a subject has one row at most, and who writes it first stays. What is written down only grows, so whoever has read it reads what came after; each change of what was there begins a new era.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZeroU32;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use vitalog_elog::{Subject, Time};

use super::quotas::room;
use super::{AccessError, FORMAT, Store};
use crate::access::is_id;
use crate::access::tenants::{Names, Owners, Seen, Tenant, owner_of_names};

pub(super) const TENANTS: &str = "
    CREATE TABLE tenants (id TEXT PRIMARY KEY, beginning TEXT UNIQUE, created_at INTEGER NOT NULL, shut_at INTEGER, rate INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE subjects (number INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL UNIQUE, tenant TEXT REFERENCES tenants (id),
        since INTEGER NOT NULL) STRICT;
    CREATE TABLE used (day INTEGER NOT NULL, tenant TEXT NOT NULL, account TEXT NOT NULL, token TEXT NOT NULL, requests INTEGER NOT NULL,
        bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, statements INTEGER NOT NULL, rows INTEGER NOT NULL, duplicates INTEGER NOT NULL,
        PRIMARY KEY (day, tenant, account, token)) STRICT, WITHOUT ROWID;
    CREATE TABLE era (number INTEGER NOT NULL) STRICT;
    INSERT INTO era VALUES (0);
    ALTER TABLE accounts ADD COLUMN tenant TEXT;
    ALTER TABLE tokens ADD COLUMN tenant TEXT;";

impl Store {
    /// Makes a tenant, with no quota.
    ///
    /// # Errors
    /// An id that can't be one or is taken; names that another tenant's could be.
    pub fn add_tenant(&mut self, id: &str, names: &Names, rate: Option<NonZeroU32>, now: Time) -> Result<(), AccessError> {
        if !is_id(id) {
            return Err(AccessError::BadId(id.to_owned()));
        }
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tenants = read_tenants(&tx, FORMAT)?;
        if tenants.contains_key(id) {
            return Err(AccessError::Exists("tenant", id.to_owned()));
        }
        apart(&tenants, id, names)?;
        let sql = "INSERT INTO tenants (id, beginning, created_at, rate) VALUES (?1, ?2, ?3, ?4)";
        tx.execute(sql, params![id, beginning(names), now.0, rate.map(NonZeroU32::get)])?;
        Ok(tx.commit()?)
    }

    /// Which names a tenant's programs may take from now on. Those that it has it keeps.
    ///
    /// # Errors
    /// A tenant that there is none of; names that another tenant's could be.
    pub fn set_names(&mut self, id: &str, names: &Names) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tenant_must_be(&tx, id)?;
        apart(&read_tenants(&tx, FORMAT)?, id, names)?;
        tx.execute("UPDATE tenants SET beginning = ?2 WHERE id = ?1", params![id, beginning(names)])?;
        Ok(tx.commit()?)
    }

    /// How many requests a second all of a tenant may make; `None`: as many as there are.
    ///
    /// # Errors
    /// A tenant that there is none of.
    pub fn set_tenant_rate(&mut self, id: &str, rate: Option<NonZeroU32>) -> Result<(), AccessError> {
        match self.db.execute("UPDATE tenants SET rate = ?2 WHERE id = ?1", params![id, rate.map(NonZeroU32::get)])? {
            0 => Err(AccessError::Unknown("tenant", id.to_owned())),
            _ => Ok(()),
        }
    }

    /// Shuts a tenant, or opens it again: its accounts and tokens open nothing meanwhile, and its sessions are over.
    ///
    /// # Errors
    /// A tenant that there is none of.
    pub fn set_tenant_shut(&mut self, id: &str, since: Option<Time>) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tenant_must_be(&tx, id)?;
        tx.execute("UPDATE tenants SET shut_at = ?2 WHERE id = ?1", params![id, since.map(|t| t.0)])?;
        tx.execute("UPDATE accounts SET generation = generation + 1 WHERE tenant = ?1", [id])?;
        Ok(tx.commit()?)
    }

    /// Gives subjects that are the house's to a tenant, with all that is kept of them; all or none.
    ///
    /// # Errors
    /// A tenant that there is none of; a subject of another tenant, or whose name begins as another's do.
    pub fn claim_subjects(&mut self, id: &str, subjects: &[Subject], now: Time) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tenant_must_be(&tx, id)?;
        let tenants = read_tenants(&tx, FORMAT)?;
        for subject in subjects {
            match owner(&tx, subject)? {
                Some(Some(other)) if other != id => return Err(of_other(subject, &other)),
                Some(Some(_)) => {}
                Some(None) => {
                    tx.execute("DELETE FROM subjects WHERE subject = ?1", [subject.as_str()])?;
                    put(&tx, subject, Some(id), now)?;
                    new_era(&tx)?;
                }
                None => {
                    if let Some(other) = owner_of_names(&tenants, subject.as_str()).filter(|other| ***other != *id) {
                        return Err(of_other(subject, other));
                    }
                    put(&tx, subject, Some(id), now)?;
                }
            }
        }
        Ok(tx.commit()?)
    }

    /// Takes subjects from a tenant: they are the house's then; all or none.
    ///
    /// # Errors
    /// A subject that is not this tenant's.
    pub fn release_subjects(&mut self, id: &str, subjects: &[Subject], now: Time) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tenant_must_be(&tx, id)?;
        for subject in subjects {
            if owner(&tx, subject)?.flatten().as_deref() != Some(id) {
                return Err(AccessError::Unknown("subject of the tenant", format!("{id} called {subject}")));
            }
            tx.execute("DELETE FROM subjects WHERE subject = ?1", [subject.as_str()])?;
            put(&tx, subject, None, now)?;
        }
        new_era(&tx)?;
        Ok(tx.commit()?)
    }

    /// Writes down whose subjects are that nobody had: of a tenant, or of the house. What is written down already stays as it is. Gives back those for which their tenant has no room.
    ///
    /// INVARIANT (never more): how many a tenant has is counted in the transaction that adds to them, whichever process it is of.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub fn settle(&mut self, subjects: &[(Subject, Option<Arc<str>>)], now: Time) -> Result<Vec<Subject>, AccessError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut rooms: BTreeMap<&Arc<str>, Option<u64>> = BTreeMap::new();
        let mut beyond = Vec::new();
        for (subject, tenant) in subjects {
            if owner(&tx, subject)?.is_some() {
                continue;
            }
            if let Some(tenant) = tenant {
                let room = match rooms.entry(tenant) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(room(&tx, tenant)?),
                };
                match room {
                    Some(0) => {
                        beyond.push(subject.clone());
                        continue;
                    }
                    Some(left) => *left -= 1,
                    None => {}
                }
            }
            put(&tx, subject, tenant.as_deref(), now)?;
        }
        tx.commit()?;
        Ok(beyond)
    }

    /// Takes up what is written down of whose subjects are, as far as it was not read before.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub fn read_owners(&self, owners: &mut Owners) -> Result<(), AccessError> {
        let tx = self.db.unchecked_transaction()?;
        // One that is only looked at may have been made before there were tenants.
        if tx.pragma_query_value(None, "user_version", |r| r.get::<_, u32>(0))? < 4 {
            return Ok(());
        }
        let era = tx.prepare_cached("SELECT number FROM era")?.query_row([], |r| r.get(0))?;
        if era != owners.seen.era {
            *owners = Owners::default();
            owners.seen = Seen { era, last: 0 };
        }
        let mut statement =
            tx.prepare_cached("SELECT number, subject, tenant FROM subjects WHERE number > ?1 ORDER BY number")?;
        let mut rows = statement.query([owners.seen.last])?;
        while let Some(row) = rows.next()? {
            let (number, subject, tenant): (i64, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            owners.put(Subject::new(&subject), tenant.map(Into::into));
            owners.seen.last = number;
        }
        Ok(())
    }
}

/// All tenants, of a store of this version.
pub(super) fn read_tenants(db: &Connection, version: u32) -> Result<BTreeMap<Arc<str>, Tenant>, AccessError> {
    let quotas = if version >= 5 { "readings_per_day, most_subjects" } else { "NULL, NULL" };
    let mut statement =
        db.prepare(&format!("SELECT id, beginning, created_at, shut_at, rate, {quotas} FROM tenants ORDER BY id"))?;
    let tenants = statement.query_map([], |row| {
        let id: Arc<str> = row.get::<_, String>(0)?.into();
        let tenant = Tenant {
            id: id.clone(),
            names: row.get::<_, Option<String>>(1)?.map_or(Names::Any, |text| Names::Begin(text.into())),
            created: Time(row.get(2)?),
            shut: row.get::<_, Option<i64>>(3)?.map(Time),
            rate: row.get::<_, Option<u32>>(4)?.and_then(NonZeroU32::new),
            readings_per_day: row.get::<_, Option<u32>>(5)?.and_then(NonZeroU32::new),
            most_subjects: row.get::<_, Option<u32>>(6)?.and_then(NonZeroU32::new),
        };
        Ok((id, tenant))
    })?;
    Ok(tenants.collect::<Result<_, _>>()?)
}

/// Refuses a tenant that there is none of.
pub(super) fn tenant_must_be(db: &Connection, id: &str) -> Result<(), AccessError> {
    let known: Option<i64> = db.query_row("SELECT 1 FROM tenants WHERE id = ?1", [id], |r| r.get(0)).optional()?;
    known.map(|_| ()).ok_or_else(|| AccessError::Unknown("tenant", id.to_owned()))
}

/// Refuses a subject that is said for somebody of a tenant, and is another's.
pub(super) fn must_not_be_of_other(db: &Connection, tenant: Option<&str>, subject: &Subject) -> Result<(), AccessError> {
    let Some(tenant) = tenant else { return Ok(()) };
    let known = match owner(db, subject)? {
        Some(owner) => Some(owner.unwrap_or_else(|| "the house".to_owned())),
        None => owner_of_names(&read_tenants(db, FORMAT)?, subject.as_str()).map(ToString::to_string),
    };
    match known {
        Some(other) if other != tenant => Err(of_other(subject, &other)),
        _ => Ok(()),
    }
}

/// Whose a subject is written down to be.
fn owner(db: &Connection, subject: &Subject) -> Result<Option<Option<String>>, AccessError> {
    let sql = "SELECT tenant FROM subjects WHERE subject = ?1";
    Ok(db.query_row(sql, [subject.as_str()], |r| r.get(0)).optional()?)
}

fn put(tx: &Transaction<'_>, subject: &Subject, tenant: Option<&str>, now: Time) -> Result<(), AccessError> {
    let sql = "INSERT INTO subjects (subject, tenant, since) VALUES (?1, ?2, ?3) ON CONFLICT (subject) DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![subject.as_str(), tenant, now.0])?;
    Ok(())
}

/// What was written down is not all true any more: whoever has read it reads it again.
pub(super) fn new_era(db: &Connection) -> Result<(), AccessError> {
    db.execute("UPDATE era SET number = number + 1", [])?;
    Ok(())
}

fn beginning(names: &Names) -> Option<&str> {
    match names {
        Names::Begin(text) => Some(text),
        Names::Any => None,
    }
}

/// Refuses names that another tenant's could be.
fn apart(tenants: &BTreeMap<Arc<str>, Tenant>, id: &str, names: &Names) -> Result<(), AccessError> {
    match tenants.values().find(|t| *t.id != *id && t.names.meet(names)) {
        Some(other) => Err(AccessError::Tenant {
            field: "prefix",
            value: beginning(names).unwrap_or_default().to_owned(),
            why: format!("names of the tenant {} begin with {:?}", other.id, beginning(&other.names).unwrap_or_default()),
            remedy: "choose one that neither begins with the other",
        }),
        None => Ok(()),
    }
}

fn of_other(subject: &Subject, other: &str) -> AccessError {
    AccessError::Tenant {
        field: "subject",
        value: subject.to_string(),
        why: format!("it belongs to {other}"),
        remedy: "see `vitalog tenant list --subjects`; to move it, `vitalog tenant release` it there, then `vitalog tenant claim` it here",
    }
}
