//! Law 3: any permutation, duplication and delay of the inputs ends in the same standing findings.
//!
//! Arrivals stay where they are and the inputs move among them, so the clock ends at the same instant. Changes of the profile keep their order
//! among themselves, and so do libraries: their order is a part of what they say.

use super::for_scripts;
use crate::draw::dice::Dice;
use crate::world::drive;
use crate::world::script::{Given, Line};
use crate::world::show::{difference, script};

#[test]
fn any_order_ends_the_same() {
    for_scripts("order", 16_000, &ends_the_same);
}

/// In three other orders a script ends as it does.
pub fn ends_the_same(seed: u64, lines: &[Line]) -> Result<(), String> {
    let (in_order, _) = drive::run(lines);
    let mut dice = Dice::new(!seed);
    for _ in 0..3 {
        let other = disorder(&mut dice, lines);
        let (engine, _) = drive::run(&other);
        let (was, now) = (drive::standing(&in_order), drive::standing(&engine));
        if was != now {
            let what = difference(&now, &was);
            return Err(format!(
                "in this order it ends otherwise (engine: this order, oracle: as above)\n{}\n{what}",
                script(&other)
            ));
        }
    }
    Ok(())
}

/// The inputs of `lines` in another order, some readings twice, at the same arrivals (the last one repeated for what is added).
pub fn disorder(dice: &mut Dice, lines: &[Line]) -> Vec<Line> {
    let mut inputs: Vec<Given> = lines.iter().map(|l| l.input.clone()).collect();
    for line in lines {
        if dice.chance(15) && matches!(line.input, Given::Reading(_)) {
            inputs.push(line.input.clone());
        }
    }
    match dice.below(3) {
        0 => inputs.reverse(),
        _ => dice.shuffle(&mut inputs),
    }
    restore_order(&mut inputs, lines, |g| matches!(g, Given::Profile(_)));
    restore_order(&mut inputs, lines, |g| matches!(g, Given::Library { .. }));
    let mut arrivals: Vec<_> = lines.iter().map(|l| l.arrival).collect();
    let last = arrivals.iter().copied().max().unwrap_or_default();
    arrivals.resize(inputs.len(), last);
    // Another delay for each: some arrive later than they did, none later than the last.
    for arrival in &mut arrivals {
        if dice.chance(20) {
            *arrival = last;
        }
    }
    arrivals.sort();
    arrivals.into_iter().zip(inputs).map(|(arrival, input)| Line { arrival, input }).collect()
}

/// Puts the inputs of one kind back into their order, at the places that inputs of this kind have now.
fn restore_order(inputs: &mut [Given], lines: &[Line], is_kind: fn(&Given) -> bool) {
    let mut originals = lines.iter().map(|l| &l.input).filter(|g| is_kind(g));
    for place in inputs.iter_mut().filter(|g| is_kind(g)) {
        if let Some(original) = originals.next() {
            *place = original.clone();
        }
    }
}
