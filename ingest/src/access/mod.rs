//! Who may do what: accounts with roles, tokens with scopes, sessions of a browser, policies, and an open door for the demo.
//!
//! Everything is behind one port ([`vitalog_elog::access::Access`]), which every door asks; what is answered there is said by policies that people can read (`ingest/policies/`).

mod accounts;
mod attempts;
mod error;
pub mod log;
mod meter;
pub mod oidc;
pub mod password;
mod policy;
mod registry;
mod role;
mod scope;
pub mod secret;
mod session;
mod store;
mod tenants;
mod token;
mod visit;

use std::path::Path;

use vitalog_elog::Time;
use vitalog_elog::access::{Access, Principal, Wish};

pub use accounts::{Accounts, EMERGENCY, NotIn, Paced};
pub use error::AccessError;
pub use policy::{Policies, PolicyError, SHIPPED, Standing};
pub use registry::{Account, NotGood, Registry, Token};
pub use role::{Role, RoleError, Roles};
pub use scope::{Scope, ScopeError};
pub use session::{Lives, Sessions};
pub use store::{AskedErasure, Hold, NewAccount, NewToken, Store, UsedByDay};
pub use tenants::{Names, NamesError, Owners, Tenant};
pub use token::{FormerToken, Minted};
pub use visit::{Asked, Noted};
pub use vitalog_elog::access::Emergency;

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
    fn allows(&self, _: &Principal, _: Wish<'_>) -> bool {
        true
    }
}

/// Opens the store of a data directory. Tokens of a file `tokens`, in which they were kept before there was a store, are taken over, and the file goes.
///
/// # Errors
/// Where either can't be read or written.
pub fn open(data: &Path, now: Time) -> Result<Store, AccessError> {
    let mut store = Store::open(&data.join("access.db"))?;
    let former = data.join("tokens");
    let text = match std::fs::read_to_string(&former) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(store),
        Err(error) => return Err(AccessError::Io(former, error)),
    };
    for line in token::parse_file(&text)? {
        let new = NewToken::new(&line.id, &line.scopes);
        match store.insert_token(&new, &line.hash, now) {
            // Taken over before, and interrupted then.
            Ok(()) | Err(AccessError::Exists(..)) => {}
            Err(error) => return Err(error),
        }
    }
    std::fs::remove_file(&former).map_err(|e| AccessError::Io(former, e))?;
    Ok(store)
}

/// What a store says, without a change to it.
///
/// # Errors
/// Where it can't be read, or is of something else.
pub fn look(path: &Path) -> Result<Registry, AccessError> {
    Store::look(path)?.read()
}

/// What a former file of tokens says.
///
/// # Errors
/// The first line that is none.
pub fn former_tokens(text: &str) -> Result<Vec<FormerToken>, AccessError> {
    token::parse_file(text)
}

fn is_id(text: &str) -> bool {
    let reserved = text == NOBODY || text == Open::ID;
    !reserved && (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
