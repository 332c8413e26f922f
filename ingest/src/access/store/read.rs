//! Reading all of it into one picture.

use std::num::NonZeroU32;

use rusqlite::{Connection, Row};
use vitalog_elog::access::Emergency;
use vitalog_elog::{Subject, Time};

use super::tenants::read_tenants;
use super::{AccessError, Store};
use crate::access::registry::{Account, Registry, Token};
use crate::access::role::Roles;
use crate::access::scope::Scope;

impl Store {
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
        // One that is only looked at may have been made before there were links, or tenants.
        let version: u32 = tx.pragma_query_value(None, "user_version", |r| r.get(0))?;
        let tenant = if version >= 4 { "tenant" } else { "NULL" };
        if version >= 4 {
            registry.tenants = read_tenants(&tx, version)?;
        }
        let accounts =
            format!("SELECT id, roles, own, password, generation, disabled_at, created_at, {tenant} FROM accounts ORDER BY id");
        each(&tx, &accounts, |r| {
            let (id, roles, own): (String, String, Option<String>) = (r.get(0)?, r.get(1)?, r.get(2)?);
            let account = Account {
                roles: Roles::parse(&roles)?,
                own: own.as_deref().map(Subject::new),
                password: r.get(3)?,
                generation: r.get(4)?,
                disabled: r.get::<_, Option<i64>>(5)?.map(Time),
                created: Time(r.get(6)?),
                tenant: r.get::<_, Option<String>>(7)?.map(Into::into),
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
        let quota = if version >= 5 { "readings_per_day" } else { "NULL" };
        read_tokens(&tx, tenant, quota, &mut registry)?;
        each(&tx, &format!("SELECT {EMERGENCY} FROM emergencies ORDER BY number"), |r| {
            registry.add_emergency(emergency(r)?);
            Ok(())
        })?;
        if version >= 3 {
            each(&tx, "SELECT issuer, subject, account FROM links ORDER BY issuer, subject", |r| {
                registry.add_link(r.get(0)?, r.get(1)?, &r.get::<_, String>(2)?);
                Ok(())
            })?;
        }
        Ok(registry)
    }
}

/// The tokens; `tenant` is the column that says to which each belongs, `quota` the one that says how much may be sent by it.
fn read_tokens(db: &Connection, tenant: &str, quota: &str, registry: &mut Registry) -> Result<(), AccessError> {
    let tokens = format!(
        "SELECT id, account, hash, scopes, created_at, expires_at, former, former_until, rate, {tenant}, {quota} FROM tokens ORDER BY id"
    );
    each(db, &tokens, |r| {
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
            tenant: r.get::<_, Option<String>>(9)?.map(Into::into),
            readings_per_day: r.get::<_, Option<u32>>(10)?.and_then(NonZeroU32::new),
        };
        registry.add_token(token);
        Ok(())
    })
}

/// Of an emergency, what [`emergency`] reads.
pub(super) const EMERGENCY: &str = "number, account, subject, reason, at, until, seen_by";

pub(super) fn emergency(row: &Row<'_>) -> rusqlite::Result<Emergency> {
    let (account, subject): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Emergency {
        number: row.get(0)?,
        account: account.into(),
        subject: Subject::new(&subject),
        reason: row.get(3)?,
        at: Time(row.get(4)?),
        until: Time(row.get(5)?),
        seen_by: row.get(6)?,
    })
}

fn each(db: &Connection, sql: &str, mut then: impl FnMut(&Row<'_>) -> Result<(), AccessError>) -> Result<(), AccessError> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        then(row)?;
    }
    Ok(())
}
