//! Draws, as histories need them, on the population's dice.

use crate::population::Dice;

pub trait Draw {
    /// Dice of a seed and a purpose; neighbours have nothing in common.
    fn of(seed: u64, purpose: u64) -> Self;
    /// One of `low..=high`.
    fn between(&mut self, low: i64, high: i64) -> i64;
    /// True once in `n` times.
    fn one_in(&mut self, n: i64) -> bool;
    fn pick<T: Copy>(&mut self, all: &[T]) -> T;
}

impl Draw for Dice {
    fn of(seed: u64, purpose: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ purpose.wrapping_mul(0xA076_1D64_78BD_642F));
        dice.below(2);
        dice
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low + 1)
    }

    fn one_in(&mut self, n: i64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as i64) as usize]
    }
}
