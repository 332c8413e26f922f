//! What a power cut leaves.
//!
//! INVARIANT (synced stays): what was done to a file before its last sync is there. Of what was done since, chance keeps any part, in any order, and of a write any sectors; a
//! file that was made and never synced may be missing. A deletion may or may not have happened, unless its directory was synced after it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::watch::Op;

/// Bytes that a medium writes at once: a write is torn between them.
const SECTOR: usize = 512;

/// Files by name.
pub type Image = BTreeMap<String, Vec<u8>>;

/// What becomes of the operations that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of them: a process was killed, not the machine.
    All,
    /// None of them.
    None,
    /// Each by chance, in an order of chance, torn by chance. The number is the seed.
    Some(u64),
}

/// The files as they are found after a power cut behind `ops`, that were `before` when the first of them began.
pub fn crash(before: &Image, ops: &[Op], keep: Keep) -> Image {
    let mut files = before.clone();
    let mut chance = Chance(match keep {
        Keep::Some(seed) => seed,
        _ => 0,
    });
    let mut pending: BTreeMap<&str, Vec<&Op>> = BTreeMap::new();
    for op in ops {
        let Some(file) = op.file() else {
            for ops in pending.values_mut() {
                let named = ops.iter().rposition(|op| matches!(op, Op::Create { .. } | Op::Delete { .. })).map_or(0, |at| at + 1);
                ops.drain(..named).for_each(|op| apply(&mut files, op, None));
            }
            continue;
        };
        pending.entry(file).or_default().push(op);
        if matches!(op, Op::Sync { .. }) {
            pending.remove(file).into_iter().flatten().for_each(|op| apply(&mut files, op, None));
        }
    }
    for (_, mut ops) in pending {
        match keep {
            Keep::All => ops.into_iter().for_each(|op| apply(&mut files, op, None)),
            Keep::None => {}
            Keep::Some(_) => {
                chance.shuffle(&mut ops);
                for op in ops {
                    match chance.below(3) {
                        0 => {}
                        1 => apply(&mut files, op, None),
                        _ => apply(&mut files, op, Some(&mut chance)),
                    }
                }
            }
        }
    }
    files
}

/// Puts the files of an image into a directory.
///
/// # Errors
/// What the file system says.
pub fn lay(image: &Image, dir: &Path) -> std::io::Result<()> {
    image.iter().try_for_each(|(name, bytes)| std::fs::write(dir.join(name), bytes))
}

/// Does an operation; with `tear`, only those sectors of a write that chance picks.
fn apply(files: &mut Image, op: &Op, tear: Option<&mut Chance>) {
    match op {
        Op::Create { file } => drop(files.entry(file.clone()).or_default()),
        Op::Delete { file } => drop(files.remove(file)),
        Op::Truncate { file, len } => files.entry(file.clone()).or_default().resize(*len as usize, 0),
        Op::Sync { .. } | Op::SyncDir => {}
        Op::Write { file, at, bytes } => {
            let into = files.entry(file.clone()).or_default();
            let at = *at as usize;
            match tear {
                None => put(into, at, bytes),
                Some(chance) => {
                    let mut from = 0;
                    while from < bytes.len() {
                        let to = (from + SECTOR - (at + from) % SECTOR).min(bytes.len());
                        if chance.below(2) == 0 {
                            put(into, at + from, &bytes[from..to]);
                        }
                        from = to;
                    }
                }
            }
        }
    }
}

fn put(into: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if into.len() < at + bytes.len() {
        into.resize(at + bytes.len(), 0);
    }
    into[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Op {
    /// The file it is done to; `None` for the directory.
    pub fn file(&self) -> Option<&str> {
        match self {
            Op::Create { file }
            | Op::Write { file, .. }
            | Op::Truncate { file, .. }
            | Op::Sync { file }
            | Op::Delete { file } => Some(file),
            Op::SyncDir => None,
        }
    }
}

/// A small source of numbers (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(at: u64, bytes: &[u8]) -> Op {
        Op::Write { file: "f".to_owned(), at, bytes: bytes.to_vec() }
    }

    #[test]
    fn synced_stays_and_the_rest_is_chance() {
        let sync = Op::Sync { file: "f".to_owned() };
        let ops = [write(0, &[1; 1024]), sync, write(0, &[2; 1024]), write(1024, &[3; 512])];
        let of = |keep| crash(&Image::new(), &ops, keep)["f"].clone();
        assert_eq!(of(Keep::None), [1; 1024]);
        assert_eq!(of(Keep::All), [vec![2; 1024], vec![3; 512]].concat());
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let found = of(Keep::Some(seed));
            assert!(found.len() >= 1024 && found[..1024].iter().all(|b| [1, 2].contains(b)), "what was synced is never gone");
            seen.insert(found.iter().step_by(512).copied().collect::<Vec<_>>());
        }
        // Two sectors each old or new, the third missing, there, or a hole.
        assert!(seen.len() >= 8, "{seen:?}");
        assert!(!crash(&Image::new(), &[write(0, &[1])], Keep::None).contains_key("f"), "nothing of it was synced");
        let before = Image::from([("f".to_owned(), vec![7])]);
        let delete = [Op::Delete { file: "f".to_owned() }, Op::SyncDir];
        assert!(crash(&before, &delete[..1], Keep::None).contains_key("f"), "a deletion may not have happened");
        assert!(!crash(&before, &delete, Keep::None).contains_key("f"));
    }
}
