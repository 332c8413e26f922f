//! Signatures of the Standard Webhooks specification (standardwebhooks.com, version 1, symmetric).
//!
//! `webhook-signature: v1,<base64 of HMAC-SHA256(secret, "id.timestamp.body")>`, once per secret and parted by a space: a receiver that
//! knows either secret can verify. The timestamp is under the signature, so that a replayed message shows its age.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// A key shared with a receiver. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The specification's bounds, in bytes.
    pub const MIN_LEN: usize = 24;
    pub const MAX_LEN: usize = 64;
    pub const REMEDY: &str = "give whsec_ and the base64 of 24 to 64 random bytes, as `openssl rand -base64 32` prints";

    /// Reads `whsec_` and the base64 of the key.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn parse(text: &str) -> Result<Secret, &'static str> {
        let encoded = text.strip_prefix("whsec_").ok_or("without the prefix whsec_")?;
        let key = STANDARD.decode(encoded).map_err(|_| "not base64")?;
        match key.len() {
            n if n < Secret::MIN_LEN => Err("too short"),
            n if n > Secret::MAX_LEN => Err("too long"),
            _ => Ok(Secret(key)),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The value of `webhook-signature`: one signature per secret, in their order. `timestamp` is in whole seconds since 1970.
pub fn signature(secrets: &[Secret], id: &str, timestamp: i64, body: &str) -> String {
    let mut out = String::with_capacity(secrets.len() * 48);
    for secret in secrets {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str("v1,");
        out.push_str(&STANDARD.encode(mac(secret, id, timestamp, body)));
    }
    out
}

fn mac(secret: &Secret, id: &str, timestamp: i64, body: &str) -> impl AsRef<[u8]> {
    // HMAC pads or hashes a key of any length, so there is none that it refuses.
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body.as_bytes());
    mac.finalize().into_bytes()
}
