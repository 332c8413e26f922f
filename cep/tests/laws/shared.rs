//! Streams under several subjects: a reading is accounted once and seen on each timeline that it names, by engine and oracle alike, in any order.

use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_cep::plan::{Library, Pattern, RuleKind, Step};
use vitalog_elog::{Effect, Reading, Subject, Time, Value, When};

use super::{check, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive;
use crate::world::script::{Given, Line, expected, reading};
use crate::world::show::difference;
use crate::world::{EPOCH, MEAL, shared_schema};

/// The subject `s` and those that notes name; the library, which declares the streams, comes first.
fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::either(seed ^ 0x5EED);
    let library = Library { schema: shared_schema(), ..rules::library(&mut dice) };
    let subjects = ["s", "a", "b"].map(Subject::new);
    timelines::subject_lines(&mut dice, library, subjects.to_vec())
}

#[test]
fn engine_and_oracle_agree_on_shared_readings() {
    let mut elsewhere = 0;
    for seed in seeds(3_000) {
        check("shared readings", seed, script(seed), &|seed, lines| {
            let mut engine = Engine::new();
            for (i, line) in lines.iter().enumerate() {
                let effects = drive::step(&mut engine, i, line);
                let outcomes = effects.iter().filter(|e| matches!(e, Effect::Reading(_))).count();
                if outcomes != usize::from(matches!(line.input, Given::Reading(_))) {
                    return Err(format!("input {i} is accounted {outcomes} times"));
                }
                if seed % 4 == 0 || i + 1 == lines.len() {
                    let (has, wants) = (drive::standing(&engine), expected(&lines[..=i]));
                    if has != wants {
                        return Err(format!("after input {i}:\n{}", difference(&has, &wants)));
                    }
                }
            }
            Ok(())
        });
        // `c` sends nothing itself: what is found about it is found in others' readings.
        elsewhere += usize::from(expected(&script(seed)).iter().any(|s| s.subject == "c"));
    }
    assert!(
        elsewhere as u64 * 20 > seeds(3_000).count() as u64,
        "only {elsewhere} scripts find something about who sends nothing"
    );
}

#[test]
fn in_any_order_and_cut_anywhere() {
    for seed in seeds(500) {
        check("shared readings in any order", seed, script(seed), &|seed, lines| {
            let (whole, _) = drive::run(lines);
            let mut dice = Dice::new(!seed);
            let mut inputs: Vec<Given> =
                lines.iter().filter(|l| matches!(l.input, Given::Reading(_))).map(|l| l.input.clone()).collect();
            dice.shuffle(&mut inputs);
            let mut rest = inputs.into_iter();
            let other: Vec<Line> = lines
                .iter()
                .map(|l| match l.input {
                    Given::Reading(_) => Line { arrival: l.arrival, input: rest.next().unwrap_or(Given::Tick) },
                    _ => l.clone(),
                })
                .collect();
            let half = other.len() / 2;
            let (mut before, _) = drive::run(&other[..half]);
            let mut engine = Engine::restore(&before.snapshot()).map_err(|e| e.to_string())?;
            for (i, line) in other.iter().enumerate().skip(half) {
                drive::step(&mut engine, i, line);
            }
            let (has, wants) = (drive::standing(&engine), drive::standing(&whole));
            if has == wants { Ok(()) } else { Err(difference(&has, &wants)) }
        });
    }
}

#[test]
fn a_shared_reading_moves_with_its_names() {
    let mut any = rules::rule(&mut Dice::new(1), "r0");
    any.kind = RuleKind::Match(Pattern::sequence(vec![Step::once(MEAL, None)], None));
    (any.lets, any.filter, any.outputs, any.say) = (vec![], None, vec![], vec![]);
    any.grades.truncate(1);
    let library = Library { schema: shared_schema(), ..rules::of_rules(vec![Arc::new(any)]) };
    let subject = Subject::new("s");
    let meal = |rev: u32, note: &str| {
        let values = vec![None, Some(Value::Text(note.into()))];
        Given::Reading(reading(&subject, "n", rev, MEAL, When::At(EPOCH), values))
    };
    let mut lines = vec![Line { arrival: EPOCH, input: Given::Library { effective: Time::MIN, library: Arc::new(library) } }];
    let steps: [(Given, &[&str]); 6] = [
        (meal(1, "a"), &["a", "s"]),
        (meal(3, "b"), &["b", "s"]),
        // Outdated, and the same again.
        (meal(2, "c"), &["b", "s"]),
        // One's own name, and what is no name.
        (meal(4, "s"), &["s"]),
        (meal(5, "no name"), &["s"]),
        (Given::Reading(Reading::removal(subject.clone(), "n".into(), 6)), &[]),
    ];
    for (input, wanted) in steps {
        lines.push(Line { arrival: EPOCH, input });
        let told: Vec<String> = expected(&lines).into_iter().map(|s| s.subject).collect();
        assert_eq!(told, wanted, "the ORACLE");
        let told: Vec<String> = drive::standing(&drive::run(&lines).0).into_iter().map(|s| s.subject).collect();
        assert_eq!(told, wanted, "the ENGINE");
    }
}
