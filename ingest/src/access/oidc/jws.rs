//! A signed token in its compact form (RFC 7515): three parts, an algorithm that we take, and the key that made the signature.
//!
//! INVARIANT (named here): which algorithms are taken stands in this file, and none is without a public key. `none` and those of shared secrets (`HS…`) are not among
//! them, so nobody can sign with what is public. Keys that a token brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.

use ring::digest;
use serde::Deserialize;

use super::keys::Keys;
use super::refusal::Refused;
use super::{LONGEST_TOKEN, decoded};

/// Algorithms that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Ed,
}

impl Algorithm {
    pub fn of(name: &str) -> Option<Algorithm> {
        Some(match name {
            "RS256" => Algorithm::Rs256,
            "RS384" => Algorithm::Rs384,
            "RS512" => Algorithm::Rs512,
            "PS256" => Algorithm::Ps256,
            "PS384" => Algorithm::Ps384,
            "PS512" => Algorithm::Ps512,
            "ES256" => Algorithm::Es256,
            "ES384" => Algorithm::Es384,
            "EdDSA" | "Ed25519" => Algorithm::Ed,
            _ => return None,
        })
    }

    /// What it digests with: `at_hash` is half of such a digest. Of Ed25519 that is SHA-512.
    pub fn digest(self, bytes: &[u8]) -> digest::Digest {
        let how = match self {
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
            Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &digest::SHA384,
            Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::Ed => &digest::SHA512,
        };
        digest::digest(how, bytes)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// A token in its parts; who made it is not known yet.
pub struct Signed<'a> {
    algorithm: Algorithm,
    key: Option<String>,
    /// What was signed: header and claims as they stand.
    what: &'a str,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

/// Claims whose signature holds.
pub(super) struct Verified {
    pub claims: Vec<u8>,
    pub algorithm: Algorithm,
}

const ELSEWHERE: &str = "begin again; if it stays so, tell whoever runs the provider";

impl<'a> Signed<'a> {
    /// # Errors
    /// What is no such token, is too long, or is signed by what is not taken.
    pub fn parse(token: &'a str) -> Result<Signed<'a>, Refused> {
        let wrong = |why: &str| Refused::of("id_token", "", why, ELSEWHERE);
        if token.len() > LONGEST_TOKEN {
            return Err(wrong("the token is too long"));
        }
        let (what, signature) = token.rsplit_once('.').ok_or_else(|| wrong("the token has not three parts"))?;
        let (header, claims) = what.split_once('.').ok_or_else(|| wrong("the token has not three parts"))?;
        let header = decoded(header).ok_or_else(|| wrong("the header is not base64url"))?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| wrong("the header can't be read"))?;
        let algorithm = Algorithm::of(&header.alg).ok_or_else(|| {
            let remedy = "let the provider sign ID tokens for this client with RS256, PS256, ES256 or EdDSA";
            Refused::of("id_token.alg", &header.alg, "a token signed so is not taken", remedy)
        })?;
        if header.crit.is_some() {
            return Err(Refused::of("id_token.crit", "", "the token wants what is not known here", ELSEWHERE));
        }
        let claims = decoded(claims).ok_or_else(|| wrong("the claims are not base64url"))?;
        let signature = decoded(signature).ok_or_else(|| wrong("the signature is not base64url"))?;
        Ok(Signed { algorithm, key: header.kid, what, claims, signature })
    }

    /// Whether a key that may have signed it is among these. If not, they may be old.
    pub fn is_by_one_of(&self, keys: &Keys) -> bool {
        keys.fitting(self.key.as_deref(), self.algorithm).next().is_some()
    }

    /// # Errors
    /// A key that is not there, several that might be it, or a signature that is none of its.
    pub(super) fn verify(self, keys: &Keys) -> Result<Verified, Refused> {
        let mut fitting = keys.fitting(self.key.as_deref(), self.algorithm);
        let name = self.key.as_deref().unwrap_or("");
        let key = fitting.next().ok_or_else(|| Refused::of("id_token.kid", name, "the provider has no such key", ELSEWHERE))?;
        if fitting.next().is_some() {
            return Err(Refused::of("id_token.kid", name, "the token does not say which of several keys signed it", ELSEWHERE));
        }
        match key.has_signed(self.algorithm, self.what.as_bytes(), &self.signature) {
            true => Ok(Verified { claims: self.claims, algorithm: self.algorithm }),
            false => Err(Refused::of("id_token.signature", "", "the signature is none of the provider's", ELSEWHERE)),
        }
    }
}
