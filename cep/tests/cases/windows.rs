//! Windows and aggregates: what is inside, and what comes of it.

use vitalog_cep::plan::{Anchor, Compare, Expr, Func, Measure, Ref, RuleKind, Show, Window};

use super::build::*;
use super::table::check;
use crate::world::{F0, F1, LAB, MEAL, NAP, SUGAR, TARGET};

/// Says `expr` at each lab reading.
fn at_lab(expr: Expr, show: Show, input: &str, stands: &str) {
    let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    r.say = vec![hole(expr, show)];
    check(&only(r), input, stands);
}

/// What `func` of the sugars of the last ten minutes is at minute 20, in hundredths of a mg/dL as a plain number.
fn last_ten(func: Func, what: Measure, input: &str, says: &str) {
    let mut value = value_of(window(func, SUGAR, what, 10));
    if func != Func::Count {
        value = arith(value, vitalog_cep::plan::Arith::Div, mg_dl(1));
    }
    let (input, lab) = (format!("{input}\n 20 lab -"), input.lines().filter(|l| !l.trim().is_empty()).count() + 1);
    at_lab(value, Show::Number, &input, &format!("open info from 20 at 20 to 20 of r{lab} say {says}"));
}

#[test]
fn a_window_is_open_at_its_beginning_and_closed_at_its_end() {
    let count = |input, says| last_ten(Func::Count, Measure::Itself, input, says);
    count("10 sugar 100", "0");
    count("10+1us sugar 100", "1");
    count("20 sugar 100\n 20 sugar 101", "2");
    count("@20 20+1us sugar 100", "0");
    count("12 meal 10", "0");
}

#[test]
fn of_nothing() {
    let value = Measure::Field(F0);
    last_ten(Func::Count, value, "", "0");
    last_ten(Func::Sum, value, "", "0");
    for func in [Func::Avg, Func::Min, Func::Max, Func::First, Func::Last, Func::Delta] {
        last_ten(func, value, "", "unknown");
    }
}

#[test]
fn of_several() {
    let input = "5 sugar 500\n 11 sugar 60\n 15 sugar 70\n 15 sugar 80\n 20 sugar 100\n 20 sugar 101";
    for (func, says) in [
        (Func::Count, "5"),
        (Func::Sum, "411"),
        (Func::Avg, "82.2"),
        (Func::Min, "60"),
        (Func::Max, "101"),
        (Func::First, "60"),
        (Func::Last, "100.5"),
        (Func::Delta, "40.5"),
    ] {
        last_ten(func, Measure::Field(F0), input, says);
    }
    last_ten(Func::First, Measure::Field(F0), "15 sugar 70\n 15 sugar 80", "75");
    last_ten(Func::Delta, Measure::Field(F0), "15 sugar 70\n 15 sugar 80", "0");
    last_ten(Func::Avg, Measure::Field(F0), "12 sugar 60\n 13 sugar 60\n 14 sugar 80", "66.67");
}

#[test]
fn what_lacks_the_field_is_passed_over() {
    let of_meals = |func, what| value_of(Window { stream: MEAL, ..window(func, MEAL, what, 10) });
    let grams = |e| arith(e, vitalog_cep::plan::Arith::Div, Expr::number(1_000_000));
    let input = "5 meal -\n 6 meal 10 a\n 7 meal 30\n 8 meal - b\n 8 lab -";
    let says = |expr, says: &str| at_lab(expr, Show::Number, input, &format!("open info from 8 at 8 to 8 of r5 say {says}"));
    says(of_meals(Func::Count, Measure::Itself), "4");
    says(of_meals(Func::Count, Measure::Field(F0)), "2");
    says(of_meals(Func::Count, Measure::Field(F1)), "2");
    says(grams(of_meals(Func::First, Measure::Field(F0))), "10");
    // The latest instant that has it, not the latest instant.
    says(grams(of_meals(Func::Last, Measure::Field(F0))), "30");
}

#[test]
fn a_condition_passes_only_where_it_is_true() {
    let filter = compare(field(Ref::Item, F1), Compare::Ge, Expr::Enum(1));
    let count = Window { filter: Some(filter), ..window(Func::Count, SUGAR, Measure::Itself, 10) };
    let input = "1 sugar 90 low\n 2 sugar 90 mid\n 3 sugar 90 high\n 4 sugar 90 -\n 5 lab -";
    at_lab(value_of(count), Show::Number, input, "open info from 5 at 5 to 5 of r5 say 2");
}

#[test]
fn the_profile_in_a_window_is_that_of_each_reading() {
    let below = compare(first(Ref::Item), Compare::Lt, Expr::Profile(TARGET));
    let count = Window { filter: Some(below), ..window(Func::Count, SUGAR, Measure::Itself, 60) };
    // 100 by default, 80 from minute 5 on.
    let input = "1 sugar 90\n 5 sugar 90\n 6 sugar 79\n profile target 80 from 5\n 10 lab -";
    at_lab(value_of(count), Show::Number, input, "open info from 10 at 10 to 10 of r4 say 2");
}

#[test]
fn an_interval_counts_whole_by_its_end() {
    let sum = value_of(Window { stream: NAP, ..window(Func::Sum, NAP, Measure::Duration, 10) });
    let input = "0..30 nap\n 31..40 nap\n 35.. nap\n 40 lab -";
    at_lab(sum.clone(), Show::Span, input, "open info from 40 at 40 to 40 of r4 say 9 min");
    at_lab(sum, Show::Span, "0..30+1us nap\n 40 lab -", "open info from 40 at 40 to 40 of r2 say 30 min 0.000001 s");
}

#[test]
fn before_a_step_without_its_readings() {
    // Meal, then sugar: the sugars of ten minutes before each.
    let count = |stream, what, anchor| value_of(Window { anchor, ..window(Func::Count, stream, what, 10) });
    let mut r =
        rule(RuleKind::Match(pattern(vec![step(MEAL, None), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Gt, 100)))], 60)));
    r.say = vec![
        hole(count(SUGAR, Measure::Itself, Anchor::Before(0)), Show::Number),
        hole(count(SUGAR, Measure::Itself, Anchor::Before(1)), Show::Number),
        hole(count(SUGAR, Measure::Itself, Anchor::Decision), Show::Number),
        hole(count(MEAL, Measure::Itself, Anchor::Before(0)), Show::Number),
    ];
    let rules = only(r);
    // Before the meal at 20, the reading at 10 is outside, the one at 20 inside; the one bound at 25 is left out of its own.
    check(
        &rules,
        "10 sugar 90\n 11 sugar 90\n 20 sugar 90\n 20 meal 10\n 25 sugar 120",
        "open info from 20 at 25 to 25 of r4 r5 say 2120",
    );
    // An unfitting one at the step's instant is not bound, so it counts; another meal of the meal's instant is bound.
    check(&rules, "20 meal 10\n 20 meal 10 b\n 25 sugar 120\n 25 sugar 90", "open info from 20 at 25 to 25 of r1 r2 r3 say 0120");
    check(&rules, "15 meal 10\n 20 meal 10\n 25 sugar 120", "open info from 15 at 25 to 25 of r1 r2 r3 say 0010");
}

#[test]
fn of_all_that_a_step_bound() {
    let mut r =
        rule(RuleKind::Match(pattern(vec![repeated(SUGAR, Some(sugar(Ref::Candidate, Compare::Gt, 100)), 3, false)], 60)));
    let of = |func| {
        hole(
            arith(Expr::Bound { func, step: 0, what: Measure::Field(F0) }, vitalog_cep::plan::Arith::Div, mg_dl(1)),
            Show::Number,
        )
    };
    let gap = || vitalog_cep::plan::Piece::Text(" ".into());
    r.say = vec![of(Func::Avg), gap(), of(Func::First), gap(), of(Func::Last), gap(), of(Func::Delta), gap(), of(Func::Max)];
    r.say.push(gap());
    r.say.push(hole(Expr::Bound { func: Func::Count, step: 0, what: Measure::Itself }, Show::Number));
    check(
        &only(r),
        "0 sugar 110\n 1 sugar 90\n 5 sugar 120\n 5 sugar 130\n 10 sugar 150\n 10 sugar 170",
        "open info from 0 at 10 to 10 of r1 r3 r4 r5 r6 say 136 110 160 50 170 5",
    );
}

#[test]
fn a_window_in_the_condition_of_another_ends_at_its_reading() {
    let meals = value_of(Window { anchor: Anchor::Decision, ..window(Func::Count, MEAL, Measure::Itself, 10) });
    let after_one = compare(meals, Compare::Gt, Expr::number(0));
    let count = value_of(Window { filter: Some(after_one), ..window(Func::Count, SUGAR, Measure::Itself, 20) });
    let says = |input: &str, of: &str, says: &str| {
        at_lab(count.clone(), Show::Number, input, &format!("open info from 20 at 20 to 20 of {of} say {says}"))
    };
    // The outer from 0 to 20, the inner ten minutes before each of its readings.
    says("5 meal 10\n 5 sugar 90\n 15-1us sugar 90\n 15 sugar 90\n 20 lab -", "r5", "2");
    says("-9 meal 10\n 1-1us sugar 90\n 20 lab -", "r3", "1");
    says("-9 meal 10\n 1 sugar 90\n 20 lab -", "r3", "0");
    // What came late is seen through both.
    says("1 sugar 90\n 20 lab -\n @30 -9+1us meal 10", "r2", "1");
    says("1 sugar 90\n 20 lab -\n @30 -9 meal 10", "r2", "0");
    says("-9+1us meal 10 as m\n 1 sugar 90\n 20 lab -\n @30 remove m", "r3", "0");
}
