//! Rules on trial: what opens meanwhile disturbs nobody, and all else is as if they were not.

use vitalog_cep::plan::{Compare, Library, Ref, Rule, RuleKind};
use vitalog_elog::{Severity, Span};

use super::build::*;
use super::table::{check, said_by};
use crate::world::SUGAR;

fn low(shadow: bool) -> Rule {
    let mut r = rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70))));
    r.grades.push(grade(Severity::Urgent, sugar(Ref::Driver, Compare::Lt, 50)));
    r.shadow = shadow;
    r.meaning = 7;
    r
}

/// First on trial, then not.
fn out_of_shadow() -> [Library; 2] {
    [library(vec![low(true)]), library(vec![low(false)])]
}

#[test]
fn what_opens_on_trial_disturbs_nobody_and_what_opens_later_does() {
    let (said, count) = said_by(&out_of_shadow(), "0 sugar 60\n 5 sugar 90\n rules 1 from 6\n 10 sugar 60\n 15 sugar 90");
    assert_eq!(said, ["r opened 0 Shadow", "r resolved 0 Shadow", "r opened 10 told", "r resolved 10 told"]);
    assert_eq!(count, 2);
    // It stands all the same.
    check(&out_of_shadow()[..1], "0 sugar 60\n 5 sugar 90", "resolved info from 0 at 0 to 5 known 5 of r1");
}

#[test]
fn what_opened_on_trial_keeps_its_name_and_remains_quiet() {
    let (said, count) = said_by(&out_of_shadow(), "0 sugar 60\n rules 1 from 3\n 5 sugar 40\n 10 sugar 90");
    assert_eq!(said, ["r opened 0 Shadow", "r amended 0 Shadow", "r resolved 0 Shadow"]);
    assert_eq!(count, 1);
}

#[test]
fn what_was_told_before_is_told_to_its_end() {
    let [on_trial, loud] = out_of_shadow();
    let (said, count) = said_by(&[loud, on_trial], "0 sugar 60\n rules 1 from 3\n 5 sugar 40\n 10 sugar 90\n 15 sugar 60");
    assert_eq!(said, ["r opened 0 told", "r amended 0 told", "r resolved 0 told", "r opened 15 Shadow"]);
    assert_eq!(count, 2);
}

#[test]
fn it_matters_when_it_happened_not_when_it_was_heard_of() {
    let (said, _) = said_by(&out_of_shadow(), "rules 1 from 6\n @20 0 sugar 60\n @20 5 sugar 90\n @20 7 sugar 60");
    assert_eq!(said[0], "r opened 0 Shadow");
    assert_eq!(said.last().map(String::as_str), Some("r opened 7 told"));
}

#[test]
fn a_rule_on_trial_keeps_no_other_quiet() {
    let other = || {
        let mut r = rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 80))));
        r.name = "q".into();
        r.meaning = 8;
        r.quiet_while = vec!["r".into()];
        r
    };
    let both = |shadow: bool| [library(vec![low(shadow), other()])];
    assert_eq!(said_by(&both(false), "0 sugar 60").0, ["r opened 0 told", "q opened 0 OtherOpen"]);
    assert_eq!(said_by(&both(true), "0 sugar 60").0, ["r opened 0 Shadow", "q opened 0 told"]);
    // Nor does what opened on trial after the trial is over.
    let two = [library(vec![low(true), other()]), library(vec![low(false), other()])];
    let (said, _) = said_by(&two, "0 sugar 60\n rules 1 from 1\n 2 sugar 60");
    assert_eq!(said, ["r opened 0 Shadow", "q opened 0 told"]);
}

#[test]
fn on_trial_it_is_counted_how_often_it_would_have_spoken() {
    let once = |shadow: bool| {
        let mut r = low(shadow);
        r.once_per = Some(Span::minutes(60));
        library(vec![r])
    };
    let input = "0 sugar 60\n 5 sugar 90\n 10 sugar 60\n 15 sugar 90";
    let opened = |input: &str| {
        let (said, _) = said_by(&[once(true), once(false)], input);
        said.into_iter().filter(|s| s.contains("opened")).collect::<Vec<_>>()
    };
    assert_eq!(opened(input), ["r opened 0 Shadow", "r opened 10 SpokeLately"]);
    // Nobody heard of those: the first that is told is told.
    let after = format!("{input}\n rules 1 from 16\n 20 sugar 60");
    assert_eq!(opened(&after), ["r opened 0 Shadow", "r opened 10 SpokeLately", "r opened 20 told"]);
}
