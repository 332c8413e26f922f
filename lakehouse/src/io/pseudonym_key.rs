//! Where the key of pseudonyms is kept: a file of 64 hexadecimal digits, readable by its owner alone, made when it is first asked for. Whoever removes it has others from the next start on.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::pseudonyms::Pseudonyms;

impl Pseudonyms {
    /// Reads the key from a file, or makes it.
    ///
    /// # Errors
    /// Where the file can't be read or written, or holds something else; in words, with a remedy.
    pub fn open(path: &Path) -> Result<Pseudonyms, String> {
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0_u8; 32];
                getrandom::fill(&mut key).map_err(|_| "the system gives no random numbers".to_owned())?;
                let text = format!("{}\n", blake3::Hash::from_bytes(key).to_hex());
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
        let remedy = "restore it, or remove it: then the pseudonyms are others";
        let key = blake3::Hash::from_hex(text.trim());
        key.map(|key| Pseudonyms::new(*key.as_bytes()))
            .map_err(|_| format!("{} is no key of 64 hexadecimal digits; {remedy}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::Pseudonyms;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone_and_nothing_else_is_taken_for_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pseudonym.key");
        let made = Pseudonyms::open(&path).expect("made");
        assert_eq!(Pseudonyms::open(&path).expect("read"), made);
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        let other = Pseudonyms::open(&dir.path().join("other.key")).expect("made");
        assert_ne!(made, other, "a key is drawn");
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63)] {
            std::fs::write(&path, text).expect("written");
            let said = Pseudonyms::open(&path).expect_err("no key");
            assert!(said.contains("pseudonym.key") && said.contains("remove it"), "{said}");
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), text, "it is left as it was");
        }
    }
}
