//! The clock decides only when something is due: a tick before that changes nothing, and whatever is due is in the future.

use super::for_scripts;
use crate::world::drive::{changes, run, step};
use crate::world::script::{Given, Line};
use vitalog_elog::Span;

#[test]
fn nothing_happens_before_it_is_due() {
    for_scripts("deadlines", 2_000, &|_, lines| {
        let (mut engine, _) = run(lines);
        for round in 0..20 {
            let Some(due) = engine.next_due() else {
                let far = Line { arrival: engine.clock() + Span::days(400), input: Given::Tick };
                let effects = step(&mut engine, lines.len(), &far);
                return if changes(&effects).is_empty() {
                    Ok(())
                } else {
                    Err("something happened, and nothing was due".to_owned())
                };
            };
            if due <= engine.clock() {
                return Err(format!("due at {due}, and the clock is at {} already", engine.clock()));
            }
            let before = Line { arrival: due - Span(1), input: Given::Tick };
            if before.arrival > engine.clock() && !changes(&step(&mut engine, lines.len(), &before)).is_empty() {
                return Err(format!("round {round}: something happened before {due}"));
            }
            step(&mut engine, lines.len(), &Line { arrival: due, input: Given::Tick });
        }
        Ok(())
    });
}
