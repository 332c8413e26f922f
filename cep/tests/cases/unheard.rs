//! Who rests as long as nothing comes in another stream, or few readings in its own, is asked again when that is over.

use vitalog_cep::plan::{Anchor, Arith, Compare, Episode, Expr, Func, Library, Measure, Ref, Rule, RuleKind, Window};
use vitalog_elog::Span;

use super::build::*;
use super::overtaking::stands;
use crate::world::{F0, FOUND, Kind, LAB, MEAL, SUGAR};

fn meals(filter: Option<Expr>, op: Compare, n: i64) -> Expr {
    let counts = Window { filter, ..window(Func::Count, MEAL, Measure::Itself, 60) };
    compare(value_of(counts), op, Expr::number(n))
}

/// A low, and something was eaten in the last hour, or nothing was.
fn low(op: Compare, n: i64) -> [Library; 1] {
    only(rule(RuleKind::Episode(episode(SUGAR, Expr::And(vec![meals(None, op, n), sugar(Ref::Driver, Compare::Lt, 70)])))))
}

const CALM: &str = "0 sugar 60\n 5 sugar 60\n 10 sugar 60\n 15 sugar 60";

#[test]
fn what_is_eaten_wakes_who_waits_for_it() {
    let fed = low(Compare::Gt, 0);
    assert_eq!(stands(&fed, &format!("{CALM}\n 20 sugar 60")), 0);
    assert_eq!(stands(&fed, &format!("{CALM}\n 17 meal 10\n 20 sugar 60")), 1);
    // By the first and by the second that is eaten; the one before goes quietly.
    assert_eq!(
        stands(&low(Compare::Ge, 2), &format!("{CALM}\n 17 meal 10\n 20 sugar 60\n 25 sugar 60\n 27 meal 10\n 30 sugar 60")),
        1
    );
    // What is said of a time at which it rested.
    assert_eq!(stands(&fed, &format!("{CALM}\n 7 meal 10\n 80 sugar 60")), 1);
    assert_eq!(stands(&fed, &format!("-90 meal 10\n {CALM}\n 7 meal 10\n 80 sugar 100")), 1);
    // What is there already and lies ahead of the readings.
    let ahead = "@50 45 meal 10\n @50 0 sugar 60\n @50 5 sugar 60\n @50 10 sugar 60\n @50 40 sugar 60\n @50 50 sugar 60";
    assert_eq!(stands(&fed, ahead), 1);
}

#[test]
fn what_was_eaten_is_seen_until_it_has_left_or_is_taken_back() {
    let hungry = low(Compare::Eq, 0);
    let fed = "-1 meal 10 as m\n 0 sugar 60\n 5 sugar 60\n 10 sugar 60";
    assert_eq!(stands(&hungry, &format!("{fed}\n 58 sugar 60")), 0);
    assert_eq!(stands(&hungry, &format!("{fed}\n 59 sugar 60")), 1);
    assert_eq!(stands(&hungry, &format!("{fed}\n remove m\n 20 sugar 60")), 1);
    assert_eq!(stands(&hungry, &format!("{fed}\n remove m\n 20 sugar 100")), 1, "what it rested by is another");
}

#[test]
fn of_two_that_are_too_many_the_one_before_the_last_has_to_leave() {
    let once = low(Compare::Le, 1);
    let twice = "-20 meal 10\n -1 meal 10\n 0 sugar 60\n 5 sugar 60\n 10 sugar 60";
    assert_eq!(stands(&once, &format!("{twice}\n 39 sugar 60")), 0);
    assert_eq!(stands(&once, &format!("{twice}\n 40 sugar 60")), 1);
}

#[test]
fn what_it_waits_for_past_its_time_wakes_a_run() {
    let held = |gap| Episode { hold: hold(10, gap), ..episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)) };
    let waits = |gap| only(Rule { filter: Some(meals(None, Compare::Ge, 1)), ..rule(RuleKind::Episode(held(gap))) });
    assert_eq!(stands(&waits(20), &format!("{CALM}\n 20 sugar 60\n 25 sugar 60")), 0);
    assert_eq!(stands(&waits(20), &format!("{CALM}\n 20 sugar 60\n 22 meal 10\n 25 sugar 60")), 1);
    // Over a hole it begins anew.
    assert_eq!(stands(&waits(20), &format!("{CALM}\n 20 sugar 60\n 42 meal 10\n 45 sugar 60")), 0);
    assert_eq!(stands(&waits(30), &format!("{CALM}\n 20 sugar 60\n 42 meal 10\n 45 sugar 60")), 1);
    assert_eq!(stands(&waits(20), &format!("{CALM}\n 20 sugar 100\n 22 meal 10\n 25 sugar 60")), 0);
}

#[test]
fn a_condition_of_what_is_counted_is_asked_of_it() {
    let large = || compare(first(Ref::Item), Compare::Ge, Expr::number(30 * Kind::Mass.atoms()));
    let both = Expr::And(vec![meals(Some(large()), Compare::Ge, 1), sugar(Ref::Driver, Compare::Lt, 70)]);
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, both))));
    assert_eq!(stands(&rules, &format!("-1 meal 10\n {CALM}\n 17 meal 29\n 20 sugar 60")), 0);
    assert_eq!(stands(&rules, &format!("-1 meal 10\n {CALM}\n 17 meal 30\n 20 sugar 60")), 1);
}

#[test]
fn so_many_readings_turn_so_often_at_most() {
    let turns = compare(value_of(window(Func::Reversals, SUGAR, Measure::Field(F0), 60)), Compare::Ge, Expr::number(4));
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, turns))));
    let input = "0 sugar 90\n 1 sugar 91\n 2 sugar 90\n 3 sugar 91\n 4 sugar 90\n 5 sugar 91";
    assert_eq!(stands(&rules, input), 1);
    assert_eq!(stands(&rules, &format!("{input}\n 6 sugar 92")), 1);
    assert_eq!(stands(&rules, "0 sugar 90\n 1 sugar 91\n 2 sugar 90\n 3 sugar 91\n 4 sugar 90\n 5 sugar 89"), 0);
    // One that comes between them may turn twice.
    assert_eq!(stands(&rules, "0 sugar 90\n 2 sugar 91\n 4 sugar 90\n 6 sugar 91\n 7 sugar 92\n 9 sugar 95\n 8 sugar 80"), 1);
    let many = compare(value_of(window(Func::Count, SUGAR, Measure::Itself, 60)), Compare::Gt, Expr::number(4));
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, many))));
    assert_eq!(stands(&rules, "0 sugar 90\n 1 sugar 90\n 2 sugar 90\n 3 sugar 90\n 4 sugar 90"), 1);
    assert_eq!(stands(&rules, "0 sugar 90\n 1 sugar 90\n 2 sugar 90\n 3 sugar 90"), 0);
}

#[test]
fn a_silence_at_rest_is_found_where_a_reading_comes_too_late() {
    let rules = only(rule(silence(&[SUGAR], 30)));
    assert_eq!(stands(&rules, "0 sugar 100\n 5 sugar 100\n 10 sugar 100\n 41 sugar 100\n 50 sugar 100"), 1);
    assert_eq!(stands(&rules, "0 sugar 100\n 5 sugar 100\n 10 sugar 100\n 40 sugar 100\n 50 sugar 100"), 0);
    assert_eq!(stands(&rules, "0 sugar 100\n 5 sugar 100\n 10 sugar 100\n @60 39 sugar 100\n @60 60 sugar 100"), 0);
    assert_eq!(stands(&rules, "0 sugar 100\n 5 sugar 100\n 10 sugar 100\n @80 39 sugar 100\n @80 80 sugar 100"), 1);
}

#[test]
fn what_hangs_on_more_than_what_comes_is_asked_each_time() {
    // What was eaten ten minutes ago or before.
    let age = arith(Expr::Now, Arith::Sub, get(Ref::Item, Measure::At));
    let both = |filter| Expr::And(vec![meals(Some(filter), Compare::Ge, 1), sugar(Ref::Driver, Compare::Lt, 70)]);
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, both(compare(age, Compare::Ge, minutes(10)))))));
    assert_eq!(stands(&rules, "0 meal 10\n 1 sugar 60\n 2 sugar 60\n 3 sugar 60\n 9 sugar 60"), 0);
    assert_eq!(stands(&rules, "0 meal 10\n 1 sugar 60\n 2 sugar 60\n 3 sugar 60\n 10 sugar 60"), 1);
    // Days that are over when the next begins.
    let yesterday = Window { anchor: Anchor::Days(1), ..window(Func::Count, MEAL, Measure::Itself, 1) };
    let ate = Expr::And(vec![compare(value_of(yesterday), Compare::Ge, Expr::number(1)), sugar(Ref::Driver, Compare::Lt, 70)]);
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, ate))));
    assert_eq!(stands(&rules, "-5 meal 10\n 0 sugar 60\n 5 sugar 60\n 10 sugar 60\n 1440 sugar 60"), 1);
    // What is not fresh any more is not known, and a run is over.
    let fresh = Window { fresh: Some(Span::minutes(5)), ..window(Func::Count, MEAL, Measure::Itself, 60) };
    let known = compare(value_of(fresh), Compare::Ge, Expr::number(1));
    let rules = only(rule(RuleKind::Episode(Episode { hold: hold(20, 30), ..episode(SUGAR, known) })));
    assert_eq!(stands(&rules, "0 meal 10\n 1 sugar 60\n 2 sugar 60\n 3 sugar 60\n 10 sugar 60\n 21 meal 10\n 22 sugar 60"), 0);
}

#[test]
fn what_other_rules_find_is_never_unheard() {
    let lows = compare(value_of(window(Func::Count, FOUND[0], Measure::Itself, 60)), Compare::Ge, Expr::number(1));
    let low =
        Rule { name: "r0".into(), meaning: 10, ..rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)))) };
    let after = Expr::And(vec![lows, sugar(Ref::Driver, Compare::Lt, 50)]);
    let after = Rule { name: "r1".into(), meaning: 11, ..rule(RuleKind::Episode(episode(SUGAR, after))) };
    let rules = [library(vec![after, low])];
    let calm = "0 sugar 150\n 5 sugar 150\n 10 sugar 150\n 15 sugar 150";
    assert_eq!(stands(&rules, &format!("{calm}\n 20 sugar 150\n 25 sugar 150")), 0);
    assert_eq!(stands(&rules, &format!("{calm}\n 20 sugar 60\n 25 sugar 45")), 2);
}

#[test]
fn whoever_the_clock_wakes_is_told_what_comes_elsewhere() {
    // What was noted of the first low is passed by the clock while the second waits for something to be eaten, at the instant of its last reading.
    let fed = compare(value_of(window(Func::Count, MEAL, Measure::Itself, 10)), Compare::Ge, Expr::number(1));
    let low = Episode { lapse: Some(Span::minutes(24)), ..episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)) };
    let rules = only(Rule { filter: Some(fed), ..rule(RuleKind::Episode(low)) });
    let first = "0 meal 10\n 5 sugar 60\n 25 sugar 60\n 46 sugar 60\n 50 sugar 60\n 52 sugar 100";
    let second = format!("{first}\n 55 sugar 60\n 60 sugar 60");
    assert_eq!(stands(&rules, &second), 1);
    assert_eq!(stands(&rules, &format!("{second}\n @65 60 meal 10")), 2);
    assert_eq!(stands(&rules, &format!("{second}\n @71 60 meal 10")), 2);
}

#[test]
fn whoever_a_late_reading_passes_over_is_told_what_comes_elsewhere() {
    let tested = compare(value_of(window(Func::Count, LAB, Measure::Itself, 20)), Compare::Ge, Expr::number(1));
    let when = Expr::And(vec![tested, sugar(Ref::Driver, Compare::Le, 100)]);
    let rules = only(rule(RuleKind::Episode(Episode { lapse: Some(Span::minutes(30)), ..episode(SUGAR, when) })));
    let calm = "0 sugar 90\n 5 sugar 90\n 10 sugar 90\n 15 sugar 90\n @16 12 sugar 110";
    assert_eq!(stands(&rules, calm), 0);
    assert_eq!(stands(&rules, &format!("{calm}\n @17 14 lab 100")), 1);
    assert_eq!(stands(&rules, &format!("{calm}\n @17 16 lab 100")), 0);
}
