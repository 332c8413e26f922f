//! Law 5: what the engine says stands is what the oracle says stands. Of every fourth script after each input, else at its end.

use super::for_scripts;
use crate::world::drive;
use crate::world::script::{Line, expected};
use crate::world::show::difference;
use vitalog_cep::Engine;

#[test]
fn engine_and_oracle_agree() {
    for_scripts("the oracle", 18_000, &|seed, lines| if seed % 4 == 0 { after_each_input(lines) } else { at_the_end(lines) });
}

pub fn at_the_end(lines: &[Line]) -> Result<(), String> {
    let (engine, _) = drive::run(lines);
    compare(&engine, lines)
}

pub fn after_each_input(lines: &[Line]) -> Result<(), String> {
    let mut engine = Engine::new();
    for (i, line) in lines.iter().enumerate() {
        drive::step(&mut engine, i, line);
        compare(&engine, &lines[..=i]).map_err(|e| format!("after input {i}:\n{e}"))?;
    }
    Ok(())
}

pub fn compare(engine: &Engine, lines: &[Line]) -> Result<(), String> {
    let (has, wants) = (drive::standing(engine), expected(lines));
    if has == wants { Ok(()) } else { Err(difference(&has, &wants)) }
}
