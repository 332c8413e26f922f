//! Keys that a data directory makes for itself: a file of 64 hexadecimal digits that only its owner reads, drawn where it is missing.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Why there is no key.
#[derive(Debug)]
pub enum SecretError {
    Io(PathBuf, std::io::Error),
    NotAKey(PathBuf),
    Random,
}

/// Reads a key from its file, or draws it and keeps it there.
///
/// # Errors
/// Where the file can't be read or written, or holds something else: it is left as it is then.
pub fn kept_or_drawn(path: &Path) -> Result<Zeroizing<[u8; 32]>, SecretError> {
    let failed = |e| SecretError::Io(path.to_owned(), e);
    match std::fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => {
            let key = blake3::Hash::from_hex(text.trim()).map_err(|_| SecretError::NotAKey(path.to_owned()))?;
            Ok(Zeroizing::new(*key.as_bytes()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut key = Zeroizing::new([0_u8; 32]);
            getrandom::fill(&mut *key).map_err(|_| SecretError::Random)?;
            keep(path, &key).map_err(failed)?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(SecretError::NotAKey(path.to_owned())),
        Err(error) => Err(failed(error)),
    }
}

/// Whole or not at all, also where the machine stops.
fn keep(path: &Path, key: &[u8; 32]) -> std::io::Result<()> {
    let text = Zeroizing::new(format!("{}\n", blake3::Hash::from_bytes(*key).to_hex()));
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            SecretError::NotAKey(path) => {
                write!(f, "{} is not 64 hexadecimal digits; restore it, or remove it to begin with a new one", path.display())
            }
            SecretError::Random => f.write_str("the system gave no random numbers"),
        }
    }
}

impl std::error::Error for SecretError {}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::kept_or_drawn;

    #[test]
    fn a_key_is_drawn_once_for_its_owner_alone_and_nothing_else_is_taken_for_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("some.key");
        let drawn = kept_or_drawn(&path).expect("drawn");
        assert_eq!(*kept_or_drawn(&path).expect("read"), *drawn);
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_ne!(*kept_or_drawn(&dir.path().join("other.key")).expect("drawn"), *drawn);
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            std::fs::write(&path, text).expect("written");
            let said = kept_or_drawn(&path).expect_err("no key").to_string();
            assert!(said.contains("some.key") && said.contains("remove it"), "{said}");
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), text, "it is left as it was");
        }
        std::fs::write(&path, [0xff; 64]).expect("written");
        assert!(kept_or_drawn(&path).expect_err("no key").to_string().contains("remove it"));
    }
}
