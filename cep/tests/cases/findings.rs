//! Matches standing together, and what the finding then says.

use vitalog_cep::plan::{Compare, Ref, RuleKind, Show};
use vitalog_elog::{Dimension, Severity};

use super::build::*;
use super::table::{check, said_by};
use crate::world::{SUGAR, unit};

fn rules() -> [vitalog_cep::plan::Library; 1] {
    let two = pattern(vec![step(SUGAR, None), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Gt, 100)))], 10);
    let mut r = rule(RuleKind::Match(two));
    r.grades.push(grade(Severity::Critical, sugar(Ref::Step(1), Compare::Gt, 150)));
    r.say = vec![hole(first(Ref::Step(1)), Show::Quantity(unit(Dimension::Glucose)))];
    only(r)
}

#[test]
fn spans_that_share_an_instant_are_one() {
    // 0 to 5 and 5 to 9: they share minute 5.
    check(&rules(), "0 sugar 90\n 5 sugar 120\n 9 sugar 110", "open info from 0 at 5 to 9 of r1 r2 r3 say 120 mg/dL");
    // 0 to 5, and 6 to 9: they do not; but 5 to 9 joins them.
    check(
        &rules(),
        "0 sugar 90\n 5 sugar 120\n 6 sugar 90\n 9 sugar 110",
        "open info from 0 at 5 to 9 of r1 r2 r3 r4 say 120 mg/dL",
    );
    // 20 minutes apart: two.
    check(
        &rules(),
        "0 sugar 90\n 5 sugar 120\n 30 sugar 90\n 35 sugar 110",
        "open info from 0 at 5 to 5 of r1 r2 say 120 mg/dL\n open info from 30 at 35 to 35 of r3 r4 say 110 mg/dL",
    );
    // A span inside another's, with no end in common.
    check(&rules(), "0 sugar 90\n 1 sugar 90\n 2 sugar 101\n", "open info from 0 at 2 to 2 of r1 r2 r3 say 101 mg/dL");
}

#[test]
fn the_text_is_that_of_the_first_to_complete() {
    // From 0 and from 1, both complete at 5: the earlier start speaks; the value is the same here, so the start shows in `at` and onset.
    check(
        &rules(),
        "0 sugar 90\n 1 sugar 90\n 5 sugar 120\n 9 sugar 160",
        "open critical from 0 at 5 to 9 of r1 r2 r3 r4 say 120 mg/dL",
    );
    let mut r =
        rule(RuleKind::Match(pattern(vec![step(SUGAR, None), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Gt, 100)))], 10)));
    r.say = vec![hole(first(Ref::Step(0)), Show::Quantity(unit(Dimension::Glucose)))];
    check(&only(r), "0 sugar 91\n 1 sugar 92\n 5 sugar 120", "open info from 0 at 5 to 5 of r1 r2 r3 say 91 mg/dL");
}

#[test]
fn a_late_reading_joins_what_stood_apart() {
    check(
        &rules(),
        "0 sugar 90\n 5 sugar 120\n 14 sugar 90\n 18 sugar 110",
        "open info from 0 at 5 to 5 of r1 r2 say 120 mg/dL\n open info from 14 at 18 to 18 of r3 r4 say 110 mg/dL",
    );
    check(
        &rules(),
        "0 sugar 90\n 5 sugar 120\n 14 sugar 90\n 18 sugar 110\n 14 sugar 101",
        "open info from 0 at 5 to 18 of r1 r2 r3 r4 r5 say 120 mg/dL",
    );
    // And its removal parts them again.
    check(
        &rules(),
        "0 sugar 90\n 5 sugar 120\n 14 sugar 90\n 18 sugar 110\n 14 sugar 101\n remove r5",
        "open info from 0 at 5 to 5 of r1 r2 say 120 mg/dL\n open info from 14 at 18 to 18 of r3 r4 say 110 mg/dL",
    );
}

/// One input that takes one finding away and leaves two: people hear of both, and once of each.
#[test]
fn a_late_reading_that_parts_an_episode_tells_of_both_halves() {
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)))));
    let (said, many) = said_by(&rules, "0 sugar 60\n 10 sugar 60\n 5 sugar 90");
    let said: Vec<&str> = said.iter().filter_map(|line| line.split_once(' ')).map(|(_, what)| what).collect();
    assert_eq!((said, many), (vec!["opened 0 told", "resolved 0 told", "opened 10 told"], 2));
}
