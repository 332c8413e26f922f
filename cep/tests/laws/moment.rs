//! A moment: inputs that were accepted together may wait for each other, and what stands when they are all there is what would stand without.
//!
//! Told at the end of a moment is told all the same: the effects fold to what stands.

use std::collections::BTreeMap;

use vitalog_cep::Engine;
use vitalog_elog::{Finding, FindingState, MatchId};

use super::for_scripts;
use crate::draw::dice::Dice;
use crate::world::drive;
use crate::world::script::Line;
use crate::world::show::difference;

#[test]
fn what_waits_for_the_end_of_a_moment_stands_as_if_it_had_not() {
    for_scripts("the moment", 3_000, &ends_as_one_by_one);
}

#[test]
fn whoever_was_restored_says_the_same_at_each_input_of_a_moment() {
    for_scripts("moments after a restart", 6_000, &says_it_after_a_restart);
}

/// What stands after a moment is what stands where its inputs came one by one, and what was told folds to it.
pub fn ends_as_one_by_one(seed: u64, lines: &[Line]) -> Result<(), String> {
    let mut dice = Dice::new(!seed);
    let (mut alone, mut together) = (Engine::new(), Engine::new());
    let mut records: BTreeMap<MatchId, Finding> = BTreeMap::new();
    let mut place = 0;
    while place < lines.len() {
        let end = lines.len().min(place + 1 + dice.below(12));
        together.begin();
        let mut effects = Vec::new();
        for (i, line) in lines.iter().enumerate().take(end).skip(place) {
            drive::step(&mut alone, i, line);
            effects.extend(drive::step(&mut together, i, line));
        }
        together.settle(&mut effects);
        place = end;
        for change in drive::changes(&effects) {
            records.insert(change.finding.id, change.finding.clone());
        }
        let (was, now) = (drive::standing(&alone), drive::standing(&together));
        if was != now {
            return Err(format!("after input {end} (engine: together, oracle: one by one)\n{}", difference(&now, &was)));
        }
        let mut standing = together.findings();
        standing.sort_by_key(|f| f.id);
        let told: Vec<Finding> = records.values().filter(|f| f.state != FindingState::Rescinded).cloned().collect();
        if told != standing {
            return Err(format!("after input {end} the effects fold to\n{told:#?}\nbut this stands\n{standing:#?}"));
        }
        if alone.next_due() != together.next_due() {
            return Err(format!("after input {end} it is due at {:?}, not at {:?}", together.next_due(), alone.next_due()));
        }
        if dice.chance(20) {
            together = Engine::restore(&together.snapshot()).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// An engine that was restored before each moment says the same of each of its inputs, and at its end.
pub fn says_it_after_a_restart(seed: u64, lines: &[Line]) -> Result<(), String> {
    let mut dice = Dice::new(!seed);
    let (mut engine, mut asking) = (Engine::new(), Engine::new());
    let mut place = 0;
    while place < lines.len() {
        let end = lines.len().min(place + 1 + dice.below(4));
        asking = Engine::restore(&asking.snapshot()).map_err(|e| e.to_string())?;
        engine.begin();
        asking.begin();
        for (i, line) in lines.iter().enumerate().take(end).skip(place) {
            let (has, wants) = (drive::step(&mut engine, i, line), drive::step(&mut asking, i, line));
            if has != wants {
                return Err(format!("input {i}: {has:#?}\nwhere all are asked\n{wants:#?}"));
            }
        }
        let (mut has, mut wants) = (Vec::new(), Vec::new());
        engine.settle(&mut has);
        asking.settle(&mut wants);
        if has != wants {
            return Err(format!("after input {end}: {has:#?}\nwhere all are asked\n{wants:#?}"));
        }
        place = end;
    }
    Ok(())
}
