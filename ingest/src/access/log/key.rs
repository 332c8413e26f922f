//! The key that signs heads: Ed25519, made where it is missing, in a file that only its owner reads.
//!
//! Whoever has it can sign another past. So it is worth as much as it is kept apart, and heads are worth more where somebody else notes them.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::access::secret::{SecretError, kept_or_drawn};

/// Signs heads.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// Reads the key from a file, or makes it.
    ///
    /// # Errors
    /// Where the file can't be read or written, or holds something else.
    pub fn open(path: &Path) -> Result<Signer, SecretError> {
        let seed = kept_or_drawn(path)?;
        Ed25519KeyPair::from_seed_unchecked(&*seed).map(Signer).map_err(|_| SecretError::NotAKey(path.to_owned()))
    }

    /// The public key, in hexadecimal digits.
    pub fn public(&self) -> String {
        self.0.public_key().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn sign(&self, words: &[u8]) -> String {
        STANDARD.encode(self.0.sign(words).as_ref())
    }
}

/// Whether a public key has signed these words.
pub(super) fn is_signed(public: &str, words: &[u8], signature: &str) -> bool {
    let (Ok(key), Ok(signature)) = (blake3::Hash::from_hex(public), STANDARD.decode(signature)) else { return false };
    UnparsedPublicKey::new(&ED25519, key.as_bytes()).verify(words, &signature).is_ok()
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public())
    }
}
