//! What a provider says of itself (OpenID Connect Discovery 1.0), as far as it is used.

use serde::Deserialize;
use url::Url;

use super::refusal::Refused;
use super::settings::safe;

/// How we show the provider who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    /// `client_secret_basic`
    Header,
    /// `client_secret_post`
    Body,
}

/// What is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub authorization: Url,
    pub token: Url,
    pub keys: Url,
    /// Where one logs out there, if anywhere.
    pub out: Option<Url>,
    pub showing: Showing,
    /// It says who it is with each answer (RFC 9207): one that does not is none of its.
    pub says_issuer: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Where a provider says it.
    pub fn place(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// # Errors
    /// What can't be read, is of another issuer, sends us in the clear, or takes nothing that we could show.
    pub fn parse(bytes: &[u8], issuer: &str) -> Result<Metadata, Refused> {
        let said: Document = serde_json::from_slice(bytes).map_err(|e| {
            let why = format!("the provider's description can't be read (line {}, column {})", e.line(), e.column());
            Refused::of("discovery", "", why, "look whether the issuer is the address of an OpenID Connect provider")
        })?;
        if said.issuer != issuer {
            let why = format!("the provider says that it is another one than {issuer:?}");
            return Err(Refused::of("discovery.issuer", said.issuer, why, "give the issuer exactly as the provider writes it"));
        }
        let address = |field, text: &str| {
            safe(text)
                .map_err(|why| Refused::of(field, text, why, "tell whoever runs the provider: its addresses must be of https"))
        };
        let challenges = said.code_challenge_methods_supported;
        if challenges.as_ref().is_some_and(|all| !all.iter().any(|method| method == "S256")) {
            let (field, remedy) = ("discovery.code_challenge_methods_supported", "switch PKCE with S256 on at the provider");
            return Err(Refused::of(field, challenges.unwrap_or_default().join(" "), "the provider does not take S256", remedy));
        }
        Ok(Metadata {
            authorization: address("discovery.authorization_endpoint", &said.authorization_endpoint)?,
            token: address("discovery.token_endpoint", &said.token_endpoint)?,
            keys: address("discovery.jwks_uri", &said.jwks_uri)?,
            out: said.end_session_endpoint.map(|text| address("discovery.end_session_endpoint", &text)).transpose()?,
            showing: showing(said.token_endpoint_auth_methods_supported.as_deref())?,
            says_issuer: said.authorization_response_iss_parameter_supported,
        })
    }
}

/// The first of our ways that is taken. A provider that says nothing takes the header.
fn showing(taken: Option<&[String]>) -> Result<Showing, Refused> {
    let takes = |way: &str| taken.is_none_or(|all| all.iter().any(|method| method == way));
    if takes("client_secret_basic") {
        Ok(Showing::Header)
    } else if takes("client_secret_post") || takes("none") {
        Ok(Showing::Body)
    } else {
        let (field, remedy) =
            ("discovery.token_endpoint_auth_methods_supported", "let the provider take client_secret_basic from this client");
        Err(Refused::of(field, taken.unwrap_or_default().join(" "), "nothing that this server could show is taken", remedy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example/op";

    fn document(change: &[(&str, serde_json::Value)]) -> Vec<u8> {
        let mut all = serde_json::json!({
            "issuer": ISSUER, "authorization_endpoint": "https://login.example/auth", "token_endpoint": "https://login.example/token",
            "jwks_uri": "https://login.example/keys", "response_types_supported": ["code"],
        });
        for (name, value) in change {
            all[*name] = value.clone();
        }
        all.to_string().into_bytes()
    }

    #[test]
    fn a_description_is_of_this_issuer_and_sends_nobody_into_the_clear() {
        let read = |change: &[(&str, serde_json::Value)]| Metadata::parse(&document(change), ISSUER);
        let plain = read(&[]).expect("as it should be");
        assert_eq!((plain.showing, plain.says_issuer, plain.out), (Showing::Header, false, None));
        let refused = |name: &str, value: serde_json::Value| read(&[(name, value)]).expect_err(name).field;
        assert_eq!(refused("issuer", "https://login.example/op/".into()), "discovery.issuer");
        assert_eq!(refused("issuer", "https://evil.example".into()), "discovery.issuer");
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"] {
            for address in ["http://login.example/x", "javascript:alert(1)", "nowhere"] {
                assert_eq!(refused(name, address.into()), format!("discovery.{name}"));
            }
        }
        assert_eq!(
            refused("code_challenge_methods_supported", serde_json::json!(["plain"])),
            "discovery.code_challenge_methods_supported"
        );
        let methods = "token_endpoint_auth_methods_supported";
        assert_eq!(refused(methods, serde_json::json!(["private_key_jwt"])), "discovery.token_endpoint_auth_methods_supported");
        assert_eq!(read(&[(methods, serde_json::json!(["client_secret_post"]))]).expect("taken").showing, Showing::Body);
        assert_eq!(Metadata::parse(b"<html>", ISSUER).expect_err("a page").field, "discovery");
        assert_eq!(Metadata::place("https://a.example/"), "https://a.example/.well-known/openid-configuration");
    }
}
