//! An engine on its way through inputs, with ticks at each deadline as a server has them, and all it said; with a horizon or without.

use std::collections::BTreeMap;

use vitalog_cep::{Engine, EngineInput, Horizon, LayerId, NotThatLayer, Told, Want};
use vitalog_elog::{Effect, FindingChange, Reading, Span, Time};

#[derive(Default)]
pub struct Course {
    pub engine: Engine,
    pub changes: Vec<FindingChange>,
    /// What lies beyond the horizon.
    layers: BTreeMap<LayerId, Vec<u8>>,
    horizon: Option<Horizon>,
    /// So many subjects are decided at once; `None`: all.
    slice: Option<usize>,
    pub parted: u64,
    pub united: u64,
    effects: Vec<Effect>,
    told: Told,
    /// Readings that were gone through subject by subject.
    pub by_subject: u64,
    offset: u64,
}

impl Course {
    pub fn near(horizon: Option<Horizon>) -> Course {
        let mut course = Course { horizon, ..Course::default() };
        course.engine.set_horizon(horizon);
        course
    }

    /// Of whom at most so many are decided at once.
    pub fn in_slices(horizon: Option<Horizon>, slice: usize) -> Course {
        let mut course = Course { slice: Some(slice), ..Course::near(horizon) };
        course.engine.set_slice(course.slice);
        course
    }

    /// Ticks at each deadline up to an instant, and as long as anybody owes something; unless it `is_busy`: then for less than a day what is owed may be left to the inputs that follow.
    pub fn lag_behind(&mut self, at: Time, is_busy: bool) {
        while let Some(due) = self.engine.next_due().filter(|due| *due <= at) {
            if is_busy && self.engine.owes() && at.since(self.engine.clock()) < Span::days(1) {
                return;
            }
            self.step(due.max(self.engine.clock()), EngineInput::Tick);
        }
    }

    /// Ticks until nobody owes anything; how often.
    pub fn pay(&mut self) -> u64 {
        let before = self.offset;
        while self.engine.owes() {
            self.step(self.engine.clock(), EngineInput::Tick);
        }
        self.offset - before
    }

    pub fn step(&mut self, arrival: Time, input: EngineInput<'_>) {
        while let Some(want) = self.engine.wants(arrival, &input) {
            self.give(&want);
        }
        self.engine.step(self.offset, arrival, input, &mut self.effects);
        self.offset += 1;
        while let Some(want) = self.engine.wants_again() {
            self.give(&want);
        }
        for parted in self.engine.take_parted() {
            self.parted += 1;
            self.layers.insert(parted.id, parted.bytes);
        }
        self.united += self.engine.take_united().len() as u64;
        self.take();
    }

    /// The same over readings that follow each other, in one call.
    pub fn step_all(&mut self, readings: &[(Time, &Reading)]) {
        let Course { engine, layers, told, .. } = self;
        let mut shelves = |want: &Want| Ok::<_, NotThatLayer>(want.layers.iter().map(|id| layers[id].clone()).collect());
        engine.step_all(readings, told, &mut shelves).expect("it was cut off");
        self.by_subject += if told.is_by_subject() { readings.len() as u64 } else { 0 };
        self.offset += readings.len() as u64;
        self.effects.extend(told.take().map(|(_, effect)| effect));
        self.take();
    }

    /// Goes on with what a snapshot says.
    pub fn restart(&mut self) -> Result<(), String> {
        let bytes = self.engine.snapshot();
        self.engine = Engine::restore(&bytes).map_err(|e| e.to_string())?;
        self.engine.set_horizon(self.horizon);
        self.engine.set_slice(self.slice);
        if self.engine.snapshot() == bytes {
            Ok(())
        } else {
            Err(format!("a restored engine writes another snapshot, at {}", self.engine.clock()))
        }
    }

    fn give(&mut self, want: &Want) {
        let layers: Vec<Vec<u8>> = want.layers.iter().map(|id| self.layers[id].clone()).collect();
        self.engine.give(want, &layers, &mut self.effects).expect("it was cut off");
    }

    /// Ticks at each deadline up to an instant.
    pub fn until(&mut self, at: Time) -> Result<(), String> {
        while let Some(due) = self.engine.next_due().filter(|due| *due <= at) {
            if due < self.engine.clock() {
                return Err(format!("due at {due}, and the clock is at {} already", self.engine.clock()));
            }
            self.step(due, EngineInput::Tick);
            if self.engine.next_due() == Some(due) {
                return Err(format!("after a tick at {due} it is due then again"));
            }
        }
        Ok(())
    }

    /// The end of a moment that was begun by `Engine::begin`.
    pub fn settle(&mut self) {
        self.engine.settle(&mut self.effects);
        self.take();
    }

    fn take(&mut self) {
        let change = |effect| if let Effect::Finding(change) = effect { Some(*change) } else { None };
        self.changes.extend(self.effects.drain(..).filter_map(change));
    }
}
