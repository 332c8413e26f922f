//! Signing in by an OpenID Connect provider: what is asked of it, and what it says in answer, held against what must be so.
//!
//! Pure: what comes over the network is handed in as bytes, and the instant with it. Anything that is not as the standard and these settings want it is refused by
//! name; nothing is guessed, and nobody has an account for being known elsewhere.

mod claims;
mod flows;
mod jws;
mod keys;
mod metadata;
mod refusal;
mod settings;

pub use claims::{Expected, Identity};
pub use flows::{Begun, Flow, Flows, LASTS, NotTaken};
pub use jws::Signed;
pub use keys::Keys;
pub use metadata::{Metadata, Showing};
pub use refusal::Refused;
pub use settings::{Settings, SettingsError, issuer_of};

/// The longest ID token, in bytes.
pub const LONGEST_TOKEN: usize = 16 * 1024;

/// By how much the provider's clock and ours may differ.
pub const SKEW: vitalog_elog::Span = vitalog_elog::Span::seconds(60);

/// The longest name that a provider may have for somebody, as the standard says.
pub const LONGEST_SUBJECT: usize = 255;

/// 256 random bits as text that can stand in an address.
fn drawn() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(encoded(&bytes))
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}
