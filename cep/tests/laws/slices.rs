//! Slices: however few subjects are decided at once because the clock reached something, the same stands when nothing is owed any more; and which they are hangs on state and inputs
//! alone, wherever it is cut.

use std::cell::RefCell;

use vitalog_cep::Engine;
use vitalog_cep::plan::{Library, Rule, RuleKind};
use vitalog_elog::{Effect, Subject};

use super::{check, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::oracle::Standing;
use crate::world::drive;
use crate::world::script::{Given, Line};
use crate::world::show::difference;

const NAMES: [&str; 7] = ["s", "t", "u", "v", "w", "a", "b"];

/// Of several people, under rules by which things fall due for several of them at once.
pub fn script(seed: u64) -> Vec<Line> {
    let mut dice = Dice::either(seed ^ 0x51CE);
    let by_clock = |rule: &Rule| matches!(rule.kind, RuleKind::Silence(_) | RuleKind::Schedule(_));
    let mut drawn = std::iter::repeat_with(|| rules::library(&mut dice));
    let found = drawn.find(|library| library.rules.iter().any(|rule| by_clock(rule)));
    let mut library = found.expect("one of them comes sooner or later");
    if dice.chance(25) {
        library.schema = crate::world::shared_schema();
    }
    timelines::subject_lines(&mut dice, library, NAMES.map(Subject::new).to_vec())
}

fn sliced(size: usize) -> Engine {
    let mut engine = Engine::new();
    engine.set_slice(Some(size));
    engine
}

/// Ticks until nobody owes anything, as a server does; how many it took.
fn pay(engine: &mut Engine) -> usize {
    let mut ticks = 0;
    while engine.owes() {
        drive::step(engine, 0, &Line { arrival: engine.clock(), input: Given::Tick });
        ticks += 1;
    }
    ticks
}

fn of<'s>(standing: &'s [Standing], name: &str) -> Vec<&'s Standing> {
    standing.iter().filter(|s| s.subject == name).collect()
}

/// What stands of whoever has a reading is as it is without slices; of all others it is as it was at some input since they were last touched; in the end it is all the same.
#[test]
fn slices_of_any_size_end_in_what_one_step_decides() {
    let counts = RefCell::new([0_usize; 3]);
    for seed in seeds(3_000) {
        check("slices", seed, script(seed), &|seed, lines| {
            let size = 1 + (seed % 3) as usize;
            let (mut whole, mut engine) = (Engine::new(), sliced(size));
            // What stood of each without slices, since it was last touched.
            let mut stood: Vec<Vec<Standing>> = Vec::new();
            let mut touched = [0; NAMES.len() + 1];
            for (i, line) in lines.iter().enumerate() {
                counts.borrow_mut()[0] += usize::from(engine.owes());
                let outcomes =
                    |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Reading(_))).cloned().collect::<Vec<_>>();
                let (has, wants) = (drive::step(&mut engine, i, line), drive::step(&mut whole, i, line));
                if outcomes(&has) != outcomes(&wants)
                    || !matches!(
                        (&line.input, has.first()),
                        (Given::Reading(_), Some(Effect::Reading(_)))
                            | (Given::Profile(_) | Given::Library { .. } | Given::Tick, _)
                    )
                {
                    return Err(format!(
                        "input {i}: the outcome is another, or not the first:\n{has:#?}\ninstead of\n{wants:#?}"
                    ));
                }
                if drive::changes(&has).iter().any(|c| c.decided_at != engine.clock()) {
                    return Err(format!("input {i}: decided at another time than the clock's\n{has:#?}"));
                }
                stood.push(drive::standing(&whole));
                let now = drive::standing(&engine);
                for (name, touched) in NAMES.iter().chain(&["c"]).zip(&mut touched) {
                    let own = line.input.subject().is_some_and(|s| s.as_str() == *name);
                    if own || matches!(line.input, Given::Library { .. }) {
                        *touched = i;
                    }
                    let known = (*touched..=i).rev().position(|j| of(&stood[j], name) == of(&now, name));
                    match known {
                        // Since then it owes something, unless only the clock moved.
                        Some(ago) => counts.borrow_mut()[1] += usize::from(ago > 0),
                        None => return Err(format!("after input {i}, of {name}:\n{}", difference(&now, &stood[i]))),
                    }
                }
            }
            counts.borrow_mut()[2] += pay(&mut engine);
            let (has, wants) = (drive::standing(&engine), drive::standing(&whole));
            if has != wants || engine.next_due() != whole.next_due() {
                return Err(format!("when nothing is owed any more:\n{}", difference(&has, &wants)));
            }
            Ok(())
        });
    }
    let [owing, behind, ticks] = counts.into_inner();
    println!("{owing} inputs while something was owed, {behind} times somebody was behind, {ticks} ticks in the end");
    if seeds(3_000).count() >= 1_000 {
        assert!(owing > 500 && behind > 500 && ticks > 150, "too little is owed: {owing}, {behind}, {ticks}");
    }
}

/// Cut before any input, from a whole snapshot or from increments, it goes on as if it had never been; and says what it owes.
#[test]
fn cut_while_something_is_owed_it_goes_on_as_if_never_cut() {
    let owing = RefCell::new(0);
    for seed in seeds(1_500) {
        check("cuts of slices", seed, script(seed), &|seed, lines| {
            let mut dice = Dice::new(!seed);
            let size = 1 + dice.below(2);
            let often = if dice.chance(50) { 100 } else { 20 };
            let (mut whole, mut engine) = (sliced(size), sliced(size));
            let mut chain: Vec<Vec<u8>> = Vec::new();
            let mut place = 0;
            while place < lines.len() {
                if dice.chance(often) {
                    *owing.borrow_mut() += usize::from(engine.owes());
                    chain.push(engine.increment());
                    let all: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
                    if Engine::merge(&all).map_err(|e| e.to_string())? != whole.snapshot() {
                        return Err(format!("before input {place}: another snapshot than without a cut"));
                    }
                    engine = Engine::restore_all(&all).map_err(|e| e.to_string())?;
                    engine.set_slice(Some(size));
                    if (engine.next_due(), engine.findings()) != (whole.next_due(), whole.findings()) {
                        return Err(format!(
                            "before input {place}: it is due at {:?}, not at {:?}",
                            engine.next_due(),
                            whole.next_due()
                        ));
                    }
                }
                // Of a moment no snapshot is taken.
                let end = lines.len().min(place + 1 + dice.below(3));
                let (mut has, mut wants) = (Vec::new(), Vec::new());
                let is_moment = dice.chance(40);
                for (engine, effects) in [(&mut engine, &mut has), (&mut whole, &mut wants)] {
                    if is_moment {
                        engine.begin();
                    }
                    for (i, line) in lines.iter().enumerate().take(end).skip(place) {
                        effects.extend(drive::step(engine, i, line));
                    }
                    if is_moment {
                        engine.settle(effects);
                    }
                }
                if has != wants {
                    return Err(format!("inputs {place} to {end}: after a cut it says\n{has:#?}\ninstead of\n{wants:#?}"));
                }
                place = end;
            }
            if pay(&mut engine) == pay(&mut whole) && engine.snapshot() == whole.snapshot() {
                Ok(())
            } else {
                Err("it ends in another snapshot".to_owned())
            }
        });
    }
    let owing = owing.into_inner();
    println!("{owing} cuts while something was owed");
    if seeds(1_500).count() >= 1_000 {
        assert!(owing > 150, "too little was owed where it was cut");
    }
}

/// A place where somebody owes something, if there is one.
fn cut_where_owing(lines: &[Line], seed: u64) -> usize {
    let mut engine = sliced(1);
    let owing = |(i, line): (usize, &Line)| {
        drive::step(&mut engine, i, line);
        engine.owes().then_some(i + 1)
    };
    let places: Vec<usize> = lines.iter().enumerate().filter_map(owing).collect();
    let mut dice = Dice::new(seed);
    if places.is_empty() { dice.below(lines.len() + 1) } else { *dice.pick(&places) }
}

/// Who is forgotten while others owe something takes nothing of theirs along.
#[test]
fn what_others_owe_is_not_forgotten() {
    let owing = RefCell::new(0);
    for seed in seeds(1_000) {
        let gone: Vec<Subject> = ["s", "v"].map(Subject::new).to_vec();
        let lines: Vec<Line> = script(seed)
            .into_iter()
            .map(|line| match line.input {
                Given::Library { effective, library } => {
                    let library = Library { schema: crate::world::schema(), ..(*library).clone() };
                    Line { arrival: line.arrival, input: Given::Library { effective, library: library.into() } }
                }
                _ => line,
            })
            .collect();
        check("forgetting in slices", seed, lines, &|seed, lines| {
            let cut = cut_where_owing(lines, !seed);
            let (mut all, mut others) = (sliced(1), Engine::new());
            let silenced = |line: &Line| match line.input.subject() {
                Some(subject) if gone.contains(subject) => Line { arrival: line.arrival, input: Given::Tick },
                _ => line.clone(),
            };
            for (i, line) in lines.iter().enumerate().take(cut) {
                drive::step(&mut all, i, line);
                drive::step(&mut others, i, &silenced(line));
            }
            let left = Engine::without(&[&all.snapshot()], &gone).map_err(|e| e.to_string())?;
            let mut left = Engine::restore(&left).map_err(|e| e.to_string())?;
            *owing.borrow_mut() += usize::from(left.owes());
            for (i, line) in lines.iter().enumerate().skip(cut) {
                drive::step(&mut left, i, &silenced(line));
                drive::step(&mut others, i, &silenced(line));
            }
            pay(&mut left);
            let (has, wants) = (drive::standing(&left), drive::standing(&others));
            if has == wants && left.next_due() == others.next_due() {
                Ok(())
            } else {
                Err(format!("cut before {cut}:\n{}", difference(&has, &wants)))
            }
        });
    }
    let owing = owing.into_inner();
    println!("{owing} times others owed something");
    if seeds(1_000).count() >= 1_000 {
        assert!(owing > 100, "too little was owed when they were forgotten");
    }
}
