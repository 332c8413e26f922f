//! A set of ids that forgets which they were: it says "surely not", or "perhaps".

use serde::{Deserialize, Serialize};
use vitalog_elog::ReadingId;

/// Ten bits an id, of which each sets six: about one stranger in a hundred is let through.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Sieve {
    words: Vec<u64>,
}

const BITS: usize = 10;
const MARKS: u64 = 6;

impl Sieve {
    pub fn of(ids: &[ReadingId]) -> Sieve {
        let mut sieve = Sieve { words: vec![0; (ids.len() * BITS).div_ceil(64)] };
        for id in ids {
            for (word, bit) in sieve.places(*id) {
                sieve.words[word] |= bit;
            }
        }
        sieve
    }

    pub fn may_have(&self, id: ReadingId) -> bool {
        !self.words.is_empty() && self.places(id).all(|(word, bit)| self.words[word] & bit != 0)
    }

    /// Ids are digests: two halves of one are as good as two hashes.
    fn places(&self, id: ReadingId) -> impl Iterator<Item = (usize, u64)> + use<> {
        let (low, high, bits) = (id.0 as u64, (id.0 >> 64) as u64 | 1, self.words.len() as u64 * 64);
        (0..MARKS).map(move |i| {
            let place = low.wrapping_add(high.wrapping_mul(i)) % bits;
            ((place / 64) as usize, 1 << (place % 64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_went_in_are_known_and_few_others_pass() {
        let ids: Vec<ReadingId> = (0..1_000).map(|i: u32| ReadingId::given(&i.to_string())).collect();
        let sieve = Sieve::of(&ids);
        assert!(ids.iter().all(|id| sieve.may_have(*id)));
        let strangers = (0..10_000).filter(|i: &u32| sieve.may_have(ReadingId::given(&format!("s{i}")))).count();
        assert!(strangers < 300, "{strangers} of 10,000");
        assert!(!Sieve::of(&[]).may_have(ids[0]));
    }
}
