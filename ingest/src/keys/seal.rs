//! Sealing bytes under a key: XChaCha20-Poly1305, in place.
//!
//! INVARIANT (nonce): no key seals twice under one nonce. A nonce is 24 bytes from the operating system, drawn for each group of the journal and each row of the key
//! store, and a key seals at most once under each. Nothing is counted, so neither a crash nor a backup that is restored can bring one back.

use std::fmt;

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Key, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroize;

/// Bytes of a key.
pub const KEY: usize = 32;
/// Bytes of a nonce.
pub const NONCE: usize = 24;
/// What sealing adds.
pub const TAG: usize = 16;

/// A key. Wiped from memory when it goes, and never shown.
#[derive(Clone)]
pub struct Secret([u8; KEY]);

/// What was sealed is not what is here: altered, moved to another place, or under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSealedHere;

impl Secret {
    pub fn new(bytes: [u8; KEY]) -> Secret {
        Secret(bytes)
    }

    /// # Errors
    /// Where the operating system has no random bytes.
    pub fn draw() -> Result<Secret, std::io::Error> {
        Ok(Secret(random()?))
    }

    pub fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// Seals `bytes` in place and appends the tag. `place` says where they belong: they open nowhere else.
    pub fn seal(&self, nonce: &[u8; NONCE], place: &[u8], bytes: &mut Vec<u8>) {
        // The only refusal is for more bytes than a counter of 32 bits has blocks (256 GB); a group is a thousand times smaller.
        let tag = self.cipher().encrypt_in_place_detached(XNonce::from_slice(nonce), place, bytes);
        bytes.extend_from_slice(&tag.unwrap_or_default());
    }

    /// What [`Secret::seal`] sealed.
    ///
    /// # Errors
    /// [`NotSealedHere`].
    pub fn open(&self, nonce: &[u8; NONCE], place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotSealedHere> {
        let (body, tag) = sealed.split_at_checked(sealed.len().wrapping_sub(TAG)).ok_or(NotSealedHere)?;
        let mut bytes = body.to_vec();
        self.cipher()
            .decrypt_in_place_detached(XNonce::from_slice(nonce), place, &mut bytes, Tag::from_slice(tag))
            .map_err(|_| NotSealedHere)?;
        Ok(bytes)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.0))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Bytes from the operating system.
///
/// # Errors
/// Where it has none.
pub fn random<const N: usize>() -> Result<[u8; N], std::io::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The AEAD example of draft-irtf-cfrg-xchacha-03, section A.3.1: that the bytes are XChaCha20-Poly1305 and nothing of our own.
    #[test]
    fn it_is_the_published_cipher() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal")).collect()
        };
        let key: [u8; KEY] = std::array::from_fn(|i| 0x80 + i as u8);
        let nonce: [u8; NONCE] = std::array::from_fn(|i| 0x40 + i as u8);
        let place = hex("50515253c0c1c2c3c4c5c6c7");
        let text =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let mut bytes = text.to_vec();
        Secret::new(key).seal(&nonce, &place, &mut bytes);
        assert_eq!(bytes[..8], hex("bd6d179d3e83d43b")[..]);
        assert_eq!(bytes[text.len()..], hex("c0875924c1c7987947deafd8780acf49")[..]);
        assert_eq!(Secret::new(key).open(&nonce, &place, &bytes).expect("opened"), text);
    }

    #[test]
    fn nothing_opens_elsewhere_or_altered() {
        let key = Secret::draw().expect("random");
        let nonce = random().expect("random");
        let mut bytes = b"a reading".to_vec();
        key.seal(&nonce, b"here", &mut bytes);
        assert_eq!(key.open(&nonce, b"there", &bytes), Err(NotSealedHere));
        assert_eq!(Secret::draw().expect("random").open(&nonce, b"here", &bytes), Err(NotSealedHere));
        for i in 0..bytes.len() * 8 {
            let mut bent = bytes.clone();
            bent[i / 8] ^= 1 << (i % 8);
            assert_eq!(key.open(&nonce, b"here", &bent), Err(NotSealedHere), "bit {i}");
        }
        (0..bytes.len()).for_each(|n| assert_eq!(key.open(&nonce, b"here", &bytes[..n]), Err(NotSealedHere), "cut at {n}"));
    }
}
