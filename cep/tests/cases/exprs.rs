//! Expressions: exact, three-valued, and what is shown of them.

use vitalog_cep::plan::{Arith, Compare, Expr, Measure, Piece, Rational, Ref, RuleKind, Show};
use vitalog_elog::Dimension;

use super::build::*;
use super::table::check;
use crate::world::{ACTIVE, F0, F1, F2, LAB, LIMIT, MEAL, MODE, PORTION, SUGAR, unit, words};

fn unknown() -> Expr {
    Expr::Profile(LIMIT)
}

fn unknown_truth() -> Expr {
    Expr::Profile(ACTIVE)
}

/// What `expr` reads at a lone lab reading at minute 0.
fn says(expr: Expr, show: Show, text: &str) {
    says_after("0 lab -", expr, show, text);
}

fn says_after(input: &str, expr: Expr, show: Show, text: &str) {
    let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    r.say = vec![hole(expr, show)];
    let lab = input.lines().position(|l| l.contains("lab")).expect("a lab reading") + 1;
    let at = input.lines().find(|l| l.contains("lab")).and_then(|l| l.split_whitespace().next()).expect("its minute");
    check(&only(r), input, &format!("open info from {at} at {at} to {at} of r{lab} say {text}"));
}

fn yes_or_no(b: bool) -> &'static str {
    if b { "yes" } else { "no" }
}

fn truth(expr: Expr, text: &str) {
    says(expr, Show::Bool, text);
}

#[test]
fn unknown_follows_kleene() {
    let (yes, no) = (|| Expr::Bool(true), || Expr::Bool(false));
    truth(Expr::And(vec![no(), unknown_truth()]), "no");
    truth(Expr::And(vec![unknown_truth(), no()]), "no");
    truth(Expr::And(vec![yes(), unknown_truth()]), "unknown");
    truth(Expr::And(vec![yes(), yes()]), "yes");
    truth(Expr::Or(vec![unknown_truth(), yes()]), "yes");
    truth(Expr::Or(vec![no(), unknown_truth()]), "unknown");
    truth(Expr::Or(vec![no(), no()]), "no");
    truth(Expr::Not(Box::new(unknown_truth())), "unknown");
    truth(Expr::Not(Box::new(no())), "yes");
    truth(Expr::IsKnown(Box::new(unknown_truth())), "no");
    truth(Expr::IsKnown(Box::new(Expr::Profile(MODE))), "yes");
    truth(Expr::IsKnown(Box::new(compare(unknown(), Compare::Eq, unknown()))), "no");
}

#[test]
fn comparisons() {
    use Compare::{Eq, Ge, Gt, Le, Lt, Ne};
    for (left, right, holding) in [(1, 2, [Lt, Le, Ne]), (2, 2, [Le, Ge, Eq]), (3, 2, [Gt, Ge, Ne])] {
        for op in [Lt, Le, Gt, Ge, Eq, Ne] {
            truth(compare(Expr::number(left), op, Expr::number(right)), yes_or_no(holding.contains(&op)));
            truth(compare(Expr::Enum(left as u16), op, Expr::Enum(right as u16)), yes_or_no(holding.contains(&op)));
        }
    }
    let third = || Expr::Number(Rational { n: 1, d: 3 });
    truth(compare(arith(third(), Arith::Mul, Expr::number(3)), Eq, Expr::number(1)), "yes");
    truth(compare(third(), Lt, Expr::Number(Rational { n: 33_333_333_333, d: 100_000_000_000 })), "no");
    truth(compare(unknown(), Ne, unknown()), "unknown");
    truth(compare(Expr::Text("a".into()), Eq, Expr::Text("a".into())), "yes");
    truth(compare(Expr::Text("a".into()), Ne, Expr::Text("a".into())), "no");
    truth(compare(Expr::Bool(true), Eq, Expr::Bool(false)), "no");
}

#[test]
fn between_has_both_ends_and_in_is_a_list() {
    let between = |v: Expr, low: Expr, high: Expr| Expr::Between { value: Box::new(v), low: Box::new(low), high: Box::new(high) };
    for (n, text) in [(1, "no"), (2, "yes"), (3, "yes"), (4, "yes"), (5, "no")] {
        truth(between(Expr::number(n), Expr::number(2), Expr::number(4)), text);
    }
    truth(between(Expr::number(3), unknown(), Expr::number(4)), "unknown");
    let within = |v: Expr, list: Vec<Expr>| Expr::In { value: Box::new(v), list };
    truth(within(Expr::Enum(1), vec![Expr::Enum(0), Expr::Enum(1)]), "yes");
    truth(within(Expr::Enum(2), vec![Expr::Enum(0), Expr::Enum(1)]), "no");
    truth(within(unknown(), vec![Expr::number(1)]), "unknown");
}

#[test]
fn arithmetic_is_exact() {
    let n = Expr::number;
    says(arith(n(1), Arith::Div, n(3)), Show::Number, "0.33");
    says(arith(n(2), Arith::Div, n(3)), Show::Number, "0.67");
    says(arith(n(1), Arith::Div, n(8)), Show::Number, "0.12");
    says(arith(n(3), Arith::Div, n(8)), Show::Number, "0.38");
    says(arith(n(-1), Arith::Div, n(3)), Show::Number, "-0.33");
    says(arith(n(-1), Arith::Div, n(1000)), Show::Number, "0");
    says(arith(n(3), Arith::Div, n(2)), Show::Number, "1.5");
    says(arith(n(7), Arith::Div, n(0)), Show::Number, "unknown");
    says(arith(n(7), Arith::Sub, n(9)), Show::Number, "-2");
    says(Expr::Neg(Box::new(n(-7))), Show::Number, "7");
    says(arith(n(7), Arith::Add, unknown()), Show::Number, "unknown");
}

#[test]
fn values_are_shown_as_people_write_them() {
    let mg_dl_unit = unit(Dimension::Glucose);
    let mmol = vitalog_elog::Unit::named(Dimension::Glucose, "mmol/L").expect("a unit");
    says(mg_dl(110), Show::Quantity(mg_dl_unit), "110 mg/dL");
    says(mg_dl(110), Show::Quantity(mmol), "6.1 mmol/L");
    says(Expr::Enum(2), Show::Enum(words()), "high");
    says(Expr::Text("x".into()), Show::Text, "x");
    says(minutes(75), Show::Span, "1 h 15 min");
    says(unknown(), Show::Quantity(mg_dl_unit), "unknown");
    says(Expr::Profile(PORTION), Show::Quantity(unit(Dimension::Mass)), "unknown");
}

#[test]
fn an_instant_is_shown_in_the_zone_of_the_subject() {
    // The tests' time begins at 23:00 UTC on the 19th.
    let earlier = |n: i64| arith(Expr::Now, Arith::Sub, minutes(n));
    says_after("70 lab -", Expr::Now, Show::Instant, "00:10");
    says_after("70 lab -", earlier(10), Show::Instant, "00:00");
    says_after("70 lab -", earlier(11), Show::Instant, "2026-11-19 23:59");
    // In Berlin it is an hour later, so both are on the 20th.
    let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    r.say = vec![hole(earlier(70), Show::Instant)];
    let berlin = "profile time_zone Europe/Berlin from 0\n 70 lab -";
    check(&only(r.clone()), berlin, "open info from 70 at 70 to 70 of r1 say 00:00");
    // The zone is that of the decision.
    check(
        &only(r),
        "profile time_zone Europe/Berlin from 71\n @80 70 lab -",
        "open info from 70 at 70 to 70 of r1 say 2026-11-19 23:00",
    );
}

#[test]
fn of_readings_of_one_instant_the_mean_or_what_they_share() {
    let mut r = rule(RuleKind::Match(pattern(vec![step(SUGAR, None), step(LAB, None)], 60)));
    r.say = vec![
        hole(field(Ref::Step(0), F0), Show::Quantity(unit(Dimension::Glucose))),
        Piece::Text(" ".into()),
        hole(field(Ref::Step(0), F1), Show::Enum(words())),
        Piece::Text(" ".into()),
        hole(field(Ref::Step(0), F2), Show::Bool),
    ];
    let rules = only(r);
    let stands = |of: &str, text: &str| format!("open info from 0 at 5 to 5 of {of} say {text}");
    check(&rules, "0 sugar 60 low yes\n 5 lab -", &stands("r1 r2", "60 mg/dL low yes"));
    check(&rules, "0 sugar 60 low yes\n 0 sugar 62 low no\n 5 lab -", &stands("r1 r2 r3", "61 mg/dL low unknown"));
    check(&rules, "0 sugar 60 low yes\n 0 sugar 64 - yes\n 5 lab -", &stands("r1 r2 r3", "62 mg/dL unknown yes"));
    // Of a field that is a number, unknown where one of them says nothing.
    let mut r = rule(RuleKind::Match(pattern(vec![step(MEAL, None), step(LAB, None)], 60)));
    r.say = vec![hole(first(Ref::Step(0)), Show::Quantity(unit(Dimension::Mass)))];
    let rules = only(r);
    check(&rules, "0 meal 10\n 0 meal 20\n 5 lab -", &stands("r1 r2 r3", "15 g"));
    check(&rules, "0 meal 10\n 0 meal -\n 5 lab -", &stands("r1 r2 r3", "unknown"));
}

#[test]
fn of_a_repeated_step_its_last_instant() {
    let mut r = rule(RuleKind::Match(pattern(vec![repeated(SUGAR, None, 2, false)], 60)));
    r.say = vec![
        hole(first(Ref::Step(0)), Show::Quantity(unit(Dimension::Glucose))),
        hole(get(Ref::Step(0), Measure::At), Show::Instant),
    ];
    check(&only(r), "0 sugar 60\n 5 sugar 80", "open info from 0 at 5 to 5 of r1 r2 say 80 mg/dL23:05");
}

#[test]
fn of_intervals_the_least_start_and_the_mean_duration() {
    let mut r = rule(RuleKind::Match(pattern(vec![step(crate::world::NAP, None)], 60)));
    r.say = vec![
        hole(get(Ref::Step(0), Measure::Start), Show::Instant),
        Piece::Text(" ".into()),
        hole(get(Ref::Step(0), Measure::Duration), Show::Span),
        Piece::Text(" ".into()),
        hole(get(Ref::Step(0), Measure::At), Show::Instant),
    ];
    check(&only(r), "0..30 nap\n 10..30 nap", "open info from 30 at 30 to 30 of r1 r2 say 23:00 25 min 23:30");
}

#[test]
fn lets_are_taken_at_the_decision() {
    let mut r = rule(RuleKind::Episode(episode(SUGAR, compare(Expr::Let(1), Compare::Lt, mg_dl(0)))));
    r.lets = vec![Expr::Profile(crate::world::TARGET), arith(first(Ref::Driver), Arith::Sub, Expr::Let(0))];
    r.say = vec![hole(Expr::Let(1), Show::Quantity(unit(Dimension::Glucose)))];
    let rules = only(r);
    check(&rules, "0 sugar 100\n 5 sugar 99", "open info from 5 at 5 of r2 say -1 mg/dL");
    // In a text the driver is all readings of the instant, in the condition each of them.
    check(&rules, "0 sugar 99\n 0 sugar 121", "open info from 0 at 0 of r1 say 10 mg/dL");
    check(&rules, "profile target 90 from 5\n 0 sugar 100\n 5 sugar 95", "");
}
