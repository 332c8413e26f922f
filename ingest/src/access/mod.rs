//! Who may do what: bearer tokens with scopes, sessions of a browser, and an open door for the demo.
//!
//! A token is 256 random bits, shown once and kept only as a hash. Scopes are few and plain; roles, tenants and patients' consent are a later
//! matter, behind the same port ([`vitalog_elog::access::Access`]).

mod scope;
mod session;
mod token;

use vitalog_elog::access::{Access, Decision, Principal, Wish};

pub use scope::{Scope, ScopeError};
pub use session::{SESSION_LIFE, Sessions};
pub use token::{Minted, TokenError, Tokens, mint};

/// The id of who came without a name.
pub const NOBODY: &str = "nobody";

/// Lets everyone do everything: for a demo that listens on loopback and holds no person's data but public ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Open {
    /// Who everyone is.
    pub const ID: &str = "local";
}

impl Access for Open {
    fn decide(&self, _: &Principal, _: Wish<'_>) -> Decision {
        Decision::Allow
    }
}
