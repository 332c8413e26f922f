//! Law 4: subjects are independent. Where two share an engine, each has the effects it has alone, where every input of the other is a mere tick
//! of its arrival: nothing but the clock passes between them.

use vitalog_elog::{FindingChange, Subject};

use super::{check, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive::{changes, run};
use crate::world::script::{Given, Line};

#[test]
fn each_subject_has_the_effects_it_has_alone() {
    for seed in seeds(1_000) {
        let mut dice = Dice::either(seed ^ 0xA11);
        let library = rules::library(&mut dice);
        let subjects = ["s", "t", "u"].map(Subject::new);
        let lines = timelines::subject_lines(&mut dice, library, subjects.to_vec());
        check("subjects", seed, lines, &|_, lines| {
            let (_, together) = run(lines);
            for subject in &subjects {
                let (_, alone) = run(&only(lines, subject));
                for (i, (mine, both)) in alone.iter().zip(&together).enumerate() {
                    let both: Vec<&FindingChange> = changes(both).into_iter().filter(|c| c.finding.subject == *subject).collect();
                    if changes(mine) != both {
                        return Err(format!(
                            "input {i} has other effects for {subject} alone:\n{:#?}\nthan together:\n{both:#?}",
                            changes(mine)
                        ));
                    }
                }
            }
            Ok(())
        });
    }
}

fn only(lines: &[Line], subject: &Subject) -> Vec<Line> {
    let silenced = |line: &Line| match line.input.subject() {
        Some(other) if other != subject => Line { arrival: line.arrival, input: Given::Tick },
        _ => line.clone(),
    };
    lines.iter().map(silenced).collect()
}
