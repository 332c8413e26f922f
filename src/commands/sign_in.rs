//! What `serve` is told of the provider by which people sign in.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use vitalog_ingest::access::oidc::Settings;
use vitalog_ingest::io::{Patience, Provider};
use zeroize::Zeroizing;

use crate::cli::SignIn;
use crate::failure::Failure;

/// The client secret, where no file has it.
const SECRET: &str = "VITALOG_OIDC_SECRET";

/// The provider, if one is named. It is not asked anything yet: a server starts without it.
///
/// # Errors
/// What can't be, by its flag.
pub fn provider(args: &SignIn) -> Result<Option<Box<Provider>>, Failure> {
    let (Some(issuer), Some(client), Some(url)) = (&args.oidc_issuer, &args.oidc_client, &args.oidc_url) else {
        return Ok(None);
    };
    let secret = match &args.oidc_secret_file {
        Some(file) => Some(first_line(file)?),
        None => std::env::var(SECRET).ok().map(Zeroizing::new),
    };
    let settings = Settings::new(issuer, client, secret, url, args.oidc_name.as_deref())
        .map_err(|e| Failure::usage(format!("--oidc-{} {:?}: {}", e.field, e.value, e.why)).hint(e.remedy))?;
    let named = |path: &Path, why: &dyn std::fmt::Display| Failure::usage(format!("--oidc-ca {}: {why}", path.display()));
    let none = |path: &Path| named(path, &"there is no certificate in it").hint("name a file of certificates in PEM");
    let ca = args.oidc_ca.as_deref().map(|path| std::fs::read_to_string(path).map_err(|e| named(path, &e))).transpose()?;
    if let (Some(path), Some(text)) = (&args.oidc_ca, &ca)
        && !text.contains("-----BEGIN CERTIFICATE-----")
    {
        return Err(none(path));
    }
    let provider = Provider::new(settings, ca.as_deref().map(str::as_bytes), Patience::default());
    provider.map(|provider| Some(Box::new(provider))).map_err(|e| match &args.oidc_ca {
        Some(path) => none(path),
        None => Failure::new(format!("the provider: {e}")),
    })
}

fn first_line(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let wrong = |why: &str| Failure::usage(format!("--oidc-secret-file {}: {why}", file.display()));
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(|e| wrong(&e.to_string()))?);
    let mode = std::fs::metadata(file).map_err(|e| wrong(&e.to_string()))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(wrong("others may read it").hint("chmod 600, or 640"));
    }
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}
