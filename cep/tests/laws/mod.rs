//! The laws of the engine, each a property of random scripts.
//!
//! A failing case names its seed and is shrunk to a script that a person can read. `VITALOG_CASES` sets how many scripts the oracle's law
//! tries, `VITALOG_SEED` where it begins.

mod between;
mod coverage;
mod cut;
mod damage;
mod due;
mod effort;
mod extremes;
mod fold;
mod forgetting;
mod forms;
mod gathered;
mod history;
pub mod horizon;
mod in_order;
mod increments;
mod kinds;
mod late;
mod long;
mod moment;
mod oracle;
mod order;
mod outcomes;
mod quiet;
mod replay;
mod shared;
mod sights;
mod slices;
mod streams;
mod subjects;
mod together;
mod unheard;
mod why;

use std::ops::Range;

use crate::draw;
use crate::shrink::shrink;
use crate::world::script::Line;
use crate::world::show;

/// Says of a seed's script what is wrong with it, if anything.
pub type Law<'a> = &'a dyn Fn(u64, &[Line]) -> Result<(), String>;

/// The seeds to try: as many as the environment says, else `usual`.
pub fn seeds(usual: u64) -> Range<u64> {
    let first = number("VITALOG_SEED").unwrap_or(0);
    first..first.saturating_add(number("VITALOG_CASES").unwrap_or(usual))
}

#[expect(clippy::disallowed_methods, reason = "how long to try is for whoever runs the tests")]
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Tries `law` on random scripts. `law` says what is wrong, if anything.
pub fn for_scripts(name: &str, usual: u64, law: Law<'_>) {
    for seed in seeds(usual) {
        let lines = draw::script(seed);
        check(name, seed, lines, law);
    }
}

/// One case; panics with the smallest failing script.
pub fn check(name: &str, seed: u64, lines: Vec<Line>, law: Law<'_>) {
    if law(seed, &lines).is_ok() {
        return;
    }
    let small = shrink(lines, &|l| law(seed, l).is_err());
    let what = law(seed, &small).err().unwrap_or_default();
    panic!(
        "law of {name}: broken by seed {seed} (VITALOG_SEED={seed} VITALOG_CASES=1 runs it again)\n{}\n{what}",
        show::script(&small)
    );
}
