//! Tokens: made, exchanged, taken back.

use std::num::NonZeroU32;

use rusqlite::params;
use vitalog_elog::Time;

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
}

impl Store {
    /// Makes a token; it is shown once.
    ///
    /// # Errors
    /// An id that can't be one or is taken, an account that there is none of.
    pub fn add_token(&mut self, new: &NewToken<'_>, now: Time) -> Result<Minted, AccessError> {
        let minted = token::mint()?;
        self.insert_token(new, &minted.hash, now)?;
        Ok(minted)
    }

    pub(in crate::access) fn insert_token(&mut self, new: &NewToken<'_>, hash: &[u8; 32], now: Time) -> Result<(), AccessError> {
        if !is_id(new.id) {
            return Err(AccessError::BadId(new.id.to_owned()));
        }
        let tx = self.db.transaction()?;
        if let Some(account) = new.account {
            must_be(&tx, account)?;
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
}
