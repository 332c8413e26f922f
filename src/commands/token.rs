//! `vitalog token`: what programs and devices show to come in.

use serde_json::json;
use vitalog_elog::Span;
use vitalog_ingest::access::{self, AccessError, NewToken, Scope};

use crate::cli::{Format, Token, TokenAction};
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
        TokenAction::Add { id, scopes, account, expires, rate, tenant } => {
            let scopes: Result<Vec<Scope>, _> = scopes.iter().map(|word| Scope::parse(word)).collect();
            let scopes = scopes.map_err(|e| Failure::usage(e.to_string()))?;
            let expires = expires.map(|days| now + Span::days(i64::from(days)));
            let (account, tenant) = (account.as_deref(), tenant.as_deref());
            let new = NewToken { id, account, scopes: &scopes, expires, rate: *rate, tenant };
            tell(&store.add_token(&new, now).map_err(access_failure)?.token);
        }
        TokenAction::List { format } => {
            let registry = store.read().map_err(access_failure)?;
            for token in registry.tokens.values() {
                let scopes: Vec<String> = token.scopes.iter().map(Scope::to_string).collect();
                let expires = token.expires.map(|t| t.to_string());
                // One of an account belongs where that does.
                let account = token.account.as_ref().and_then(|id| registry.accounts.get(id));
                let tenant = account.map_or(token.tenant.as_ref(), |account| account.tenant.as_ref());
                match format {
                    Format::Json => say!(
                        "{}",
                        json!({"token": token.id, "account": token.account, "scopes": scopes, "created": token.created.to_string(), "expires": expires, "rate": token.rate,
                            "tenant": tenant})
                    ),
                    Format::Text => {
                        let whose = token.account.as_ref().map(|a| format!("  of {a}")).unwrap_or_default();
                        let until = expires.map(|t| format!("  until {t}")).unwrap_or_default();
                        let pace = token.rate.map(|n| format!("  {n}/s")).unwrap_or_default();
                        let of = tenant.map(|t| format!("  tenant {t}")).unwrap_or_default();
                        say!("{}  {}{whose}{of}{until}{pace}", token.id, scopes.join(","));
                    }
                }
            }
        }
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
