//! A code, traded for an ID token (RFC 6749, 4.1.3; RFC 7636, 4.5), and whom that names.

use axum::http::StatusCode;
use serde::Deserialize;
use url::form_urlencoded::byte_serialize;

use super::contact::NoAnswer;
use super::known::Provider;
use super::word;
use crate::access::oidc::{Expected, Flow, Identity, Refused, Showing, Signed};
use crate::io::Clock;

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Denial {
    error: String,
}

impl Provider {
    /// Whom the code stands for.
    pub(super) async fn redeem(&self, code: &str, flow: &Flow, clock: &Clock) -> Result<Identity, NoAnswer> {
        let metadata = self.metadata(clock).await?;
        let (back, settings) = (self.settings.back(), &self.settings);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &back),
            ("code_verifier", &flow.verifier),
        ];
        let shown = match (&settings.secret, metadata.showing) {
            (Some(secret), Showing::Header) => Some((escaped(&settings.client), escaped(secret))),
            (secret, _) => {
                form.push(("client_id", &settings.client));
                secret.iter().for_each(|secret| form.push(("client_secret", secret)));
                None
            }
        };
        let (status, body) = self.contact.post(&metadata.token, &form, shown).await?;
        if status != StatusCode::OK {
            return Err(denied(status, &body));
        }
        let tokens: Tokens = serde_json::from_slice(&body).map_err(|_| {
            let remedy = "let the provider give this client ID tokens (scope openid)";
            Refused::of("id_token", "", "the provider gave no ID token", remedy)
        })?;
        let signed = Signed::parse(&tokens.id_token)?;
        let keys = self.keys(&signed, clock).await?;
        let expected = Expected {
            issuer: &settings.issuer,
            client: &settings.client,
            nonce: &flow.nonce,
            access_token: tokens.access_token.as_deref(),
            now: clock(),
        };
        Ok(expected.of(signed, &keys)?)
    }
}

/// A provider that is not well is away; one that says no has a word for it.
fn denied(status: StatusCode, body: &[u8]) -> NoAnswer {
    if status.is_server_error() {
        return NoAnswer::Away(format!("it answered {status}"));
    }
    let word = serde_json::from_slice(body).map_or_else(|_| status.to_string(), |denial: Denial| word(denial.error));
    let remedy = match &*word {
        "invalid_client" | "unauthorized_client" => "compare client id and secret with those that the provider has",
        "invalid_grant" => "begin again; if it stays so, compare the redirect URI with the one that the provider has",
        _ => "tell whoever runs the provider",
    };
    Refused::of("code", word, "the provider does not take it", remedy).into()
}

/// As names and passwords stand in the header (RFC 6749, 2.3.1).
fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
