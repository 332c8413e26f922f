//! What must not come between, where the condition under which it must not looks at other readings: what it sees may lie far from the match, and so may what it is asked of.

use std::cell::RefCell;

use super::{check, horizon, oracle, order, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive;
use crate::world::script::Line;

pub fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::either(seed ^ 0xBE_73EE);
    let library = rules::between(&mut dice);
    let mut lines = timelines::lines(&mut dice, library);
    if dice.chance(50) {
        // All but the rules, which are there first.
        let mut rest = lines.split_off(1);
        rest = order::disorder(&mut dice, &rest);
        lines.append(&mut rest);
    }
    lines
}

#[test]
fn what_must_not_come_between_is_what_the_oracle_says() {
    let found = RefCell::new(0_usize);
    for seed in seeds(4_000) {
        check("what must not come between", seed, script(seed), &|seed, lines| {
            let standing = drive::standing(&drive::run(lines).0);
            *found.borrow_mut() += usize::from(standing.iter().any(|finding| &*finding.rule == "r1"));
            if seed % 4 == 0 { oracle::after_each_input(lines) } else { oracle::at_the_end(lines) }
        });
    }
    let (found, all) = (found.into_inner(), seeds(4_000).count());
    println!("in {found} of {all} scripts something stands that nothing came between");
    assert!(all < 100 || found * 10 > all, "{found} of {all} scripts find something");
}

#[test]
fn in_any_order_it_is_the_same() {
    for seed in seeds(1_500) {
        check("what must not come between, in any order", seed, script(seed), &order::ends_the_same);
    }
}

#[test]
fn with_a_horizon_it_is_the_same() {
    let tried = RefCell::default();
    for seed in seeds(1_500) {
        check("what must not come between, with a horizon", seed, script(seed), &|seed, lines| {
            horizon::says_the_same(seed, lines, None, &tried)
        });
    }
}
