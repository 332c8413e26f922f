//! The timeline: which revision is current, and what the clock lets in.

use vitalog_cep::plan::{Compare, Ref, RuleKind};

use super::build::*;
use super::table::check;
use crate::world::{NAP, SUGAR};

fn lows() -> [vitalog_cep::plan::Library; 1] {
    only(rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)))))
}

const STANDS: &str = "open info from 0 at 0 of r1";

#[test]
fn the_greatest_revision_is_current() {
    check(&lows(), "0 sugar 60\n 0 sugar 90 as r1 rev 2", "");
    check(&lows(), "0 sugar 90\n 0 sugar 60 as r1 rev 2", STANDS);
    // In whatever order they come.
    check(&lows(), "0 sugar 90 as r1 rev 2\n 0 sugar 60 as r1 rev 1", "");
    check(&lows(), "0 sugar 60 as r1 rev 3\n 0 sugar 90 as r1 rev 2\n 0 sugar 91 as r1 rev 1", STANDS);
    check(&lows(), "0 sugar 60\n 0 sugar 60 as r1\n 0 sugar 60 as r1", STANDS);
    // It may say another time, or another stream.
    check(&lows(), "0 sugar 60\n 5 sugar 60 as r1 rev 2", "open info from 5 at 5 of r1");
    check(&lows(), "0 sugar 60\n 0 meal 60 as r1 rev 2", "");
}

#[test]
fn a_removal_is_a_revision() {
    check(&lows(), "0 sugar 60\n remove r1", "");
    check(&lows(), "remove r1 rev 2\n 0 sugar 60 as r1 rev 1", "");
    check(&lows(), "remove r1 rev 2\n 0 sugar 60 as r1 rev 3", STANDS);
    check(&lows(), "0 sugar 60\n remove r1\n 0 sugar 61 as r1 rev 3", STANDS);
    check(&lows(), "0 sugar 60 as r1 rev 2\n remove r1 rev 1", STANDS);
}

#[test]
fn what_is_ahead_of_the_clock_joins_when_the_clock_is_there() {
    check(&lows(), "@0 10 sugar 60", "");
    check(&lows(), "@0 10 sugar 60\n @10-1us tick", "");
    check(&lows(), "@0 10 sugar 60\n @10 tick", "open info from 10 at 10 of r1");
    // A current revision ahead of the clock hides the one before it.
    check(&lows(), "0 sugar 60\n @0 10 sugar 60 as r1 rev 2", "");
    check(&lows(), "0 sugar 60\n @0 10 sugar 60 as r1 rev 2\n @10 tick", "open info from 10 at 10 of r1");
    // The clock is the greatest arrival seen; it does not go back.
    check(&lows(), "@10 tick\n @0 10 sugar 60", "open info from 10 at 10 of r1");
}

#[test]
fn what_goes_on_joins_at_its_start_and_ends_by_amendment() {
    let p = || {
        let mut p = pattern(vec![step(SUGAR, None), repeated(SUGAR, None, 1, false)], 60);
        p.absences = vec![absence(NAP, None)];
        only(rule(RuleKind::Match(p)))
    };
    let stands = "open info from 0 at 20 to 20 of r1 r2";
    check(&p(), "0 sugar 90\n 20 sugar 90", stands);
    check(&p(), "0 sugar 90\n 20 sugar 90\n 5.. nap", "");
    check(&p(), "0 sugar 90\n 20 sugar 90\n @20 30.. nap", stands);
    // Ended before the match began, it is not in its way; ended ahead of the clock, it is not seen.
    check(&p(), "0 sugar 90\n 20 sugar 90\n -10.. nap\n @40 -10..0 nap as r3 rev 2", stands);
    check(&p(), "0 sugar 90\n 20 sugar 90\n 5.. nap\n @40 5..60 nap as r3 rev 2", stands);
    check(&p(), "0 sugar 90\n 20 sugar 90\n 5.. nap\n @40 5..60 nap as r3 rev 2\n @60 tick", "");
}
