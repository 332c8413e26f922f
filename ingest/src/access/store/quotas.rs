//! How much tenants and tokens may: readings a day, and subjects of a tenant.

use std::num::NonZeroU32;

use rusqlite::{Connection, params};

use super::{AccessError, Store};

pub(super) const QUOTAS: &str = "
    ALTER TABLE tenants ADD COLUMN readings_per_day INTEGER;
    ALTER TABLE tenants ADD COLUMN most_subjects INTEGER;
    ALTER TABLE tokens ADD COLUMN readings_per_day INTEGER;
    CREATE INDEX owned ON subjects (tenant);";

impl Store {
    /// How many readings a day all of a tenant may send; `None`: as many as there are.
    ///
    /// # Errors
    /// A tenant that there is none of.
    pub fn set_tenant_readings(&mut self, id: &str, per_day: Option<NonZeroU32>) -> Result<(), AccessError> {
        self.set("UPDATE tenants SET readings_per_day = ?2 WHERE id = ?1", "tenant", id, per_day)
    }

    /// How many subjects a tenant may have; `None`: as many as there are. Those that it has it keeps.
    ///
    /// # Errors
    /// A tenant that there is none of.
    pub fn set_tenant_subjects(&mut self, id: &str, most: Option<NonZeroU32>) -> Result<(), AccessError> {
        self.set("UPDATE tenants SET most_subjects = ?2 WHERE id = ?1", "tenant", id, most)
    }

    /// How many readings a day may be sent by a token; `None`: as many as there are.
    ///
    /// # Errors
    /// A token that there is none of.
    pub fn set_token_readings(&mut self, id: &str, per_day: Option<NonZeroU32>) -> Result<(), AccessError> {
        self.set("UPDATE tokens SET readings_per_day = ?2 WHERE id = ?1", "token", id, per_day)
    }

    /// How many requests a second may be made with a token; `None`: as many as there are.
    ///
    /// # Errors
    /// A token that there is none of.
    pub fn set_token_rate(&mut self, id: &str, rate: Option<NonZeroU32>) -> Result<(), AccessError> {
        self.set("UPDATE tokens SET rate = ?2 WHERE id = ?1", "token", id, rate)
    }

    fn set(&self, sql: &str, what: &'static str, id: &str, to: Option<NonZeroU32>) -> Result<(), AccessError> {
        match self.db.execute(sql, params![id, to.map(NonZeroU32::get)])? {
            0 => Err(AccessError::Unknown(what, id.to_owned())),
            _ => Ok(()),
        }
    }
}

/// How many subjects a tenant may have yet: `None`, as many as there are.
pub(super) fn room(db: &Connection, tenant: &str) -> Result<Option<u64>, AccessError> {
    let sql = "SELECT most_subjects, (SELECT count(*) FROM subjects WHERE tenant = ?1) FROM tenants WHERE id = ?1";
    let (most, has): (Option<u32>, i64) = db.prepare_cached(sql)?.query_row([tenant], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let has = u64::try_from(has).unwrap_or(0);
    Ok(most.map(|most| u64::from(most).saturating_sub(has)))
}
