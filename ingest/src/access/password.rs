//! Passwords: argon2id, with the least that OWASP's cheat sheet on password storage asks for (19 MiB, two passes, one lane).
//!
//! Which passwords are good is what NIST SP 800-63B (3.1.1.2) says: long ones. Nobody is asked for a digit or a sign, and none runs out.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use super::error::AccessError;

/// The fewest characters. NIST asks for 15 where nothing else is shown at the login.
pub const LEAST: usize = 15;
/// The most bytes: hashing a megabyte would be a way to keep the server busy.
pub const MOST: usize = 1_024;

/// What is compared with where there is no such account, so that time does not tell: no password has it.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How it is kept.
///
/// # Errors
/// A password that is too short or too long; no random numbers.
pub fn hashed(password: &str) -> Result<String, AccessError> {
    let length = password.chars().count();
    if length < LEAST || password.len() > MOST {
        return Err(AccessError::Password { length });
    }
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|_| AccessError::Random)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| AccessError::Random)?;
    let hash = hasher().hash_password(password.as_bytes(), &salt).map_err(|e| AccessError::Broken(e.to_string()))?;
    Ok(hash.to_string())
}

/// Whether it is the one that was hashed. Takes as long where there is none.
pub fn is(password: &str, kept: Option<&str>) -> bool {
    if password.len() > MOST {
        return false;
    }
    let known = kept.and_then(|kept| PasswordHash::new(kept).ok());
    let Some(hash) = known.as_ref().map_or_else(|| PasswordHash::new(NOBODYS).ok(), |hash| Some(hash.clone())) else {
        return false;
    };
    let fits = hasher().verify_password(password.as_bytes(), &hash).is_ok();
    fits && known.is_some()
}

/// A password that nobody has thought of: 128 random bits.
///
/// # Errors
/// No random numbers.
pub fn drawn() -> Result<String, AccessError> {
    let mut secret = [0_u8; 16];
    getrandom::fill(&mut secret).map_err(|_| AccessError::Random)?;
    let text = blake3::Hash::from_bytes([secret, [0; 16]].concat().try_into().unwrap_or([0; 32])).to_hex();
    let groups: Vec<&str> = (0..8).map(|i| &text[4 * i..4 * i + 4]).collect();
    Ok(groups.join("-"))
}

fn hasher() -> Argon2<'static> {
    // These are its defaults today; written down so that a hash costs the same with another version.
    let params = Params::new(19_456, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_as_dearly_as_is_said_with_a_salt_of_its_own() {
        let keep = || hashed("correct horse battery").expect("it is long enough");
        let (one, other) = (keep(), keep());
        // What a stolen store costs to guess, by the standard's own notation; nobody's costs the same.
        for kept in [&one, &other, &NOBODYS.to_owned()] {
            assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        }
        assert_ne!(one, other);
        assert!(is("correct horse battery", Some(&one)) && !is("correct horse batterx", Some(&one)));
        assert!(!is("correct horse battery", None) && !is("correct horse battery", Some("no hash")));
    }

    #[test]
    fn a_password_is_neither_short_nor_endless() {
        assert!(hashed(&"x".repeat(LEAST - 1)).is_err() && hashed(&"x".repeat(MOST + 1)).is_err());
        assert!(hashed(&"ü".repeat(LEAST)).is_ok(), "characters are counted, not bytes");
    }
}
