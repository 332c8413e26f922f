//! Random rules and timelines, drawn so that they collide: few instants, few values, bounds that are differences of both.
//!
//! Everything follows from one seed. Refuses anything that is not well-typed: a compiler would not let it through.

pub mod conditions;
pub mod dice;
pub mod patterns;
pub mod rules;
pub mod terms;
pub mod timelines;
pub mod windows;

use dice::Dice;
use vitalog_elog::Subject;

use crate::world::script::{Given, Line};

/// A random library and a random timeline, most of them of all kinds; half of them lean to something.
pub fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::either(seed);
    let library = match seed % 8 {
        5 => return sparse(&mut dice),
        6 => rules::begun(&mut dice),
        7 if dice.chance(50) => rules::between(&mut dice),
        _ => rules::library(&mut dice),
    };
    let lines = match seed % 16 {
        3 => timelines::gathered(&mut dice, library, 20),
        11 => timelines::steady(&mut dice, library, vec![Subject::new("s")], 16),
        _ => timelines::lines(&mut dice, library),
    };
    if dice.leans() { timelines::of_few_instants(lines, 14) } else { lines }
}

/// A few inputs with long pauses between; under any rules, or such as wait for readings.
pub fn sparse(dice: &mut Dice) -> Vec<Line> {
    let library = if dice.chance(50) { rules::library(dice) } else { rules::waiting(dice) };
    timelines::sparse(dice, library, 20)
}

/// How many inputs are readings.
pub fn readings(lines: &[Line]) -> usize {
    lines.iter().filter(|l| matches!(l.input, Given::Reading(_))).count()
}
