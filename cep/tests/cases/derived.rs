//! Rules that look at the findings of other rules.

use vitalog_cep::plan::{
    Compare, Cover, Edge, Episode, Expr, Func, Library, Measure, Output, Pattern, Ref, Rule, RuleKind, Select, Show, Step, Window,
};
use vitalog_elog::{Dimension, Severity, Unit};

use super::build::*;
use super::table::check;
use crate::world::{F0, F1, FOUND, LAB, MEAL, SUGAR, unit};

pub const LOW: vitalog_elog::StreamIx = FOUND[0];

/// `r0`: sugar below 70; urgent below 60. Says the sugar it opened with.
fn low() -> Rule {
    let mut r = rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70))));
    r.grades.push(grade(Severity::Urgent, sugar(Ref::Driver, Compare::Lt, 60)));
    r.outputs = vec![Output { field: F1, expr: first(Ref::Driver) }];
    named(r, "r0", 10)
}

fn named(mut r: Rule, name: &str, meaning: u64) -> Rule {
    r.name = name.into();
    r.meaning = meaning;
    r
}

pub fn above(kind: RuleKind) -> Rule {
    named(rule(kind), "r1", 11)
}

/// The one that looks first in the library: the order there means nothing.
pub fn with_low(r: Rule) -> [Library; 1] {
    [library(vec![r, low()])]
}

#[test]
fn findings_are_steps_at_their_openings() {
    let twice = with_low(above(RuleKind::Match(pattern(vec![step(LOW, None), step(LOW, None)], 20))));
    let two = "resolved info from 0 at 0 to 5 known 5 of r1\n resolved info from 10 at 10 to 15 known 15 of r3";
    check(
        &twice,
        "0 sugar 65\n 5 sugar 80\n 10 sugar 65\n 15 sugar 80",
        &format!("{two}\n open info from 0 at 10 to 10 of r1 r3"),
    );
    // The bound is open.
    check(
        &twice,
        "0 sugar 65\n 5 sugar 80\n 20 sugar 65",
        "resolved info from 0 at 0 to 5 known 5 of r1\n open info from 20 at 20 of r3",
    );
    // A late reading parts one finding in two, and its removal joins them.
    let one = "open info from 0 at 0 of r1";
    check(&twice, "0 sugar 65\n 10 sugar 65", one);
    let parted =
        "resolved info from 0 at 0 to 5 known 5 of r1\n open info from 10 at 10 of r2\n open info from 0 at 10 to 10 of r1 r2";
    check(&twice, "0 sugar 65\n 10 sugar 65\n 5 sugar 80", parted);
    check(&twice, "0 sugar 65\n 10 sugar 65\n 5 sugar 80\n remove r3", one);
}

#[test]
fn severity_and_fields_are_those_of_the_finding() {
    let severe = compare(first(Ref::Candidate), Compare::Ge, Expr::Enum(3));
    let mut r = above(RuleKind::Match(pattern(vec![step(LOW, Some(severe))], 20)));
    r.say = vec![
        hole(field(Ref::Step(0), F1), Show::Quantity(unit(Dimension::Glucose))),
        hole(get(Ref::Step(0), Measure::End), Show::Instant),
        hole(get(Ref::Step(0), Measure::Duration), Show::Span),
    ];
    let rules = with_low(r);
    check(&rules, "0 sugar 65\n 5 sugar 80", "resolved info from 0 at 0 to 5 known 5 of r1");
    // It grew graver at 5: it is urgent at its opening too, and says what it said there.
    check(
        &rules,
        "0 sugar 65\n 5 sugar 55",
        "open urgent from 0 at 0 of r1\n open info from 0 at 0 to 0 of r1 say 65 mg/dLunknownunknown",
    );
    check(
        &rules,
        "0 sugar 65\n 5 sugar 55\n 10 sugar 90",
        "resolved urgent from 0 at 0 to 10 known 10 of r1\n open info from 0 at 0 to 0 of r1 say 65 mg/dL23:1010 min",
    );
}

#[test]
fn without_sees_a_finding_from_onset_to_end() {
    let rules = with_low(above(RuleKind::Match(vitalog_cep::plan::Pattern {
        absences: vec![absence(LOW, None)],
        ..pattern(vec![step(MEAL, None), step(MEAL, None)], 30)
    })));
    let low = "resolved info from 0 at 0 to 5 known 5 of r1";
    check(&rules, "0 sugar 65\n 5 sugar 80\n 5 meal 10\n 9 meal 10", &format!("{low}\n open info from 5 at 9 to 9 of r3 r4"));
    // It ends after the first meal.
    check(&rules, "0 sugar 65\n 4 meal 10\n 5 sugar 80\n 9 meal 10", "resolved info from 0 at 0 to 5 known 5 of r1");
    // It goes on.
    check(&rules, "0 sugar 65\n 4 meal 10\n 9 meal 10", "open info from 0 at 0 of r1");
    // What it is decides when the meals are long over.
    check(
        &rules,
        "0 sugar 65\n 4 meal 10\n 9 meal 10\n 3 sugar 80",
        "resolved info from 0 at 0 to 3 known 3 of r1\n open info from 4 at 9 to 9 of r2 r3",
    );
}

#[test]
fn windows_count_openings() {
    let count = Window { ..window(Func::Count, LOW, Measure::Itself, 10) };
    let when = compare(value_of(count), Compare::Ge, Expr::number(2));
    let rules = with_low(above(RuleKind::Episode(episode(MEAL, when))));
    check(
        &rules,
        "0 sugar 65\n 1 sugar 80\n 9 sugar 65\n 9 meal 10\n 10 meal 10",
        "resolved info from 0 at 0 to 1 known 1 of r1\n open info from 9 at 9 of r3\n resolved info from 9 at 9 to 10 known 10 of r4",
    );
}

#[test]
fn a_silence_of_findings_and_one_driven_by_them() {
    let rules = with_low(above(silence(&[LOW], 10)));
    // From the enrolment, then from the opening.
    check(
        &rules,
        "0 sugar 80\n 12 sugar 65\n 13 sugar 80\n @30 tick",
        "resolved info from 12 at 12 to 13 known 13 of r2\n resolved info from 0 at 10 to 12 known 12\n open info from 12 at 22 of r2",
    );
    let severe = compare(first(Ref::Driver), Compare::Ge, Expr::Enum(3));
    let rules = with_low(above(RuleKind::Episode(episode(LOW, severe))));
    check(
        &rules,
        "0 sugar 55\n 1 sugar 80\n 9 sugar 65",
        "resolved urgent from 0 at 0 to 1 known 1 of r1\n open info from 9 at 9 of r3\n resolved info from 0 at 0 to 9 known 9 of r1",
    );
}

#[test]
fn all_dated_versions_are_seen() {
    let twice = || above(RuleKind::Match(pattern(vec![step(LOW, None), step(LOW, None)], 20)));
    let strict = named(rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 50)))), "r0", 12);
    let rules = [library(vec![low(), twice()]), library(vec![strict, twice()])];
    check(
        &rules,
        "0 sugar 65\n 1 sugar 80\n rules 1 from 5\n 6 sugar 65\n 10 sugar 45",
        "resolved info from 0 at 0 to 1 known 1 of r1\n open info from 10 at 10 of r4\n open info from 0 at 10 to 10 of r1 r4",
    );
}

#[test]
fn a_finding_covers_from_its_onset_to_its_end() {
    // Meals while it is low: decided again when it ends, and when it comes late.
    let at = || Box::new(get(Ref::Driver, Measure::At));
    let during = Expr::Covered { how: Cover::During, from: at(), to: at(), stream: LOW, filter: None };
    let mut e = episode(MEAL, during);
    e.until = Some(Expr::Bool(true));
    let meals = with_low(above(RuleKind::Episode(e)));
    let low = |end: &str| format!("resolved info from 5 at 5 to {end} known {end} of r1");
    check(&meals, "5 sugar 65\n 20 meal 10", "open info from 5 at 5 of r1\n open info from 20 at 20 of r2");
    check(&meals, "5 sugar 65\n 20 meal 10\n @30 20 sugar 80", &format!("{}\n open info from 20 at 20 of r2", low("20")));
    check(&meals, "5 sugar 65\n 20 meal 10\n @30 20-1us sugar 80", &low("20-1us"));
    check(&meals, "20 meal 10 as m\n @30 5 sugar 65 as l", "open info from 5 at 5 of l\n open info from 20 at 20 of m");
}

#[test]
fn a_deadline_sees_findings_that_go_on() {
    let quiet = tree(vec![step(MEAL, None)], seq(leaf(0), vec![then_no(&[LOW], 10)]), 60);
    let calm = with_low(above(RuleKind::Match(quiet)));
    let low = "open info from 0 at 0 of r1";
    check(&calm, "0 sugar 65\n 5 meal 10\n @20 tick", low);
    check(&calm, "0 sugar 80\n 5 meal 10\n @20 tick", "open info from 5 at 15 to 5 of r2");
    check(
        &calm,
        "0 sugar 65\n 5 sugar 80\n 5 meal 10\n @20 tick",
        "resolved info from 0 at 0 to 5 known 5 of r1\n open info from 5 at 15 to 5 of r3",
    );
}

#[test]
fn what_the_clock_decided_lies_where_it_completed() {
    // `r0`: a meal and nothing for ten minutes. `r1`: such a finding, and the minutes from its onset to where it lies.
    let quiet = tree(vec![step(MEAL, None)], seq(leaf(0), vec![then_no(&[SUGAR], 10)]), 60);
    let calm = named(rule(RuleKind::Match(quiet)), "r0", 10);
    let mut r = above(RuleKind::Match(pattern(vec![step(LOW, None)], 1)));
    let way = arith(get(Ref::Step(0), Measure::At), vitalog_cep::plan::Arith::Sub, get(Ref::Step(0), Measure::Start));
    r.say = vec![hole(way, Show::Span), hole(get(Ref::Step(0), Measure::Duration), Show::Span)];
    check(
        &[library(vec![r, calm])],
        "5 meal 10\n @15 tick",
        "open info from 5 at 15 to 5 of r1\n open info from 15 at 15 to 15 of r1 say 10 min0 s",
    );
}

#[test]
fn statistics_of_fractions_are_exact() {
    // Findings say sevenths.
    let mut deep = low();
    let half = arith(first(Ref::Driver), vitalog_cep::plan::Arith::Div, Expr::number(7));
    deep.outputs = vec![Output { field: F1, expr: half }];
    let of = |func| Expr::Window(Box::new(window(func, LOW, Measure::Field(F1), 60)));
    let says = |func, text: &str| {
        let mut r = above(RuleKind::Match(pattern(vec![step(MEAL, None)], 1)));
        let seven = arith(of(func), vitalog_cep::plan::Arith::Mul, Expr::number(7));
        r.say = vec![hole(seven, Show::Quantity(unit(Dimension::Glucose)))];
        let input = "0 sugar 61\n 5 sugar 80\n 10 sugar 65\n 15 sugar 80\n 20 sugar 63\n 25 sugar 80\n 30 meal 10";
        let lows = "resolved info from 0 at 0 to 5 known 5 of r1\n resolved info from 10 at 10 to 15 known 15 of r3\n resolved info from 20 at 20 to 25 known 25 of r5";
        check(&[library(vec![r, deep.clone()])], input, &format!("{lows}\n open info from 30 at 30 to 30 of r7 say {text}"));
    };
    says(Func::Median, "63 mg/dL");
    says(Func::Percentile(vitalog_cep::plan::Rational { n: 1, d: 4 }), "62 mg/dL");
    says(Func::Stddev, "2 mg/dL");
    // From 63 at 10, the middle, by 1 each ten minutes on to 40.
    says(Func::Forecast(vitalog_elog::Span::minutes(10)), "66 mg/dL");
    // Half of each is left after ten minutes: 61/8 + 65/4 + 63/2 at the meal.
    says(Func::DecayedSum(vitalog_elog::Span::minutes(10)), "55 mg/dL");
}

#[test]
fn what_findings_say_is_calculated_with_exactly() {
    let mut spread = named(rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)))), "r0", 10);
    spread.outputs = vec![Output { field: F1, expr: value_of(window(Func::Stddev, SUGAR, Measure::Field(F0), 6)) }];
    let mut r = above(RuleKind::Match(pattern(vec![step(MEAL, None)], 1)));
    let varies = value_of(window(Func::Cv, LOW, Measure::Field(F1), 30));
    r.say = vec![hole(varies, Show::Quantity(Unit::named(Dimension::Ratio, "%").expect("a unit")))];
    // 65 and 55 spread by five roots of two, 100 and 60 by twenty. Of these the mean is 12.5 roots of two, the deviation 15: 0.8485 of it.
    check(
        &[library(vec![r, spread])],
        "0 sugar 65\n 0 sugar 55\n 5 sugar 100\n 10 sugar 60\n 11 meal 10",
        "resolved info from 0 at 0 to 5 known 5 of r1 r2\n open info from 10 at 10 of r4\n open info from 11 at 11 to 11 of r5 say 84.9 %",
    );
}

#[test]
fn a_silence_counts_from_enrolment_when_the_finding_before_it_goes() {
    let once = Pattern { select: Select::Disjoint, ..pattern(vec![step(LAB, None)], 1) };
    let rules = [library(vec![above(silence(&[LOW], 20)), named(rule(RuleKind::Match(once)), "r0", 10)])];
    check(&rules, "0 lab 1 as a\n 10 meal 10\n @30 tick", "open info from 0 at 0 to 0 of a\n open info from 0 at 20 of a");
    // The first reading becomes a later one of another stream. At one moment the enrolment is put off before the finding goes.
    check(&rules, "0 lab 1 as a\n 10 meal 10\n @30 20 sugar 90 as a rev 2", "open info from 10 at 30");
}

fn edged(edge: Edge) -> RuleKind {
    RuleKind::Match(pattern(vec![Step { edge, ..step(LOW, None) }, step(MEAL, None)], 30))
}

#[test]
fn findings_are_steps_where_they_begin() {
    let lasting = Episode { hold: hold(10, 10), ..episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)) };
    let lasting = named(rule(RuleKind::Episode(lasting)), "r0", 10);
    let rules = [library(vec![above(edged(Edge::Start)), lasting])];
    check(&rules, "0 sugar 65\n 5 meal 10\n 9 sugar 65", "");
    // The meal was eaten when nobody knew yet that it had begun.
    let low = "open info from 0 at 10 of r1 r3";
    check(&rules, "0 sugar 65\n 5 meal 10\n 10 sugar 65", &format!("{low}\n open info from 0 at 5 to 5 of r1 r2 r3"));
    check(&rules, "0 sugar 65\n 0 meal 10\n 10 sugar 65", low);
    check(&rules, "0 sugar 65\n 5 sugar 65\n 10 sugar 65\n 30 meal 10", "open info from 0 at 10 of r1 r2 r3");
}

#[test]
fn findings_are_steps_where_they_end() {
    let rules = with_low(above(edged(Edge::Close)));
    let found = |end: i64, of: &str| {
        format!("resolved info from 0 at 0 to {end} known {end} of r1\n open info from {end} at 9 to 9 of r1 {of}")
    };
    check(&rules, "0 sugar 65\n 4 meal 10\n 5 sugar 80\n 9 meal 10", &found(5, "r4"));
    check(&rules, "0 sugar 65\n 9 meal 10", "open info from 0 at 0 of r1");
    // It ended earlier than was known, and does not end at all.
    check(&rules, "0 sugar 65\n 5 sugar 80\n 9 meal 10\n @20 3 sugar 80", &found(3, "r3"));
    check(&rules, "0 sugar 65\n 5 sugar 80 as e\n 9 meal 10\n remove e", "open info from 0 at 0 of r1");
    // Asked for only by later rules.
    let first = library(vec![above(RuleKind::Match(pattern(vec![step(LOW, None)], 1))), low()]);
    let later = library(vec![named(rule(edged(Edge::Close)), "r1", 12), low()]);
    check(&[first, later], "0 sugar 65\n 5 sugar 80\n rules 1 from 0\n 9 meal 10", &found(5, "r3"));
}
