//! Lookup tables by hash, without a way to walk them: the order of a hash map must never decide anything.
#![allow(clippy::disallowed_types, reason = "wrapped here so that nothing else can iterate over one")]

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use vitalog_elog::ReadingId;

/// From a key to a small value. Can be asked and filled, not walked.
#[derive(Debug)]
pub struct Lookup<K, V, H>(HashMap<K, V, BuildHasherDefault<H>>);

/// By reading id.
pub type ById<V> = Lookup<ReadingId, V, FoldId>;
/// By text.
pub type ByName<K, V> = Lookup<K, V, FoldText>;

impl<K, V, H> Default for Lookup<K, V, H> {
    fn default() -> Self {
        Lookup(HashMap::default())
    }
}

impl<K: Eq + Hash, V: Copy, H: Hasher + Default> Lookup<K, V, H> {
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).copied()
    }

    /// Whether a key is known; of none at all this is cheap.
    #[inline]
    pub fn has(&self, key: &K) -> bool {
        !self.0.is_empty() && self.0.contains_key(key)
    }

    pub fn set(&mut self, key: K, value: V) {
        self.0.insert(key, value);
    }

    pub fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }
}

/// Ids are digests already: folding and one multiplication spread what a sender may have chosen.
#[derive(Debug, Default)]
pub struct FoldId(u64);

impl Hasher for FoldId {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u128(u128::from(b));
        }
    }

    fn write_u128(&mut self, id: u128) {
        let folded = (id >> 64) as u64 ^ id as u64 ^ self.0;
        self.0 = folded.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }
}

/// Less than eight bytes and how many they are, without a walk over them.
#[inline]
fn last_word(bytes: &[u8]) -> u64 {
    let word = match bytes {
        [a, b, c, d, ..] => {
            // The last four, some of them once more.
            let last = bytes.last_chunk::<4>().copied().unwrap_or_default();
            u64::from(u32::from_le_bytes(last)) << 32 | u64::from(u32::from_le_bytes([*a, *b, *c, *d]))
        }
        [a, .., z] => u64::from(bytes[bytes.len() / 2]) << 16 | u64::from(*z) << 8 | u64::from(*a),
        [a] => u64::from(*a),
        [] => 0,
    };
    word ^ (bytes.len() as u64) << 56
}

/// Short texts: eight bytes at a time, multiplied and folded.
#[derive(Debug, Default)]
pub struct FoldText(u64);

impl Hasher for FoldText {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.write_u64(last_word(rest));
        }
    }

    /// The end of a text.
    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.0 = self.0.rotate_left(8) ^ u64::from(byte);
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}
