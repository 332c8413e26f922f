//! How values spread and move: each figure worked out by hand.

use vitalog_cep::plan::{Anchor, Arith, Compare, Expr, Func, Measure, Rational, Ref, RuleKind, Show, Window};
use vitalog_elog::{Dimension, Span, Unit};

use super::build::*;
use super::table::check;
use crate::world::{F0, LAB, MEAL, NAP, SUGAR};

/// What `expr` reads at a lab reading at minute 20, after the readings of `input`.
fn says(input: &str, expr: Expr, show: Show, text: &str) {
    let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    r.say = vec![hole(expr, show)];
    let (input, lab) = (format!("{input}\n 20 lab -"), input.lines().filter(|l| !l.trim().is_empty()).count() + 1);
    check(&only(r), &input, &format!("open info from 20 at 20 to 20 of r{lab} say {text}"));
}

fn of_sugars(func: Func) -> Expr {
    value_of(window(func, SUGAR, Measure::Field(F0), 15))
}

fn in_mg(func: Func, input: &str, text: &str) {
    says(input, arith(of_sugars(func), Arith::Div, mg_dl(1)), Show::Number, text);
}

fn as_share(window: Window, input: &str, text: &str) {
    says(input, value_of(window), Show::Quantity(Unit::named(Dimension::Ratio, "%").expect("a unit")), text);
}

const ONE: &str = "10 sugar 100";
const TWO: &str = "10 sugar 100\n 15 sugar 120";
const FOUR: &str = "8 sugar 90\n 10 sugar 100\n 15 sugar 120\n 20 sugar 150";

#[test]
fn deviations_are_those_of_a_sample() {
    // 90, 100, 120, 150: mean 115, squares 625 + 225 + 25 + 1225 = 2100, by three 700.
    in_mg(Func::Stddev, FOUR, "26.46");
    in_mg(Func::Stddev, TWO, "14.14");
    in_mg(Func::Stddev, ONE, "unknown");
    in_mg(Func::Stddev, "", "unknown");
    as_share(window(Func::Cv, SUGAR, Measure::Field(F0), 15), FOUR, "23 %");
    as_share(window(Func::Cv, SUGAR, Measure::Field(F0), 15), ONE, "unknown");
    as_share(window(Func::Cv, SUGAR, Measure::Field(F0), 15), "10 sugar 0\n 15 sugar 0", "unknown");
}

#[test]
fn deviations_are_compared_exactly() {
    // 91 and 109: the squares come to 162, the deviation is 9 roots of 2: 12.727922061357855…
    let near = "10 sugar 91\n 15 sugar 109";
    let atoms = |n| Expr::number(n);
    for (op, n, is) in [
        (Compare::Gt, 1_272_792, "yes"),
        (Compare::Gt, 1_272_793, "no"),
        (Compare::Ne, 1_272_792, "yes"),
        (Compare::Ge, -1, "yes"),
        (Compare::Lt, -1, "no"),
    ] {
        says(near, compare(of_sugars(Func::Stddev), op, atoms(n)), Show::Bool, is);
    }
    // 94, 100, 106: deviation 6, mean 100.
    let even = "8 sugar 94\n 10 sugar 100\n 15 sugar 106";
    says(even, compare(of_sugars(Func::Stddev), Compare::Eq, mg_dl(6)), Show::Bool, "yes");
    says(even, compare(mg_dl(6), Compare::Ge, of_sugars(Func::Stddev)), Show::Bool, "yes");
    says(even, compare(of_sugars(Func::Cv), Compare::Eq, Expr::number(6_000_000)), Show::Bool, "yes");
    says(even, compare(of_sugars(Func::Cv), Compare::Gt, Expr::number(6_000_000)), Show::Bool, "no");
    says(even, compare(of_sugars(Func::Stddev), Compare::Eq, of_sugars(Func::Stddev)), Show::Bool, "yes");
}

#[test]
fn a_reading_that_said_nothing_and_went_counts_for_nothing() {
    let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    let varies = value_of(window(Func::Cv, MEAL, Measure::Field(F0), 30));
    r.say = vec![hole(varies, Show::Quantity(Unit::named(Dimension::Ratio, "%").expect("a unit")))];
    // 20 and 30: mean 25, deviation the root of 50.
    check(
        &only(r),
        "0 meal - as a\n 1 lab -\n 2 meal 20 as a rev 2\n 3 meal 30\n 4 lab -",
        "open info from 1 at 1 to 1 of r2 say unknown\n open info from 4 at 4 to 4 of r4 say 28.3 %",
    );
}

#[test]
fn percentiles_lie_on_straight_lines() {
    let at = |n, d| Func::Percentile(Rational { n, d });
    for (func, text) in [
        (Func::Median, "110"),
        (at(0, 1), "90"),
        (at(1, 1), "150"),
        (at(1, 3), "100"),
        (at(1, 2), "110"),
        (at(9, 10), "141"),
        (at(1, 100), "90.3"),
    ] {
        in_mg(func, FOUR, text);
    }
    in_mg(at(9, 10), ONE, "100");
    in_mg(Func::Median, "", "unknown");
    in_mg(Func::Median, "8 sugar 90\n 8 sugar 100\n 8 sugar 400", "100");
}

/// Atoms per microsecond as mg/dL in ten minutes.
fn steepness(func: Func, input: &str, text: &str) {
    let ten_minutes = arith(of_sugars(func), Arith::Mul, minutes(10));
    says(input, arith(ten_minutes, Arith::Div, mg_dl(1)), Show::Number, text);
}

#[test]
fn slopes_are_those_of_the_least_squares_line() {
    steepness(Func::Slope, "10 sugar 100\n 15 sugar 110\n 20 sugar 120", "20");
    // Instants -5, 0, 5 around their mean, values 100, 130, 110: 50 by 50.
    steepness(Func::Slope, "10 sugar 100\n 15 sugar 130\n 20 sugar 110", "10");
    steepness(Func::Slope, TWO, "unknown");
    steepness(Func::Slope, "10 sugar 100\n 10 sugar 110\n 10 sugar 120", "unknown");
    steepness(Func::Slope, "10 sugar 100\n 10 sugar 110\n 20 sugar 120", "15");
    steepness(Func::Rate, TWO, "40");
    steepness(Func::Rate, FOUR, "50");
    steepness(Func::Rate, "10 sugar 100\n 10 sugar 110", "unknown");
    steepness(Func::Rate, "10 sugar 100\n 10 sugar 120\n 20 sugar 120", "10");
}

#[test]
fn a_forecast_goes_on_along_the_line() {
    let ahead = |n| Func::Forecast(Span::minutes(n));
    in_mg(ahead(10), "10 sugar 100\n 15 sugar 110\n 20 sugar 120", "140");
    // The line ends where the window does, at minute 20, not at the last reading.
    in_mg(ahead(10), "6 sugar 100\n 11 sugar 110\n 16 sugar 120", "148");
    in_mg(ahead(10), TWO, "unknown");
    in_mg(ahead(10), "", "unknown");
}

#[test]
fn turns_are_counted_between_means() {
    let turns = |input, text| says(input, of_sugars(Func::Reversals), Show::Number, text);
    turns("", "unknown");
    turns(ONE, "0");
    turns(FOUR, "0");
    turns("6 sugar 100\n 8 sugar 110\n 10 sugar 100\n 12 sugar 110", "2");
    // What stays turns nothing, and what goes on after it goes on.
    turns("6 sugar 100\n 8 sugar 110\n 10 sugar 110\n 12 sugar 120\n 14 sugar 100", "1");
    // 100, then 105 and 115 at once, then 110: the mean does not turn.
    turns("6 sugar 100\n 8 sugar 105\n 8 sugar 115\n 10 sugar 110", "0");
}

fn asked(func: Func, what: Measure, over: i64) -> Window {
    let asks = Some(sugar(Ref::Item, Compare::Gt, 105));
    Window { asks, ..window(func, SUGAR, what, over) }
}

#[test]
fn a_share_is_of_those_that_are_known() {
    let share = |input, text| as_share(asked(Func::Share, Measure::Itself, 15), input, text);
    share(FOUR, "50 %");
    share("", "unknown");
    share(ONE, "0 %");
    let mood = compare(field(Ref::Item, crate::world::F1), Compare::Ge, Expr::Enum(1));
    let by_mood = Window { asks: Some(mood), ..window(Func::Share, SUGAR, Measure::Itself, 15) };
    as_share(by_mood.clone(), "8 sugar 90 low\n 9 sugar 90 mid\n 10 sugar 90 -\n 11 sugar 90 high", "66.7 %");
    as_share(by_mood, "10 sugar 90 -", "unknown");
}

#[test]
fn time_goes_on_until_the_next_reading() {
    let time = |most, input, text| {
        says(input, value_of(asked(Func::TimeIn(Span::minutes(most)), Measure::Itself, 15)), Show::Span, text)
    };
    time(5, "", "unknown");
    time(5, ONE, "0 s");
    // From 8 to 10 below, from 10 to 12 above, from 12 below: two minutes.
    time(5, "8 sugar 90\n 10 sugar 110\n 12 sugar 90", "2 min");
    // To the window's end, at most five minutes.
    time(5, "10 sugar 110", "5 min");
    time(5, "17 sugar 110", "3 min");
    time(60, "10 sugar 110", "10 min");
    // Readings of one instant stand together; one that is above is enough.
    time(5, "10 sugar 110\n 10 sugar 120\n 10 sugar 90\n 12 sugar 90", "2 min");
    // An interval for its duration, whole.
    let asks = Some(compare(field(Ref::Item, F0), Compare::Ge, Expr::Enum(1)));
    let deep = Window { asks, ..window(Func::TimeIn(Span::ZERO), NAP, Measure::Duration, 15) };
    says("0..8 nap high\n 8..10 nap mid\n 10..12 nap low", value_of(deep), Show::Span, "10 min");
}

#[test]
fn slots_are_counted_back_from_the_end() {
    let coverage = |slot, over, input: &str, text: &str| {
        as_share(window(Func::Coverage(Span::minutes(slot)), SUGAR, Measure::Itself, over), input, text);
    };
    // Slots (5, 10], (10, 15], (15, 20].
    coverage(5, 15, "6 sugar 90\n 10 sugar 90\n 11 sugar 90", "66.7 %");
    coverage(5, 15, "20 sugar 90", "33.3 %");
    coverage(5, 15, "", "0 %");
    // What is left at the beginning, (3, 5], is no slot.
    coverage(5, 17, "4 sugar 90\n 5+1us sugar 90", "33.3 %");
    coverage(20, 15, "10 sugar 90", "unknown");
}

#[test]
fn what_decays_is_halved_with_each_half_life() {
    let decayed = |input, text| in_mg(Func::DecayedSum(Span::minutes(5)), input, text);
    decayed("10 sugar 100", "25");
    decayed("10 sugar 100\n 15 sugar 100\n 20 sugar 100", "175");
    decayed("", "0");
    // A fifth of a half-life: 2^-0.2 is 0.8705505632961.
    decayed("19 sugar 1000", "870.55");
}

#[test]
fn a_stale_reading_is_unknown() {
    let fresh = |func, what| value_of(Window { fresh: Some(Span::minutes(5)), ..window(func, SUGAR, what, 15) });
    let count = |input, text| says(input, fresh(Func::Count, Measure::Itself), Show::Number, text);
    count("10 sugar 90\n 15 sugar 90", "unknown");
    count("10 sugar 90\n 15+1us sugar 90", "2");
    count("20 sugar 90", "1");
    count("", "unknown");
    let above = Some(sugar(Ref::Item, Compare::Gt, 105));
    let filtered = Window { fresh: Some(Span::minutes(5)), filter: above, ..window(Func::Count, SUGAR, Measure::Itself, 15) };
    says("10 sugar 120\n 18 sugar 90", value_of(filtered), Show::Number, "unknown");
}

#[test]
fn after_a_step_it_is_unknown_until_it_is_over() {
    // Asked in the condition of the second step, at its reading.
    let over = |n| Window { anchor: Anchor::After(0), ..window(Func::Count, SUGAR, Measure::Itself, n) };
    let second = |n| {
        let known = Expr::IsKnown(Box::new(value_of(over(n))));
        rule(RuleKind::Match(pattern(vec![step(LAB, None), step(crate::world::MEAL, Some(known))], 60)))
    };
    let input = "0 lab -\n 5 sugar 90\n 10 meal 10";
    check(&only(second(10)), input, "open info from 0 at 10 to 10 of r1 r3");
    check(&only(second(11)), input, "");
}

/// Meals, with the greatest sugar of the ten minutes after them.
fn rise(filter: Option<Expr>) -> [vitalog_cep::plan::Library; 1] {
    let after = Window { anchor: Anchor::After(0), ..window(Func::Max, SUGAR, Measure::Field(F0), 10) };
    let mut r = rule(RuleKind::Match(pattern(vec![step(crate::world::MEAL, None)], 60)));
    r.lets = vec![value_of(after)];
    r.filter = filter;
    r.say = vec![hole(arith(Expr::Let(0), Arith::Div, mg_dl(1)), Show::Number)];
    only(r)
}

#[test]
fn a_match_waits_until_what_follows_is_over() {
    let high = Some(compare(Expr::Let(0), Compare::Gt, mg_dl(100)));
    let rules = rise(high);
    // Decided by the clock, ten minutes after the meal: it ends at the meal, and its own reading is all of it.
    check(&rules, "0 meal 10\n 5 sugar 120\n @10-1us tick", "");
    check(&rules, "0 meal 10\n 5 sugar 120\n @10 tick", "open info from 0 at 10 to 0 of r1 say 120");
    check(&rules, "0 meal 10\n 5 sugar 90\n @10 tick", "");
    // Neither what comes with the meal nor what comes at the end is in it.
    check(&rules, "0 meal 10\n 0 sugar 120\n 10 sugar 130", "");
    check(&rules, "0 meal 10\n 0+1us sugar 110\n 10-1us sugar 120\n 10 sugar 130", "open info from 0 at 10 to 0 of r1 say 120");
    // A late reading, an amended one, one removed.
    check(&rules, "0 meal 10\n 5 sugar 90\n @20 6 sugar 120", "open info from 0 at 10 to 0 of r1 say 120");
    check(&rules, "0 meal 10\n 5 sugar 120 as a\n @20 5 sugar 90 as a rev 2", "");
    check(&rules, "0 meal 10\n 5 sugar 120 as a\n @10 tick\n @20 remove a", "");
    // What is not known does not hold; a text waits all the same.
    check(&rules, "0 meal 10\n @10 tick", "");
    check(&rise(None), "0 meal 10\n @10 tick", "open info from 0 at 10 to 0 of r1 say unknown");
}

#[test]
fn of_two_steps_it_waits_for_the_one_and_the_other() {
    let after = |step, n| value_of(Window { anchor: Anchor::After(step), ..window(Func::Count, SUGAR, Measure::Itself, n) });
    let waits = |first, second| {
        let steps = vec![step(LAB, None), step(crate::world::MEAL, None)];
        let mut r = rule(RuleKind::Match(pattern(steps, 30)));
        r.say = vec![hole(after(0, first), Show::Number), hole(after(1, second), Show::Number)];
        only(r)
    };
    let input = "0 lab -\n 10 meal 10\n 12 sugar 90\n 40 tick";
    let input = input.replace("40 tick", "@40 tick");
    check(&waits(20, 5), &input, "open info from 0 at 20 to 10 of r1 r2 say 11");
    check(&waits(20, 15), &input, "open info from 0 at 25 to 10 of r1 r2 say 11");
    check(&waits(5, 2), &input, "open info from 0 at 12 to 10 of r1 r2 say 00");
    // `within` is about the readings.
    check(&waits(29, 29), "0 lab -\n 29 meal 10\n @60 tick", "open info from 0 at 58 to 29 of r1 r2 say 00");
}
