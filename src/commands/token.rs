//! `vitalog token`: what programs and devices show to come in.

use std::num::NonZeroU32;

use serde_json::json;
use vitalog_elog::Span;
use vitalog_ingest::access::{self, AccessError, NewToken, Scope, Store};

use crate::cli::{Format, Limit, Token, TokenAction};
use crate::failure::Failure;
use crate::run::wall_clock;

/// Adds, lists, exchanges or revokes.
///
/// # Errors
/// Where the store can't be read or written, or the id can't be one.
pub fn run(args: &Token) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.data)?;
    let now = wall_clock();
    let mut store = access::open(&args.data, now).map_err(access_failure)?;
    match &args.action {
        TokenAction::Add { id, scopes, account, expires, rate, readings_per_day, tenant } => {
            let scopes: Result<Vec<Scope>, _> = scopes.iter().map(|word| Scope::parse(word)).collect();
            let scopes = scopes.map_err(|e| Failure::usage(e.to_string()))?;
            let expires = expires.map(|days| now + Span::days(i64::from(days)));
            let (account, tenant) = (account.as_deref(), tenant.as_deref());
            let new =
                NewToken { id, account, scopes: &scopes, expires, rate: *rate, readings_per_day: *readings_per_day, tenant };
            tell(&store.add_token(&new, now).map_err(access_failure)?.token);
        }
        TokenAction::List { format } => {
            let registry = store.read().map_err(access_failure)?;
            for token in registry.tokens.values() {
                let scopes: Vec<String> = token.scopes.iter().map(Scope::to_string).collect();
                let expires = token.expires.map(|t| t.to_string());
                let tenant = registry.tenant_of_token(token);
                match format {
                    Format::Json => say!(
                        "{}",
                        json!({"token": token.id, "account": token.account, "scopes": scopes, "created": token.created.to_string(), "expires": expires, "rate": token.rate,
                            "readings_per_day": token.readings_per_day, "tenant": tenant})
                    ),
                    Format::Text => {
                        let whose = token.account.as_ref().map(|a| format!("  of {a}")).unwrap_or_default();
                        let until = expires.map(|t| format!("  until {t}")).unwrap_or_default();
                        let pace = token.rate.map(|n| format!("  {n}/s")).unwrap_or_default();
                        let quota = token.readings_per_day.map(|n| format!("  {n} readings a day")).unwrap_or_default();
                        let of = tenant.map(|t| format!("  tenant {t}")).unwrap_or_default();
                        say!("{}  {}{whose}{of}{until}{pace}{quota}", token.id, scopes.join(","));
                    }
                }
            }
        }
        TokenAction::Set { id, rate, readings_per_day } => set(&mut store, id, *rate, *readings_per_day)?,
        TokenAction::Rotate { id, keep } => {
            let until = now + Span::hours(i64::from(*keep));
            tell(&store.rotate_token(id, until).map_err(access_failure)?.token);
            eprintln!("the former one is good until {until}");
        }
        TokenAction::Revoke { id } => {
            store.revoke_token(id).map_err(access_failure)?;
            say!("revoked; a running server takes note with its next request");
        }
    }
    Ok(())
}

fn set(store: &mut Store, id: &str, rate: Option<Limit>, readings_per_day: Option<Limit>) -> Result<(), Failure> {
    if rate.is_none() && readings_per_day.is_none() {
        return Err(Failure::usage(format!("nothing is said that {id} should have"))
            .hint("say --rate N or --readings-per-day N; `none` takes it away"));
    }
    if let Some(Limit(rate)) = rate {
        store.set_token_rate(id, rate).map_err(access_failure)?;
        say!("{id}: {}", limited(rate, "requests a second"));
    }
    if let Some(Limit(per_day)) = readings_per_day {
        store.set_token_readings(id, per_day).map_err(access_failure)?;
        say!("{id}: {}", limited(per_day, "readings a day"));
    }
    Ok(())
}

/// How much somebody may.
pub fn limited(most: Option<NonZeroU32>, what: &str) -> String {
    most.map_or_else(|| format!("as many {what} as there are"), |n| format!("{n} {what}"))
}

fn tell(token: &str) {
    say!("{token}");
    eprintln!("it is shown this once; only its hash is kept");
}

/// What is wrong with accounts, for the person at the command line.
pub fn access_failure(error: AccessError) -> Failure {
    match error {
        AccessError::Db(_) | AccessError::Io(..) | AccessError::NotOurs(..) | AccessError::Random | AccessError::Broken(_) => {
            Failure::new(error.to_string())
        }
        _ => Failure::usage(error.to_string()),
    }
}
