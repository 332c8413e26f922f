//! How the readings of the population come in: some of them late.

use std::collections::BTreeMap;

use vitalog_elog::{Reading, Time};

use super::population::{Arrival, Dice, MINUTE};

/// When the population begins.
pub const START: Time = Time(1_763_596_800_000_000);

/// Holds some readings back.
pub struct Post {
    late: u64,
    dice: Dice,
    held: BTreeMap<(Time, u64), Reading>,
    count: u64,
}

impl Post {
    /// Of a hundred readings so many come late, by up to a day.
    pub fn new(late: u64, seed: u64) -> Post {
        Post { late, dice: Dice(seed), held: BTreeMap::new(), count: 0 }
    }

    /// The same readings, those that are late where they arrive.
    pub fn deliver(&mut self, batch: Vec<Arrival>) -> Vec<Arrival> {
        if self.late == 0 {
            return batch;
        }
        let until = batch.last().map_or(START, |(at, _)| *at);
        for (at, reading) in batch {
            self.count += 1;
            let late = self.dice.below(100) < self.late as i64;
            let delay = if late { self.dice.below(24 * 60 * MINUTE) } else { 0 };
            self.held.insert((Time(at.0 + delay), self.count), reading);
        }
        let rest = self.held.split_off(&(Time(until.0 + 1), 0));
        std::mem::replace(&mut self.held, rest).into_iter().map(|((at, _), reading)| (at, reading)).collect()
    }
}
