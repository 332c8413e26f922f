//! What is set for a subject, and when it holds.

use vitalog_cep::plan::{Compare, Expr, Ref, RuleKind};

use super::build::*;
use super::table::check;
use crate::world::{LIMIT, MEAL, SUGAR, TARGET};

fn below(field: u16) -> [vitalog_cep::plan::Library; 1] {
    only(rule(RuleKind::Episode(episode(SUGAR, compare(first(Ref::Driver), Compare::Lt, Expr::Profile(field))))))
}

#[test]
fn the_last_change_the_default_or_unknown() {
    check(&below(TARGET), "0 sugar 99", "open info from 0 at 0 of r1");
    check(&below(TARGET), "0 sugar 100", "");
    check(&below(LIMIT), "0 sugar 1", "");
    check(&below(LIMIT), "profile limit 70 from 0\n 0 sugar 69", "open info from 0 at 0 of r1");
    // It holds from its instant on, that included.
    check(&below(LIMIT), "profile limit 70 from 5\n 4 sugar 69\n 5 sugar 68", "open info from 5 at 5 of r2");
    // Of two at one instant the later journaled; set to nothing it is the default again.
    check(&below(TARGET), "profile target 70 from 0\n profile target 90 from 0\n 0 sugar 80", "open info from 0 at 0 of r1");
    check(&below(TARGET), "profile target 90 from 0\n profile target 70 from 0\n 0 sugar 80", "");
    check(&below(TARGET), "profile target 70 from 0\n profile target - from 5\n 5 sugar 80", "open info from 5 at 5 of r1");
    check(&below(LIMIT), "profile limit 90 from 0\n profile limit - from 5\n 5 sugar 80", "");
}

#[test]
fn a_change_in_the_past_decides_anew() {
    check(
        &below(TARGET),
        "0 sugar 95\n 10 sugar 95\n @20 profile target 90 from 5",
        "resolved info from 0 at 0 to 10 known 10 of r1",
    );
    // And one of earlier date that was journaled later does not undo it.
    check(&below(TARGET), "profile target 90 from 5\n profile target 100 from 0\n 10 sugar 95", "");
}

#[test]
fn a_change_ahead_of_the_clock_waits() {
    let input = "profile target 90 from 10\n 5 sugar 95";
    check(&below(TARGET), input, "open info from 5 at 5 of r1");
    check(&below(TARGET), &format!("{input}\n 12 sugar 95"), "resolved info from 5 at 5 to 12 known 12 of r1");
}

#[test]
fn a_run_sees_the_profile_of_each_decision() {
    let e = vitalog_cep::plan::Episode {
        hold: hold(10, 10),
        ..episode(SUGAR, compare(first(Ref::Driver), Compare::Lt, Expr::Profile(TARGET)))
    };
    let rules = only(rule(RuleKind::Episode(e)));
    check(&rules, "0 sugar 95\n profile target 90 from 5\n 5 sugar 89\n 10 sugar 89", "open info from 0 at 10 of r1 r2 r3");
    check(&rules, "0 sugar 95\n profile target 90 from 5\n 5 sugar 91\n 10 sugar 89", "");
}

#[test]
fn a_step_sees_that_of_its_candidate_and_the_rule_that_of_the_completion() {
    let under = || Some(compare(first(Ref::Candidate), Compare::Lt, Expr::Profile(TARGET)));
    let two = || rule(RuleKind::Match(pattern(vec![step(SUGAR, under()), step(MEAL, None)], 60)));
    // 100 at minute 0, 90 from minute 5 on.
    let input = "0 sugar 95\n profile target 90 from 5\n 10 meal 10";
    check(&only(two()), input, "open info from 0 at 10 to 10 of r1 r2");
    let mut r = two();
    r.filter = Some(compare(first(Ref::Step(0)), Compare::Lt, Expr::Profile(TARGET)));
    check(&only(r), input, "");
    // An absence sees that of its own candidate.
    let mut p = pattern(vec![step(SUGAR, None), step(MEAL, None)], 60);
    p.absences = vec![absence(SUGAR, under())];
    let rules = only(rule(RuleKind::Match(p)));
    check(&rules, "0 sugar 95\n 4 sugar 95\n profile target 90 from 5\n 10 meal 10", "open info from 4 at 10 to 10 of r2 r3");
    check(&rules, "0 sugar 95\n 5 sugar 95\n profile target 90 from 5\n 10 meal 10", "open info from 0 at 10 to 10 of r1 r2 r3");
}
