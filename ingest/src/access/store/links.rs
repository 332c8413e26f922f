//! Links: which account belongs to whom a provider names. Made by whoever runs the server, one by one; nothing else lets anybody in by a provider.

use rusqlite::{OptionalExtension, params};
use vitalog_elog::Time;

use super::{AccessError, Store, must_be};
use crate::access::oidc::{LONGEST_SUBJECT, issuer_of};

impl Store {
    /// Links an account with whom a provider names. An account may have several, and each is of one account.
    ///
    /// # Errors
    /// An account that there is none of; an issuer or a name that can't be one, or that is linked already.
    pub fn link(&mut self, id: &str, issuer: &str, subject: &str, now: Time) -> Result<(), AccessError> {
        issuer_of(issuer).map_err(|e| AccessError::Link { field: e.field, why: e.why, remedy: e.remedy })?;
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
            let remedy = "give the claim `sub` that the provider has for them: 1 to 255 characters";
            return Err(AccessError::Link { field: "subject", why: "nobody can be called so", remedy });
        }
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        must_be(&tx, id)?;
        let other: Option<String> = tx
            .query_row("SELECT account FROM links WHERE issuer = ?1 AND subject = ?2", [issuer, subject], |r| r.get(0))
            .optional()?;
        if let Some(other) = other {
            return Err(AccessError::Exists("link of this subject with", other));
        }
        let sql = "INSERT INTO links (issuer, subject, account, since) VALUES (?1, ?2, ?3, ?4)";
        tx.execute(sql, params![issuer, subject, id, now.0])?;
        tx.commit()?;
        Ok(())
    }

    /// Takes a link away; sessions of the account are over.
    ///
    /// # Errors
    /// Where there is none.
    pub fn unlink(&mut self, id: &str, issuer: &str, subject: &str) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let sql = "DELETE FROM links WHERE issuer = ?1 AND subject = ?2 AND account = ?3";
        if tx.execute(sql, params![issuer, subject, id])? == 0 {
            return Err(AccessError::Unknown("link of this subject with", id.to_owned()));
        }
        tx.execute("UPDATE accounts SET generation = generation + 1 WHERE id = ?1", [id])?;
        tx.commit()?;
        Ok(())
    }
}
