//! What lies beyond an engine's horizon, in a file: so that the memory measured is the engine's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use vitalog_cep::{Engine, EngineInput, Horizon, LayerId, Want};
use vitalog_elog::{Effect, Span, Time};

use crate::clock::Clock;

pub struct Beyond {
    horizon: Option<Horizon>,
    file: File,
    /// Where each layer begins, and how long it is.
    places: BTreeMap<LayerId, (u64, usize)>,
    bytes: u64,
    pub parted: u64,
    pub united: u64,
    /// Reading and writing the file, which is not the engine's work.
    pub elsewhere: Duration,
}

impl Beyond {
    /// `days`: how late readings may be; `None`: the engine keeps all.
    pub fn new(days: Option<u32>, engine: &mut Engine) -> Beyond {
        let horizon = days.map(|days| Horizon { keep: Span::days(i64::from(days)), least: 1_024, pause: Span::days(1) });
        engine.set_horizon(horizon);
        let file = tempfile::tempfile().expect("a file");
        Beyond { horizon, file, places: BTreeMap::new(), bytes: 0, parted: 0, united: 0, elsewhere: Duration::ZERO }
    }

    pub fn step(&mut self, engine: &mut Engine, offset: u64, arrival: Time, input: EngineInput<'_>, effects: &mut Vec<Effect>) {
        if self.horizon.is_none() {
            return engine.step(offset, arrival, input, effects);
        }
        while let Some(want) = engine.wants(arrival, &input) {
            self.give(engine, &want, effects);
        }
        engine.step(offset, arrival, input, effects);
        while let Some(want) = engine.wants_again() {
            self.give(engine, &want, effects);
        }
        self.united += engine.take_united().len() as u64;
        for parted in engine.take_parted() {
            let begin = Clock::now();
            self.parted += 1;
            self.file.seek(SeekFrom::Start(self.bytes)).and_then(|_| self.file.write_all(&parted.bytes)).expect("written");
            self.places.insert(parted.id, (self.bytes, parted.bytes.len()));
            self.bytes += parted.bytes.len() as u64;
            self.elsewhere += begin.elapsed();
        }
    }

    fn give(&mut self, engine: &mut Engine, want: &Want, effects: &mut Vec<Effect>) {
        let begin = Clock::now();
        let layers: Vec<Vec<u8>> = want.layers.iter().map(|id| self.read(*id)).collect();
        self.elsewhere += begin.elapsed();
        engine.give(want, &layers, effects).expect("it was cut off");
    }

    fn read(&mut self, id: LayerId) -> Vec<u8> {
        let (place, length) = self.places[&id];
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(place)).and_then(|_| self.file.read_exact(&mut bytes)).expect("read");
        bytes
    }

    pub fn print(&self, engine: &Engine) {
        if self.horizon.is_some() {
            println!(
                "  {} readings at hand; {} layers cut off ({} MB), {} put back; looked too far {} times",
                engine.rows(),
                self.parted,
                self.bytes >> 20,
                self.united,
                engine.misses()
            );
        }
    }
}
