//! Runs a script through the engine, and keeps all that came out.

use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::{Effect, FindingChange};

use super::script::{Given, Line};
use crate::oracle::Standing;

/// One step; the line's place is its offset.
pub fn step(engine: &mut Engine, offset: usize, line: &Line) -> Vec<Effect> {
    let input = match &line.input {
        Given::Reading(r) => EngineInput::Reading(r),
        Given::Profile(c) => EngineInput::Profile(c),
        Given::Library { effective, library } => EngineInput::Library { effective: *effective, library: library.clone() },
        Given::Tick => EngineInput::Tick,
    };
    let mut effects = Vec::new();
    engine.step(offset as u64, line.arrival, input, &mut effects);
    effects
}

/// All of them, and the effects of each.
pub fn run(lines: &[Line]) -> (Engine, Vec<Vec<Effect>>) {
    let mut engine = Engine::new();
    let effects = lines.iter().enumerate().map(|(i, line)| step(&mut engine, i, line)).collect();
    (engine, effects)
}

/// The same of an engine that looks ahead before each step.
pub fn foreseeing(lines: &[Line]) -> (Engine, Vec<Vec<Effect>>) {
    let mut engine = Engine::new();
    let mut effects = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let ahead =
            lines[i..].iter().filter_map(|line| if let Given::Reading(reading) = &line.input { Some(reading) } else { None });
        engine.foresee(ahead);
        effects.push(step(&mut engine, i, line));
    }
    (engine, effects)
}

/// What the engine says stands, in the oracle's order.
pub fn standing(engine: &Engine) -> Vec<Standing> {
    let mut standing: Vec<Standing> = engine.findings().iter().map(Standing::of).collect();
    standing.sort();
    standing
}

pub fn changes(effects: &[Effect]) -> Vec<&FindingChange> {
    effects.iter().filter_map(|e| if let Effect::Finding(change) = e { Some(&**change) } else { None }).collect()
}
