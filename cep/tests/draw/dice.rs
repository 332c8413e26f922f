//! A small deterministic source of choices (SplitMix64, Steele, Lea and Flood 2014): the same seed draws the same case everywhere.

use std::panic::Location;

use vitalog_elog::Time;

use crate::world::EPOCH;

/// Draws.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
    leaning: Option<u64>,
    /// When what is drawn begins.
    pub epoch: Time,
}

/// What the place of a choice leans to.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Fair,
    /// To some of what there is; which is told by these bits.
    Some(u64),
    /// Nearly always to one.
    One(u64),
}

impl Dice {
    pub fn new(seed: u64) -> Dice {
        // Mixed first, so that the draws of neighbouring seeds are not each other's shifted by one.
        Dice { state: mix(seed ^ 0x5DEE_CE66_D123_4567), leaning: None, epoch: EPOCH }
    }

    /// Clocks are turned a little after it begins: in Berlin in October and March, in New York in November and March of 2026 (IANA Time Zone Database).
    pub fn at_a_turn_of_clocks(self, which: usize) -> Dice {
        const TURNS: [i64; 4] = [1_792_890_000, 1_774_746_000, 1_793_512_800, 1_772_953_200];
        Dice { epoch: Time((TURNS[which % 4] - 20 * 60) * 1_000_000), ..self }
    }

    /// Half of the places in the code that choose lean to something, each to its own for the whole case: so what is rare in fair cases, and rarer still
    /// together, is common in some (swarm testing, Groce and others 2012). Where a place lies in the code is a part of it: seeds mean something in one commit only.
    pub fn leaning(seed: u64) -> Dice {
        Dice { leaning: Some(mix(seed ^ 0x1EA7)), ..Dice::new(seed) }
    }

    pub fn leans(&self) -> bool {
        self.leaning.is_some()
    }

    /// Leaning or not, half of each; an eighth of all where clocks are turned.
    pub fn either(seed: u64) -> Dice {
        let mut dice = if mix(seed).is_multiple_of(2) { Dice::leaning(seed) } else { Dice::new(seed) };
        match dice.draw(32, Mood::Fair) {
            turn @ 0..4 => dice.at_a_turn_of_clocks(turn),
            _ => dice,
        }
    }

    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// One of `0..n`; `n` is positive.
    #[track_caller]
    pub fn below(&mut self, n: usize) -> usize {
        let mood = self.mood(Location::caller());
        self.draw(n, mood)
    }

    /// One of `low..=high`.
    #[track_caller]
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }

    /// True `percent` times in a hundred.
    #[track_caller]
    pub fn chance(&mut self, percent: usize) -> bool {
        let percent = match self.mood(Location::caller()) {
            Mood::Fair => percent,
            Mood::Some(bits) if bits % 2 == 0 => percent.max(60),
            Mood::One(bits) if bits % 2 == 0 => percent.max(96),
            Mood::Some(_) | Mood::One(_) => percent.min(2),
        };
        self.draw(100, Mood::Fair) < percent
    }

    #[track_caller]
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn mood(&self, place: &Location<'_>) -> Mood {
        let Some(leaning) = self.leaning else { return Mood::Fair };
        let file = place.file().bytes().fold(leaning, |h, b| mix(h ^ u64::from(b)));
        let bits = mix(file ^ u64::from(place.line()) << 32 ^ u64::from(place.column()));
        match bits >> 61 {
            0..=3 => Mood::Fair,
            4 | 5 => Mood::Some(bits),
            _ => Mood::One(bits),
        }
    }

    fn draw(&mut self, n: usize, mood: Mood) -> usize {
        let mut fair = || (self.bits() % n as u64) as usize;
        match mood {
            Mood::Fair => fair(),
            // None of them may fit; no case hangs on it.
            Mood::Some(bits) => {
                let fits = |i: &usize| mix(bits ^ *i as u64).is_multiple_of(2);
                (0..6).map(|_| fair()).find(fits).unwrap_or_else(fair)
            }
            Mood::One(bits) => {
                let one = (bits % n as u64) as usize;
                // Now and then it is another one, so that whoever looks for something goes on finding it.
                if self.bits().is_multiple_of(8) { (self.bits() % n as u64) as usize } else { one }
            }
        }
    }

    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for i in (1..all.len()).rev() {
            let other = self.draw(i + 1, Mood::Fair);
            all.swap(i, other);
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
