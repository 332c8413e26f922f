//! A horizon changes nothing that is said: an engine that gives away what lies before it, and gets it back when something touches it, says of each input the
//! same as one that keeps all. And it is reckoned right: nobody ever looks at what is not there.

use std::cell::RefCell;
use std::collections::BTreeMap;

use vitalog_cep::why::Why;
use vitalog_cep::{Engine, EngineInput, Horizon, LayerId, NotThatLayer, Told, Unknown, Want};
use vitalog_elog::{Effect, Finding, Span};

use super::{for_scripts, together};
use crate::draw::dice::Dice;
use crate::draw::terms::CELL;
use crate::world::script::{Given, Line};

/// Where layers lie.
#[derive(Default)]
pub struct Shelf {
    layers: BTreeMap<LayerId, Vec<u8>>,
    pub parted: u64,
    pub united: u64,
}

impl Shelf {
    fn give(&mut self, engine: &mut Engine, line: &Line, effects: &mut Vec<Effect>, after: bool) {
        let input = input(line);
        while let Some(want) = if after { engine.wants_again() } else { engine.wants(line.arrival, &input) } {
            let bytes: Vec<Vec<u8>> = want.layers.iter().map(|n| self.layers[n].clone()).collect();
            engine.give(&want, &bytes, effects).expect("it was cut off");
        }
    }

    /// The inputs of one moment, with what followed from each and at its end.
    pub fn steps(&mut self, engine: &mut Engine, first: usize, lines: &[Line]) -> Vec<Vec<Effect>> {
        let mut all = Vec::new();
        engine.begin();
        for (i, line) in lines.iter().enumerate() {
            let mut effects = Vec::new();
            self.give(engine, line, &mut effects, false);
            engine.step((first + i) as u64, line.arrival, input(line), &mut effects);
            self.give(engine, line, &mut effects, true);
            all.push(effects);
        }
        all.push(self.end(engine, lines));
        all
    }

    /// The same, readings that follow each other in one call.
    pub fn steps_together(
        &mut self,
        engine: &mut Engine,
        first: usize,
        lines: &[Line],
        by_subject: &mut u64,
    ) -> Vec<Vec<Effect>> {
        let (mut all, mut told, mut place) = (Vec::new(), Told::default(), 0);
        engine.begin();
        while let Some(line) = lines.get(place) {
            // The first moves the clock.
            let readings = if place == 0 { Vec::new() } else { together::run(&lines[place..], usize::MAX) };
            if readings.is_empty() {
                let mut effects = Vec::new();
                self.give(engine, line, &mut effects, false);
                engine.step((first + place) as u64, line.arrival, input(line), &mut effects);
                self.give(engine, line, &mut effects, true);
                all.push(effects);
                place += 1;
                continue;
            }
            let layers = &self.layers;
            let mut shelves = |want: &Want| Ok::<_, NotThatLayer>(want.layers.iter().map(|n| layers[n].clone()).collect());
            engine.step_all(&readings, &mut told, &mut shelves).expect("it was cut off");
            *by_subject += if told.is_by_subject() { readings.len() as u64 } else { 0 };
            all.extend(together::sorted(&mut told, readings.len()));
            place += readings.len();
        }
        all.push(self.end(engine, lines));
        all
    }

    /// The end of a moment.
    fn end(&mut self, engine: &mut Engine, lines: &[Line]) -> Vec<Effect> {
        let mut last = Vec::new();
        engine.settle(&mut last);
        if let Some(line) = lines.last() {
            self.give(engine, line, &mut last, true);
        }
        for parted in engine.take_parted() {
            self.parted += 1;
            self.layers.insert(parted.id, parted.bytes);
        }
        self.united += engine.take_united().len() as u64;
        last
    }

    /// Why, of one of whom something was cut off.
    fn why(&self, engine: &Engine, finding: &Finding) -> Result<Why, Unknown> {
        let layers = engine.layers_of(&finding.subject);
        let bytes: Vec<Vec<u8>> = layers.iter().map(|n| self.layers[n].clone()).collect();
        engine.why_with(&finding.rule, &finding.subject, finding.at, &bytes)
    }
}

fn input(line: &Line) -> EngineInput<'_> {
    match &line.input {
        Given::Reading(r) => EngineInput::Reading(r),
        Given::Profile(c) => EngineInput::Profile(c),
        Given::Library { effective, library } => EngineInput::Library { effective: *effective, library: library.clone() },
        Given::Tick => EngineInput::Tick,
    }
}

/// After a change of the rules, subjects are told of in another order.
fn in_order(line: &Line, mut effects: Vec<Effect>) -> Vec<Effect> {
    if matches!(line.input, Given::Library { .. }) {
        effects.sort_by_key(|e| format!("{e:?}"));
    }
    effects
}

/// Whether two rules have one name and one meaning and say different things, which no compiler makes of any text (shrinking a script does).
fn is_muddled(lines: &[Line]) -> bool {
    let libraries =
        lines.iter().filter_map(|line| if let Given::Library { library, .. } = &line.input { Some(library) } else { None });
    let mut known: BTreeMap<_, &vitalog_cep::plan::Rule> = BTreeMap::new();
    libraries.flat_map(|library| &library.rules).any(|rule| {
        let same = known.entry((rule.name.clone(), rule.meaning)).or_insert(rule);
        format!("{:?}", same.kind) != format!("{:?}", rule.kind)
    })
}

/// What the law saw.
#[derive(Default)]
pub struct Tried {
    parted: u64,
    united: u64,
    asked: u64,
}

#[test]
fn an_engine_with_a_horizon_says_the_same() {
    let tried = RefCell::new(Tried::default());
    for_scripts("horizons", 4_000, &|seed, lines| says_the_same(seed, lines, None, &tried));
    let Tried { parted, united, asked } = tried.into_inner();
    println!("{parted} layers cut off, {united} put back, {asked} times asked why of one of whom something was cut off");
    if super::seeds(4_000).count() >= 1_000 {
        assert!(parted > 1_000 && united > 1_000 && asked > 1_000, "{parted}, {united}, {asked}");
    }
}

/// Also where several owe something, and who owes is asked.
#[test]
fn so_it_does_in_slices() {
    let tried = RefCell::new(Tried::default());
    for seed in super::seeds(1_500) {
        let lines = super::slices::script(seed);
        super::check("horizons in slices", seed, lines, &|seed, lines| says_the_same(seed, lines, Some(1), &tried));
    }
    let Tried { parted, united, asked } = tried.into_inner();
    if super::seeds(1_500).count() >= 1_000 {
        assert!(parted > 300 && united > 100 && asked > 100, "{parted}, {united}, {asked}");
    }
}

/// And where what follows each other in a moment is gone through subject by subject, as a server does.
#[test]
fn so_it_does_by_subject() {
    let counts = RefCell::new([0; 3]);
    for seed in super::seeds(3_000) {
        let lines = super::slices::script(seed);
        super::check("horizons by subject", seed, lines, &|seed, lines| {
            if is_muddled(lines) {
                return Ok(());
            }
            let mut dice = Dice::new(seed);
            let (mut near, mut whole) = (Engine::new(), Engine::new());
            near.set_horizon(Some(Horizon { keep: Span(dice.between(0, 6) * CELL), least: dice.below(6), pause: Span(0) }));
            let slice = Some(1 + dice.below(2));
            near.set_slice(slice);
            whole.set_slice(slice);
            let (mut everything, mut shelf, mut by_subject) = (Shelf::default(), Shelf::default(), 0);
            let mut place = 0;
            while place < lines.len() {
                let mut moment = lines[place..lines.len().min(place + 1 + dice.below(20))].to_vec();
                let arrival = moment.iter().map(|line| line.arrival).max().unwrap_or_default();
                if dice.chance(80) {
                    moment.iter_mut().for_each(|line| line.arrival = arrival);
                }
                let has = shelf.steps_together(&mut near, place, &moment, &mut by_subject);
                let wants = everything.steps(&mut whole, place, &moment);
                for (i, (has, wants)) in has.into_iter().zip(wants).enumerate() {
                    let line = moment.get(i).unwrap_or(&moment[0]);
                    let (has, wants) = (in_order(line, has), in_order(line, wants));
                    if has != wants {
                        return Err(format!("input {}: by subject\n{has:#?}\nin turn\n{wants:#?}", place + i));
                    }
                }
                place += moment.len();
            }
            let counts = &mut *counts.borrow_mut();
            *counts = [counts[0] + by_subject, counts[1] + shelf.parted, counts[2] + shelf.united];
            if near.next_due() == whole.next_due() { Ok(()) } else { Err("it is due at another instant".to_owned()) }
        });
    }
    let [by_subject, parted, united] = counts.into_inner();
    println!("{by_subject} readings by subject, {parted} layers cut off, {united} put back");
    if super::seeds(3_000).count() >= 1_000 {
        assert!(by_subject > 5_000 && parted > 500 && united > 200, "{by_subject}, {parted}, {united}");
    }
}

pub fn says_the_same(seed: u64, lines: &[Line], slice: Option<usize>, tried: &RefCell<Tried>) -> Result<(), String> {
    if is_muddled(lines) {
        return Ok(());
    }
    let mut dice = Dice::new(seed);
    // The one with short moments as often as not.
    let longest = if dice.chance(50) { 1 } else { 8 };
    let horizon = Horizon { keep: Span(dice.between(0, 6) * CELL), least: dice.below(6), pause: Span(0) };
    let (mut whole, mut near) = (Engine::new(), Engine::new());
    near.set_horizon(Some(horizon));
    whole.set_slice(slice);
    near.set_slice(slice);
    let (mut everything, mut shelf) = (Shelf::default(), Shelf::default());
    let (mut place, mut chain) = (0, Vec::new());
    while place < lines.len() {
        let mut end = lines.len().min(place + 1 + dice.below(longest));
        // Who has to get all layers back is decided at once, not at the end of the moment: then other things are said meanwhile.
        if let Some(i) = (place..end).find(|i| matches!(lines[*i].input, Given::Library { .. })) {
            end = i.max(place + 1);
        }
        let wants = everything.steps(&mut whole, place, &lines[place..end]);
        let has = shelf.steps(&mut near, place, &lines[place..end]);
        for (i, (has, wants)) in has.into_iter().zip(wants).enumerate() {
            let line = &lines[(place + i).min(end - 1)];
            let (has, wants) = (in_order(line, has), in_order(line, wants));
            if has != wants {
                return Err(format!("input {}, {horizon:?}: it says\n{has:#?}\ninstead of\n{wants:#?}", place + i));
            }
        }
        if whole.next_due() != near.next_due() {
            return Err(format!("before input {end}: it is due at {:?}, not at {:?}", near.next_due(), whole.next_due()));
        }
        if dice.chance(20) {
            // From what changed since the last time, upon all before.
            chain.push(near.increment());
            let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
            let merged = Engine::restore_all(&chain).map_err(|e| e.to_string())?;
            if std::mem::replace(&mut near, merged).snapshot() != near.snapshot() {
                return Err(format!("before input {end}: increments come to another state"));
            }
            near.set_horizon(Some(horizon));
            near.set_slice(slice);
        }
        if near.misses() > 0 {
            return Err(format!("before input {end}, {horizon:?}: somebody looked too far"));
        }
        place = end;
    }
    let mut tried = tried.borrow_mut();
    for finding in whole.findings() {
        let (has, wants) = (shelf.why(&near, &finding), everything.why(&whole, &finding));
        if has != wants {
            return Err(format!("asked why of {finding:?}, {horizon:?}: it says\n{has:#?}\ninstead of\n{wants:#?}"));
        }
        tried.asked += u64::from(!near.layers_of(&finding.subject).is_empty());
    }
    tried.parted += shelf.parted;
    tried.united += shelf.united;
    Ok(())
}
