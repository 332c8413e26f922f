//! Accounts: made, changed, shut, and whom they are assigned.

use rusqlite::{OptionalExtension, TransactionBehavior, params};
use vitalog_elog::{Subject, Time};

use super::tenants::{must_not_be_of_other, tenant_must_be};
use super::{AccessError, Store};
use crate::access::role::{Role, Roles};
use crate::access::{is_id, password};

/// An account to be made.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    pub id: &'a str,
    pub roles: Roles,
    /// The subject that a patient is, or a device measures.
    pub own: Option<&'a Subject>,
    /// A password; without one it comes in by tokens.
    pub secret: Option<&'a str>,
    /// To which it belongs, for ever; the house, if not given.
    pub tenant: Option<&'a str>,
}

impl<'a> NewAccount<'a> {
    /// One of the house, that comes in by tokens.
    pub fn new(id: &'a str, roles: Roles) -> NewAccount<'a> {
        NewAccount { id, roles, own: None, secret: None, tenant: None }
    }
}

impl Store {
    /// Makes an account.
    ///
    /// # Errors
    /// An id that can't be one or is taken; roles that want a subject of one's own, or want none; a tenant that there is none of, or that the subject is not of.
    pub fn add_account(&mut self, new: &NewAccount<'_>, now: Time) -> Result<(), AccessError> {
        let NewAccount { id, roles, own, secret, tenant } = *new;
        if !is_id(id) {
            return Err(AccessError::BadId(id.to_owned()));
        }
        fits(roles, own)?;
        let hash = secret.map(password::hashed).transpose()?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tenant.map_or(Ok(()), |tenant| tenant_must_be(&tx, tenant))?;
        own.map_or(Ok(()), |own| must_not_be_of_other(&tx, tenant, own))?;
        let added = tx.execute(
            "INSERT INTO accounts (id, roles, own, password, created_at, tenant) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            params![id, roles.to_string(), own.map(Subject::as_str), hash, now.0, tenant],
        )?;
        if added == 0 {
            return Err(AccessError::Exists("account", id.to_owned()));
        }
        Ok(tx.commit()?)
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
    /// An account that there is none of; a subject that is not of its tenant.
    pub fn assign(&mut self, id: &str, subject: &Subject, since: Time, until: Option<Time>, by: &str) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tenant: Option<Option<String>> =
            tx.query_row("SELECT tenant FROM accounts WHERE id = ?1", [id], |r| r.get(0)).optional()?;
        let tenant = tenant.ok_or_else(|| AccessError::Unknown("account", id.to_owned()))?;
        must_not_be_of_other(&tx, tenant.as_deref(), subject)?;
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
