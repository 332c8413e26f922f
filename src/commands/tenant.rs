//! `vitalog tenant`: the organisations that share a server, and whose subjects are.

use std::path::Path;

use serde_json::json;
use vitalog_elog::Subject;
use vitalog_elog::metering::{Day, Holder};
use vitalog_ingest::access::{self, Names, Owners, Store, Tenant};

use crate::cli::{Format, Limit, TenantAction, TenantNames, Tenants};
use crate::commands::{access_failure, limited, subject_of};
use crate::failure::Failure;
use crate::quotas::Spending;
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
        TenantAction::Add { id, names, rate, quotas } => {
            let names = match names_of(names)? {
                Some(names) => names,
                None => Names::beginning(&format!("{id}:")).map_err(|e| {
                    Failure::usage(e.to_string()).hint("say with --prefix what the names of its subjects begin with")
                })?,
            };
            store.add_tenant(id, &names, *rate, now).map_err(access_failure)?;
            say!("made {id}: {}", told(&names));
            set_quotas(&mut store, id, quotas.readings_per_day, quotas.subjects)?;
        }
        TenantAction::List { subjects, format } => list(&args.data, &mut store, *subjects, *format)?,
        TenantAction::Set { id, names, rate, no_rate, quotas } => {
            let names = names_of(names)?;
            let says_no_quota = quotas.readings_per_day.is_none() && quotas.subjects.is_none();
            if names.is_none() && rate.is_none() && !no_rate && says_no_quota {
                return Err(Failure::usage(format!("nothing is said that {id} should have"))
                    .hint("say --rate N, --no-rate, --readings-per-day N, --subjects N, --prefix TEXT or --any-name"));
            }
            if let Some(names) = &names {
                store.set_names(id, names).map_err(access_failure)?;
                say!("{id}: {}", told(names));
            }
            if *no_rate || rate.is_some() {
                store.set_tenant_rate(id, *rate).map_err(access_failure)?;
                say!("{id}: {}", rate.map_or("as many requests as there are".to_owned(), |n| format!("{n} requests a second")));
            }
            set_quotas(&mut store, id, quotas.readings_per_day, quotas.subjects)?;
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

fn set_quotas(store: &mut Store, id: &str, per_day: Option<Limit>, subjects: Option<Limit>) -> Result<(), Failure> {
    if let Some(Limit(per_day)) = per_day {
        store.set_tenant_readings(id, per_day).map_err(access_failure)?;
        say!("{id}: {}", limited(per_day, "readings a day"));
    }
    if let Some(Limit(most)) = subjects {
        store.set_tenant_subjects(id, most).map_err(access_failure)?;
        say!("{id}: {}", limited(most, "subjects"));
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

fn list(data: &Path, store: &mut Store, with_subjects: bool, format: Format) -> Result<(), Failure> {
    let sent = Spending::of(data, Day::of(wall_clock()));
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
            Format::Json => {
                let mut said = as_json(tenant, &accounts, &tokens, &subjects, with_subjects);
                said["readings_today"] = json!(sent.as_ref().map(|sent| sent.by(&Holder::Tenant(tenant.id.clone()))));
                say!("{said}");
            }
            Format::Text => {
                let mut line = format!("{}  {}  {}", tenant.id, told(&tenant.names), counted(subjects.len()));
                tenant.most_subjects.inspect(|most| line.push_str(&format!(" of {most}")));
                if let Some(per_day) = tenant.readings_per_day {
                    let sent = sent.as_ref().map(|sent| format!("{} of ", sent.by(&Holder::Tenant(tenant.id.clone()))));
                    line.push_str(&format!("  {}{per_day} readings today", sent.unwrap_or_default()));
                }
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
    let mut said = json!({"tenant": tenant.id, "prefix": prefix, "rate": tenant.rate, "readings_per_day": tenant.readings_per_day,
        "most_subjects": tenant.most_subjects, "subjects": subjects.len(), "accounts": accounts,
        "tokens": tokens, "created": tenant.created.to_string(), "shut": tenant.shut.map(|t| t.to_string())});
    if with_subjects {
        said["names"] = json!(subjects);
    }
    said
}
