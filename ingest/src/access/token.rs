//! Bearer tokens: a file of `id:hash:scopes` lines.
//!
//! INVARIANT (constant time): a token is looked for by comparing its hash with every line's, without ending at the first that fits, so that time tells
//! nothing of what is in the file. A plain hash is enough, since a token is 256 random bits and no password.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use vitalog_elog::access::{Access, Decision, Principal, Wish};

use super::scope::{Scope, ScopeError};

/// How every token begins, so that a scanner of leaked secrets knows it.
const PREFIX: &str = "vitalog_";

/// The tokens that are accepted.
#[derive(Clone, Default)]
pub struct Tokens {
    holders: Vec<Holder>,
}

#[derive(Clone)]
struct Holder {
    id: Arc<str>,
    hash: [u8; 32],
    scopes: Vec<Scope>,
}

/// A new token.
pub struct Minted {
    /// To be shown once; it can't be found again.
    pub token: String,
    /// For the file.
    pub line: String,
}

/// Why a file of tokens can't be used.
#[derive(Debug)]
pub enum TokenError {
    Io(std::io::Error),
    /// What is wrong on which line.
    Line(usize, String),
    /// The system gave no random numbers.
    Random,
}

impl Tokens {
    /// Reads a file of tokens.
    ///
    /// # Errors
    /// Where it can't be read, or as [`Tokens::parse`].
    pub fn load(path: &Path) -> Result<Tokens, TokenError> {
        Tokens::parse(&std::fs::read_to_string(path).map_err(TokenError::Io)?)
    }

    /// Reads lines of `id:hash:scopes`, the scopes separated by commas. Empty lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn parse(text: &str) -> Result<Tokens, TokenError> {
        let mut holders: Vec<Holder> = Vec::new();
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let holder = parse_line(line).map_err(|why| TokenError::Line(number, why))?;
            if holders.iter().any(|known| known.id == holder.id) {
                return Err(TokenError::Line(number, format!("the id {} stands twice", holder.id)));
            }
            holders.push(holder);
        }
        Ok(Tokens { holders })
    }

    pub fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    /// Whose token it is.
    pub fn holder_of(&self, token: &str) -> Option<Principal> {
        let hash = hash_of(token);
        let mut found = None;
        for holder in &self.holders {
            if bool::from(holder.hash.ct_eq(&hash)) {
                found = Some(holder);
            }
        }
        found.map(|holder| Principal { id: holder.id.clone() })
    }
}

impl Access for Tokens {
    fn decide(&self, who: &Principal, wish: Wish<'_>) -> Decision {
        let holder = self.holders.iter().find(|holder| holder.id == who.id);
        let granted = holder.is_some_and(|holder| holder.scopes.iter().any(|scope| scope.grants(wish)));
        if granted { Decision::Allow } else { Decision::Deny }
    }
}

/// Makes a token for an id.
///
/// # Errors
/// Where the id can't be one, or the system gives no random numbers.
pub fn mint(id: &str, scopes: &[Scope]) -> Result<Minted, TokenError> {
    if !is_id(id) {
        return Err(TokenError::Line(0, format!("{id:?} can't be an id: use 1 to 64 letters, digits and any of . _ -")));
    }
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret).map_err(|_| TokenError::Random)?;
    let token = format!("{PREFIX}{}", blake3::Hash::from_bytes(secret).to_hex());
    let scopes: Vec<String> = scopes.iter().map(Scope::to_string).collect();
    let line = format!("{id}:{}:{}", blake3::Hash::from_bytes(hash_of(&token)).to_hex(), scopes.join(","));
    Ok(Minted { token, line })
}

fn parse_line(line: &str) -> Result<Holder, String> {
    let mut parts = line.splitn(3, ':');
    let (Some(id), Some(hash), Some(scopes)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("expected id:hash:scopes".to_owned());
    };
    if !is_id(id) {
        return Err("the id can't be one: use 1 to 64 letters, digits and any of . _ -".to_owned());
    }
    let hash = blake3::Hash::from_hex(hash).map_err(|_| "the hash is not 64 hexadecimal digits".to_owned())?;
    let scopes = scopes.split(',').map(str::trim).filter(|s| !s.is_empty()).map(Scope::parse);
    let scopes = scopes.collect::<Result<Vec<_>, ScopeError>>().map_err(|e| e.to_string())?;
    Ok(Holder { id: Arc::from(id), hash: *hash.as_bytes(), scopes })
}

fn is_id(text: &str) -> bool {
    let reserved = text == super::NOBODY || text == super::Open::ID;
    !reserved && (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn hash_of(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// Neither tokens nor their hashes are shown.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.holders.len())
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::Io(error) => write!(f, "the token file can't be read: {error}"),
            TokenError::Line(0, why) => f.write_str(why),
            TokenError::Line(line, why) => write!(f, "the token file is wrong on line {line}: {why}"),
            TokenError::Random => f.write_str("the system gave no random numbers"),
        }
    }
}

impl std::error::Error for TokenError {}
