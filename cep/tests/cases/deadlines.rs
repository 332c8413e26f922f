//! What must not come for a while, what grows: matches that the clock decides, and those that take more readings.

use vitalog_cep::plan::{Around, Compare, Expr, Func, Measure, Part, Pattern, Quiet, Ref, RuleKind, Select, Show, Step};
use vitalog_elog::{Severity, Span};

use super::build::*;
use super::table::check;
use crate::world::{LAB, MEAL, NAP, SUGAR};

fn case(p: Pattern, input: &str, stands: &str) {
    check(&only(rule(RuleKind::Match(p))), input, stands);
}

fn above(n: i64) -> Option<Expr> {
    Some(sugar(Ref::Candidate, Compare::Gt, n))
}

/// A meal, and no sugar for 30 minutes.
fn unchecked() -> Pattern {
    tree(vec![step(MEAL, None)], seq(leaf(0), vec![then_no(&[SUGAR], 30)]), 0)
}

#[test]
fn then_no_is_decided_by_the_clock() {
    case(unchecked(), "0 meal 10\n @30-1us tick", "");
    case(unchecked(), "0 meal 10\n @30 tick", "open info from 0 at 30 to 0 of r1");
    // Open at both ends: what comes at t or at t + D does not break it.
    case(unchecked(), "0 meal 10\n 0 sugar 90\n @30 tick", "open info from 0 at 30 to 0 of r1");
    case(unchecked(), "0 meal 10\n 30 sugar 90", "open info from 0 at 30 to 0 of r1");
    case(unchecked(), "0 meal 10\n 30-1us sugar 90\n @40 tick", "");
    case(unchecked(), "0 meal 10\n 0+1us sugar 90\n @40 tick", "");
    // Found by the next reading of any kind, as of its time; late news takes it back, a removal brings it again.
    case(unchecked(), "0 meal 10\n 50 lab 1", "open info from 0 at 30 to 0 of r1");
    case(unchecked(), "0 meal 10\n 50 lab 1\n 20 sugar 90", "");
    case(unchecked(), "0 meal 10\n 50 lab 1\n 20 sugar 90\n remove r3", "open info from 0 at 30 to 0 of r1");
}

#[test]
fn a_list_an_interval_and_a_condition() {
    let p = tree(vec![step(MEAL, None)], seq(leaf(0), vec![then_no(&[SUGAR, LAB], 30)]), 0);
    case(p.clone(), "0 meal 10\n @40 tick", "open info from 0 at 30 to 0 of r1");
    case(p, "0 meal 10\n 5 lab 1\n @40 tick", "");
    // An interval lies there wherever it overlaps, also one that goes on.
    let p = tree(vec![step(MEAL, None)], seq(leaf(0), vec![then_no(&[NAP], 30)]), 0);
    case(p.clone(), "10 meal 10\n 0..10 nap\n @50 tick", "open info from 10 at 40 to 10 of r1");
    case(p.clone(), "10 meal 10\n 0..10+1us nap\n @50 tick", "");
    case(p.clone(), "10 meal 10\n 40..60 nap", "open info from 10 at 40 to 10 of r1");
    case(p.clone(), "10 meal 10\n 40-1us..60 nap", "");
    case(p, "10 meal 10\n -5.. nap\n @50 tick", "");
    // Only what fits its condition, which may name the steps before.
    let more = Some(compare(first(Ref::Candidate), Compare::Gt, first(Ref::Step(0))));
    let quiet = Part::ThenNo(Quiet { absences: vec![absence(SUGAR, more)], span: Span::minutes(30) });
    let p = tree(vec![step(SUGAR, above(100))], seq(leaf(0), vec![quiet]), 0);
    case(
        p.clone(),
        "0 sugar 110\n 10 sugar 110\n @45 tick",
        "open info from 0 at 30 to 0 of r1\n open info from 10 at 40 to 10 of r2",
    );
    case(p, "0 sugar 110\n 10 sugar 111\n @45 tick", "open info from 10 at 40 to 10 of r2");
}

#[test]
fn what_follows_counts_from_the_deadline_and_within_measures_readings() {
    let after = |within| {
        tree(vec![step(MEAL, None), step(LAB, None)], seq(leaf(0), vec![then_no(&[SUGAR], 30), Part::Then(leaf(1))]), within)
    };
    case(after(60), "0 meal 10\n 20 lab 1\n 40 lab 1", "open info from 0 at 40 to 40 of r1 r3");
    // Later than the deadline, not at it.
    case(after(60), "0 meal 10\n 30 lab 1", "");
    case(after(60), "0 meal 10\n 30+1us lab 1", "open info from 0 at 30+1us to 30+1us of r1 r2");
    case(after(35), "0 meal 10\n 35 lab 1", "");
    // The deadline is no reading: the bound is about the first and the last.
    let p = tree(vec![step(MEAL, None), step(LAB, None)], seq(leaf(0), vec![Part::Then(leaf(1)), then_no(&[SUGAR], 30)]), 10);
    case(p, "0 meal 10\n 5 lab 1\n @60 tick", "open info from 0 at 35 to 5 of r1 r2");
    // Two of them, one after the other.
    let p = tree(vec![step(MEAL, None)], seq(leaf(0), vec![then_no(&[SUGAR], 10), then_no(&[LAB], 10)]), 0);
    case(p.clone(), "0 meal 10\n 5 lab 1\n 15 sugar 90\n @20 tick", "open info from 0 at 20 to 0 of r1");
    case(p, "0 meal 10\n 15 lab 1\n @20 tick", "");
}

#[test]
fn another_choice_may_stay_quiet() {
    // From 0: 5 is followed by a sugar, 10 is not.
    let p = tree(vec![step(MEAL, None), step(LAB, None)], seq(leaf(0), vec![Part::Then(leaf(1)), then_no(&[SUGAR], 10)]), 60);
    case(p, "0 meal 10\n 5 lab 1\n 7 sugar 90\n 10 lab 1\n @30 tick", "open info from 0 at 20 to 10 of r1 r4");
}

#[test]
fn the_rules_condition_is_asked_at_the_deadline() {
    let mut r = rule(RuleKind::Match(unchecked()));
    r.filter = Some(compare(value_of(window(Func::Count, LAB, Measure::Itself, 10)), Compare::Gt, Expr::number(0)));
    check(&only(r.clone()), "0 meal 10\n 15 lab 1\n @30 tick", "");
    check(&only(r.clone()), "0 meal 10\n 20 lab 1\n @30 tick", "");
    check(&only(r.clone()), "0 meal 10\n 25 lab 1\n @30 tick", "open info from 0 at 30 to 0 of r1");
    check(&only(r), "0 meal 10\n @35 tick\n @40 30 lab 1", "open info from 0 at 30 to 0 of r1");
}

fn around(from: i64, to: i64) -> Pattern {
    let around = Around { absence: absence(SUGAR, None), step: 0, from: Span::minutes(from), to: Span::minutes(to) };
    Pattern { around: vec![around], ..tree(vec![step(MEAL, None)], seq(leaf(0), vec![]), 0) }
}

#[test]
fn with_no_is_open_and_completes_at_its_end() {
    let p = || around(-20, 30);
    case(p(), "0 meal 10\n @30-1us tick", "");
    let stands = "open info from 0 at 30 to 0 of r1";
    case(p(), "0 meal 10\n @30 tick", stands);
    case(p(), "-20 sugar 90\n 0 meal 10 as r1\n 30 sugar 90", stands);
    case(p(), "-20+1us sugar 90\n 0 meal 10\n @40 tick", "");
    case(p(), "0 meal 10\n 30-1us sugar 90\n @40 tick", "");
    // A late reading before the start is seen, too, and taken back.
    case(p(), "0 meal 10\n @40 tick\n -5 sugar 90", "");
    case(p(), "0 meal 10\n @40 tick\n -5 sugar 90\n remove r2", stands);
    // All before: it completes with its reading.
    case(around(-20, 0), "0 meal 10", "open info from 0 at 0 to 0 of r1");
    case(around(-20, -5), "-4 sugar 90\n 0 meal 10", "open info from 0 at 0 to 0 of r2");
}

#[test]
fn what_must_not_come_does_not_see_the_matchs_own_readings() {
    let p = |absent| {
        let around = Around { absence: absence(absent, None), step: 0, from: Span::minutes(-10), to: Span::minutes(10) };
        Pattern { around: vec![around], ..tree(vec![step(MEAL, None), step(SUGAR, None)], in_turn(&[0, 1]), 30) }
    };
    case(p(SUGAR), "0 meal 10\n 5 sugar 90\n @20 tick", "open info from 0 at 10 to 5 of r1 r2");
    case(p(SUGAR), "0 meal 10\n 5 sugar 90\n 6 sugar 90\n @20 tick", "");
    case(p(MEAL), "0 meal 10\n 5 sugar 90\n @20 tick", "open info from 0 at 10 to 5 of r1 r2");
}

#[test]
fn a_final_count_completes_at_its_least_and_grows() {
    let lows = |most| pattern(vec![counted(SUGAR, Some(sugar(Ref::Candidate, Compare::Lt, 70)), 2, most)], 30);
    case(lows(None), "0 sugar 60\n @40 tick", "");
    case(lows(None), "0 sugar 60\n 5 sugar 60", "open info from 0 at 5 to 5 of r1 r2");
    // One that does not fit is passed over; at 30 it is too late for the start at 0, not for that at 5.
    let input = "0 sugar 60\n 5 sugar 60\n 10 sugar 90\n 15 sugar 60";
    case(lows(None), input, "open info from 0 at 5 to 15 of r1 r2 r4");
    let alone = |most, select| Pattern { select, ..lows(most) };
    case(
        alone(None, Select::Disjoint),
        "0 sugar 60\n 5 sugar 60\n 29 sugar 60\n 30 sugar 60",
        "open info from 0 at 5 to 29 of r1 r2 r3",
    );
    case(
        alone(Some(3), Select::Disjoint),
        "0 sugar 60\n 5 sugar 60\n 10 sugar 60\n 15 sugar 60",
        "open info from 0 at 5 to 10 of r1 r2 r3",
    );
    // In a row it stops at the first that does not fit.
    let row = |most| Step { in_a_row: true, ..counted(SUGAR, Some(sugar(Ref::Candidate, Compare::Lt, 70)), 2, most) };
    let p = Pattern { select: Select::Disjoint, ..pattern(vec![row(None)], 60) };
    case(p, "0 sugar 60\n 5 sugar 60\n 10 sugar 60\n 15 sugar 90\n 20 sugar 60", "open info from 0 at 5 to 10 of r1 r2 r3");
}

#[test]
fn it_grows_while_all_holds() {
    // What must not come between ends it.
    let p = Pattern { absences: vec![absence(LAB, None)], ..pattern(vec![counted(SUGAR, None, 2, None)], 60) };
    case(p, "0 sugar 60\n 5 sugar 60\n 10 sugar 60\n 12 lab 1\n 15 sugar 60", "open info from 0 at 5 to 10 of r1 r2 r3");
    // So does the rule's condition, which is asked each time: the sum stays below 200, the 10 after that is not looked at.
    let mut r = rule(RuleKind::Match(Pattern { select: Select::Disjoint, ..pattern(vec![counted(SUGAR, None, 2, None)], 60) }));
    let sum = Expr::Bound { func: Func::Sum, step: 0, what: Measure::Field(crate::world::F0) };
    r.filter = Some(compare(sum, Compare::Lt, mg_dl(200)));
    check(
        &only(r),
        "0 sugar 60\n 5 sugar 60\n 10 sugar 60\n 15 sugar 60\n 20 sugar 10",
        "open info from 0 at 5 to 10 of r1 r2 r3\n open info from 15 at 20 to 20 of r4 r5",
    );
}

#[test]
fn what_a_growing_match_says() {
    let mut r = rule(RuleKind::Match(pattern(vec![counted(SUGAR, None, 2, None)], 60)));
    r.filter = Some(compare(first(Ref::Step(0)), Compare::Lt, mg_dl(100)));
    let count = Expr::Bound { func: Func::Count, step: 0, what: Measure::Itself };
    r.say = vec![hole(count, Show::Number)];
    check(&only(r.clone()), "0 sugar 60\n 60-1us sugar 50\n", "open info from 0 at 60-1us to 60-1us of r1 r2 say 2");
    // The text is that of the first stage; a stage that is graver speaks anew, a milder one does not.
    let RuleKind::Match(p) = &mut r.kind else { return };
    p.select = Select::Disjoint;
    check(&only(r.clone()), "0 sugar 60\n 5 sugar 60\n 10 sugar 60", "open info from 0 at 5 to 10 of r1 r2 r3 say 2");
    r.grades.push(grade(Severity::Urgent, sugar(Ref::Step(0), Compare::Lt, 55)));
    check(&only(r), "0 sugar 60\n 5 sugar 60\n 10 sugar 50\n 15 sugar 60", "open urgent from 0 at 5 to 15 of r1 r2 r3 r4 say 3");
}

#[test]
fn elsewhere_a_count_takes_the_most() {
    let p = || {
        let steps = vec![counted(SUGAR, above(100), 1, Some(3)), step(MEAL, None)];
        Pattern { select: Select::Disjoint, ..tree(steps, in_turn(&[0, 1]), 60) }
    };
    case(
        p(),
        "0 sugar 120\n 5 sugar 120\n 10 sugar 90\n 12 sugar 120\n 15 sugar 120\n 20 meal 10",
        "open info from 0 at 20 to 20 of r1 r2 r4 r6",
    );
    // The most, though 10 and 100 would be earlier: 10, 20, 30.
    let rising = Some(compare(first(Ref::Candidate), Compare::Gt, first(Ref::Previous)));
    let step0 = Step { again: rising, ..counted(SUGAR, None, 1, None) };
    let p = Pattern { select: Select::Disjoint, ..tree(vec![step0, step(MEAL, None)], in_turn(&[0, 1]), 60) };
    case(p, "0 sugar 10\n 5 sugar 100\n 10 sugar 20\n 15 sugar 30\n 20 meal 10", "open info from 0 at 20 to 20 of r1 r3 r4 r5");
}

#[test]
fn a_growth_that_the_clock_decides() {
    let around = Around { absence: absence(LAB, None), step: 0, from: Span::minutes(0), to: Span::minutes(10) };
    let p = || Pattern { around: vec![around.clone()], ..pattern(vec![counted(SUGAR, None, 2, None)], 60) };
    case(p(), "0 sugar 60\n 5 sugar 60\n @15-1us tick", "");
    case(p(), "0 sugar 60\n 5 sugar 60\n 20 sugar 60\n @30-1us tick", "open info from 0 at 15 to 5 of r1 r2");
    case(p(), "0 sugar 60\n 5 sugar 60\n 20 sugar 60\n @30 tick", "open info from 0 at 15 to 20 of r1 r2 r3");
}
