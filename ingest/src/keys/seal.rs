//! Sealing bytes under a key: XChaCha20-Poly1305, in place.
//!
//! As the draft defines it, from its two halves: HChaCha20 makes a key of the key and the first 16 bytes of the nonce, and ChaCha20-Poly1305 seals under that with the other 8. Most
//! segments have a reading or two, and for so few bytes the one half in assembly is six times as fast as a portable whole.
//!
//! INVARIANT (nonce): no key seals twice under one nonce. A nonce is 24 bytes from the operating system, drawn for each group of the journal and each row of the key
//! store, and a key seals at most once under each. Nothing is counted, so neither a crash nor a backup that is restored can bring one back.

use std::fmt;

use chacha20::cipher::consts::U10;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a key.
pub const KEY: usize = 32;
/// Bytes of a nonce.
pub const NONCE: usize = 24;
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
    ///
    /// # Errors
    /// For more bytes than a counter of 32 bits has blocks (256 GB); a group is a thousand times smaller.
    pub fn seal(&self, nonce: &[u8; NONCE], place: &[u8], bytes: &mut Vec<u8>) -> Result<(), NotSealedHere> {
        let (key, nonce) = self.halves(nonce)?;
        key.seal_in_place_append_tag(nonce, Aad::from(place), bytes).map_err(|_| NotSealedHere)
    }

    /// What [`Secret::seal`] sealed.
    ///
    /// # Errors
    /// [`NotSealedHere`].
    pub fn open(&self, nonce: &[u8; NONCE], place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotSealedHere> {
        let (key, nonce) = self.halves(nonce)?;
        let mut bytes = sealed.to_vec();
        let len = key.open_in_place(nonce, Aad::from(place), &mut bytes).map_err(|_| NotSealedHere)?.len();
        bytes.truncate(len);
        Ok(bytes)
    }

    /// The key and the nonce that ChaCha20-Poly1305 seals with.
    fn halves(&self, nonce: &[u8; NONCE]) -> Result<(LessSafeKey, Nonce), NotSealedHere> {
        let (mut first, mut last) = ([0; 16], [0; 12]);
        first.copy_from_slice(&nonce[..16]);
        last[4..].copy_from_slice(&nonce[16..]);
        let derived = Zeroizing::new(<[u8; KEY]>::from(chacha20::hchacha::<U10>(&self.0.into(), &first.into())));
        let key = UnboundKey::new(&CHACHA20_POLY1305, &derived[..]).map_err(|_| NotSealedHere)?;
        Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(last)))
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
        Secret::new(key).seal(&nonce, &place, &mut bytes).expect("sealed");
        assert_eq!(bytes[..8], hex("bd6d179d3e83d43b")[..]);
        assert_eq!(bytes[text.len()..], hex("c0875924c1c7987947deafd8780acf49")[..]);
        assert_eq!(Secret::new(key).open(&nonce, &place, &bytes).expect("opened"), text);
    }

    #[test]
    fn nothing_opens_elsewhere_or_altered() {
        let key = Secret::draw().expect("random");
        let nonce = random().expect("random");
        let mut bytes = b"a reading".to_vec();
        key.seal(&nonce, b"here", &mut bytes).expect("sealed");
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
