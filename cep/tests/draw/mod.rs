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

use crate::world::script::{Given, Line};

/// A random library and a random timeline.
pub fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::new(seed);
    if seed % 8 == 5 {
        return sparse(&mut dice);
    }
    let library = if seed % 8 == 6 { rules::begun(&mut dice) } else { rules::library(&mut dice) };
    timelines::lines(&mut dice, library)
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
