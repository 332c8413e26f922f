//! Would the random scripts notice? Each kind of small wrong is put into one side only, engine or oracle, and must make them disagree.
//!
//! Not every mutant can be caught: some mean the same as the original (`x < 70 or x < 80` with its first bound moved), some change a text
//! that is never said. So the rate is told, and a kind of which none is caught fails.

mod exprs;
mod sites;
pub mod trees;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vitalog_cep::plan::{Library, Rule};

use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::laws::number;
use crate::world::drive;
use crate::world::script::{Given, Line, expected};
use sites::{KINDS, Kind};

/// Mutants tried of each kind at most, and timelines on which each is tried. By itself a kind is done once both sides have caught one; where VITALOG_CASES says
/// how many mutants to try (`tests/run --long mutants`: 400), all of them are, so that the table tells rates.
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
    for (kind, tally) in KINDS.iter().zip(try_all(number("VITALOG_CASES").map(|n| n as usize))) {
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

/// What comes of each kind, in their order; tried on all processors there are.
fn try_all(mutants: Option<usize>) -> Vec<Tally> {
    let next = AtomicUsize::new(0);
    let work = || {
        let claimed = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        claimed.map_while(|i| Some((i, try_kind(KINDS.get(i)?, mutants)))).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut done: Vec<(usize, Tally)> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().flat_map(|one| one.join().expect("it is tried")).collect()
    });
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, tally)| tally).collect()
}

fn try_kind((_, mutate): &Kind, mutants: Option<usize>) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice::new(0x3A7);
    for _ in 0..20_000 {
        let is_caught = mutants.is_none() && tally.by_oracle > 0 && tally.by_engine > 0;
        if is_caught || tally.tried == mutants.unwrap_or(MUTANTS) {
            break;
        }
        let rule = rules::rule(&mut dice, "r0");
        let changed = mutate(&rule);
        // What finds nothing in any case says nothing about who would notice.
        if changed.is_empty() || !finds_something(&rule, dice.bits()) {
            continue;
        }
        let mutant = dice.pick(&changed).clone();
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
