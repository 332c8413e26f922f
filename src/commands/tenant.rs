//! `vitalog tenant`: the organisations that share a server, and whose subjects are.

use serde_json::json;
use vitalog_elog::Subject;
use vitalog_ingest::access::{self, Names, Owners, Store, Tenant};

use crate::cli::{Format, TenantAction, TenantNames, Tenants};
use crate::commands::{access_failure, subject_of};
use crate::failure::Failure;
use crate::run::wall_clock;

/// Changes or lists tenants.
///
/// # Errors
/// Where the store can't be read or written, or there is no such tenant.
pub fn run(args: &Tenants) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.data)?;
    let now = wall_clock();
    let mut store = access::open(&args.data, now).map_err(access_failure)?;
    match &args.action {
        TenantAction::Add { id, names, rate } => {
            let names = match names_of(names)? {
                Some(names) => names,
                None => Names::beginning(&format!("{id}:")).map_err(|e| {
                    Failure::usage(e.to_string()).hint("say with --prefix what the names of its subjects begin with")
                })?,
            };
            store.add_tenant(id, &names, *rate, now).map_err(access_failure)?;
            say!("made {id}: {}", told(&names));
        }
        TenantAction::List { subjects, format } => list(&mut store, *subjects, *format)?,
        TenantAction::Set { id, names, rate, no_rate } => {
            let names = names_of(names)?;
            if names.is_none() && rate.is_none() && !no_rate {
                return Err(Failure::usage(format!("nothing is said that {id} should have"))
                    .hint("say --rate N, --no-rate, --prefix TEXT or --any-name"));
            }
            if let Some(names) = &names {
                store.set_names(id, names).map_err(access_failure)?;
                say!("{id}: {}", told(names));
            }
            if *no_rate || rate.is_some() {
                store.set_tenant_rate(id, *rate).map_err(access_failure)?;
                say!("{id}: {}", rate.map_or("as many requests as there are".to_owned(), |n| format!("{n} requests a second")));
            }
        }
        TenantAction::Shut { id } => {
            store.set_tenant_shut(id, Some(now)).map_err(access_failure)?;
            say!("{id} is shut: nothing of it is let in, readings of its devices neither");
        }
        TenantAction::Open { id } => {
            store.set_tenant_shut(id, None).map_err(access_failure)?;
            say!("{id} is open");
        }
        TenantAction::Claim { id, subjects } => {
            let subjects = all(subjects)?;
            store.claim_subjects(id, &subjects, now).map_err(access_failure)?;
            say!("{id} has {} more", counted(subjects.len()));
        }
        TenantAction::Release { id, subjects } => {
            let subjects = all(subjects)?;
            store.release_subjects(id, &subjects, now).map_err(access_failure)?;
            say!(
                "{} the house's again",
                if let [one] = &*subjects { format!("{one} is") } else { format!("{} are", counted(subjects.len())) }
            );
        }
    }
    Ok(())
}

fn all(names: &[String]) -> Result<Vec<Subject>, Failure> {
    names.iter().map(|name| subject_of(name)).collect()
}

fn counted(n: usize) -> String {
    if n == 1 { "1 subject".to_owned() } else { format!("{n} subjects") }
}

fn names_of(said: &TenantNames) -> Result<Option<Names>, Failure> {
    match (&said.prefix, said.any_name) {
        (_, true) => Ok(Some(Names::Any)),
        (Some(text), false) => Names::beginning(text).map(Some).map_err(|e| Failure::usage(e.to_string())),
        (None, false) => Ok(None),
    }
}

fn told(names: &Names) -> String {
    match names {
        Names::Begin(text) => format!("its subjects' names begin with {text}"),
        Names::Any => "its programs may take any name that is free".to_owned(),
    }
}

fn list(store: &mut Store, with_subjects: bool, format: Format) -> Result<(), Failure> {
    let registry = store.read().map_err(access_failure)?;
    let mut owners = Owners::default();
    store.read_owners(&mut owners).map_err(access_failure)?;
    for tenant in registry.tenants.values() {
        let accounts: Vec<_> = registry.accounts.iter().filter(|(_, a)| a.tenant.as_ref() == Some(&tenant.id)).collect();
        let tokens = registry.tokens.values().filter(|t| t.tenant.as_ref() == Some(&tenant.id));
        let accounts: Vec<&str> = accounts.iter().map(|(id, _)| &***id).collect();
        let tokens: Vec<&str> = tokens.map(|t| &*t.id).collect();
        let subjects: Vec<&str> = owners.subjects(&tenant.id).map(Subject::as_str).collect();
        match format {
            Format::Json => say!("{}", as_json(tenant, &accounts, &tokens, &subjects, with_subjects)),
            Format::Text => {
                let mut line = format!("{}  {}  {}", tenant.id, told(&tenant.names), counted(subjects.len()));
                tenant.rate.inspect(|n| line.push_str(&format!("  {n}/s")));
                for (what, ids) in [("accounts", &accounts), ("tokens", &tokens)] {
                    if !ids.is_empty() {
                        line.push_str(&format!("  {what} {}", ids.join(", ")));
                    }
                }
                if tenant.shut.is_some() {
                    line.push_str("  shut");
                }
                say!("{line}");
                if with_subjects {
                    subjects.iter().for_each(|subject| say!("  {subject}"));
                }
            }
        }
    }
    Ok(())
}

fn as_json(tenant: &Tenant, accounts: &[&str], tokens: &[&str], subjects: &[&str], with_subjects: bool) -> serde_json::Value {
    let prefix = match &tenant.names {
        Names::Begin(text) => Some(&**text),
        Names::Any => None,
    };
    let mut said = json!({"tenant": tenant.id, "prefix": prefix, "rate": tenant.rate, "subjects": subjects.len(), "accounts": accounts,
        "tokens": tokens, "created": tenant.created.to_string(), "shut": tenant.shut.map(|t| t.to_string())});
    if with_subjects {
        said["names"] = json!(subjects);
    }
    said
}
