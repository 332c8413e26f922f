//! Which provider, who we are to it, and where it sends people back to.

use std::fmt;

use url::{Host, Url};
use zeroize::Zeroizing;

/// Where the provider sends a browser back to, below our own address.
const BACK: &str = "/v1/session/provider/callback";
/// The page with the form to log in.
const LOGIN: &str = "/login";

/// What is said of the provider when the server starts.
pub struct Settings {
    /// Exactly as the provider writes it: compared byte for byte.
    pub issuer: String,
    /// Our name there.
    pub client: String,
    /// Without one we are known by our address alone, and by the proof of each flow (PKCE).
    pub secret: Option<Zeroizing<String>>,
    /// What people know the provider by.
    pub name: String,
    /// The address at which people reach this server, without a path.
    at: String,
}

/// What was said and can't be.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError {
    pub field: &'static str,
    pub value: String,
    pub why: &'static str,
    pub remedy: &'static str,
}

impl Settings {
    /// # Errors
    /// Addresses that are none, or in the clear to elsewhere; an empty name or secret.
    pub fn new(
        issuer: &str,
        client: &str,
        secret: Option<Zeroizing<String>>,
        at: &str,
        name: Option<&str>,
    ) -> Result<Settings, SettingsError> {
        let wrong = |field, value: &str, why, remedy| SettingsError { field, value: value.to_owned(), why, remedy };
        let parsed = issuer_of(issuer)?;
        let url = safe(at).map_err(|why| {
            wrong("url", at, why, "give the address at which people reach this server, such as https://vitals.example")
        })?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("url", at, "the address has a path", "give scheme, host and port alone"));
        }
        if client.is_empty() || client.chars().any(char::is_control) {
            return Err(wrong(
                "client",
                client,
                "no program is called so",
                "give the client id under which the provider knows this server",
            ));
        }
        if secret.as_ref().is_some_and(|s| s.is_empty()) {
            return Err(wrong("secret", "", "the secret is empty", "write the client secret in the first line of the file"));
        }
        let name = match name {
            None => parsed.host_str().unwrap_or_default(),
            Some(name) if (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control) => name,
            Some(name) => return Err(wrong("name", name, "a button has no room for it", "give 1 to 40 characters")),
        };
        let at = url.origin().ascii_serialization();
        Ok(Settings { issuer: issuer.to_owned(), client: client.to_owned(), secret, name: name.to_owned(), at })
    }

    /// Where the provider sends a browser back to: to be registered there, byte for byte.
    pub fn back(&self) -> String {
        format!("{}{BACK}", self.at)
    }

    /// Where it sends one back to who has logged out there.
    pub fn out(&self) -> String {
        format!("{}{LOGIN}", self.at)
    }
}

/// An issuer, as it may be.
///
/// # Errors
/// An address that is none, is in the clear to elsewhere, or has a query or a fragment.
pub fn issuer_of(text: &str) -> Result<Url, SettingsError> {
    let remedy = "give the provider's issuer as its discovery document says it, such as https://login.example/realms/ward";
    let wrong = |why| SettingsError { field: "issuer", value: text.to_owned(), why, remedy };
    let url = safe(text).map_err(wrong)?;
    match url.query().is_none() && url.fragment().is_none() {
        true => Ok(url),
        false => Err(wrong("an issuer has neither a query nor a fragment")),
    }
}

/// An address that nobody between can read along or answer for: over TLS, or of this machine.
pub(super) fn safe(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is no address")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a name or a password in it");
    }
    let is_near = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("it names no host"),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_near => Ok(url),
        "http" => Err("it is in the clear, and not of this machine"),
        _ => Err("it is not of https"),
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.field, self.value, self.why)
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(
        issuer: &str,
        client: &str,
        secret: Option<&str>,
        at: &str,
        name: Option<&str>,
    ) -> Option<(&'static str, &'static str)> {
        let secret = secret.map(|s| Zeroizing::new(s.to_owned()));
        Settings::new(issuer, client, secret, at, name).err().map(|e| (e.field, e.why))
    }

    #[test]
    fn what_can_not_be_is_refused_by_name() {
        let (issuer, at) = ("https://login.example/realms/ward", "https://vitals.example");
        let clear = "it is in the clear, and not of this machine";
        for (issuer, client, secret, at, name, expected) in [
            ("login.example", "c", None, at, None, ("issuer", "it is no address")),
            ("http://login.example", "c", None, at, None, ("issuer", clear)),
            ("http://localhost.evil.example", "c", None, at, None, ("issuer", clear)),
            ("http://127.0.0.1.evil.example", "c", None, at, None, ("issuer", clear)),
            ("ftp://login.example", "c", None, at, None, ("issuer", "it is not of https")),
            ("https://a:b@login.example", "c", None, at, None, ("issuer", "it has a name or a password in it")),
            ("https://login.example/?x=1", "c", None, at, None, ("issuer", "an issuer has neither a query nor a fragment")),
            (issuer, "", None, at, None, ("client", "no program is called so")),
            (issuer, "c\n", None, at, None, ("client", "no program is called so")),
            (issuer, "c", Some(""), at, None, ("secret", "the secret is empty")),
            (issuer, "c", None, "http://vitals.example", None, ("url", clear)),
            (issuer, "c", None, "https://vitals.example/app", None, ("url", "the address has a path")),
            (issuer, "c", None, at, Some(""), ("name", "a button has no room for it")),
        ] {
            assert_eq!(refused(issuer, client, secret, at, name), Some(expected), "{issuer} {client:?} {at}");
        }
        let good = Settings::new("http://127.0.0.1:9/op", "c", None, "http://[::1]:8080/", None).expect("of this machine");
        assert_eq!((&*good.back(), &*good.name), ("http://[::1]:8080/v1/session/provider/callback", "127.0.0.1"));
    }
}
