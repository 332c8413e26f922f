//! One partition: its engine, and what that gave away.
//!
//! The engine asks for layers before it takes an input; they are read from disk by the thread that owns the partition, and only inputs that touch what lies beyond the horizon wait for that.

use vitalog_cep::{Engine, EngineInput, NotThatLayer, Seen, Told, Want};
use vitalog_elog::{Effect, Effects, Reading, Time};

use super::beginning::STATE_ANEW;
use super::beyond::{Beyond, Layers};
use crate::failure::Failure;

/// So many subjects of a partition are decided in one group because the clock reached something: a report over two weeks of a sensor takes about half a millisecond, and a worker may have all
/// partitions. What was said of a journal, and of which input, hangs on it: another number is another engine's.
const SLICE: usize = 2;

/// A partition of the subjects.
pub struct Own {
    pub partition: u32,
    pub engine: Engine,
    layers: Option<Layers>,
    /// Layers that were cut off and put back since somebody asked.
    moved: (u64, u64),
    /// Room for what many readings say.
    told: Told,
}

impl Own {
    /// # Errors
    /// Where layers can't be read, or some that the engine needs are not there.
    pub fn new(partition: u32, mut engine: Engine, beyond: Option<&Beyond>) -> Result<Own, Failure> {
        engine.set_slice(Some(SLICE));
        engine.set_horizon(beyond.map(|beyond| beyond.horizon));
        let layers = beyond.map(|beyond| Layers::open(&beyond.dir, partition)).transpose()?;
        match &layers {
            Some(layers) => layers.check(&engine)?,
            None if engine.layers().next().is_some() => {
                return Err(Failure::new("the snapshot is that of an engine with a horizon")
                    .hint("start with the same horizon as before, or remove the snapshots"));
            }
            None => {}
        }
        Ok(Own { partition, engine, layers, moved: (0, 0), told: Told::default() })
    }

    /// Steps the engine, with whatever it needs for it.
    ///
    /// # Errors
    /// Where a layer can't be read, or is not what was cut off.
    pub fn step(
        &mut self,
        offset: u64,
        arrival: Time,
        input: EngineInput<'_>,
        effects: &mut Vec<Effect>,
        seen: &mut Vec<Seen>,
    ) -> Result<(), Failure> {
        while let Some(want) = self.engine.wants(arrival, &input) {
            self.give(&want, effects)?;
        }
        self.engine.step_apart(offset, arrival, input, effects, seen);
        self.after(effects)
    }

    /// Steps the engine over readings that nobody else sees: the effects of each.
    ///
    /// # Errors
    /// Those of [`Own::step`].
    pub fn step_all(&mut self, readings: &[(Time, &Reading)]) -> Result<Vec<Effects>, Failure> {
        let Own { engine, layers, told, .. } = self;
        engine.step_all(readings, told, &mut |want: &Want| read(layers.as_ref(), &want.layers))?;
        let mut effects = vec![Effects::new(); readings.len()];
        told.take().for_each(|(input, effect)| effects[input].push(effect));
        Ok(effects)
    }

    /// Shows the engine what there is to be seen.
    ///
    /// # Errors
    /// Those of [`Own::step`].
    pub fn see(&mut self, seen: &Seen, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        while let Some(want) = self.engine.wants_seen(seen) {
            self.give(&want, effects)?;
        }
        self.engine.see(seen, effects);
        self.after(effects)
    }

    /// Ends the moment.
    ///
    /// # Errors
    /// Those of [`Own::step`]; where what was cut off can't be written.
    pub fn settle(&mut self, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        self.engine.settle(effects);
        self.after(effects)?;
        let Some(layers) = &mut self.layers else { return Ok(()) };
        let (parted, united) = (self.engine.take_parted(), self.engine.take_united());
        self.moved.0 += parted.len() as u64;
        self.moved.1 += united.len() as u64;
        if parted.is_empty() && united.is_empty() { Ok(()) } else { layers.keep(&parted, &united) }
    }

    /// The whole state, or what changed since the last time; all that it needs is on stable storage.
    ///
    /// # Errors
    /// Where it could not be brought there.
    pub fn increment(&mut self, is_whole: bool) -> Result<Vec<u8>, Failure> {
        if let Some(layers) = &mut self.layers {
            layers.sync(is_whole)?;
        }
        if is_whole {
            self.engine.start_anew();
        }
        Ok(self.engine.increment())
    }

    /// How many layers were cut off, and how many put back, since the last time this was asked.
    pub fn take_moved(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.moved)
    }

    /// The layers by their names.
    ///
    /// # Errors
    /// Where one can't be read.
    pub fn read(&self, ids: &[vitalog_cep::LayerId]) -> Result<Vec<Vec<u8>>, Failure> {
        read(self.layers.as_ref(), ids)
    }

    fn after(&mut self, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        while let Some(want) = self.engine.wants_again() {
            self.give(&want, effects)?;
        }
        Ok(())
    }

    fn give(&mut self, want: &Want, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        let layers = self.read(&want.layers)?;
        Ok(self.engine.give(want, &layers, effects)?)
    }
}

fn read(layers: Option<&Layers>, ids: &[vitalog_cep::LayerId]) -> Result<Vec<Vec<u8>>, Failure> {
    let lost = || Failure::new("there is no place for what lies beyond the horizon");
    ids.iter().map(|id| layers.ok_or_else(lost)?.get(*id)).collect()
}

impl From<NotThatLayer> for Failure {
    fn from(wrong: NotThatLayer) -> Failure {
        let id = wrong.id.map_or(0, |id| id.0);
        Failure::new(format!("the layer {id:032x} is not what was cut off")).hint(STATE_ANEW)
    }
}
