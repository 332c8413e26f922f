//! Everybody who may come in, and what they may do: the access port of a server.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use vitalog_elog::access::{Access, Decision, Principal, Via, Wish};
use vitalog_elog::{Span, Subject, Time};

use super::attempts::{Attempts, Refused};
use super::error::AccessError;
use super::policy::{Policies, Standing};
use super::registry::{NotGood, Registry};
use super::role::Role;
use super::scope::Scope;
use super::store::Store;
use super::{password, token};

/// How long a subject stays open that was opened in an emergency.
pub const EMERGENCY: Span = Span::hours(1);

type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The store, the policies, and what was read.
pub struct Accounts {
    store: Mutex<Store>,
    registry: RwLock<Arc<Registry>>,
    policies: Policies,
    attempts: Attempts,
    clock: Clock,
}

/// Why nobody was let in.
#[derive(Debug)]
pub enum NotIn {
    Token(NotGood),
    /// No such account, another password, or a shut account: which one is not told.
    Password,
    /// Nobody's account that is open is linked with whom a provider names; this one is, and is shut.
    Unlinked(Option<Arc<str>>),
    /// Too many attempts failed: how long to wait.
    Wait(Span),
    Store(AccessError),
}

impl Accounts {
    /// # Errors
    /// Where the store can't be read.
    pub fn new(mut store: Store, policies: Policies, clock: Clock) -> Result<Accounts, AccessError> {
        let registry = RwLock::new(Arc::new(store.read()?));
        Ok(Accounts { store: Mutex::new(store), registry, policies, attempts: Attempts::default(), clock })
    }

    /// What the store says now.
    ///
    /// # Errors
    /// Where it can't be read: then nobody knows who was shut out meanwhile.
    pub fn registry(&self) -> Result<Arc<Registry>, AccessError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if store.is_stale()? {
            self.take_up(&mut store)?;
        }
        Ok(self.last())
    }

    /// Changes the store; what was changed holds at once.
    ///
    /// # Errors
    /// As the change, or where the store can't be read.
    pub fn change<T>(&self, change: impl FnOnce(&mut Store) -> Result<T, AccessError>) -> Result<T, AccessError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let done = change(&mut store)?;
        self.take_up(&mut store)?;
        Ok(done)
    }

    fn take_up(&self, store: &mut Store) -> Result<(), AccessError> {
        let read = Arc::new(store.read()?);
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn last(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// Nobody's, or one that is good no more.
    pub fn holder_of(&self, shown: &str) -> Result<Principal, NotIn> {
        let registry = self.registry().map_err(NotIn::Store)?;
        let token = registry.token(&token::hash_of(shown), (self.clock)()).map_err(NotIn::Token)?;
        let id = token.account.as_ref().unwrap_or(&token.id);
        Ok(Principal::new(id.clone()).via(Via::Token(token.id.clone())))
    }

    /// Who has this password; and the generation that it is of. Takes tens of milliseconds, and as long for an account that there is none of.
    ///
    /// # Errors
    /// Where it does not fit, or too many did not before.
    pub fn log_in(&self, id: &str, secret: &str) -> Result<(Principal, i64), NotIn> {
        let now = (self.clock)();
        self.attempts.may(id, now).map_err(|Refused(wait)| NotIn::Wait(wait))?;
        let registry = self.registry().map_err(NotIn::Store)?;
        let known = registry.accounts.get(id);
        let fits = password::is(secret, known.and_then(|a| a.password.as_deref()));
        match known.filter(|account| fits && account.disabled.is_none()) {
            Some(account) => {
                self.attempts.fitted(id);
                Ok((Principal::new(id).via(Via::Password), account.generation))
            }
            None => {
                self.attempts.failed(id, now);
                Err(NotIn::Password)
            }
        }
    }

    /// Whose account is linked with whom a provider names; and its generation. Nothing else makes or finds an account: no address, no name.
    ///
    /// # Errors
    /// [`NotIn::Unlinked`]; where the store can't be read.
    pub fn linked(&self, issuer: &str, subject: &str) -> Result<(Principal, i64), NotIn> {
        let registry = self.registry().map_err(NotIn::Store)?;
        let id = registry.account_of(issuer, subject).ok_or(NotIn::Unlinked(None))?;
        match registry.accounts.get(id).filter(|account| account.disabled.is_none()) {
            Some(account) => Ok((Principal::new(id.clone()).via(Via::Provider), account.generation)),
            None => Err(NotIn::Unlinked(Some(id.clone()))),
        }
    }

    /// Whether who came in once may still: a session goes on only as long as what began it is good.
    pub fn may_stay(&self, who: &Principal, generation: i64) -> bool {
        let Ok(registry) = self.registry() else { return false };
        match &who.via {
            Via::Token(id) => registry.tokens.get(id).is_some_and(|token| registry.is_good(token, (self.clock)()).is_ok()),
            Via::Password | Via::Provider => {
                registry.accounts.get(&who.id).is_some_and(|a| a.disabled.is_none() && a.generation == generation)
            }
            Via::Nothing => false,
        }
    }

    /// How many requests a second may be made by what was shown, and by which token.
    pub fn rate_of(&self, who: &Principal) -> Option<(Arc<str>, NonZeroU32)> {
        let Via::Token(id) = &who.via else { return None };
        Some((id.clone(), self.last().tokens.get(id)?.rate?))
    }

    /// How somebody stands to what they wish.
    fn standing(&self, registry: &Registry, who: &Principal, wish: Wish<'_>) -> Option<Standing> {
        let now = (self.clock)();
        let mut standing = Standing { in_scope: true, ..Standing::default() };
        let mut account = registry.accounts.get(&who.id);
        match &who.via {
            Via::Token(id) => {
                let token = registry.tokens.get(id).filter(|token| registry.is_good(token, now).is_ok())?;
                standing.in_scope = token.scopes.iter().any(|scope| scope.grants(wish));
                // A program may be called like a person, and is not that person.
                account = token.account.as_ref().and_then(|id| registry.accounts.get(id));
                if token.account.is_none() {
                    standing.roles = Role::Service.into();
                }
            }
            Via::Password | Via::Provider => {}
            Via::Nothing => return None,
        }
        if let Some(account) = account.filter(|a| a.disabled.is_none()) {
            standing.roles = account.roles;
            if let Some(subject) = wish.subject() {
                standing.own = account.own.as_ref() == Some(subject);
                standing.assigned = account.is_assigned(subject, now);
                standing.emergency = account.is_open(subject, now);
            }
        }
        Some(standing)
    }
}

impl Access for Accounts {
    fn allows(&self, who: &Principal, wish: Wish<'_>) -> bool {
        self.standing(&self.last(), who, wish).is_some_and(|standing| self.policies.allows(standing, wish))
    }

    fn subjects(&self, who: &Principal) -> Vec<Subject> {
        let Ok(registry) = self.registry() else { return Vec::new() };
        let token = if let Via::Token(id) = &who.via { registry.tokens.get(id) } else { None };
        let account = match token {
            Some(token) => token.account.as_ref().and_then(|id| registry.accounts.get(id)),
            None => registry.accounts.get(&who.id),
        };
        let of_account = account.into_iter().flat_map(|a| a.own.iter().chain(a.assigned.keys()).chain(a.emergencies.keys()));
        let of_token = token.into_iter().flat_map(|t| t.scopes.iter().filter_map(Scope::subject));
        let mut all: Vec<Subject> = of_account.chain(of_token).cloned().collect();
        all.sort();
        all.dedup();
        all.retain(|subject| self.allows(who, Wish::Read(subject)));
        all
    }

    fn decide(&self, who: &Principal, wish: Wish<'_>) -> Decision {
        // Whoever was shut out a moment ago is not let in by an older picture.
        let allowed = self.registry().is_ok() && self.allows(who, wish);
        let decision = if allowed { Decision::Allow } else { Decision::Deny };
        who.note(wish, decision);
        decision
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.last();
        write!(f, "{} accounts, {} tokens", registry.accounts.len(), registry.tokens.len())
    }
}

impl fmt::Display for NotIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotIn::Token(why) => f.write_str(why.detail()),
            NotIn::Password => f.write_str("no account has this name and this password"),
            NotIn::Unlinked(_) => f.write_str("no account here that is open is linked with whom the provider named"),
            NotIn::Wait(_) => f.write_str("too many attempts with this name have failed"),
            NotIn::Store(error) => error.fmt(f),
        }
    }
}
