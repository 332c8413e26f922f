//! What nobody would write: byte strings, and rule files mutated.
//!
//! Each input is a function of a seed, its kind and its number, so that one which does harm can be made again alone. The tests take a sample of the same.

use vitalog_rules::packs;

/// A small generator of numbers (splitmix64): the same seed gives the same inputs on every machine.
pub struct Chance(u64);

impl Chance {
    /// That of one input.
    pub fn of(seed: u64, kind: Kind, number: u64) -> Chance {
        let mut chance = Chance(seed);
        let start = chance.next() ^ number.wrapping_mul(0xd134_2543_de82_ef95) ^ kind as u64;
        Chance(start)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bytes,
    Mutated,
}

/// What inputs are made of: all shipped files and one that has every form, and their words.
pub struct Matter {
    files: Vec<&'static str>,
    words: Vec<&'static str>,
}

/// Letters that look like others, signs that steer a terminal, and numbers that overflow.
const ODD: [&str; 14] = [
    "bɡ.value",
    "ѕtream",
    "mg∕dL",
    "≤",
    "“",
    "\u{202e}",
    "\u{200b}",
    "\0",
    "µg",
    "99999999999999999999",
    "1e400",
    "-0.0",
    "0.00000000000000000001",
    "9223372036854775807",
];

impl Matter {
    pub fn new() -> Matter {
        let files: Vec<&str> =
            packs::ALL.iter().map(|p| p.text).chain([include_str!("../../tests/cases/language.rules")]).collect();
        let mut words: Vec<&str> = files.iter().flat_map(|f| f.split_whitespace()).collect();
        words.sort_unstable();
        words.dedup();
        Matter { files, words }
    }

    /// The input of that number.
    pub fn input(&self, seed: u64, kind: Kind, number: u64) -> Vec<u8> {
        let chance = &mut Chance::of(seed, kind, number);
        match kind {
            Kind::Bytes => self.bytes(chance),
            Kind::Mutated => self.mutated(chance),
        }
    }

    /// Bytes: anything, or letters and signs of the language, or its words.
    fn bytes(&self, chance: &mut Chance) -> Vec<u8> {
        const SIGNS: &[u8] = b"{}()\".,<>=+-*/%| \n0123456789abcxyz_:\\\xc2\xb5";
        let length = chance.below(400);
        match chance.below(3) {
            0 => (0..length).map(|_| chance.next().to_le_bytes()[0]).collect(),
            1 => (0..length).map(|_| SIGNS[chance.below(SIGNS.len())]).collect(),
            _ => {
                let mut out = Vec::new();
                while out.len() < length {
                    out.extend_from_slice(chance.pick(&self.words).as_bytes());
                    out.push(b" \n"[chance.below(2)]);
                }
                out
            }
        }
    }

    /// A file with a few of its words cut, doubled, swapped or put elsewhere, its lines moved, nested or mixed with another's, and a few bytes changed.
    fn mutated(&self, chance: &mut Chance) -> Vec<u8> {
        let mut parts: Vec<String> = chance.pick(&self.files).split_inclusive([' ', '\n']).map(str::to_owned).collect();
        for _ in 0..1 + chance.below(12) {
            let at = chance.below(parts.len());
            self.mutate(chance, &mut parts, at);
            if parts.is_empty() {
                parts.push(String::new());
            }
        }
        let mut out = parts.concat().into_bytes();
        for _ in 0..chance.below(4) {
            let at = chance.below(out.len());
            if let Some(byte) = out.get_mut(at) {
                *byte = chance.next().to_le_bytes()[0];
            }
        }
        out
    }

    fn mutate(&self, chance: &mut Chance, parts: &mut Vec<String>, at: usize) {
        match chance.below(16) {
            0..3 => drop(parts.remove(at)),
            3 => parts.insert(at, parts[at].clone()),
            4..6 => {
                let other = chance.below(parts.len());
                parts.swap(at, other);
            }
            6..9 => parts.insert(at, format!("{} ", chance.pick(&self.words))),
            9 => parts.insert(at, format!("{} ", chance.pick(&ODD))),
            10 => parts[at] = format!("{} ", chance.pick(&ODD)),
            // What stands there, many times over.
            11 => parts[at] = parts[at].repeat(1 + chance.below(300)),
            12 => {
                let (open, close) = [("(", ")"), ("{", "}"), ("not (", ")"), ("\"{", "}\"")][chance.below(4)];
                let deep = 1 + chance.below(200);
                parts[at] = format!("{}{}{}", open.repeat(deep), parts[at].trim_end(), close.repeat(deep));
            }
            // A stretch again, or one of another file.
            13 => {
                let end = parts.len().min(at + chance.below(200));
                let copy = parts[at..end].to_vec();
                let to = chance.below(parts.len());
                parts.splice(to..to, copy);
            }
            14 => {
                let other: Vec<String> = chance.pick(&self.files).split_inclusive([' ', '\n']).map(str::to_owned).collect();
                let from = chance.below(other.len());
                let end = other.len().min(from + chance.below(200));
                parts.splice(at..at, other[from..end].iter().cloned());
            }
            _ => parts.truncate(at.max(1)),
        }
    }
}
