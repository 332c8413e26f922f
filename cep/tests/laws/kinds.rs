//! Scripts that were drawn for one law, under the others: what is rare in scripts of all kinds is common in these, and breaks where nobody looked for it.

use std::cell::RefCell;

use vitalog_elog::Subject;

use super::{Law, between, check, gathered, horizon, moment, oracle, order, quiet, seeds};
use crate::draw::dice::Dice;
use crate::draw::{self, rules, timelines};
use crate::world::script::Line;

/// A script of each kind in turn.
fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::either(seed ^ 0x4B_14D5);
    match seed % 6 {
        0 | 1 => between::script(seed),
        2 => gathered::script(seed),
        3 => {
            let library = rules::between(&mut dice);
            timelines::gathered(&mut dice, library, 24)
        }
        4 => {
            let library = rules::begun(&mut dice);
            let library = if dice.chance(50) { library } else { rules::between(&mut dice) };
            timelines::steady(&mut dice, library, vec![Subject::new("s")], 50)
        }
        _ => draw::sparse(&mut dice),
    }
}

#[test]
fn what_was_drawn_for_one_law_keeps_the_others() {
    let tried = RefCell::default();
    let laws: [(&str, Law<'_>); 6] = [
        ("order", &order::ends_the_same),
        // It tries every choice of a pattern, and many come in long scripts.
        ("the oracle", &|_, lines| if lines.len() > 45 { Ok(()) } else { oracle::at_the_end(lines) }),
        ("the moment", &moment::ends_as_one_by_one),
        ("moments after a restart", &moment::says_it_after_a_restart),
        ("a restart", &|_, lines| quiet::says_it_after_a_restart(lines).map(drop)),
        ("horizons", &|seed, lines| horizon::says_the_same(seed, lines, None, &tried)),
    ];
    for seed in seeds(1_200) {
        let lines = script(seed);
        laws.iter().for_each(|(name, law)| check(name, seed, lines.clone(), law));
    }
}
