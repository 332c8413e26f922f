//! `vitalog user`: who there is, what they are, whom they are assigned.

use std::io::BufRead;

use serde_json::json;
use vitalog_elog::{Span, Subject};
use vitalog_ingest::access::{self, Account, NewAccount, Roles, Store, password};

use crate::cli::{Format, User, UserAction};
use crate::commands::{access_failure, subject_of};
use crate::failure::Failure;
use crate::run::wall_clock;

/// Changes or lists accounts.
///
/// # Errors
/// Where the store can't be read or written, or there is no such account.
pub fn run(args: &User) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.data)?;
    let now = wall_clock();
    let mut store = access::open(&args.data, now).map_err(access_failure)?;
    match &args.action {
        UserAction::Add { id, roles, subject, password_stdin, no_password, tenant } => {
            let roles = Roles::parse(roles).map_err(|e| Failure::usage(e.to_string()))?;
            let own = subject.as_deref().map(subject_of).transpose()?;
            let secret = if *no_password { None } else { Some(secret(*password_stdin)?) };
            let (own, tenant) = (own.as_ref(), tenant.as_deref());
            let new = NewAccount { id, roles, own, secret: secret.as_deref(), tenant };
            store.add_account(&new, now).map_err(access_failure)?;
            match secret {
                Some(secret) if !password_stdin => tell(&secret),
                _ => say!("made {id}"),
            }
        }
        UserAction::List { format } => list(&mut store, *format)?,
        UserAction::Roles { id, roles } => {
            let roles = Roles::parse(roles).map_err(|e| Failure::usage(e.to_string()))?;
            store.set_roles(id, roles).map_err(access_failure)?;
            say!("{id} is {roles}");
        }
        UserAction::Password { id, password_stdin } => {
            let secret = secret(*password_stdin)?;
            store.set_password(id, &secret).map_err(access_failure)?;
            match password_stdin {
                true => say!("set; sessions of {id} are over"),
                false => tell(&secret),
            }
        }
        UserAction::Assign { id, subject, days } => {
            let until = days.map(|days| now + Span::days(i64::from(days)));
            store.assign(id, &subject_of(subject)?, now, until, BY).map_err(access_failure)?;
            match until {
                Some(until) => say!("{subject} is assigned to {id} until {until}"),
                None => say!("{subject} is assigned to {id}"),
            }
        }
        UserAction::Unassign { id, subject } => {
            store.unassign(id, &subject_of(subject)?).map_err(access_failure)?;
            say!("{subject} is not assigned to {id} any more");
        }
        UserAction::Link { id, issuer, subject } => {
            store.link(id, issuer, subject, now).map_err(access_failure)?;
            say!("{id} may sign in by {issuer}");
        }
        UserAction::Unlink { id, issuer, subject } => {
            store.unlink(id, issuer, subject).map_err(access_failure)?;
            say!("unlinked; sessions of {id} are over");
        }
        UserAction::Disable { id } => {
            store.set_disabled(id, Some(now)).map_err(access_failure)?;
            say!("{id} is shut");
        }
        UserAction::Enable { id } => {
            store.set_disabled(id, None).map_err(access_failure)?;
            say!("{id} is open");
        }
    }
    Ok(())
}

/// Who has done what was done on the command line.
const BY: &str = "command line";

fn list(store: &mut Store, format: Format) -> Result<(), Failure> {
    let registry = store.read().map_err(access_failure)?;
    for (id, account) in &registry.accounts {
        let mut assigned: Vec<&str> = account.assigned.keys().map(Subject::as_str).collect();
        assigned.sort_unstable();
        let own = account.own.as_ref().map(Subject::as_str);
        match format {
            Format::Json => {
                let roles: Vec<&str> = account.roles.iter().map(|r| r.name()).collect();
                let link = |(issuer, subject): &(String, String)| json!({"issuer": issuer, "subject": subject});
                let links: Vec<_> = account.links.iter().map(link).collect();
                let disabled = account.disabled.map(|t| t.to_string());
                say!(
                    "{}",
                    json!({"account": id, "roles": roles, "subject": own, "assigned": assigned, "links": links, "password": account.has_password(),
                        "created": account.created.to_string(), "disabled": disabled, "tenant": account.tenant})
                );
            }
            Format::Text => {
                let mut line = format!("{id}  {}", account.roles);
                own.inspect(|own| line.push_str(&format!("  subject {own}")));
                account.tenant.as_ref().inspect(|tenant| line.push_str(&format!("  tenant {tenant}")));
                if !assigned.is_empty() {
                    line.push_str(&format!("  assigned {}", assigned.join(", ")));
                }
                line.push_str(state(account));
                say!("{line}");
            }
        }
    }
    Ok(())
}

fn state(account: &Account) -> &'static str {
    match (account.disabled.is_some(), account.has_password()) {
        (true, _) => "  shut",
        (false, false) if account.links.is_empty() => "  by tokens only",
        (false, false) => "  by a provider, and by tokens",
        (false, true) => "",
    }
}

fn secret(from_stdin: bool) -> Result<String, Failure> {
    if !from_stdin {
        return password::drawn().map_err(access_failure);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn tell(secret: &str) {
    say!("{secret}");
    eprintln!("it is shown this once; only its hash is kept");
}
