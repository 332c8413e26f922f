//! An engine on its way through inputs, with ticks at each deadline as a server has them, and all it said.

use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::{Effect, FindingChange, Time};

#[derive(Default)]
pub struct Course {
    pub engine: Engine,
    pub changes: Vec<FindingChange>,
    effects: Vec<Effect>,
    offset: u64,
}

impl Course {
    pub fn step(&mut self, arrival: Time, input: EngineInput<'_>) {
        self.engine.step(self.offset, arrival, input, &mut self.effects);
        self.offset += 1;
        self.take();
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
