//! Forgetting: a snapshot without some subjects is, byte for byte, that of an engine that never heard of them, for which every input of theirs was a mere tick.

use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Subject, Time, Value};

use super::{check, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive;
use crate::world::script::{Given, Line};

#[test]
fn who_is_forgotten_never_was() {
    let names = ["s", "t", "u", "v", "w"].map(Subject::new);
    let (mut some, mut late) = (0, 0);
    for seed in seeds(800) {
        let mut dice = Dice::either(seed ^ 0xF0F0);
        let library = rules::library(&mut dice);
        let lines = timelines::subject_lines(&mut dice, library, names.to_vec());
        let gone: Vec<Subject> = names.iter().filter(|_| dice.chance(35)).cloned().collect();
        some += usize::from(!gone.is_empty());
        late += usize::from(lines.iter().filter(|line| line.input.subject().is_some_and(|s| gone.contains(s))).count() > 5);
        check("forgetting", seed, lines, &|seed, lines| law(seed, lines, &gone));
    }
    assert!(some > 400 && late > 200, "too few are forgotten: {some}, {late}");
}

fn law(seed: u64, lines: &[Line], gone: &[Subject]) -> Result<(), String> {
    let mut dice = Dice::new(!seed);
    let (mut all, mut others) = (Engine::new(), Engine::new());
    let mut chain = Vec::new();
    let at = dice.below(lines.len() + 1);
    for (i, line) in lines.iter().enumerate().take(at) {
        drive::step(&mut all, i, line);
        drive::step(&mut others, i, &silenced(line, gone));
        if dice.chance(20) {
            chain.push(all.increment());
        }
    }
    chain.push(all.increment());
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let left = Engine::without(&chain, gone).map_err(|e| format!("before input {at}: {e}"))?;
    if left != others.snapshot() {
        return Err(format!("before input {at}: without {gone:?} there is not what there would be if they had never been"));
    }
    let mut engine = Engine::restore(&left).map_err(|e| format!("before input {at}: {e}"))?;
    for (i, line) in lines.iter().enumerate().skip(at) {
        let line = silenced(line, gone);
        let (ours, theirs) = (drive::step(&mut engine, i, &line), drive::step(&mut others, i, &line));
        if ours != theirs {
            return Err(format!("input {i} has other effects:\n{ours:#?}\ninstead of\n{theirs:#?}"));
        }
    }
    Ok(())
}

fn silenced(line: &Line, gone: &[Subject]) -> Line {
    match line.input.subject() {
        Some(subject) if gone.contains(subject) => Line { arrival: line.arrival, input: Given::Tick },
        _ => line.clone(),
    }
}

/// What waits for a field to be declared is about somebody, too.
#[test]
fn what_waits_for_a_declaration_is_forgotten() {
    let fed = |names: &[&str]| {
        let mut engine = Engine::new();
        for name in names {
            let change =
                ProfileChange { subject: Subject::new(name), field: "later".into(), at: Time(5), value: Some(Value::Bool(true)) };
            engine.step(0, Time(9), EngineInput::Profile(&change), &mut Vec::new());
        }
        engine
    };
    let left = Engine::without(&[&fed(&["s", "t", "u"]).snapshot()], &[Subject::new("t")]).expect("a snapshot");
    assert_eq!(left, fed(&["s", "u"]).snapshot());
    assert_ne!(left, fed(&["s", "t", "u"]).snapshot());
}
