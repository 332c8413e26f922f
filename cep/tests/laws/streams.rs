//! Law 5 where it is told apart what is late: the readings of each stream come in their order, behind or before those of the others and the clock, as phones send what they gathered
//! and a gateway says meanwhile of whom it heard. Most of them are in order for most rules then, and late for some.

use std::collections::BTreeMap;

use vitalog_cep::Engine;
use vitalog_elog::{Subject, Time};

use super::for_scripts;
use super::oracle::compare;
use crate::draw::dice::Dice;
use crate::world::drive;
use crate::world::script::{Given, Line};
use crate::world::show::script;

#[test]
fn streams_that_overtake_each_other_end_the_same() {
    for_scripts("streams", 6_000, &|seed, lines| {
        let lines = by_streams(&mut Dice::new(seed ^ 0x5EED), lines);
        let mut engine = Engine::new();
        for (i, line) in lines.iter().enumerate() {
            drive::step(&mut engine, i, line);
            let told = |e| format!("after input {i} of\n{}\n{e}", script(&lines));
            if seed % 4 == 0 {
                compare(&engine, &lines[..=i]).map_err(told)?;
            }
            if seed % 3 == 0 && i % 5 == 4 {
                // What a snapshot settles counts as decided.
                engine.snapshot();
            }
        }
        compare(&engine, &lines).map_err(|e| format!("of\n{}\n{e}", script(&lines)))
    });
}

/// The same inputs at the same arrivals, the readings of each stream and subject in the order of their instants; which stream is next is a matter of chance, mostly the same as before.
/// Of other inputs each stays where it is.
fn by_streams(dice: &mut Dice, lines: &[Line]) -> Vec<Line> {
    let mut queues: BTreeMap<(Subject, u16), Vec<(Time, Given)>> = BTreeMap::new();
    for line in lines {
        let Given::Reading(r) = &line.input else { continue };
        let at = r.content.as_ref().map_or(Time::MAX, |c| c.when.instant().unwrap_or(c.when.start()));
        let stream = r.content.as_ref().map_or(u16::MAX, |c| c.stream.0);
        queues.entry((r.subject.clone(), stream)).or_default().push((at, line.input.clone()));
    }
    let mut queues: Vec<Vec<Given>> = queues
        .into_values()
        .map(|mut queue| {
            queue.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
            queue.into_iter().map(|(_, input)| input).collect()
        })
        .collect();
    let mut place = 0;
    let mut next = || {
        queues.retain(|queue| !queue.is_empty());
        if place >= queues.len() || dice.chance(30) {
            place = dice.below(queues.len().max(1));
        }
        queues.get_mut(place)?.pop()
    };
    let is_reading = |line: &Line| matches!(line.input, Given::Reading(_));
    lines
        .iter()
        .filter_map(|l| Some(Line { arrival: l.arrival, input: if is_reading(l) { next()? } else { l.input.clone() } }))
        .collect()
}
