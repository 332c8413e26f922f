//! Tokens: made, exchanged, taken back.

use std::num::NonZeroU32;

use rusqlite::{TransactionBehavior, params};
use vitalog_elog::Time;

use super::tenants::{must_not_be_of_other, tenant_must_be};
use super::{AccessError, Store, must_be};
use crate::access::is_id;
use crate::access::scope::Scope;
use crate::access::token::{self, Minted};

/// A token to be made.
pub struct NewToken<'a> {
    pub id: &'a str,
    /// Whose it is; nobody's is a program's.
    pub account: Option<&'a str>,
    pub scopes: &'a [Scope],
    pub expires: Option<Time>,
    /// Requests a second that may be made with it; as many as there are, if not given.
    pub rate: Option<NonZeroU32>,
    /// New readings that may be sent by it of a day; as many as there are, if not given.
    pub readings_per_day: Option<NonZeroU32>,
    /// To which a program's own belongs, for ever. One of an account belongs where that does.
    pub tenant: Option<&'a str>,
}

impl<'a> NewToken<'a> {
    /// A program's of the house, for ever and at any pace.
    pub fn new(id: &'a str, scopes: &'a [Scope]) -> NewToken<'a> {
        NewToken { id, account: None, scopes, expires: None, rate: None, readings_per_day: None, tenant: None }
    }
}

impl Store {
    /// Makes a token; it is shown once.
    ///
    /// # Errors
    /// An id that can't be one or is taken, an account or a tenant that there is none of, a scope for a subject that is not of the tenant.
    pub fn add_token(&mut self, new: &NewToken<'_>, now: Time) -> Result<Minted, AccessError> {
        let minted = token::mint()?;
        self.insert_token(new, &minted.hash, now)?;
        Ok(minted)
    }

    pub(in crate::access) fn insert_token(&mut self, new: &NewToken<'_>, hash: &[u8; 32], now: Time) -> Result<(), AccessError> {
        if !is_id(new.id) {
            return Err(AccessError::BadId(new.id.to_owned()));
        }
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let of_account: Option<String> = match new.account {
            None => None,
            Some(account) => {
                must_be(&tx, account)?;
                tx.query_row("SELECT tenant FROM accounts WHERE id = ?1", [account], |r| r.get(0))?
            }
        };
        match (new.account, new.tenant) {
            (Some(_), Some(tenant)) => {
                return Err(AccessError::Tenant {
                    field: "tenant",
                    value: tenant.to_owned(),
                    why: "a token of an account belongs where that does".to_owned(),
                    remedy: "say an account or a tenant, not both",
                });
            }
            (_, tenant) => tenant.map_or(Ok(()), |tenant| tenant_must_be(&tx, tenant))?,
        }
        let tenant = of_account.as_deref().or(new.tenant);
        new.scopes.iter().filter_map(Scope::subject).try_for_each(|subject| must_not_be_of_other(&tx, tenant, subject))?;
        let scopes: Vec<String> = new.scopes.iter().map(Scope::to_string).collect();
        let added = tx.execute(
            "INSERT INTO tokens (id, account, hash, scopes, created_at, expires_at, rate, tenant, readings_per_day) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
            params![
                new.id,
                new.account,
                hash,
                scopes.join(","),
                now.0,
                new.expires.map(|t| t.0),
                new.rate.map(NonZeroU32::get),
                new.tenant,
                new.readings_per_day.map(NonZeroU32::get)
            ],
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
}
