//! Which standing permits which wish: policies in Cedar, as files that people read.
//!
//! Policies see no ids, only what the schema names: the roles of whoever asks and how they stand to the subject. So an answer is a function of a few bits; each is
//! evaluated once, and a test can ask for all of them.
//!
//! INVARIANT (closed): what no policy permits is denied, and so is what a policy fails on.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression, Schema, ValidationMode,
    Validator,
};
use vitalog_elog::access::Wish;

use super::role::{Role, Roles};

const SCHEMA: &str = include_str!("../../policies/schema.cedarschema");

/// The policies that are shipped, by their files.
pub const SHIPPED: [(&str, &str); 8] = [
    ("administrator.cedar", include_str!("../../policies/administrator.cedar")),
    ("analyst.cedar", include_str!("../../policies/analyst.cedar")),
    ("caretaker.cedar", include_str!("../../policies/caretaker.cedar")),
    ("device.cedar", include_str!("../../policies/device.cedar")),
    ("operator.cedar", include_str!("../../policies/operator.cedar")),
    ("patient.cedar", include_str!("../../policies/patient.cedar")),
    ("scope.cedar", include_str!("../../policies/scope.cedar")),
    ("service.cedar", include_str!("../../policies/service.cedar")),
];

/// Stands in every set, whatever else does: nobody who belongs to a tenant gets beyond it.
const TENANT: (&str, &str) = ("tenant.cedar of this program", include_str!("../../policies/tenant.cedar"));

/// How somebody stands to what they ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub roles: Roles,
    /// What was shown is good for this.
    pub in_scope: bool,
    /// The subject is the account's own.
    pub own: bool,
    /// The subject is assigned to the account.
    pub assigned: bool,
    /// The account has opened the subject in an emergency.
    pub emergency: bool,
    /// Who asks belongs to a tenant, and it is not that tenant's: somebody else's subject, or the whole server.
    pub foreign: bool,
}

/// A set of policies, checked.
pub struct Policies {
    set: PolicySet,
    schema: Schema,
    authorizer: Authorizer,
    /// What was answered: by roles, wish and standing.
    known: Box<[AtomicU8]>,
}

/// Why policies can't be used.
#[derive(Debug)]
pub enum PolicyError {
    Io(std::path::PathBuf, std::io::Error),
    /// What is wrong in which file.
    Wrong(String, String),
    /// There is no policy at all.
    Nothing,
}

const UNKNOWN: u8 = 0;
const ALLOWED: u8 = 1;
const DENIED: u8 = 2;
const STANDINGS: usize = 32;

impl Policies {
    /// Those that are shipped.
    ///
    /// # Errors
    /// Never, as a test sees to.
    pub fn shipped() -> Result<Policies, PolicyError> {
        Policies::parse(SHIPPED)
    }

    /// All files of a folder that end in `.cedar`, instead of those that are shipped.
    ///
    /// # Errors
    /// Where one can't be read, or as [`Policies::parse`].
    pub fn read(folder: &Path) -> Result<Policies, PolicyError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |e| PolicyError::Io(path, e)
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            if path.extension().is_some_and(|e| e == "cedar") {
                let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
                files.push((path.display().to_string(), text));
            }
        }
        files.sort();
        Policies::parse(files.iter().map(|(name, text)| (&**name, &**text)))
    }

    /// Files by name and text.
    ///
    /// # Errors
    /// What is no policy, or speaks of something that the schema does not have.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Policies, PolicyError> {
        let schema = Schema::from_str(SCHEMA).map_err(|e| PolicyError::Wrong("schema.cedarschema".to_owned(), e.to_string()))?;
        let validator = Validator::new(schema.clone());
        let mut set = PolicySet::new();
        for (name, text) in files {
            add(&mut set, &validator, name, text)?;
        }
        if set.is_empty() {
            return Err(PolicyError::Nothing);
        }
        add(&mut set, &validator, TENANT.0, TENANT.1)?;
        let known = (0..(1 << Role::ALL.len()) * Wish::KINDS * STANDINGS).map(|_| AtomicU8::new(UNKNOWN)).collect();
        Ok(Policies { set, schema, authorizer: Authorizer::new(), known })
    }

    /// Whether such a standing permits such a wish. Whom it is about makes no difference but by the standing.
    pub fn allows(&self, standing: Standing, wish: Wish<'_>) -> bool {
        let place = &self.known[place_of(standing, wish)];
        match place.load(Ordering::Relaxed) {
            ALLOWED => true,
            DENIED => false,
            _ => {
                // What can't be asked can't be permitted.
                let allowed = self.evaluate(standing, wish).unwrap_or(false);
                place.store(if allowed { ALLOWED } else { DENIED }, Ordering::Relaxed);
                allowed
            }
        }
    }

    fn evaluate(&self, standing: Standing, wish: Wish<'_>) -> Option<bool> {
        let uid = |text: &str| EntityUid::from_str(text).ok();
        let (account, house) = (uid("Account::\"somebody\"")?, uid("House::\"this\"")?);
        let resource = if wish.subject().is_some() { uid("Subject::\"somebody\"")? } else { house };
        let action = uid(&format!("Action::\"{}\"", wish.name()))?;
        let roles = standing.roles.iter().map(|role| RestrictedExpression::new_string(role.name().to_owned()));
        let roles = HashMap::from([("roles".to_owned(), RestrictedExpression::new_set(roles))]);
        let account_entity = Entity::new(account.clone(), roles, std::collections::HashSet::new()).ok()?;
        let bool = RestrictedExpression::new_bool;
        let mut context = vec![("in_scope".to_owned(), bool(standing.in_scope)), ("foreign".to_owned(), bool(standing.foreign))];
        if wish.subject().is_some() {
            context.extend([
                ("own".to_owned(), bool(standing.own)),
                ("assigned".to_owned(), bool(standing.assigned)),
                ("emergency".to_owned(), bool(standing.emergency)),
            ]);
        }
        let context = Context::from_pairs(context).ok()?;
        let entities = Entities::from_entities([account_entity], Some(&self.schema)).ok()?;
        let request = Request::new(account, action, resource, context, Some(&self.schema)).ok()?;
        let response = self.authorizer.is_authorized(&request, &self.set, &entities);
        // A policy that failed is none, and it may have been one that forbids.
        let failed = response.diagnostics().errors().next().is_some();
        Some(response.decision() == Decision::Allow && !failed)
    }
}

/// Puts a file's policies into the set.
fn add(set: &mut PolicySet, validator: &Validator, name: &str, text: &str) -> Result<(), PolicyError> {
    let wrong = |e: &dyn fmt::Display| PolicyError::Wrong(name.to_owned(), e.to_string());
    let file = PolicySet::from_str(text).map_err(|e| wrong(&e))?;
    let checked = validator.validate(&file, ValidationMode::Strict);
    if let Some(error) = checked.validation_errors().next() {
        return Err(wrong(error));
    }
    for policy in file.policies() {
        // Ids are by the place in a file; in the set they have the file's name before them.
        let id = cedar_policy::PolicyId::new(format!("{name}#{}", policy.id()));
        set.add(policy.new_id(id)).map_err(|e| wrong(&e))?;
    }
    Ok(())
}

fn place_of(standing: Standing, wish: Wish<'_>) -> usize {
    let bits = [standing.in_scope, standing.own, standing.assigned, standing.emergency, standing.foreign];
    let bits = bits.iter().fold(0, |all, bit| all << 1 | usize::from(*bit));
    (usize::from(standing.roles.bits()) * Wish::KINDS + wish.kind()) * STANDINGS + bits
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} policies", self.set.policies().count())
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            PolicyError::Wrong(file, why) => {
                write!(f, "{file}: {why}; policies can speak of what policies/schema.cedarschema names")
            }
            PolicyError::Nothing => f.write_str("there is no policy, so nobody could do anything; add files that end in .cedar"),
        }
    }
}

impl std::error::Error for PolicyError {}
