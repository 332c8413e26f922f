//! Silences: from when they count, when the clock opens them, what ends them.

use vitalog_cep::plan::{Compare, Expr, Func, Measure, Show};
use vitalog_elog::Severity;

use super::build::*;
use super::table::check;
use crate::world::{F0, MEAL, NAP, SUGAR};

#[test]
fn it_opens_by_the_clock_and_ends_at_the_next_reading() {
    let rules = only(rule(silence(&[SUGAR], 30)));
    check(&rules, "0 sugar 100\n @30-1us tick", "");
    check(&rules, "0 sugar 100\n @30 tick", "open info from 0 at 30 of r1");
    check(&rules, "0 sugar 100\n @45 tick\n 50 sugar 90", "resolved info from 0 at 30 to 50 known 50 of r1");
    // The clock of another stream's arrival does as well.
    check(&rules, "0 sugar 100\n 30 meal 10", "open info from 0 at 30 of r1");
    // A reading at the very instant at which it would open keeps it from standing, in time or late.
    check(&rules, "0 sugar 100\n 30 sugar 90", "");
    check(&rules, "0 sugar 100\n @30 tick\n @35 30 sugar 90", "");
    check(&rules, "0 sugar 100\n 30+1us sugar 90", "resolved info from 0 at 30 to 30+1us known 30+1us of r1");
}

#[test]
fn each_wait_is_its_own() {
    let rules = only(rule(silence(&[SUGAR], 30)));
    check(
        &rules,
        "0 sugar 100\n 40 sugar 90\n 60 sugar 90\n @95 tick",
        "resolved info from 0 at 30 to 40 known 40 of r1\n open info from 60 at 90 of r3",
    );
    check(&rules, "0 sugar 100\n 0 sugar 101\n @30 tick", "open info from 0 at 30 of r1 r2");
    // Late, another reading of the instant that it counts from.
    check(&rules, "0 sugar 100\n @30 tick\n 0 sugar 101", "open info from 0 at 30 of r1 r2");
}

#[test]
fn a_late_reading_between_two_is_judged_where_it_is_close_to_one_alone() {
    // A silence of five minutes is told where something was eaten lately: too late for that of the second reading, soon enough for that of one between.
    let eaten = value_of(window(Func::Count, MEAL, Measure::Itself, 20));
    let filter = Some(compare(eaten, Compare::Ge, Expr::number(1)));
    let rules = only(vitalog_cep::plan::Rule { filter, ..rule(silence(&[SUGAR], 5)) });
    let early = "0 sugar 100\n 2 sugar 100\n 8 meal 10\n 30 sugar 100";
    check(&rules, early, "");
    check(&rules, &format!("{early}\n 4 sugar 100"), "resolved info from 4 at 9 to 30 known 30 of r5");
    check(
        &rules,
        &format!("{early}\n 4 sugar 100\n 9 sugar 100\n 7 sugar 100"),
        "resolved info from 9 at 14 to 30 known 30 of r6",
    );
    check(&rules, &format!("{early}\n 12 sugar 100"), "resolved info from 12 at 17 to 30 known 30 of r5");
}

#[test]
fn before_the_first_it_counts_from_enrolment() {
    let rules = only(rule(silence(&[SUGAR], 30)));
    check(&rules, "0 meal 10\n @30 tick", "open info from 0 at 30");
    check(&rules, "0 meal 10\n @40 tick\n 50 sugar 90", "resolved info from 0 at 30 to 50 known 50");
    // Enrolled by an interval that goes on: its start. One that is over: its end.
    check(&rules, "0.. nap\n @30 tick", "open info from 0 at 30");
    check(&rules, "0..10 nap\n @30 tick", "");
    check(&rules, "0..10 nap\n @40 tick", "open info from 10 at 40");
    // A late reading may put the enrolment back.
    check(&rules, "10 meal 10\n @30 tick\n @30 0 meal 10", "open info from 0 at 30");
    check(&rules, "@30 tick", "");
}

#[test]
fn several_streams_are_heard_as_one() {
    let rules = only(rule(silence(&[SUGAR, MEAL], 30)));
    check(&rules, "0 sugar 100\n 20 meal 10\n @45 tick", "");
    check(&rules, "0 sugar 100\n 20 meal 10\n @50 tick", "open info from 20 at 50 of r2");
    check(&rules, "0 sugar 100\n 0 meal 10\n @30 tick", "open info from 0 at 30 of r1 r2");
}

#[test]
fn an_interval_is_heard_at_its_end() {
    let rules = only(rule(silence(&[NAP], 30)));
    check(&rules, "0..20 nap\n @45 tick", "");
    check(&rules, "0..20 nap\n @50 tick", "open info from 20 at 50 of r1");
    // What goes on is not heard, though it enrols.
    check(&rules, "0.. nap\n @30 tick", "open info from 0 at 30");
}

#[test]
fn filter_grades_and_text_are_those_of_the_opening() {
    let mut r = rule(silence(&[SUGAR], 30));
    let meals = value_of(window(Func::Count, MEAL, Measure::Itself, 30));
    r.filter = Some(compare(meals.clone(), Compare::Ge, Expr::number(1)));
    r.grades.push(grade(Severity::Warning, compare(meals.clone(), Compare::Ge, Expr::number(2))));
    r.say = vec![hole(meals, Show::Number), hole(Expr::Onset, Show::Instant), hole(Expr::Now, Show::Instant)];
    let rules = only(r);
    check(&rules, "0 sugar 100\n @30 tick", "");
    check(&rules, "0 sugar 100\n 10 meal 10\n @30 tick", "open info from 0 at 30 of r1 say 123:0023:30");
    check(&rules, "0 sugar 100\n 10 meal 10\n 30 meal 10\n @31 tick", "open warning from 0 at 30 of r1 say 223:0023:30");
    // A meal after it opened is too late to be asked for.
    check(&rules, "0 sugar 100\n @30 tick\n 31 meal 10", "");
    // A meal at exactly the beginning is outside the half-open window.
    check(&rules, "0 sugar 100\n 0 meal 10\n @30 tick", "");
}

/// What the clock is to look at was noted for a reading that is gone: those before it come in order, and are over when they come.
#[test]
fn a_note_for_what_is_gone_is_none_for_what_comes_before_it() {
    let mut r = rule(silence(&[SUGAR], 15));
    r.filter = Some(compare(value_of(window(Func::Last, SUGAR, Measure::Field(F0), 60)), Compare::Lt, mg_dl(120)));
    // A meal says since when it is waited.
    let gone = "0 meal 10\n @400 390 sugar 100 as a\n remove a";
    check(&only(r.clone()), &format!("{gone}\n 355 sugar 120\n 360 sugar 60"), "open info from 360 at 375 of r4");
    check(&only(r), &format!("{gone}\n 355 sugar 120\n 360 sugar 60\n 366 sugar 130"), "");
}
