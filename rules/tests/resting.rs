//! Rules that rest miss nothing: with the whole shipped library, an engine that is let rest says the same as one that is disturbed before each reading.
//!
//! What disturbs is a change of a profile field that no rule asks for: it means nothing, and makes the engine forget which rules rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitalog_cep::EngineInput;
use vitalog_cep::plan::Library;
use vitalog_elog::{FindingChange, Reading, StreamIx, Time, Value, When};
use vitalog_rules::{Source, compile, packs};

use crate::histories::course::Course;
use crate::histories::laws::meaningless;
use crate::population::{Arrival, Dice, Population};

const START: Time = Time(1_763_596_800_000_000);
const PEOPLE: u32 = 6;
const DAYS: u32 = 24;

fn library() -> Arc<Library> {
    let sources: Vec<Source> =
        packs::ALL.iter().map(|p| Source { name: format!("{}.rules", p.name).into(), text: p.text.into() }).collect();
    Arc::new(compile(&sources, &Library::default()).library.expect("the packs compile"))
}

/// In order of arrival: of a hundred readings some come late, by up to so many minutes.
fn arrivals(library: &Library, seed: u64, late: i64, minutes: i64) -> Vec<Arrival> {
    let mut population = Population::new(&library.schema, PEOPLE, 2, START, seed);
    let mut dice = Dice(seed);
    let mut all: Vec<Arrival> = (0..DAYS * 24).flat_map(|_| population.next_hour()).collect();
    oddities(&mut all);
    for (at, _) in &mut all {
        if dice.below(100) < late {
            *at = Time(at.0 + dice.below(minutes.max(1)) * 60_000_000);
        }
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

/// What sensors do now and then: one is stuck for two hours each morning, another is heard by two apps for an hour each noon.
fn oddities(all: &mut Vec<Arrival>) {
    let glucose = StreamIx(0);
    let mut twins = Vec::new();
    for (at, reading) in all.iter_mut() {
        let hour = at.0.div_euclid(3_600_000_000).rem_euclid(24);
        let Some(content) = reading.content.as_ref().filter(|c| c.stream == glucose) else { continue };
        let mut content = content.clone();
        match (reading.subject.as_str(), hour) {
            ("p-0000000", 8..10) => {
                if let Some(Some(Value::Quantity(amount))) = content.values.first_mut() {
                    amount.digits = 104;
                }
                *reading = Reading::present(reading.subject.clone(), None, 1, "bg", content);
            }
            ("p-0000002", 12) => {
                let later = |t: Time| Time(t.0 + 40_000_000);
                content.when = When::At(later(content.when.start()));
                twins.push((later(*at), Reading::present(reading.subject.clone(), None, 1, "bg", content)));
            }
            _ => {}
        }
    }
    all.extend(twins);
}

fn course(library: &Arc<Library>) -> Course {
    let mut course = Course::default();
    course.step(START, EngineInput::Library { effective: Time::MIN, library: library.clone() });
    course
}

fn says_the_same(seed: u64, late: i64, minutes: i64) {
    let library = library();
    let (mut resting, mut disturbed) = (course(&library), course(&library));
    for (at, reading) in arrivals(&library, seed, late, minutes) {
        // Else what is due would be told before the reading to one, and with it to the other.
        resting.until(at).expect("the clock goes on");
        disturbed.until(at).expect("the clock goes on");
        disturbed.step(at, EngineInput::Profile(&meaningless(&reading)));
        resting.step(at, EngineInput::Reading(&reading));
        disturbed.step(at, EngineInput::Reading(&reading));
        let key = |c: &FindingChange| (c.finding.rule.clone(), c.finding.id, c.finding.revision, c.decided_at);
        let (mut ours, mut theirs) = (std::mem::take(&mut resting.changes), std::mem::take(&mut disturbed.changes));
        ours.sort_by_key(key);
        theirs.sort_by_key(key);
        let said = |all: &[FindingChange]| all.iter().map(|c| format!("{:?} {:?}", c.change, c.finding)).collect::<Vec<_>>();
        assert_eq!(said(&ours), said(&theirs), "seed {seed}, at {at:?}, {reading:?}");
    }
    assert_eq!(resting.engine.findings(), disturbed.engine.findings(), "seed {seed}");
    let findings = resting.engine.findings();
    let rules: BTreeSet<&str> = findings.iter().map(|f| &*f.rule).collect();
    assert!(
        rules.len() > 20 && rules.contains("sensor_stuck") && rules.contains("bg_twice"),
        "enough happens to tell: {rules:?}"
    );
}

#[test]
fn what_rests_misses_nothing_in_order() {
    says_the_same(1, 0, 0);
}

#[test]
fn nor_when_readings_come_late() {
    says_the_same(2, 10, 240);
}
