//! Everybody who may come in, and what they may do: the access port of a server.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use vitalog_elog::access::{Access, Bound, Decision, Emergency, NotSettled, Principal, Via, Wish};
use vitalog_elog::metering::{Day, Party, Quota, Used};
use vitalog_elog::{Span, Subject, Time};

use super::attempts::{Attempts, Refused};
use super::error::AccessError;
use super::meter::Meter;
use super::policy::{Policies, Standing};
use super::registry::{NotGood, Registry};
use super::role::Role;
use super::scope::Scope;
use super::store::{Store, UsedByDay};
use super::tenants::{Names, Owners, Whose, owner_of_names};
use super::{password, token};

/// How long a subject stays open that was opened in an emergency.
pub const EMERGENCY: Span = Span::hours(1);

type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The store, the policies, and what was read.
pub struct Accounts {
    store: Mutex<Store>,
    registry: RwLock<Arc<Registry>>,
    owners: RwLock<Owners>,
    policies: Policies,
    attempts: Attempts,
    meter: Meter,
    clock: Clock,
}

/// What a rate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Paced {
    Token,
    /// All accounts and tokens of a tenant together.
    Tenant,
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
        let mut owners = Owners::default();
        store.read_owners(&mut owners)?;
        let owners = RwLock::new(owners);
        Ok(Accounts {
            store: Mutex::new(store),
            registry,
            owners,
            policies,
            attempts: Attempts::default(),
            meter: Meter::default(),
            clock,
        })
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
        store.read_owners(&mut self.owners.write().unwrap_or_else(PoisonError::into_inner))?;
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn last(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whose subjects are, as it was read last.
    pub fn owners(&self) -> RwLockReadGuard<'_, Owners> {
        self.owners.read().unwrap_or_else(PoisonError::into_inner)
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
        match registry.open_account(id).filter(|_| fits) {
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
        match registry.open_account(id) {
            Some(account) => Ok((Principal::new(id.clone()).via(Via::Provider), account.generation)),
            None => Err(NotIn::Unlinked(Some(id.clone()))),
        }
    }

    /// Whether who came in once may still: a session goes on only as long as what began it is good.
    pub fn may_stay(&self, who: &Principal, generation: i64) -> bool {
        let Ok(registry) = self.registry() else { return false };
        match &who.via {
            Via::Token(id) => registry.tokens.get(id).is_some_and(|token| registry.is_good(token, (self.clock)()).is_ok()),
            Via::Password | Via::Provider => registry.open_account(&who.id).is_some_and(|a| a.generation == generation),
            Via::Nothing => false,
        }
    }

    /// What was opened in emergencies and nobody was told of yet, the oldest first.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub fn untold(&self) -> Result<Vec<Emergency>, AccessError> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).untold_emergencies()
    }

    /// Notes that whoever is to be told of an emergency is told, whatever comes.
    ///
    /// # Errors
    /// Where the store can't be written: then they are told again, under the same ids.
    pub fn note_told(&self, number: i64, at: Time) -> Result<(), AccessError> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).emergency_is_told(number, at)
    }

    /// Writes down what was used since the last time.
    ///
    /// # Errors
    /// Where the store can't be written: then it is tried again with the next.
    pub fn write_used(&self) -> Result<(), AccessError> {
        self.meter.flush(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was used on these days, up to now: of all, or of one tenant.
    ///
    /// # Errors
    /// Where the store can't be read or written.
    pub fn used_in(&self, days: RangeInclusive<Day>, tenant: Option<&str>) -> Result<UsedByDay, AccessError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        self.meter.flush(&mut store)?;
        store.used(days, tenant)
    }

    /// The tenant of whoever came, where there is one.
    pub fn tenant_of(&self, who: &Principal) -> Option<Arc<str>> {
        self.last().tenant_of(who).flatten().cloned()
    }

    /// How many requests a second may be made by what was shown, and by all of its tenant: each with what it is about, and whose.
    pub fn rates_of(&self, who: &Principal) -> impl Iterator<Item = (Paced, Arc<str>, NonZeroU32)> + use<> {
        let registry = self.last();
        let token = match &who.via {
            Via::Token(id) => registry.tokens.get(id).and_then(|token| Some((Paced::Token, id.clone(), token.rate?))),
            _ => None,
        };
        let tenant = registry.tenant_of(who).flatten().and_then(|id| registry.tenants.get(id));
        let tenant = tenant.and_then(|tenant| Some((Paced::Tenant, tenant.id.clone(), tenant.rate?)));
        token.into_iter().chain(tenant)
    }

    /// How somebody stands to what they wish.
    fn standing(&self, registry: &Registry, who: &Principal, wish: Wish<'_>) -> Option<Standing> {
        let now = (self.clock)();
        let mut standing = Standing { in_scope: true, ..Standing::default() };
        match &who.via {
            Via::Token(id) => {
                let token = registry.tokens.get(id).filter(|token| registry.is_good(token, now).is_ok())?;
                standing.in_scope = token.scopes.iter().any(|scope| scope.grants(wish));
                if token.account.is_none() {
                    standing.roles = Role::Service.into();
                }
            }
            Via::Password | Via::Provider => {}
            Via::Nothing => return None,
        }
        if let Some(account) = registry.account_behind(who).filter(|a| a.disabled.is_none()) {
            standing.roles = account.roles;
            if let Some(subject) = wish.subject() {
                standing.own = account.own.as_ref() == Some(subject);
                standing.assigned = account.is_assigned(subject, now);
                standing.emergency = account.is_open(subject, now);
            }
        }
        standing.foreign = match (registry.tenant_of(who)?, wish) {
            (None, _) => false,
            // An erasure ends the server for a moment, for everybody.
            (Some(_), Wish::Erase(_)) => true,
            (Some(_), Wish::Write(subject) | Wish::SetProfile(subject)) => self.whose(registry, who, subject) == Whose::Foreign,
            (Some(_), wish) => wish.subject().is_none_or(|subject| self.whose(registry, who, subject) != Whose::Ours),
        };
        Some(standing)
    }

    /// Whose a subject is to somebody.
    fn whose(&self, registry: &Registry, who: &Principal, subject: &Subject) -> Whose {
        let Some(tenant) = registry.tenant_of(who) else { return Whose::Foreign };
        let fixed = tenant.is_some() && registry.is_said_for(who, subject, (self.clock)());
        self.owners().whose(&registry.tenants, tenant, subject, fixed)
    }
}

impl Access for Accounts {
    fn allows(&self, who: &Principal, wish: Wish<'_>) -> bool {
        self.standing(&self.last(), who, wish).is_some_and(|standing| self.policies.allows(standing, wish))
    }

    fn subjects(&self, who: &Principal) -> Vec<Subject> {
        // Where the store can't be read, what was known last: it is better shown than hidden.
        let registry = self.registry().unwrap_or_else(|_| self.last());
        let token = if let Via::Token(id) = &who.via { registry.tokens.get(id) } else { None };
        let of_account = registry
            .account_behind(who)
            .into_iter()
            .flat_map(|a| a.own.iter().chain(a.assigned.keys()).chain(a.emergencies.keys()));
        let of_token = token.into_iter().flat_map(|t| t.scopes.iter().filter_map(Scope::subject));
        let mut all: Vec<Subject> = of_account.chain(of_token).cloned().collect();
        if let Some(Some(tenant)) = registry.tenant_of(who) {
            all.extend(self.owners().subjects(tenant).cloned());
        }
        all.sort();
        all.dedup();
        all.retain(|subject| self.allows(who, Wish::Read(subject)));
        all
    }

    fn bound(&self, who: &Principal) -> Option<Bound> {
        let nobody = || Bound { tenant: "".into(), subjects: Vec::new() };
        let Ok(registry) = self.registry() else { return Some(nobody()) };
        match registry.tenant_of(who) {
            // Gone since they came in.
            None => Some(nobody()),
            Some(tenant) => {
                tenant.map(|id| Bound { tenant: id.clone(), subjects: self.owners().subjects(id).cloned().collect() })
            }
        }
    }

    fn unsettled(&self, who: &Principal, subjects: &mut dyn Iterator<Item = &Subject>) -> Vec<Subject> {
        let Ok(registry) = self.registry() else { return Vec::new() };
        if registry.tenants.is_empty() {
            return Vec::new();
        }
        let is_free = |subject: &&Subject| self.whose(&registry, who, subject) == Whose::Free;
        let free: BTreeSet<&Subject> = subjects.filter(is_free).collect();
        free.into_iter().cloned().collect()
    }

    fn settle(&self, who: &Principal, subjects: &[(Subject, bool)]) -> Result<Vec<Subject>, NotSettled> {
        let failed = |e: AccessError| NotSettled(e.to_string());
        let registry = self.registry().map_err(failed)?;
        let mine = registry.tenant_of(who).flatten();
        let mut owned = Vec::with_capacity(subjects.len());
        for (subject, is_known) in subjects {
            if self.whose(&registry, who, subject) == Whose::Free {
                let owner = owner_of_names(&registry.tenants, subject.as_str()).or(mine);
                // What was kept of it was kept by the house, and stays there until somebody who runs it says otherwise.
                owned.push((subject.clone(), owner.filter(|_| !is_known).cloned()));
            }
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let beyond = store.settle(&owned, (self.clock)()).map_err(failed)?;
        store.read_owners(&mut self.owners.write().unwrap_or_else(PoisonError::into_inner)).map_err(failed)?;
        Ok(beyond)
    }

    fn is_beyond(&self, who: &Principal, subject: &Subject) -> bool {
        // Whoever asks this has asked whether they may write it, by the newest picture.
        let registry = self.last();
        if registry.tenants.values().all(|tenant| tenant.most_subjects.is_none()) {
            return false;
        }
        let Some(mine) = registry.tenant_of(who) else { return false };
        let owner = owner_of_names(&registry.tenants, subject.as_str());
        // The tenant that would have it by their writing it, whether it is free or not.
        let would_be = match (owner, mine) {
            (Some(owner), Some(mine)) if owner != mine => return false,
            (Some(owner), _) => Some(owner),
            (None, Some(mine)) => {
                let any = registry.tenants.get(mine).is_some_and(|tenant| tenant.names == Names::Any);
                (any || registry.is_said_for(who, subject, (self.clock)())).then_some(mine)
            }
            (None, None) => None,
        };
        let Some(tenant) = would_be.and_then(|id| registry.tenants.get(id)) else { return false };
        let owners = self.owners();
        let is_theirs = match owners.of(subject) {
            // Whoever is of none may know whose each is.
            Some(owner) => mine.is_none() || owner == mine,
            None => false,
        };
        if is_theirs || !owners.is_full(tenant) {
            return false;
        }
        drop(owners);
        let standing = self.standing(&registry, who, Wish::Write(subject));
        standing.is_some_and(|standing| self.policies.allows(Standing { foreign: false, ..standing }, Wish::Write(subject)))
    }

    fn quotas(&self, who: &Principal) -> Vec<Quota> {
        self.registry().map(|registry| registry.quotas_of(who)).unwrap_or_default()
    }

    fn may_name(&self, who: &Principal, subject: &Subject) -> bool {
        self.whose(&self.last(), who, subject) != Whose::Foreign
    }

    fn emergencies(&self, subject: &Subject) -> Vec<Emergency> {
        let Ok(registry) = self.registry() else { return Vec::new() };
        registry.emergencies.iter().rev().filter(|emergency| emergency.subject == *subject).cloned().collect()
    }

    fn party(&self, who: &Principal) -> Option<Party> {
        let registry = self.last();
        if !registry.counts() {
            return None;
        }
        let tenant = registry.tenant_of(who)?.cloned();
        let token = if let Via::Token(id) = &who.via { Some(id.clone()) } else { None };
        Some(Party { tenant, account: who.id.clone(), token })
    }

    fn used(&self, who: &Principal, used: Used) {
        if let Some(party) = self.party(who) {
            self.meter.add(Day::of((self.clock)()), party, used);
        }
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
