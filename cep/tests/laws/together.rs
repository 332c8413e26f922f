//! Many readings in one call: what is told, input by input, and the state in the end are those of one step after the other.

use std::cell::RefCell;

use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, Told, nothing_cut};
use vitalog_elog::{Effect, Reading, Subject, Time};

use super::{check, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive;
use crate::world::script::{Given, Line};

const NAMES: [&str; 6] = ["s", "t", "u", "v", "a", "b"];

/// Of several people, now and then seen under each other's names.
fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::either(seed ^ 0x7061);
    let mut library = rules::library(&mut dice);
    if dice.chance(10) {
        library = Library { schema: crate::world::shared_schema(), ..library };
    }
    let many = 1 + dice.below(NAMES.len());
    timelines::subject_lines(&mut dice, library, NAMES[..many].iter().map(|name| Subject::new(name)).collect())
}

/// The readings from a line on that follow each other, at most so many.
pub fn run(lines: &[Line], most: usize) -> Vec<(Time, &Reading)> {
    let readings = lines.iter().map_while(|line| match &line.input {
        Given::Reading(reading) => Some((line.arrival, reading)),
        _ => None,
    });
    readings.take(most).collect()
}

/// Effects by input.
pub fn sorted(told: &mut Told, many: usize) -> Vec<Vec<Effect>> {
    let mut all = vec![Vec::new(); many];
    told.take().for_each(|(input, effect)| all[input].push(effect));
    all
}

#[test]
fn many_at_once_say_what_each_in_turn_says() {
    let counts = RefCell::new([0_usize; 4]);
    for seed in seeds(4_000) {
        check("together", seed, script(seed), &|seed, lines| {
            let mut dice = Dice::new(!seed);
            let (mut alone, mut together, mut told) = (Engine::new(), Engine::new(), Told::default());
            // Two of three decide at once whatever falls due.
            let slice = dice.chance(33).then(|| 1 + dice.below(3));
            alone.set_slice(slice);
            together.set_slice(slice);
            let mut place = 0;
            while place < lines.len() {
                let is_moment = dice.chance(30);
                if is_moment {
                    alone.begin();
                    together.begin();
                }
                for _ in 0..1 + usize::from(is_moment) * dice.below(3) {
                    let readings = run(&lines[place.min(lines.len())..], 1 + dice.below(20));
                    if readings.is_empty() {
                        let Some(line) = lines.get(place) else { break };
                        if drive::step(&mut alone, place, line) != drive::step(&mut together, place, line) {
                            return Err(format!("input {place} has other effects"));
                        }
                        place += 1;
                        continue;
                    }
                    let many = readings.len();
                    together.step_all(&readings, &mut told, &mut nothing_cut).map_err(|_| "nothing was cut off")?;
                    let by_subject = told.is_by_subject();
                    let has = sorted(&mut told, many);
                    let wants: Vec<Vec<Effect>> = (place..place + many).map(|i| drive::step(&mut alone, i, &lines[i])).collect();
                    if has != wants {
                        return Err(format!("inputs {place} to {}: together\n{has:#?}\nin turn\n{wants:#?}", place + many));
                    }
                    let count = &mut counts.borrow_mut();
                    count[usize::from(by_subject)] += many;
                    count[2] += has.iter().map(|effects| effects.len() - 1).sum::<usize>() * usize::from(by_subject);
                    count[3] += usize::from(by_subject && slice.is_some()) * many;
                    place += many;
                }
                if is_moment {
                    let (mut has, mut wants) = (Vec::new(), Vec::new());
                    together.settle(&mut has);
                    alone.settle(&mut wants);
                    if has != wants {
                        return Err(format!(
                            "at the end of a moment before input {place}: together\n{has:#?}\nin turn\n{wants:#?}"
                        ));
                    }
                }
                if (together.next_due(), together.clock()) != (alone.next_due(), alone.clock()) {
                    return Err(format!("before input {place}: due at {:?}, not {:?}", together.next_due(), alone.next_due()));
                }
            }
            if together.snapshot() == alone.snapshot() { Ok(()) } else { Err("it ends in another snapshot".to_owned()) }
        });
    }
    let [in_turn, by_subject, said, sliced] = counts.into_inner();
    println!("{by_subject} readings by subject, of which {sliced} in slices, with {said} changes; {in_turn} in turn");
    if seeds(4_000).count() >= 1_000 {
        assert!(by_subject > 10_000 && said > 3_000 && sliced > 1_000 && in_turn > 1_000, "too few go by subject");
    }
}
