//! Dated rules: what a version decides.

use vitalog_cep::plan::{Compare, Library, Ref, Rule, RuleKind};

use super::build::*;
use super::table::check;
use crate::world::{MEAL, SUGAR, TARGET, glucose};

fn below(limit: i64) -> Rule {
    let mut r = rule(RuleKind::Episode(vitalog_cep::plan::Episode {
        hold: hold(10, 10),
        ..episode(SUGAR, sugar(Ref::Driver, Compare::Lt, limit))
    }));
    r.meaning = limit as u64;
    r
}

fn versions(second: Vec<Rule>) -> [Library; 2] {
    [library(vec![below(70)]), library(second)]
}

#[test]
fn a_new_version_decides_what_opens_from_then_on() {
    let rules = versions(vec![below(90)]);
    let input = "0 sugar 80\n 5 sugar 80\n 10 sugar 80\n 15 sugar 80";
    check(&rules, input, "");
    // It would have opened at 10: from then on it is the new version's, looking back; after that it is nobody's.
    check(&rules, &format!("{input}\n rules 1 from 10"), "open info from 0 at 10 of r1 r2 r3");
    check(&rules, &format!("{input}\n rules 1 from 10+1us"), "");
    // It matters when it happened, not when it was heard of.
    check(&rules, &format!("rules 1 from 10\n {}", input.replace('\n', "\n @100")), "open info from 0 at 10 of r1 r2 r3");
}

#[test]
fn what_a_version_opened_it_keeps_to_its_end() {
    let rules = versions(vec![below(90)]);
    let input = "0 sugar 60\n 10 sugar 60\n rules 1 from 15\n 20 sugar 80";
    // By the old version it is over at 20, by the new one it would go on.
    check(&rules, input, "resolved info from 0 at 10 to 20 known 20 of r1 r2");
    let rules = versions(vec![below(50)]);
    check(&rules, "0 sugar 60\n 10 sugar 60\n rules 1 from 15\n 20 sugar 60", "open info from 0 at 10 of r1 r2");
    check(&rules, "0 sugar 60\n 10 sugar 60\n rules 1 from 10\n 20 sugar 60", "");
}

#[test]
fn a_removed_rule_ends_and_what_it_opened_goes_on() {
    let rules = versions(vec![]);
    check(
        &rules,
        "0 sugar 60\n 10 sugar 60\n rules 1 from 15\n 20 sugar 90",
        "resolved info from 0 at 10 to 20 known 20 of r1 r2",
    );
    check(&rules, "0 sugar 60\n rules 1 from 10\n 10 sugar 60", "");
}

#[test]
fn the_same_meaning_is_the_same_version() {
    let mut renamed = below(70);
    renamed.title = "another title".into();
    let rules = versions(vec![renamed]);
    check(&rules, "0 sugar 60\n 5 sugar 60\n rules 1 from 5\n 10 sugar 60", "open info from 0 at 10 of r1 r2 r3");
}

#[test]
fn a_library_reaches_back_no_further_than_the_one_before() {
    let rules = [library(vec![below(70)]), library(vec![below(90)])];
    // From 12 on the rule is gone; a library that says 10 is taken as of 12.
    let three = [rules[0].clone(), library(vec![]), rules[1].clone()];
    let input = "0 sugar 80\n 10 sugar 80\n rules 1 from 12\n rules 2 from 10";
    check(&three, input, "");
    check(&three, &format!("{input}\n 0 sugar 60 as x\n 13 sugar 60\n 23 sugar 60 "), "");
}

#[test]
fn a_match_belongs_to_the_version_in_force_when_it_completes() {
    let spike = |limit: i64| {
        let mut r = rule(RuleKind::Match(pattern(
            vec![step(MEAL, None), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Gt, limit)))],
            60,
        )));
        r.meaning = limit as u64;
        r
    };
    let rules = [library(vec![spike(100)]), library(vec![spike(90)])];
    let meal = "0 meal 10\n rules 1 from 10\n";
    check(&rules, &format!("{meal} 10 sugar 95"), "open info from 0 at 10 to 10 of r1 r2");
    check(&rules, &format!("{meal} 10-1us sugar 95"), "");
    // The start's earliest completion by the new version was before its time, by the old one there was none: nothing.
    check(&rules, &format!("{meal} 9 sugar 95\n 12 sugar 95"), "");
    // By the old version it completes at 9.
    check(&rules, &format!("{meal} 9 sugar 101\n 12 sugar 95"), "open info from 0 at 9 to 9 of r1 r2");
    // Nor when it is searched again for a reading that comes late, and fits.
    check(&rules, &format!("{meal} 9 sugar 95\n 13 sugar 40\n 12 sugar 95"), "");
    check(&rules, &format!("{meal} 9 sugar 80\n 13 sugar 40\n 12 sugar 95"), "open info from 0 at 12 to 12 of r1 r4");
    // Matches of two versions never stand together.
    check(
        &rules,
        &format!("{meal} 9 sugar 101\n 9 meal 10\n 12 sugar 95"),
        "open info from 0 at 9 to 9 of r1 r2\n open info from 9 at 12 to 12 of r3 r4",
    );
}

#[test]
fn silences_too() {
    let quiet = |minutes: i64| {
        let mut r = rule(silence(&[SUGAR], minutes));
        r.meaning = minutes as u64;
        r
    };
    let rules = [library(vec![quiet(30)]), library(vec![quiet(20)])];
    check(&rules, "0 sugar 90\n rules 1 from 20\n @60 tick", "open info from 0 at 20 of r1");
    check(&rules, "0 sugar 90\n rules 1 from 20+1us\n @60 tick", "");
    check(&rules, "0 sugar 90\n rules 1 from 31\n @60 tick", "open info from 0 at 30 of r1");
}

#[test]
fn another_default_does_not_rescind_the_past() {
    let below_target = |meaning: u64| {
        let when = compare(first(Ref::Driver), Compare::Lt, vitalog_cep::plan::Expr::Profile(TARGET));
        let mut r = rule(RuleKind::Episode(episode(SUGAR, when)));
        r.meaning = meaning;
        r
    };
    // The default is 100 first, then 70.
    let mut second = library(vec![below_target(2)]);
    second.profile[usize::from(TARGET)].default = Some(glucose(70));
    let rules = [library(vec![below_target(1)]), second];
    let input = "0 sugar 80\n 5 sugar 120\n rules 1 from 10\n 10 sugar 80\n 15 sugar 60";
    check(&rules, input, "resolved info from 0 at 0 to 5 known 5 of r1\n open info from 15 at 15 of r4");
    // Late data of the time before are decided as they were then.
    check(
        &rules,
        &format!("{input}\n 7 sugar 90"),
        "resolved info from 0 at 0 to 5 known 5 of r1\n open info from 7 at 7 of r5\n open info from 15 at 15 of r4",
    );
}

#[test]
fn a_zone_that_is_declared_later_counts_where_it_is_set() {
    let midnight = || {
        let at = vec![minutes(0)];
        rule(RuleKind::Schedule(vitalog_cep::plan::Schedule { days: vitalog_cep::plan::Schedule::ALL_DAYS, at, when: None }))
    };
    let mut first = library(vec![midnight()]);
    first.profile.truncate(4);
    let rules = [first, library(vec![midnight()])];
    // Minute 60 is midnight UTC, minute 0 midnight in Berlin.
    check(&rules, "-5 sugar 80\n @90 tick", "open info from 60 at 60 to 60");
    check(&rules, "-5 sugar 80\n @90 tick\n rules 1 from 90", "open info from 60 at 60 to 60");
    check(
        &rules,
        "-5 sugar 80\n @90 tick\n rules 1 from 90\n profile time_zone Europe/Berlin from -100",
        "open info from 0 at 0 to 0",
    );
}
