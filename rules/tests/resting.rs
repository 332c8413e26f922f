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

/// Each device sends every so often what it gathered: streams overtake each other, and each comes in its order.
fn uploads(library: &Arc<Library>, seed: u64) -> Vec<Arrival> {
    let mut all = arrivals(library, seed, 0, 0);
    for (at, reading) in &mut all {
        let stream = reading.content.as_ref().map_or(0, |c| i64::from(c.stream.0));
        // From at once to nearly two hours.
        let every = 1 + (stream * 37 + seed as i64 * 11) % 110;
        *at = Time(at.0 + (-at.0).rem_euclid(every * 60_000_000));
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

/// Returns the rules that found something.
fn says_the_same(library: &Arc<Library>, seed: u64, arrivals: Vec<Arrival>) -> BTreeSet<Arc<str>> {
    let (mut resting, mut disturbed) = (course(library), course(library));
    for (at, reading) in arrivals {
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
    resting.engine.findings().into_iter().map(|f| f.rule).collect()
}

fn shipped_rules_say_the_same(seed: u64, arrivals: impl Fn(&Arc<Library>) -> Vec<Arrival>) {
    let library = library();
    let rules = says_the_same(&library, seed, arrivals(&library));
    assert!(
        rules.len() > 20 && rules.contains("sensor_stuck") && rules.contains("bg_twice"),
        "enough happens to tell: {rules:?}"
    );
}

/// What a reading makes another rule find begins something at once, and the next reading of the same stream may go on with it.
const UPON_FINDINGS: &str = "
profile { units mg_dl | mmol_l default mg_dl }
stream bg { value glucose in mg/dL }
stream carbs { amount mass in g }
rule low { severity info when bg.value < 70 mg/dL let level = bg.value }
rule next_one { severity info match low as a then bg as b within 1 h }
rule still_falling { severity info match low as a then bg as b where b.value < a.level within 1 h }
rule in_a_row { severity info match low as a next bg as b where b.value > 40 mg/dL within 1 h }
rule either { severity info match low as a then (bg as b or carbs as c) within 1 h }
rule nothing_eaten { severity info match low as a then no carbs for 30 min }
rule silent { severity info when no low for 2 h }
rule lows { severity info at each bg when count(low over 6 h) >= 2 }
";

/// What rests by how fast numbers move, how far they swing, and what the newest says of a window. Its bounds are crossed now and then.
const UPON_MOVES: &str = "
profile { units mg_dl | mmol_l default mg_dl }
stream bg { value glucose in mg/dL }
rule falls { severity info when slope(bg.value over 16 min) * 15 min <= -9 mg/dL }
rule rises { severity info when 8 mg/dL < slope(bg.value over 16 min) * 15 min }
rule falls_by_level {
    severity info
    when slope(bg.value over 31 min) * 15 min < (-5 mg/dL if bg.value < 100 mg/dL, otherwise -9 mg/dL) for 5 min gap 10 min
    until slope(bg.value over 31 min) * 15 min >= -3 mg/dL
}
rule fallen { severity info at each bg when max(bg.value over 20 min) - bg.value >= 14 mg/dL }
rule risen { severity info at each bg when bg.value - min(bg.value over 25 min) > 12 mg/dL }
rule moved { severity info at each bg when delta(bg.value over 46 min) >= 20 mg/dL }
rule dropped { severity info at each bg when delta(bg.value over 31 min) < -15 mg/dL }
rule never_high { severity info at each bg when max(bg.value over 25 min) < 90 mg/dL }
rule never_low { severity info at each bg when min(bg.value over 25 min) >= 150 mg/dL }
rule high_last { severity info at each bg when last(bg.value over 20 min) > 160 mg/dL }
";

#[test]
fn nor_what_rests_by_how_numbers_move() {
    let compiled = compile(&[Source { name: "moves.rules".into(), text: UPON_MOVES.into() }], &Library::default());
    assert!(compiled.library.is_some(), "{:?}", compiled.diagnostics);
    let library = Arc::new(compiled.library.unwrap_or_default());
    for (seed, late) in [(6, 0), (7, 5)] {
        let rules = says_the_same(&library, seed, arrivals(&library, seed, late, 240));
        assert_eq!(rules.len(), library.rules.len(), "each finds something: {rules:?}");
    }
    says_the_same(&library, 8, uploads(&library, 8));
}

#[test]
fn what_rests_misses_nothing_in_order() {
    shipped_rules_say_the_same(1, |library| arrivals(library, 1, 0, 0));
}

#[test]
fn nor_when_readings_come_late() {
    shipped_rules_say_the_same(2, |library| arrivals(library, 2, 10, 240));
}

#[test]
fn nor_when_devices_send_what_they_gathered() {
    shipped_rules_say_the_same(5, |library| uploads(library, 5));
}

#[test]
fn nor_what_rests_upon_the_findings_of_others() {
    let compiled = compile(&[Source { name: "upon.rules".into(), text: UPON_FINDINGS.into() }], &Library::default());
    assert!(compiled.library.is_some(), "{:?}", compiled.diagnostics);
    let library = Arc::new(compiled.library.unwrap_or_default());
    for (seed, late) in [(3, 0), (4, 5)] {
        let rules = says_the_same(&library, seed, arrivals(&library, seed, late, 240));
        assert_eq!(rules.len(), library.rules.len(), "each finds something: {rules:?}");
    }
}
