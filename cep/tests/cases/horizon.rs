//! What is cut off and put back at one moment with other inputs: said is what an engine says that keeps all.

use vitalog_cep::plan::{Compare, Expr, Func, Heard, Library, Measure, Pattern, Ref, Rule, RuleKind, Silence};
use vitalog_cep::{Engine, Horizon};
use vitalog_elog::{Reading, Span};

use super::build::*;
use super::derived::{LOW, above, with_low};
use super::table::read;
use crate::draw::timelines::without_name;
use crate::laws::horizon::Shelf;
use crate::world::script::{Given, Line};
use crate::world::{F0, FOUND, LAB, MEAL, NAP, SUGAR};

/// Inputs of two moments; what lies before the last instant of the first is cut off between them. How many layers were put back.
fn says_the_same(libraries: &[Library], first: &str, second: &str) -> u64 {
    let (lines, _) = read(libraries, &format!("{first}\n{second}"));
    let middle = lines.len() - second.lines().filter(|l| !l.trim().is_empty()).count();
    says_the_same_of(&lines, middle)
}

/// The same, with a restart between the two.
fn says_the_same_of(lines: &[Line], middle: usize) -> u64 {
    let (mut whole, mut near) = (Engine::new(), Engine::new());
    let horizon = Some(Horizon { keep: Span(0), least: 0, pause: Span(0) });
    near.set_horizon(horizon);
    let (mut everything, mut shelf) = (Shelf::default(), Shelf::default());
    for moment in [0..middle, middle..lines.len()] {
        let first = moment.start;
        let wants = everything.steps(&mut whole, first, &lines[moment.clone()]);
        assert_eq!(shelf.steps(&mut near, first, &lines[moment]), wants, "from input {first} on");
        assert_eq!(near.misses(), 0, "nobody looks at what is not there");
        near = Engine::restore(&near.snapshot()).expect("its own snapshot");
        near.set_horizon(horizon);
    }
    assert!(shelf.parted > 0, "something is cut off");
    shelf.united
}

#[test]
fn what_waits_is_not_decided_by_what_is_put_back() {
    let high = sugar(Ref::Candidate, Compare::Ge, 100);
    let rules = only(rule(RuleKind::Match(pattern(vec![step(SUGAR, None), step(SUGAR, Some(high))], 20))));
    let meals = "0 meal 10 as old\n 5 meal 10\n 10 meal 10\n 15 meal 10";
    // The second sugar of 130 waits, as all that comes late. Then what was cut off comes back, and then a reading in order completes what is pending.
    let united =
        says_the_same(&rules, &format!("{meals}\n 125 sugar 90\n 130 sugar 80"), "130 sugar 110\n remove old\n 140 sugar 120");
    assert_eq!(united, 1);
}

#[test]
fn what_is_put_back_is_nothing_that_was_decided() {
    let named = |name: &str, meaning: u64, kind: RuleKind| Rule { name: name.into(), meaning, ..rule(kind) };
    let undisturbed = Pattern { absences: vec![absence(FOUND[0], None)], ..pattern(vec![step(NAP, None)], 1) };
    let rules = [library(vec![named("r0", 10, silence(&[MEAL, NAP], 10)), named("r1", 11, RuleKind::Match(undisturbed))])];
    let sugars = "0 sugar 90 as old rev 2\n 5 sugar 90\n 10 sugar 90\n 15 sugar 90";
    // What an older revision says changes nothing, but it takes what was cut off to know that. The nap comes in order all the same: it ends the silence, and is found.
    let united = says_the_same(&rules, sugars, "@200 0 sugar 80 as old rev 1\n 190..200 nap");
    assert_eq!(united, 1);
}

#[test]
fn a_field_that_is_declared_after_it_changed_is_asked_with_all_layers() {
    let old = Rule { name: "old".into(), meaning: 10, ..rule(silence(&[MEAL], 10)) };
    let low = compare(first(Ref::Driver), Compare::Lt, Expr::Profile(0));
    let new = Rule { name: "new".into(), meaning: 11, ..rule(RuleKind::Episode(episode(SUGAR, low))) };
    let before = Library { profile: Vec::new(), ..library(vec![old.clone()]) };
    let sugars = "0 sugar 80\n 5 sugar 110\n 10 sugar 70\n 15 sugar 90\n profile target 100 from 5\n 200 sugar 120";
    let united = says_the_same(&[before, library(vec![old, new])], sugars, "@205 rules 1 from 0\n 210 sugar 60");
    assert_eq!(united, 1);
}

#[test]
fn a_silence_is_judged_again_without_what_does_not_count_and_is_cut_off() {
    let low = compare(field(Ref::Candidate, F0), Compare::Lt, mg_dl(100));
    let streams = vec![Heard { stream: SUGAR, filter: Some(low) }];
    let kind = RuleKind::Silence(Silence { streams, span: Span::minutes(10) });
    let silent = Rule { filter: Some(Expr::Bool(false)), ..rule(kind) };
    // Since 0 nothing counts but what was said of 60, until it is said otherwise. The clock looks at 70 all the same, which is when the next one comes.
    let sugars = "0 sugar 90\n 20 sugar 110\n 40 sugar 110\n 60 sugar 90 as x\n @61 60 sugar 110 as x rev 2";
    assert_eq!(says_the_same(&only(silent), sugars, "80 sugar 120"), 0);
}

/// Its condition is asked where it ends, so what comes there may make a match another that began long before.
#[test]
fn what_an_interval_that_must_not_come_between_overlaps_stays() {
    let meals = compare(value_of(window(Func::Count, MEAL, Measure::Itself, 10)), Compare::Gt, Expr::number(0));
    let pair = pattern(vec![step(SUGAR, None), step(LAB, None)], 10);
    let pair = Pattern { absences: vec![absence(NAP, Some(meals))], ..pair };
    let old = (-60..-20).step_by(5).map(|minute| format!("{minute} meal 10\n")).collect::<String>();
    let before = format!("{old} 5 sugar 90\n 9 lab -\n 70 sugar 90\n 90 lab -\n @100 0..100 nap");
    assert_eq!(says_the_same(&only(rule(RuleKind::Match(pair))), &before, "@101 100 meal 10"), 0);
}

/// A finding is asked where it opened, and what it was asked about stays as long as it may come between.
#[test]
fn what_a_finding_that_must_not_come_between_was_asked_about_stays() {
    let sugars = compare(value_of(window(Func::Count, SUGAR, Measure::Itself, 15)), Compare::Ge, Expr::number(1));
    let pair = pattern(vec![step(LAB, None), step(LAB, None)], 40);
    let rules = with_low(above(RuleKind::Match(Pattern { absences: vec![absence(LOW, Some(sugars))], ..pair })));
    let sugars = (0..65).step_by(5).map(|minute| format!("{minute} sugar 90\n")).collect::<String>();
    // It is over, and overlaps the pair.
    let before = format!("{sugars} 70 sugar 60\n 150 lab -\n 160 sugar 90\n 180 meal 10");
    assert_eq!(says_the_same(&rules, &before, "185 lab -"), 0);
}

/// A reading without a name that was amended before it came, to stand where it is cut off: it is no new one.
#[test]
fn what_was_amended_before_it_came_is_known_though_it_is_cut_off() {
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)))));
    let sugars = (0..60).step_by(5).map(|minute| format!("{minute} sugar 90\n")).collect::<String>();
    let mut lines = read(
        &rules,
        &format!("{sugars} @100 80 sugar 90 as x rev 2\n @100 95 sugar 90\n 110 sugar 90\n 110 meal 10\n @112 111 sugar 60"),
    )
    .0;
    let Given::Reading(original) = &mut lines[17].input else { unreachable!("a reading") };
    *original = without_name(original);
    let id = original.id;
    let Given::Reading(amended) = &mut lines[13].input else { unreachable!("a reading") };
    let content = amended.content.clone().expect("it says something");
    *amended = Reading::present(amended.subject.clone(), Some(id.to_string().into()), 2, "sugar", content);
    assert_eq!(amended.id, id);
    says_the_same_of(&lines, 17);
}
