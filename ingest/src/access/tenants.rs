//! Whose a subject is: several organisations on one server, and none knows of another's subjects.
//!
//! A subject is of one tenant at most, and what is of none is the house's. The store has it written down for each subject of a tenant; a name that nobody has used yet becomes a tenant's
//! by being written: by anybody, where it begins as that tenant's names do; else by one of that tenant, where the operator has said the name (a device's own subject, an assignment, a token's
//! scope) or lets the tenant take any.
//!
//! INVARIANT (no oracle): whoever belongs to a tenant learns from no refusal whether a name is taken by somebody else, as long as the tenant's names have a beginning of their own: what
//! does not begin so is refused to it in either case.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use vitalog_elog::metering::{Holder, Quota};
use vitalog_elog::{Subject, Time};

/// An organisation that shares the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: Arc<str>,
    pub names: Names,
    pub created: Time,
    /// Since when its accounts and tokens open nothing.
    pub shut: Option<Time>,
    /// Requests a second that all of it may make together.
    pub rate: Option<NonZeroU32>,
    /// New readings that all of it may send of a day.
    pub readings_per_day: Option<NonZeroU32>,
    /// Subjects that it may take by writing them.
    pub most_subjects: Option<NonZeroU32>,
}

/// Which names that nobody has used a tenant's programs may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those that begin so. No other tenant has any of them.
    Begin(Arc<str>),
    /// Whatever is free: a refusal then tells that a name is not.
    Any,
}

/// Whose subjects are, as it is written down.
#[derive(Default)]
pub struct Owners {
    by_subject: HashMap<Subject, Option<Arc<str>>>,
    by_tenant: HashMap<Arc<str>, BTreeSet<Subject>>,
    /// Up to where it was read.
    pub(super) seen: Seen,
}

/// How far the register was read: it only grows, but for what is another number then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Another one with each change of what was written down before.
    pub era: i64,
    pub last: i64,
}

/// Whose a subject is, to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Theirs, or anybody's: they belong to no tenant.
    Ours,
    /// Nobody's yet; theirs, or the tenant's whose names begin so, once they write it.
    Free,
    Foreign,
}

impl Tenant {
    pub(super) fn quota(&self) -> Option<Quota> {
        self.readings_per_day.map(|per_day| Quota { holder: Holder::Tenant(self.id.clone()), per_day })
    }
}

impl Owners {
    pub(super) fn put(&mut self, subject: Subject, tenant: Option<Arc<str>>) {
        if let Some(tenant) = &tenant {
            self.by_tenant.entry(tenant.clone()).or_default().insert(subject.clone());
        }
        self.by_subject.insert(subject, tenant);
    }

    /// What is written down of a subject: the tenant, or that it is the house's.
    pub fn of(&self, subject: &Subject) -> Option<Option<&Arc<str>>> {
        self.by_subject.get(subject).map(Option::as_ref)
    }

    /// The subjects of a tenant, by name.
    pub fn subjects(&self, tenant: &str) -> impl ExactSizeIterator<Item = &Subject> {
        static NONE: BTreeSet<Subject> = BTreeSet::new();
        self.by_tenant.get(tenant).unwrap_or(&NONE).iter()
    }

    /// Whether a tenant has as many subjects as it may.
    pub(super) fn is_full(&self, tenant: &Tenant) -> bool {
        tenant.most_subjects.is_some_and(|most| self.subjects(&tenant.id).len() >= most.get() as usize)
    }

    /// Whose a subject is to somebody of this tenant, or of none. `fixed`: the operator has said the name for them.
    pub(super) fn whose(
        &self,
        tenants: &BTreeMap<Arc<str>, Tenant>,
        tenant: Option<&Arc<str>>,
        subject: &Subject,
        fixed: bool,
    ) -> Whose {
        if tenants.is_empty() {
            return Whose::Ours;
        }
        match (tenant, self.of(subject)) {
            (None, Some(_)) => Whose::Ours,
            (Some(mine), Some(owner)) => {
                if owner == Some(mine) {
                    Whose::Ours
                } else {
                    Whose::Foreign
                }
            }
            (None, None) => {
                if owner_of_names(tenants, subject.as_str()).is_some() {
                    Whose::Free
                } else {
                    Whose::Ours
                }
            }
            (Some(mine), None) => match owner_of_names(tenants, subject.as_str()) {
                Some(other) if other != mine => Whose::Foreign,
                Some(_) => Whose::Free,
                None if fixed || tenants.get(mine).is_some_and(|t| t.names == Names::Any) => Whose::Free,
                None => Whose::Foreign,
            },
        }
    }
}

/// The tenant whose names begin as this one does. No two do.
pub(super) fn owner_of_names<'a>(tenants: &'a BTreeMap<Arc<str>, Tenant>, name: &str) -> Option<&'a Arc<str>> {
    let begins = |t: &&Tenant| matches!(&t.names, Names::Begin(beginning) if name.starts_with(&**beginning));
    tenants.values().find(begins).map(|t| &t.id)
}

impl Names {
    /// Whether two tenants could take the same name.
    pub(super) fn meet(&self, other: &Names) -> bool {
        match (self, other) {
            (Names::Begin(one), Names::Begin(other)) => one.starts_with(&**other) || other.starts_with(&**one),
            _ => false,
        }
    }

    /// What a name can begin with.
    ///
    /// # Errors
    /// What is no beginning of a subject's name, or leaves no room for its rest.
    pub fn beginning(text: &str) -> Result<Names, NamesError> {
        let fits = (1..=Names::LONGEST).contains(&text.len()) && Subject::is_valid(text);
        if fits { Ok(Names::Begin(text.into())) } else { Err(NamesError(text.to_owned())) }
    }

    /// The longest beginning of names, in bytes.
    pub const LONGEST: usize = 32;
}

/// What names of subjects can't begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesError(pub String);

impl std::fmt::Display for NamesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = Names::LONGEST;
        write!(
            f,
            "{:?} can't be what names begin with: use 1 to {most} letters, digits and any of . _ : @ ~ -, not beginning with a dot",
            self.0
        )
    }
}

impl std::error::Error for NamesError {}
