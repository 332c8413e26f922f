//! Any bytes as snapshots: they are read or refused, and nothing panics, hangs or takes more room than its bytes warrant.
//!
//! A change is found by its checksum. Who lays increments onto a whole, or cuts somebody out, also gets what has a right checksum and is nonsense inside; an engine is
//! restored of none of that: a checksum stands for what an engine wrote.
//!
//! `VITALOG_CASES` says how many are tried of each kind, and `VITALOG_SEED` which.

#[path = "../../ingest/tests/fuzz/effort.rs"]
#[allow(clippy::disallowed_methods, reason = "it measures, and is told by its environment how much to try")]
mod effort;

use proptest::collection::vec;
use proptest::prelude::*;
use vitalog_cep::Engine;
use vitalog_elog::Subject;
use vitalog_elog::id::digest_of;

use crate::draw;
use crate::draw::dice::Dice;
use crate::world::drive;
use effort::{apart, tried};

/// Cases of each kind in a run of all tests.
const USUAL: u32 = 2_000;
/// Name, format and checksum, which come before what is inside.
const HEAD: usize = 8 + 4 + 16;

/// A whole snapshot and the increments upon it, of some scripts.
fn chains() -> Vec<Vec<Vec<u8>>> {
    let chain = |seed| {
        let (lines, mut engine, mut chain) = (draw::script(seed), Engine::new(), Vec::new());
        for (i, line) in lines.iter().enumerate() {
            drive::step(&mut engine, i, line);
            if i % 8 == 7 || i + 1 == lines.len() {
                chain.push(engine.increment());
            }
        }
        chain
    };
    (0..6).map(chain).collect()
}

fn slices(chain: &[Vec<u8>]) -> Vec<&[u8]> {
    chain.iter().map(Vec::as_slice).collect()
}

/// With up to four changes behind `from`.
fn bent(dice: &mut Dice, sound: &[u8], from: usize) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..1 + dice.below(4) {
        let at = from + dice.below((bytes.len() - from).max(1));
        let end = bytes.len().min(at + 1 + dice.below(40));
        match dice.below(5) {
            0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << dice.below(8)),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            // The largest number there is.
            3 => drop(bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// With the checksum that its bytes have, as if an engine had written it.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = digest_of(&bytes[HEAD..]);
    bytes[HEAD - 16..HEAD].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Lays them onto each other, and cuts somebody out: what comes of it is a whole one, and no larger than what it was made of.
fn laid(chain: &[Vec<u8>]) {
    let read = slices(chain);
    let longest = chain.iter().map(Vec::len).sum::<usize>() + 64;
    for made in [Engine::merge(&read), Engine::without(&read, &[Subject::new("s")])].into_iter().flatten() {
        assert!(made.len() <= longest, "{} bytes of {longest}", made.len());
        assert!(Engine::merge(&[&made]).is_ok_and(|again| again == made), "a whole one laid onto nothing is another");
    }
}

#[test]
fn a_changed_snapshot_is_refused_by_whoever_reads_it() {
    let chains = chains();
    tried("snapshots, changed", USUAL, any::<u64>(), |seed| {
        let dice = &mut Dice::new(seed);
        let mut chain = dice.pick(&chains).clone();
        let place = dice.below(chain.len());
        let sound = std::mem::take(&mut chain[place]);
        chain[place] = bent(dice, &sound, 0);
        if chain[place] == sound {
            return;
        }
        let read = slices(&chain);
        assert!(Engine::restore_all(&read).is_err() && Engine::merge(&read).is_err() && Engine::without(&read, &[]).is_err());
    });
}

#[test]
fn nonsense_under_a_right_checksum_is_laid_or_refused() {
    let chains = chains();
    tried("snapshots, nonsense inside", USUAL, any::<u64>(), |seed| {
        let dice = &mut Dice::new(seed);
        let mut chain = dice.pick(&chains).clone();
        let place = dice.below(chain.len());
        chain[place] = sealed(bent(dice, &chain[place].clone(), HEAD));
        laid(&chain);
    });
}

#[test]
fn any_bytes_are_laid_or_refused() {
    let sound = chains().swap_remove(0).swap_remove(0);
    tried("snapshots, any bytes", USUAL, vec(any::<u8>(), 0..200), |bytes| {
        laid(std::slice::from_ref(&bytes));
        let inside = sealed([&sound[..HEAD], &bytes].concat());
        laid(&[sound.clone(), inside.clone()]);
        laid(&[inside]);
    });
}

#[test]
fn all_of_it_stays_small() {
    apart("fuzz::");
}

#[test]
fn what_is_sound_is_laid() {
    for chain in chains() {
        let merged = Engine::merge(&slices(&chain)).expect("sound");
        assert!(Engine::restore(&merged).is_ok() && sealed(merged.clone()) == merged);
        laid(&chain);
    }
}
