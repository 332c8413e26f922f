//! What the store of accounts says, in memory: one picture, never changed, exchanged when the store is another.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use vitalog_elog::access::{Emergency, Principal, Via};
use vitalog_elog::metering::{Holder, Quota};
use vitalog_elog::{Subject, Time};

use super::role::Roles;
use super::scope::Scope;
use super::tenants::Tenant;

/// Everybody, and all tokens.
#[derive(Default)]
pub struct Registry {
    pub accounts: BTreeMap<Arc<str>, Account>,
    pub tokens: BTreeMap<Arc<str>, Token>,
    pub tenants: BTreeMap<Arc<str>, Tenant>,
    pub emergencies: Vec<Emergency>,
    /// Who is linked with whom a provider names, by issuer and subject.
    linked: HashMap<(String, String), Arc<str>>,
    /// Tokens and former tokens by hash. Looking up a hash tells by its time something of the hash, and nothing of a token of 256 random bits.
    by_hash: HashMap<[u8; 32], Arc<str>>,
}

/// One account: a person, or a device.
#[derive(Clone, Default)]
pub struct Account {
    pub roles: Roles,
    /// The subject that a patient is, or a device measures.
    pub own: Option<Subject>,
    /// Since when, and until when, if that is known.
    pub assigned: HashMap<Subject, (Time, Option<Time>)>,
    /// Until when subjects are open in an emergency.
    pub emergencies: HashMap<Subject, Time>,
    /// Whom providers name that it is linked with: issuer and subject of each.
    pub links: Vec<(String, String)>,
    pub(super) password: Option<String>,
    /// Another with each change that ends sessions.
    pub(super) generation: i64,
    pub disabled: Option<Time>,
    pub created: Time,
    /// To which it belongs.
    pub tenant: Option<Arc<str>>,
}

/// One token.
pub struct Token {
    pub id: Arc<str>,
    /// Whose it is; nobody's is a program's.
    pub account: Option<Arc<str>>,
    pub(super) hash: [u8; 32],
    pub scopes: Vec<Scope>,
    pub created: Time,
    pub expires: Option<Time>,
    /// Requests a second that may be made with it.
    pub rate: Option<NonZeroU32>,
    /// New readings that may be sent by it of a day.
    pub readings_per_day: Option<NonZeroU32>,
    /// To which a program's own belongs. One of an account belongs where that does.
    pub tenant: Option<Arc<str>>,
    /// The one before it was exchanged, and until when that is good.
    pub(super) former: Option<([u8; 32], Time)>,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotGood {
    Unknown,
    Expired,
    /// Its account is shut, or the tenant to which it belongs.
    Disabled,
}

impl Registry {
    pub(super) fn add_token(&mut self, token: Token) {
        self.by_hash.insert(token.hash, token.id.clone());
        if let Some((hash, _)) = token.former {
            self.by_hash.insert(hash, token.id.clone());
        }
        self.tokens.insert(token.id.clone(), token);
    }

    pub(super) fn add_link(&mut self, issuer: String, subject: String, id: &str) {
        let Some(account) = self.accounts.get_mut(id) else { return };
        account.links.push((issuer.clone(), subject.clone()));
        self.linked.insert((issuer, subject), id.into());
    }

    /// Whose account is linked with whom a provider names.
    pub(super) fn account_of(&self, issuer: &str, subject: &str) -> Option<&Arc<str>> {
        self.linked.get(&(issuer.to_owned(), subject.to_owned()))
    }

    pub(super) fn add_emergency(&mut self, emergency: Emergency) {
        if let Some(account) = self.accounts.get_mut(&emergency.account) {
            let until = account.emergencies.entry(emergency.subject.clone()).or_insert(emergency.until);
            *until = emergency.until.max(*until);
        }
        self.emergencies.push(emergency);
    }

    /// The token of a hash, while it is good.
    pub(super) fn token(&self, hash: &[u8; 32], now: Time) -> Result<&Token, NotGood> {
        let token = self.by_hash.get(hash).and_then(|id| self.tokens.get(id)).ok_or(NotGood::Unknown)?;
        if token.former.is_some_and(|(former, until)| former == *hash && now >= until) {
            return Err(NotGood::Expired);
        }
        self.is_good(token, now).map(|()| token)
    }

    /// Whether a token, however it was shown, is still good.
    pub(super) fn is_good(&self, token: &Token, now: Time) -> Result<(), NotGood> {
        if token.expires.is_some_and(|at| now >= at) {
            return Err(NotGood::Expired);
        }
        let opens = match &token.account {
            Some(id) => self.open_account(id).is_some(),
            None => self.is_open(token.tenant.as_ref()),
        };
        if opens { Ok(()) } else { Err(NotGood::Disabled) }
    }

    /// An account that is not shut, and nor is its tenant.
    pub(super) fn open_account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id).filter(|a| a.disabled.is_none() && self.is_open(a.tenant.as_ref()))
    }

    /// The account of whoever came; of a program there is none. A program may be called like a person, and is not that person.
    pub(super) fn account_behind(&self, who: &Principal) -> Option<&Account> {
        let id = match &who.via {
            Via::Token(id) => self.tokens.get(id)?.account.as_ref()?,
            Via::Password | Via::Provider => &who.id,
            Via::Nothing => return None,
        };
        self.accounts.get(id)
    }

    /// The tenant of whoever came, or that there is none: the house. `None` where it is not known who they are.
    pub(super) fn tenant_of(&self, who: &Principal) -> Option<Option<&Arc<str>>> {
        if let Via::Token(id) = &who.via
            && let Token { account: None, tenant, .. } = &**self.tokens.get(id).as_ref()?
        {
            return Some(tenant.as_ref());
        }
        Some(self.account_behind(who)?.tenant.as_ref())
    }

    /// Whether the operator has said this very name for whoever came: as their own, by an assignment, or in the token's scope.
    pub(super) fn is_said_for(&self, who: &Principal, subject: &Subject, now: Time) -> bool {
        let account = self.account_behind(who);
        let in_scope = |token: &Token| token.scopes.iter().any(|scope| scope.subject() == Some(subject));
        account.is_some_and(|account| account.own.as_ref() == Some(subject) || account.is_assigned(subject, now))
            || matches!(&who.via, Via::Token(id) if self.tokens.get(id).is_some_and(in_scope))
    }

    /// How many readings a day whoever came may send, by their token and by their tenant.
    pub(super) fn quotas_of(&self, who: &Principal) -> Vec<Quota> {
        let token = match &who.via {
            Via::Token(id) => self.tokens.get(id).and_then(Token::quota),
            _ => None,
        };
        let tenant = self.tenant_of(who).flatten().and_then(|id| self.tenants.get(id)).and_then(Tenant::quota);
        token.into_iter().chain(tenant).collect()
    }

    /// All quotas of readings there are, each with the tenant to which it belongs.
    pub fn quotas(&self) -> Vec<(Option<Arc<str>>, Quota)> {
        let tenants = self.tenants.values().filter_map(|tenant| Some((Some(tenant.id.clone()), tenant.quota()?)));
        let tokens = self.tokens.values().filter_map(|token| Some((self.tenant_of_token(token).cloned(), token.quota()?)));
        tenants.chain(tokens).collect()
    }

    /// Where a token belongs: one of an account, where that does.
    pub fn tenant_of_token<'r>(&'r self, token: &'r Token) -> Option<&'r Arc<str>> {
        match &token.account {
            Some(account) => self.accounts.get(account)?.tenant.as_ref(),
            None => token.tenant.as_ref(),
        }
    }

    /// Whether it is written down who sent what: there are tenants, or somebody may send so much and no more.
    pub(super) fn counts(&self) -> bool {
        !self.tenants.is_empty() || self.tokens.values().any(|token| token.readings_per_day.is_some())
    }

    fn is_open(&self, tenant: Option<&Arc<str>>) -> bool {
        tenant.is_none_or(|id| self.tenants.get(id).is_some_and(|tenant| tenant.shut.is_none()))
    }
}

impl Token {
    fn quota(&self) -> Option<Quota> {
        self.readings_per_day.map(|per_day| Quota { holder: Holder::Token(self.id.clone()), per_day })
    }
}

impl Account {
    pub(super) fn is_assigned(&self, subject: &Subject, now: Time) -> bool {
        self.assigned.get(subject).is_some_and(|(since, until)| *since <= now && until.is_none_or(|until| now < until))
    }

    pub(super) fn is_open(&self, subject: &Subject, now: Time) -> bool {
        self.emergencies.get(subject).is_some_and(|until| now < *until)
    }

    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }
}

impl NotGood {
    /// For whoever showed it.
    pub fn detail(self) -> &'static str {
        match self {
            NotGood::Unknown => "the token is not known",
            NotGood::Expired => "the token has expired",
            NotGood::Disabled => "the token's account is shut",
        }
    }
}
