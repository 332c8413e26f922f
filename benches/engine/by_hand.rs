//! Each workload as one would write it by hand for that rule alone: in order only, without ids, text, evidence, or a way back.
#![allow(clippy::disallowed_types, reason = "what one would write by hand")]

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use vitalog_elog::{Reading, ReadingId, Span, StreamIx, Subject, Time};

use crate::revisions::first;

/// Streams by their places in [`crate::workloads`].
const BG: StreamIx = StreamIx(0);
const CARBS: StreamIx = StreamIx(1);
const EXERCISE: StreamIx = StreamIx(2);
const BP: StreamIx = StreamIx(3);

/// Atoms in a milligram per decilitre, and in a gram or a millimetre of mercury.
const MG_DL: i64 = 100_000;
const ONE: i64 = 1_000_000;

/// A loop that counts matches.
pub trait ByHand {
    fn step(&mut self, reading: &Reading);
    /// How many there are when the clock says `now`.
    fn matches(&mut self, now: Time) -> u64;
}

/// The states of subjects by their names.
#[derive(Default)]
struct Each<T>(HashMap<Subject, T>);

impl<T: Default> Each<T> {
    fn of(&mut self, subject: &Subject) -> &mut T {
        if !self.0.contains_key(subject) {
            self.0.insert(subject.clone(), T::default());
        }
        self.0.get_mut(subject).expect("it was put there")
    }
}

/// What a loop looks at.
fn seen(reading: &Reading) -> Option<(StreamIx, Time, i64)> {
    let content = reading.content.as_ref()?;
    Some((content.stream, content.when.instant()?, first(reading).unwrap_or(0)))
}

/// No rule at all: each reading is put to its subject's, with what a correction has to name and a rule would ask. Whoever keeps a way back does at least that.
#[derive(Default)]
pub struct Kept {
    of: HashMap<Subject, Vec<KeptReading>, BuildHasherDefault<Names>>,
}

struct KeptReading {
    _id: ReadingId,
    _rev: u32,
    _stream: StreamIx,
    _at: Time,
    _value: i64,
}

impl Kept {
    pub fn put(&mut self, reading: &Reading) {
        let (_stream, _at, _value) = seen(reading).expect("a reading with an instant");
        let kept = KeptReading { _id: reading.id, _rev: reading.rev, _stream, _at, _value };
        match self.of.get_mut(&reading.subject) {
            Some(all) => all.push(kept),
            None => drop(self.of.insert(reading.subject.clone(), vec![kept])),
        }
    }

    pub fn len(&self) -> u64 {
        self.of.values().map(|all| all.len() as u64).sum()
    }
}

/// As quick a hash of a short name as will do.
#[derive(Default)]
struct Names(u64);

impl Hasher for Names {
    fn write(&mut self, bytes: &[u8]) {
        for some in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..some.len()].copy_from_slice(some);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[derive(Default)]
pub struct Threshold {
    /// The peers keep a state for each subject, too; this one needs none.
    matches: u64,
}

impl ByHand for Threshold {
    fn step(&mut self, reading: &Reading) {
        let Some((BG, _, value)) = seen(reading) else { return };
        self.matches += u64::from(value < 70 * MG_DL);
    }

    fn matches(&mut self, _: Time) -> u64 {
        self.matches
    }
}

#[derive(Default)]
pub struct Sequence {
    /// Meals that may still be followed.
    meals: Each<Vec<Time>>,
    matches: u64,
}

impl ByHand for Sequence {
    fn step(&mut self, reading: &Reading) {
        let Some((stream, at, value)) = seen(reading) else { return };
        let meals = self.meals.of(&reading.subject);
        match stream {
            CARBS if value >= 30 * ONE => meals.push(at),
            EXERCISE => meals.clear(),
            BG if value > 180 * MG_DL && !meals.is_empty() => {
                meals.retain(|meal| at.since(*meal) < Span::hours(2));
                if !meals.is_empty() {
                    self.matches += 1;
                    meals.clear();
                }
            }
            _ => {}
        }
    }

    fn matches(&mut self, _: Time) -> u64 {
        self.matches
    }
}

#[derive(Default)]
pub struct Iteration {
    high: Each<VecDeque<Time>>,
    matches: u64,
}

impl ByHand for Iteration {
    fn step(&mut self, reading: &Reading) {
        let Some((BP, at, value)) = seen(reading) else { return };
        let high = self.high.of(&reading.subject);
        if value < 140 * ONE {
            return high.clear();
        }
        high.push_back(at);
        if high.len() == 3 {
            if at.since(high[0]) < Span::days(7) {
                self.matches += 1;
                high.clear();
            } else {
                high.pop_front();
            }
        }
    }

    fn matches(&mut self, _: Time) -> u64 {
        self.matches
    }
}

#[derive(Default)]
pub struct Absence {
    last: Each<Option<Time>>,
    matches: u64,
}

impl ByHand for Absence {
    fn step(&mut self, reading: &Reading) {
        let Some((BG, at, _)) = seen(reading) else { return };
        let last = self.last.of(&reading.subject);
        self.matches += u64::from(last.is_some_and(|last| at.since(last) > Span::hours(1)));
        *last = Some(at);
    }

    fn matches(&mut self, now: Time) -> u64 {
        let silent = self.last.0.values().flatten().filter(|last| now.since(**last) >= Span::hours(1)).count();
        self.matches + silent as u64
    }
}

#[derive(Default)]
pub struct Window {
    of: Each<Means>,
    matches: u64,
}

#[derive(Default)]
struct Means {
    readings: VecDeque<(Time, i64)>,
    sum: i64,
    high: bool,
}

impl ByHand for Window {
    fn step(&mut self, reading: &Reading) {
        let Some((BG, at, value)) = seen(reading) else { return };
        let of = self.of.of(&reading.subject);
        of.readings.push_back((at, value));
        of.sum += value;
        while let Some((first, value)) = of.readings.front().copied()
            && at.since(first) >= Span::hours(3)
        {
            of.readings.pop_front();
            of.sum -= value;
        }
        let count = of.readings.len() as i64;
        let high = count >= 12 && of.sum > 180 * MG_DL * count;
        self.matches += u64::from(high && !of.high);
        of.high = high;
    }

    fn matches(&mut self, _: Time) -> u64 {
        self.matches
    }
}
