//! The clock's work may be cut into slices: what waits for the next is due at once, and when nothing waits any more each subject was told exactly what it is
//! told without; also where an engine is cut while something waits.

use std::cell::Cell;

use vitalog_cep::Engine;
use vitalog_elog::{FindingChange, Subject};

use super::{check, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive::{changes, step};
use crate::world::script::{Given, Line};

#[test]
fn the_clock_s_work_may_wait_for_the_next_slice() {
    let (waited, cut) = (Cell::new(0), Cell::new(0));
    for seed in seeds(4_000) {
        let mut dice = Dice::new(seed ^ 0x51CE);
        let library = rules::library(&mut dice);
        let subjects: Vec<Subject> = (0..7).map(|i| Subject::new(&format!("s{i}"))).collect();
        let lines = timelines::subject_lines(&mut dice, library, subjects.clone());
        check("slices", seed, lines, &|seed, lines| {
            let mut dice = Dice::new(seed);
            let slice = [1, 3, 9][dice.below(3)];
            let (mut whole, mut sliced) = (Engine::new(), Engine::new());
            sliced.set_slice(slice);
            for (i, line) in lines.iter().enumerate() {
                let wants = step(&mut whole, i, line);
                let mut has = step(&mut sliced, i, line);
                let mut rest = 1_000;
                while sliced.next_due() == Some(sliced.clock()) {
                    waited.set(waited.get() + 1);
                    if dice.chance(20) {
                        cut.set(cut.get() + 1);
                        let bytes = sliced.snapshot();
                        sliced = Engine::restore(&bytes).map_err(|e| e.to_string())?;
                        sliced.set_slice(slice);
                        if sliced.snapshot() != bytes || sliced.next_due() != Some(sliced.clock()) {
                            return Err(format!("input {i}: restored it has forgotten that something waits"));
                        }
                    }
                    let tick = Line { arrival: sliced.clock(), input: Given::Tick };
                    has.extend(step(&mut sliced, i, &tick));
                    rest -= 1;
                    if rest == 0 {
                        return Err(format!("input {i}: it never comes to an end"));
                    }
                }
                for subject in &subjects {
                    let of = |change: &&FindingChange| change.finding.subject == *subject;
                    let (has, wants) = (changes(&has), changes(&wants));
                    let (has, wants): (Vec<_>, Vec<_>) =
                        (has.into_iter().filter(of).collect(), wants.into_iter().filter(of).collect());
                    if has != wants {
                        return Err(format!("input {i}, slices of {slice}: {subject} is told\n{has:#?}\ninstead of\n{wants:#?}"));
                    }
                }
                if sliced.next_due() != whole.next_due() {
                    return Err(format!("input {i}: it is due at {:?}, not at {:?}", sliced.next_due(), whole.next_due()));
                }
            }
            Ok(())
        });
    }
    println!("{} slices waited, {} times an engine was cut meanwhile", waited.get(), cut.get());
    if seeds(4_000).count() >= 1_000 {
        assert!(waited.get() > 1_000 && cut.get() > 100, "{} and {}", waited.get(), cut.get());
    }
}
