//! The quick way of a reading that nobody need be asked about comes to what the long way comes to: an engine that was just restored knows of nobody that they rest, and asks all of them.

use std::cell::RefCell;

use vitalog_cep::Engine;
use vitalog_elog::Subject;

use super::oracle::compare;
use super::{check, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive;
use crate::world::script::Line;

#[test]
fn the_quick_way_and_the_long_way_say_the_same() {
    let quietly = RefCell::new(0_u64);
    for seed in seeds(1_200) {
        let mut dice = Dice::either(seed ^ 0x9E7);
        let leans = dice.leans();
        let library = rules::library(&mut dice);
        let subjects = ["s", "t"][..1 + dice.below(2)].iter().map(|name| Subject::new(name)).collect();
        let many = 30 + dice.below(60);
        let lines = timelines::steady(&mut dice, library, subjects, many);
        // The oracle goes through all choices of instants.
        let is_asked = seed % 8 == 0 && !leans && many <= 40;
        check("the quick way", seed, lines, &|_, lines| {
            let engine = says_it_after_a_restart(lines)?;
            *quietly.borrow_mut() += engine.taken_quietly();
            if is_asked { compare(&engine, lines) } else { Ok(()) }
        });
    }
    let quietly = quietly.into_inner();
    println!("{quietly} readings went the quick way");
    if seeds(1_200).count() >= 1_000 {
        assert!(quietly > 5_000, "only {quietly} went the quick way");
    }
}

/// An engine that is restored before each input says the same of each, is due when it is, and ends in the same snapshot.
pub fn says_it_after_a_restart(lines: &[Line]) -> Result<Engine, String> {
    let (mut engine, mut asking) = (Engine::new(), Engine::new());
    for (i, line) in lines.iter().enumerate() {
        asking = Engine::restore(&asking.snapshot()).map_err(|e| e.to_string())?;
        let (has, wants) = (drive::step(&mut engine, i, line), drive::step(&mut asking, i, line));
        if has != wants {
            return Err(format!("input {i}: {has:#?}\nwhere all are asked\n{wants:#?}"));
        }
        if engine.next_due() != asking.next_due() {
            let (is, wanted) = (engine.next_due(), asking.next_due());
            return Err(format!("input {i}: it is due at {is:?}, and at {wanted:?} where all are asked"));
        }
    }
    if engine.snapshot() == asking.snapshot() { Ok(engine) } else { Err("it ends in another snapshot".to_owned()) }
}
