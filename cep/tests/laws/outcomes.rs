//! Exactly one outcome for each reading, first among its effects, and the one that the definition of revisions says.

use vitalog_elog::{Effect, Reading};

use super::for_scripts;
use crate::oracle::outcome::outcome;
use crate::world::drive::run;
use crate::world::script::Given;

#[test]
fn every_reading_has_its_outcome() {
    for_scripts("outcomes", 3_000, &|_, lines| {
        let (_, effects) = run(lines);
        let mut before: Vec<Reading> = Vec::new();
        for (i, (line, effects)) in lines.iter().zip(&effects).enumerate() {
            let Given::Reading(reading) = &line.input else {
                if effects.iter().any(|e| matches!(e, Effect::Reading(_))) {
                    return Err(format!("input {i} is no reading"));
                }
                continue;
            };
            let has: Vec<(usize, &Effect)> =
                effects.iter().enumerate().filter(|(_, e)| matches!(e, Effect::Reading(_))).collect();
            let wanted = Effect::Reading(outcome(&before, reading));
            if has != vec![(0, &wanted)] {
                return Err(format!("input {i} has {has:?} instead of {wanted:?}"));
            }
            before.push(reading.clone());
        }
        Ok(())
    });
}
