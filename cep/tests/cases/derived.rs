//! Rules that look at the findings of other rules.

use vitalog_cep::plan::{Compare, Expr, Func, Library, Measure, Output, Ref, Rule, RuleKind, Show, Window};
use vitalog_elog::{Dimension, Severity};

use super::build::*;
use super::table::check;
use crate::world::{F1, FOUND, MEAL, SUGAR, unit};

const LOW: vitalog_elog::StreamIx = FOUND[0];

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

fn above(kind: RuleKind) -> Rule {
    named(rule(kind), "r1", 11)
}

/// The one that looks first in the library: the order there means nothing.
fn with_low(r: Rule) -> [Library; 1] {
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
