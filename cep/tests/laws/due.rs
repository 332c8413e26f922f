//! The clock decides only when something is due: a tick before that changes nothing, and whatever is due is in the future.

use super::oracle::compare;
use super::{check, for_scripts, seeds};
use crate::draw::dice::Dice;
use crate::draw::{self, rules, timelines};
use crate::world::drive::{changes, run, step};
use crate::world::script::{Given, Line};
use vitalog_cep::Engine;
use vitalog_elog::{Span, Subject};

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

/// A server asks all the time, a backtest never.
#[test]
fn whoever_asks_what_is_due_changes_nothing() {
    for seed in seeds(4_000) {
        let mut dice = Dice::either(seed ^ 0xD0E);
        let lines = match seed % 4 {
            0 => draw::script(seed),
            1 => {
                let library = rules::library(&mut dice);
                let subjects = ["s", "t"][..1 + dice.below(2)].iter().map(|name| Subject::new(name)).collect();
                timelines::steady(&mut dice, library, subjects, 40)
            }
            _ => draw::sparse(&mut dice),
        };
        check("asking", seed, lines, &|_, lines| {
            let (mut asked, mut left) = (Engine::new(), Engine::new());
            for (i, line) in lines.iter().enumerate() {
                let (has, wants) = (step(&mut asked, i, line), step(&mut left, i, line));
                if has != wants {
                    return Err(format!("input {i}: {has:#?}\nwhere nobody asked\n{wants:#?}"));
                }
                asked.next_due();
            }
            if asked.snapshot() != left.snapshot() {
                return Err("it ends in another snapshot".to_owned());
            }
            if seed % 4 >= 2 { compare(&asked, lines) } else { Ok(()) }
        });
    }
}
