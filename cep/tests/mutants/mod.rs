//! Would the random scripts notice? Each kind of small wrong is put into one side only, engine or oracle, and must make them disagree.
//!
//! Not every mutant can be caught: some mean the same as the original (`x < 70 or x < 80` with its first bound moved), some change a text
//! that is never said. So the rate is told, and a kind of which none is caught fails.

mod exprs;
mod sites;
pub mod trees;

use std::fmt::Write;
use std::sync::Arc;

use vitalog_cep::plan::{Library, Rule};

use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive;
use crate::world::script::{Given, Line, expected};
use sites::{KINDS, Kind};

/// Mutants tried of each kind, and timelines on which each is tried.
const MUTANTS: usize = 40;
const TIMELINES: u64 = 120;

#[derive(Default)]
struct Tally {
    tried: usize,
    by_oracle: usize,
    by_engine: usize,
}

#[test]
fn every_kind_of_mutant_is_caught() {
    let mut table = format!("{:<30} {:>6} {:>17} {:>17}\n", "kind", "tried", "engine's caught", "oracle's caught");
    let mut missed = Vec::new();
    for kind in &KINDS {
        let tally = try_kind(kind);
        let percent = |n: usize| format!("{n:>3} ({:>3}%)", n * 100 / tally.tried.max(1));
        let _ = writeln!(
            table,
            "{:<30} {:>6} {:>17} {:>17}",
            kind.0,
            tally.tried,
            percent(tally.by_oracle),
            percent(tally.by_engine)
        );
        if tally.by_oracle == 0 || tally.by_engine == 0 {
            missed.push(kind.0);
        }
    }
    println!("{table}");
    assert!(missed.is_empty(), "never caught: {missed:?}\n{table}");
}

fn try_kind((_, mutate): &Kind) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice::new(0x3A7);
    for _ in 0..20_000 {
        if tally.tried == MUTANTS {
            break;
        }
        let rule = rules::rule(&mut dice, "r0");
        let mutants = mutate(&rule);
        // What finds nothing in any case says nothing about who would notice.
        if mutants.is_empty() || !finds_something(&rule, dice.bits()) {
            continue;
        }
        let mutant = dice.pick(&mutants).clone();
        let (engine, oracle) = caught(&rule, &mutant, dice.bits());
        tally.tried += 1;
        tally.by_oracle += usize::from(engine);
        tally.by_engine += usize::from(oracle);
    }
    tally
}

fn finds_something(rule: &Rule, seed: u64) -> bool {
    (0..8).any(|i| !expected(&script(rule, seed.wrapping_add(i))).is_empty())
}

fn script(rule: &Rule, seed: u64) -> Vec<Line> {
    let rules = vec![Arc::new(rule.clone())];
    timelines::lines(&mut Dice::new(seed), rules::of_rules(rules))
}

/// Whether the suite notices the mutant in the engine, and in the oracle.
fn caught(rule: &Rule, mutant: &Rule, seed: u64) -> (bool, bool) {
    let (mut engine, mut oracle) = (false, false);
    for i in 0..TIMELINES {
        let right = script(rule, seed.wrapping_add(i));
        let wrong = with(&right, mutant);
        engine = engine || drive::standing(&drive::run(&wrong).0) != expected(&right);
        oracle = oracle || drive::standing(&drive::run(&right).0) != expected(&wrong);
        if engine && oracle {
            break;
        }
    }
    (engine, oracle)
}

/// The script with the mutant in the place of its original, under the same version, so that only what it means can be seen.
fn with(lines: &[Line], mutant: &Rule) -> Vec<Line> {
    let mutant = Arc::new(mutant.clone());
    let mut lines = lines.to_vec();
    for line in &mut lines {
        if let Given::Library { library, .. } = &mut line.input {
            let swap = |r: &Arc<Rule>| if r.meaning == mutant.meaning { mutant.clone() } else { r.clone() };
            let rules = library.rules.iter().map(swap).collect();
            *library = Arc::new(Library { rules, ..(**library).clone() });
        }
    }
    lines
}
