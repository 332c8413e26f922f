//! The key that signs heads: Ed25519, made where it is missing, in a file that only its owner reads.
//!
//! Whoever has it can sign another past. So it is worth as much as it is kept apart, and heads are worth more where somebody else notes them.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

/// Signs heads.
pub struct Signer(Ed25519KeyPair);

/// Why there is no key.
#[derive(Debug)]
pub enum KeyError {
    Io(PathBuf, std::io::Error),
    NotAKey(PathBuf),
    Random,
}

impl Signer {
    /// Reads the key from a file, or makes it.
    ///
    /// # Errors
    /// Where the file can't be read or written, or holds something else.
    pub fn open(path: &Path) -> Result<Signer, KeyError> {
        let failed = |e| KeyError::Io(path.to_owned(), e);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut seed = Zeroizing::new([0_u8; 32]);
                getrandom::fill(&mut *seed).map_err(|_| KeyError::Random)?;
                let text = Zeroizing::new(format!("{}\n", blake3::Hash::from_bytes(*seed).to_hex()));
                let draft = path.with_extension("draft");
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&draft)
                    .map_err(failed)?;
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
                std::fs::rename(&draft, path).map_err(failed)?;
                text
            }
            Err(error) => return Err(failed(error)),
        };
        let seed = blake3::Hash::from_hex(text.trim()).map_err(|_| KeyError::NotAKey(path.to_owned()))?;
        Ed25519KeyPair::from_seed_unchecked(seed.as_bytes()).map(Signer).map_err(|_| KeyError::NotAKey(path.to_owned()))
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

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            KeyError::NotAKey(path) => {
                write!(f, "{} is not 64 hexadecimal digits; restore it, or remove it to begin with a new one", path.display())
            }
            KeyError::Random => f.write_str("the system gave no random numbers"),
        }
    }
}

impl std::error::Error for KeyError {}
