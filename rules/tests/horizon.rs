//! How far back each form of a rule looks: one rule at a time over days of dense readings, with a horizon so near that whatever is kept too little is missed.
//!
//! With a whole library the rule that looks back furthest keeps the readings of all others; here none hides another.

use std::sync::Arc;

use vitalog_cep::{EngineInput, Horizon};
use vitalog_elog::{Amount, Content, Dimension, Reading, Span, StreamIx, Subject, Time, Unit, Value, When};

use crate::histories::course::Course;
use crate::population::Dice;
use crate::support;

const START: i64 = 1_763_596_800_000_000;
const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
/// How late readings are at most, and how late they may be without a layer being put back.
const KEEP: i64 = 2 * HOUR;

const STREAMS: &str = "
stream g every 5 min { v count }
stream meal { size count }
interval stream nap { depth count }
interval stream ride { length count }
";

/// Each with its library to itself.
const RULES: [&str; 22] = [
    "rule r { severity info when avg(g.v over 3 h) > 50 count }",
    "rule r { severity info at each meal when count(g over 5 h where avg(g.v over 90 min) > 50 count) > 10 }",
    "rule r { severity info when g.v > 50 count for 40 min gap 20 min until g.v < 20 count for 30 min gap 20 min }",
    "rule r { severity info at each meal when meal.at during nap }",
    "rule r { severity info at each ride when ride during nap }",
    "rule r { severity info at each nap when nap overlaps ride and nap.depth > 40 count }",
    "rule r { severity info at each meal when count(g over 5 h where g.at during ride) > 0 }",
    "rule r { severity info at each meal when count(ride over 6 h where ride during nap) > 0 }",
    "rule r { severity info when no meal for 4 h where avg(g.v over 2 h) > 40 count }",
    "rule r { severity info when no g where g.v > 97 count for 7 h where avg(g.v over 2 h) > 40 count }",
    "rule r { severity info when no g where avg(g.v over 1 h) > 60 count for 5 h }",
    "rule r { severity info match meal as m then g as low where low.v < 20 count and avg(g.v over 2 h before m) > 40 count within 3 h }",
    "rule r { severity info match disjoint g{3} where g.v > 70 count without meal within 2 h }",
    "rule r { severity info match meal with no g where g.v > 97 count from 3 h before meal to 10 min after meal within 1 h }",
    "rule r { severity info match meal with no g where avg(g.v over 1 h) > 65 count from 3 h before meal to 10 min after meal within 1 h }",
    "rule r { severity info match g as one then g as two where two.v > one.v without nap where last(g.v over 1 h) < 50 count within 30 min }",
    "rule r { severity info match nap starts as n then meal within 3 h where avg(g.v over 1 h) > 40 count }",
    "rule r { severity info match meal as m then no g where g.v > 90 count for 2 h within 1 h }",
    "rule r { severity info let mean = avg(g.v over 2 h after m) match meal as m within 1 h where mean > 50 count }",
    "rule r { severity info every day at 06:00 when avg(g.v over 12 h) > 45 count }",
    "rule low { severity info when g.v < 30 count until g.v > 60 count }
rule r { severity info match low{3} within 6 h }",
    "rule low { severity info when g.v < 10 count until g.v > 80 count }
rule r { severity info at each meal when count(low over 8 h) > 2 and meal.at during low }",
];

fn number(n: i64) -> Option<Value> {
    let unit = Unit::named(Dimension::Count, "count").expect("a unit");
    Some(Value::Quantity(Amount { digits: n, scale: 0, unit }))
}

fn said(names: &mut u32, stream: (u16, &str), when: When, value: i64) -> Reading {
    *names += 1;
    let content = Content { stream: StreamIx(stream.0), when, values: vec![number(value)].into(), source: None, seq: None };
    Reading::present(Subject::new("s"), Some(format!("n{names}").into()), 1, stream.1, content)
}

/// Three days, in order of arrival; each fifth comes late, some as late as may be.
fn days(seed: u64) -> Vec<(Time, Reading)> {
    let (mut dice, mut names) = (Dice(seed), 0);
    let mut all = Vec::new();
    for slot in 0..3 * 24 * 12 {
        let t = START + slot * 5 * MINUTE;
        let mut add = |reading: Reading, dice: &mut Dice| {
            let late = match dice.below(10) {
                0 => dice.below(KEEP),
                1 => KEEP,
                _ => 0,
            };
            all.push((Time(t + late), reading));
        };
        // Waves of some hours, so that averages move too.
        let wave = (slot / 40 % 3) * 20;
        add(said(&mut names, (0, "g"), When::At(Time(t)), wave + dice.below(60)), &mut dice);
        if dice.below(20) == 0 {
            add(said(&mut names, (1, "meal"), When::At(Time(t)), dice.below(100)), &mut dice);
        }
        for (stream, often, longest) in [((2, "nap"), 30, 5 * HOUR), ((3, "ride"), 20, 20 * MINUTE)] {
            if dice.below(often) == 0 {
                let start = Time(t - dice.below(longest));
                // A nap that goes on begins now.
                let when = if often == 30 && dice.below(8) == 0 {
                    When::During { start: Time(t), end: None }
                } else {
                    When::During { start, end: Some(Time(t)) }
                };
                add(said(&mut names, stream, when, dice.below(100)), &mut dice);
            }
        }
    }
    all.sort_by_key(|(arrival, _)| *arrival);
    all
}

#[test]
fn each_form_of_a_rule_keeps_what_it_looks_back_at() {
    let horizon = Horizon { keep: Span(KEEP), least: 0, pause: Span(0) };
    for rule in RULES {
        let library = Arc::new(support::library(&format!("{STREAMS}{rule}")));
        let (mut parted, mut changes) = (0, 0);
        for seed in 1..=4 {
            let (mut whole, mut near) = (Course::default(), Course::near(Some(horizon)));
            for course in [&mut whole, &mut near] {
                course.step(Time(START), EngineInput::Library { effective: Time::MIN, library: library.clone() });
            }
            for (arrival, reading) in days(seed) {
                for course in [&mut whole, &mut near] {
                    course.until(arrival).expect("its deadlines lie ahead");
                    course.step(arrival, EngineInput::Reading(&reading));
                }
                assert_eq!(near.engine.misses(), 0, "{rule}, seed {seed}: somebody looked too far at {arrival}");
                assert_eq!(near.changes.len(), whole.changes.len(), "{rule}, seed {seed}, at {arrival}");
            }
            assert_eq!(near.changes, whole.changes, "{rule}, seed {seed}");
            parted += near.parted;
            changes += whole.changes.len();
        }
        assert!(parted > 20 && changes > 5, "{rule}: {parted} layers cut off, {changes} changes of findings");
    }
}
