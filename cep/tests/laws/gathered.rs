//! A phone that sends at once what it gathered: what its readings lead to is over when they come, and what the clock is to look at was noted of others, some of which are gone.

use super::{check, oracle, quiet, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::script::Line;

pub fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::either(seed ^ 0x6A_7E4D);
    let library = if dice.chance(60) { rules::waiting(&mut dice) } else { rules::library(&mut dice) };
    timelines::gathered(&mut dice, library, 24)
}

#[test]
fn what_was_gathered_leads_to_what_the_oracle_says() {
    for seed in seeds(3_000) {
        check("what was gathered", seed, script(seed), &|_, lines| oracle::after_each_input(lines));
    }
}

#[test]
fn it_is_told_as_by_one_that_was_restored() {
    for seed in seeds(3_000) {
        check("what was gathered, after a restart", seed, script(seed), &|_, lines| {
            quiet::says_it_after_a_restart(lines).map(drop)
        });
    }
}
