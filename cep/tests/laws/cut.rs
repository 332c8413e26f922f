//! Law 2: cut anywhere. A snapshot taken after any input, restored and continued, is as if nothing had been cut.

use vitalog_cep::Engine;

use super::for_scripts;
use crate::draw::dice::Dice;
use crate::world::drive;

#[test]
fn a_restored_engine_continues_as_if_never_cut() {
    for_scripts("cuts", 1_500, &|seed, lines| {
        let (mut whole, effects) = drive::run(lines);
        let cut = Dice::new(seed).below(lines.len() + 1);
        let (mut before, _) = drive::run(&lines[..cut]);
        let bytes = before.snapshot();
        let mut restored = Engine::restore(&bytes).map_err(|e| format!("cut at {cut}: {e}"))?;
        if restored.snapshot() != bytes {
            return Err(format!("cut at {cut}: a restored engine writes another snapshot"));
        }
        let answers = |e: &mut Engine| (e.clock(), e.next_due(), e.findings());
        let (has, wants) = (answers(&mut restored), answers(&mut before));
        if has != wants {
            return Err(format!("cut at {cut}: a restored engine answers\n{has:#?}\ninstead of\n{wants:#?}"));
        }
        for (i, line) in lines.iter().enumerate().skip(cut) {
            if drive::step(&mut restored, i, line) != effects[i] {
                return Err(format!("cut at {cut}: input {i} has other effects"));
            }
        }
        if restored.snapshot() != whole.snapshot() { Err(format!("cut at {cut}: it ends in another snapshot")) } else { Ok(()) }
    });
}

#[test]
fn a_restart_before_every_input_changes_nothing() {
    for_scripts("restarts", 150, &|_, lines| {
        let (_, effects) = drive::run(lines);
        let mut engine = Engine::new();
        for (i, line) in lines.iter().enumerate() {
            engine = Engine::restore(&engine.snapshot()).map_err(|e| format!("before input {i}: {e}"))?;
            if drive::step(&mut engine, i, line) != effects[i] {
                return Err(format!("input {i} has other effects"));
            }
        }
        Ok(())
    });
}
