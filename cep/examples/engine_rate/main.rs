//! How many readings a second one engine steps over on one core, with ten rules of the usual kinds, through its public door: ids, outcomes, roll-back
//! state and deadlines included. In the same run a hand-written loop for one of the rules alone, as a yardstick, must open as many episodes.
//!
//!     cargo run --release -p vitalog-cep --example engine_rate [SUBJECTS] [DAYS]
//!
//! Time is what this thread spent on a core (Linux tells; elsewhere wall time), so that a busy machine does not count.
#![allow(clippy::disallowed_types, reason = "a rate is no state")]

mod population;
mod ten_rules;
mod yardstick;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use population::Population;
use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::{Change, Effect, Time};
use yardstick::Yardstick;

const START: Time = Time(1_763_596_800_000_000);

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<u32>().unwrap_or(0));
    let subjects = args.next().unwrap_or(500).max(1);
    let days = args.next().unwrap_or(14).max(1);
    let library = Arc::new(ten_rules::library());
    let mut population = Population::new(&library.schema, subjects, START, 20_261_120);
    let mut engine = Engine::new();
    let mut yardstick = Yardstick::default();
    let mut effects = Vec::new();
    engine.step(0, START, EngineInput::Library { effective: Time::MIN, library: library.clone() }, &mut effects);
    let (mut readings, mut changes, mut opened) = (0_u64, 0_u64, 0_u64);
    let (mut engine_time, mut yardstick_time) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..days * 24 {
        let batch = population.next_hour();
        let begin = on_core();
        for (arrival, reading) in &batch {
            readings += 1;
            engine.step(readings, *arrival, EngineInput::Reading(reading), &mut effects);
            for effect in effects.drain(..) {
                let Effect::Finding(change) = effect else { continue };
                changes += 1;
                opened += u64::from(change.change == Change::Opened && &*change.finding.rule == "low_glucose");
            }
        }
        engine_time += on_core() - begin;
        let begin = on_core();
        batch.iter().for_each(|(_, reading)| yardstick.step(reading));
        yardstick_time += on_core() - begin;
    }
    let rate = |time: Duration| readings as f64 / time.as_secs_f64();
    println!(
        "{subjects} subjects, {days} days, {readings} readings, {} rules, {changes} changes of findings",
        library.rules.len()
    );
    println!("engine      {:>12.0} readings/s  ({:.0} ns each)", rate(engine_time), 1e9 / rate(engine_time));
    println!("yardstick   {:>12.0} readings/s  (one rule by hand, in order only)", rate(yardstick_time));
    let begin = on_core();
    let snapshot = engine.snapshot();
    let (bytes, seconds) = (snapshot.len(), (on_core() - begin).as_secs_f64());
    println!("snapshot    {bytes:>12} bytes in {seconds:.2} s  ({:.1} a reading)", bytes as f64 / readings as f64);
    println!("low_glucose opened {opened} times, by hand {}", yardstick.opened);
    assert_eq!(opened, yardstick.opened, "the engine and the loop by hand must agree");
}

/// The time this thread spent running.
#[allow(clippy::disallowed_methods, reason = "a measurement is the one thing that needs the wall clock")]
fn on_core() -> Duration {
    let nanos = std::fs::read_to_string("/proc/thread-self/schedstat");
    match nanos.ok().and_then(|text| text.split(' ').next()?.parse().ok()) {
        Some(nanos) => Duration::from_nanos(nanos),
        None => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
    }
}
