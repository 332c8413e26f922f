//! Bearer tokens: 256 random bits, shown once and kept only as a hash.
//!
//! A plain hash is enough, since a token is no password: nobody can try them all.

use super::error::AccessError;
use super::is_id;
use super::scope::Scope;

/// How every token begins, so that a scanner of leaked secrets knows it.
const PREFIX: &str = "vitalog_";

/// A new token.
pub struct Minted {
    /// To be shown once; it can't be found again.
    pub token: String,
    pub(super) hash: [u8; 32],
}

/// A line of the file in which tokens were kept before there was a store: `id:hash:scopes`.
pub struct FormerToken {
    pub id: String,
    pub hash: [u8; 32],
    pub scopes: Vec<Scope>,
}

/// Draws a token.
pub(super) fn mint() -> Result<Minted, AccessError> {
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret).map_err(|_| AccessError::Random)?;
    let token = format!("{PREFIX}{}", blake3::Hash::from_bytes(secret).to_hex());
    let hash = hash_of(&token);
    Ok(Minted { token, hash })
}

pub(super) fn hash_of(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// The lines of a former file. Empty ones and those that begin with `#` are passed over.
pub(super) fn parse_file(text: &str) -> Result<Vec<FormerToken>, AccessError> {
    let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(line, number)| parse_line(line).map_err(|why| AccessError::Line(number, why))).collect()
}

fn parse_line(line: &str) -> Result<FormerToken, String> {
    let mut parts = line.splitn(3, ':');
    let (Some(id), Some(hash), Some(scopes)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("expected id:hash:scopes".to_owned());
    };
    if !is_id(id) {
        return Err("the id can't be one: use 1 to 64 letters, digits and any of . _ -".to_owned());
    }
    let hash = blake3::Hash::from_hex(hash).map_err(|_| "the hash is not 64 hexadecimal digits".to_owned())?;
    let scopes = scopes.split(',').map(str::trim).filter(|s| !s.is_empty()).map(Scope::parse);
    let scopes = scopes.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    Ok(FormerToken { id: id.to_owned(), hash: *hash.as_bytes(), scopes })
}
