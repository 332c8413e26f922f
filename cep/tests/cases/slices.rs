//! Slices by hand: who is decided when, and what is said of whom who waits.

use std::sync::Arc;

use vitalog_cep::plan::{Library, RuleKind};
use vitalog_cep::why::Verdict;
use vitalog_cep::{Engine, EngineInput, Told, nothing_cut};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Cause, Content, Effect, FindingChange, Reading, Span, Subject, Time, Value, When};

use super::build::{library, rule, silence};
use crate::world::drive::changes;
use crate::world::script::{Given, Line, reading};
use crate::world::{Kind, MEAL, SUGAR, drive, minute, shared_schema};

fn sugar(who: &str, id: &str, at: i64) -> Given {
    let values = vec![Some(Kind::Glucose.value(90)), None, None];
    Given::Reading(reading(&Subject::new(who), id, 1, SUGAR, When::At(minute(at)), values))
}

fn step(engine: &mut Engine, at: i64, input: Given) -> Vec<String> {
    told(&drive::step(engine, 0, &Line { arrival: minute(at), input }))
}

fn told(effects: &[Effect]) -> Vec<String> {
    changes(effects).iter().map(|c| format!("{} {}", c.finding.subject, c.change.name())).collect()
}

/// The same, with the rule and what made the engine look.
fn caused(engine: &mut Engine, at: i64, input: Given) -> Vec<String> {
    let effects = drive::step(engine, 0, &Line { arrival: minute(at), input });
    let cause = |cause: Cause| match cause {
        Cause::Reading(_) => "reading",
        Cause::Profile => "profile",
        Cause::Rules => "rules",
        Cause::Clock => "clock",
    };
    let line = |c: &&FindingChange| format!("{} {} {} by {}", c.finding.subject, c.finding.rule, c.change.name(), cause(c.cause));
    changes(&effects).iter().map(line).collect()
}

/// Rules of these names that find whoever is not heard of for so long.
fn silences(of: &[(&str, i64)]) -> Library {
    let named = |(name, span): &(&str, i64)| {
        let mut rule = rule(silence(&[SUGAR], *span));
        (rule.name, rule.meaning) = (Arc::from(*name), *span as u64);
        rule
    };
    library(of.iter().map(named).collect())
}

/// Five subjects, last heard at these minutes in the order in which they were first seen; nobody hears of them for half an hour and more.
fn silent(size: Option<usize>) -> Engine {
    let mut engine = Engine::new();
    engine.set_slice(size);
    let silent = library(vec![rule(silence(&[SUGAR], 30))]);
    step(&mut engine, 0, Given::Library { effective: Time::MIN, library: Arc::new(silent) });
    for (who, at) in [("e", 4), ("d", 1), ("c", 3), ("b", 1), ("a", 2)] {
        assert!(step(&mut engine, 5, sugar(who, "first", at)).is_empty());
    }
    engine
}

#[test]
fn the_first_deadlines_come_first_and_no_more_than_the_slice_has_room_for() {
    let mut engine = silent(Some(2));
    assert_eq!(engine.next_due(), Some(minute(31)));
    assert_eq!(step(&mut engine, 40, Given::Tick), ["d opened", "b opened"]);
    assert_eq!(engine.next_due(), Some(minute(32)), "the others owe theirs");
    assert_eq!(engine.findings().len(), 2);
    // Told by deadline, and in a slice in the order in which they were first seen.
    assert_eq!(step(&mut engine, 41, Given::Tick), ["c opened", "a opened"]);
    assert_eq!(step(&mut engine, 41, Given::Tick), ["e opened"]);
    assert_eq!(engine.next_due(), None);
    let at: Vec<Time> = engine.findings().iter().map(|f| f.at).collect();
    assert_eq!(at, [32, 31, 33, 31, 34].map(minute), "found where it was due, whenever it was decided");
    // All at once without, and a slice of none is one.
    assert_eq!(step(&mut silent(None), 40, Given::Tick).len(), 5);
    assert_eq!(step(&mut silent(Some(0)), 40, Given::Tick), ["d opened"]);
}

#[test]
fn a_moment_has_one_slice() {
    let mut engine = silent(Some(2));
    let mut effects = Vec::new();
    engine.begin();
    (0..4).for_each(|_| engine.step(0, minute(40), EngineInput::Tick, &mut effects));
    engine.settle(&mut effects);
    assert_eq!(told(&effects), ["d opened", "b opened"]);
    engine.begin();
    engine.step(0, minute(40), EngineInput::Tick, &mut effects);
    engine.settle(&mut effects);
    assert_eq!(told(&effects[2..]), ["c opened", "a opened"]);
}

#[test]
fn whose_reading_comes_is_decided_first_and_takes_nobodys_place() {
    let mut engine = silent(Some(1));
    assert_eq!(step(&mut engine, 40, Given::Tick), ["d opened"]);
    // What it owed is told before its reading ends it, and the slice is for the others.
    assert_eq!(step(&mut engine, 42, sugar("e", "second", 42)), ["e opened", "e resolved", "b opened"]);
    // One that comes late, and shows that it was not silent then: it had been found all the same.
    assert_eq!(step(&mut engine, 43, sugar("c", "late", 20)), ["c opened", "c rescinded", "a opened"]);
    assert_eq!(engine.next_due(), Some(minute(50)));
}

#[test]
fn what_was_owed_is_decided_as_of_the_input_before() {
    let mut engine = Engine::new();
    engine.set_slice(Some(1));
    let library = silences(&[("r30", 30), ("r41", 41)]);
    step(&mut engine, 0, Given::Library { effective: Time::MIN, library: Arc::new(library) });
    step(&mut engine, 1, sugar("x", "x1", 1));
    step(&mut engine, 2, sugar("y", "y1", 1));
    assert_eq!(caused(&mut engine, 40, Given::Tick), ["x r30 opened by clock"]);
    // When it comes y has been silent for 41 minutes, and it says that y was not: that was never found. That y had been for 30 minutes had fallen due before.
    let late = caused(&mut engine, 45, sugar("y", "y2", 38));
    assert_eq!(late, ["y r30 opened by clock", "y r30 resolved by reading", "x r41 opened by clock"]);
}

#[test]
fn a_change_of_rules_or_profile_finds_nobody_owing() {
    let mut engine = silent(Some(1));
    step(&mut engine, 40, Given::Tick);
    let change = ProfileChange { subject: Subject::new("a"), field: "limit".into(), value: None, at: minute(0) };
    let said = caused(&mut engine, 41, Given::Profile(change));
    assert_eq!(said, ["a r opened by clock", "b r opened by clock"]);
    let other = Given::Library { effective: minute(41), library: Arc::new(silences(&[("r", 20)])) };
    let said = caused(&mut engine, 41, other);
    assert_eq!(said, ["e r opened by clock", "c r opened by clock"]);
    assert!(!engine.owes());
}

#[test]
fn whom_others_readings_concern_is_decided_first_too() {
    for apart in [false, true] {
        let mut engine = Engine::new();
        engine.set_slice(Some(1));
        let mut library = silences(&[("r", 30)]);
        library.schema = shared_schema();
        let RuleKind::Silence(silence) = &mut Arc::make_mut(&mut library.rules[0]).kind else { unreachable!("it is one") };
        silence.streams[0].stream = MEAL;
        step(&mut engine, 0, Given::Library { effective: Time::MIN, library: Arc::new(library) });
        let meal = |who: &str, id: &str, at: i64, of: &str| {
            let values = vec![None, Some(Value::Text(of.into()))];
            reading(&Subject::new(who), id, 1, MEAL, When::At(minute(at)), values)
        };
        for (who, at) in [("x", 1), ("a", 2), ("b", 3)] {
            step(&mut engine, 5, Given::Reading(meal(who, "1", at, "nobody at all")));
        }
        assert_eq!(step(&mut engine, 40, Given::Tick), ["x opened"]);
        let shows = meal("x", "2", 41, "b");
        let mut effects = Vec::new();
        if apart {
            let mut seen = Vec::new();
            engine.begin();
            engine.step_apart(0, minute(42), EngineInput::Reading(&shows), &mut effects, &mut seen);
            seen.iter().for_each(|seen| engine.see(seen, &mut effects));
            engine.settle(&mut effects);
        } else {
            engine.step(0, minute(42), EngineInput::Reading(&shows), &mut effects);
        }
        let mut said = told(&effects);
        assert!(matches!(effects[0], Effect::Reading(_)) && effects.len() == said.len() + 1, "{effects:#?}");
        assert_eq!(said.remove(0), "x resolved");
        said.retain(|told| told != "a opened");
        assert_eq!(said, ["b opened", "b resolved"], "{apart}");
    }
}

#[test]
fn why_says_that_it_is_not_decided_yet() {
    let mut engine = silent(Some(1));
    step(&mut engine, 40, Given::Tick);
    let why = |engine: &Engine, who: &str, at: i64| {
        let why = engine.why("r", &Subject::new(who), minute(at)).expect("known");
        (why.verdict, why.clock)
    };
    assert_eq!(why(&engine, "d", 31), (Verdict::Fired, minute(40)));
    let before = Time((minute(31) - Span(1)).0);
    assert_eq!(why(&engine, "b", 31), (Verdict::NotReached, before));
    assert_eq!(why(&engine, "b", 30), (Verdict::Silent, before));
    step(&mut engine, 40, Given::Tick);
    assert_eq!(why(&engine, "b", 31), (Verdict::Fired, minute(40)));
}

#[test]
fn what_waits_for_the_clock_joins_in_its_order() {
    let mut engine = silent(Some(1));
    // Both lie ahead of the clock when they come.
    assert!(step(&mut engine, 6, sugar("d", "ahead", 20)).is_empty());
    assert!(step(&mut engine, 6, sugar("a", "ahead", 21)).is_empty());
    assert!(step(&mut engine, 40, Given::Tick).is_empty(), "d was heard of at 20: nothing is found");
    assert!(step(&mut engine, 40, Given::Tick).is_empty());
    assert_eq!(step(&mut engine, 40, Given::Tick), ["b opened"]);
    assert_eq!(step(&mut engine, 40, Given::Tick), ["c opened"]);
    assert_eq!(step(&mut engine, 40, Given::Tick), ["e opened"]);
    assert_eq!(engine.next_due(), Some(minute(50)));
}

/// What is owed belongs to the reading at which it is made up for, though that reading concerns nobody.
#[test]
fn what_was_owed_is_told_with_the_first_of_many_readings() {
    let meal = |at: i64| {
        let values = vec![Some(Kind::Mass.value(30))].into();
        let content = Content { stream: MEAL, when: When::At(minute(at)), values, source: None, seq: None };
        Reading::present(Subject::new("c"), None, 1, "meal", content)
    };
    let owing = || {
        let mut engine = silent(Some(1));
        for at in [1, 2] {
            engine.step(0, minute(5), EngineInput::Reading(&meal(at)), &mut Vec::new());
        }
        engine.begin();
        assert_eq!(step(&mut engine, 40, sugar("z", "other", 39)), ["d opened"], "that is the slice of the moment");
        engine
    };
    let (mut together, mut alone) = (owing(), owing());
    let readings = [meal(20), meal(30), meal(35)];
    let mut all = Told::default();
    let many: Vec<_> = readings.iter().map(|reading| (minute(40), reading)).collect();
    together.step_all(&many, &mut all, &mut nothing_cut).expect("it keeps all");
    assert!(all.is_by_subject());
    let mut by_input = vec![Vec::new(); readings.len()];
    all.take().for_each(|(input, effect)| by_input[input].push(effect));
    for (reading, has) in readings.iter().zip(by_input) {
        let mut wants = Vec::new();
        alone.step(0, minute(40), EngineInput::Reading(reading), &mut wants);
        assert_eq!(has, wants);
    }
    assert_eq!(together.findings().len(), 2);
}
