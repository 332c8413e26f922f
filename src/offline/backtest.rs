//! What rules find in a history.
//!
//! Subjects that no reading joins are independent, so each thread takes a share of them to an engine of its own. Readings are fed in the order of their
//! instants and the clock follows them, as if each had arrived when it happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vitalog_cep::driver::backtest_order;
use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Finding, Reading, Span, Subject, Time};

use super::groups::Groups;

/// What to look at.
pub struct History {
    pub library: Arc<Library>,
    pub readings: Vec<Reading>,
    pub profiles: Vec<ProfileChange>,
    /// What the clock says in the end; the last instant of a reading if `None`.
    pub now: Option<Time>,
}

/// What stands, and what it took.
pub struct Outcome {
    /// By subject, then rule, then onset.
    pub findings: Vec<Finding>,
    pub readings: usize,
    /// The days (UTC) on which there is a reading of a subject, its own or one that is seen under it.
    pub days: BTreeMap<Subject, BTreeSet<i64>>,
    /// The time the slowest engine took, without loading and sorting.
    pub engine_time: Duration,
}

impl Outcome {
    /// Leaves out all other subjects.
    pub fn only(&mut self, subject: &Subject) {
        self.findings.retain(|finding| finding.subject == *subject);
        self.days.retain(|of, _| of == subject);
    }

    /// Over all subjects.
    pub fn subject_days(&self) -> usize {
        self.days.values().map(BTreeSet::len).sum()
    }
}

/// Runs a history on `threads` engines.
pub fn run(history: History, threads: usize) -> Outcome {
    let readings = history.readings.len();
    let days = days(&history);
    let last = history.readings.iter().filter_map(instant).max();
    let now = history.now.or(last).unwrap_or(Time(0));
    let mut shares: Vec<Share> = (0..threads.max(1)).map(|_| Share::default()).collect();
    let mut groups = Groups::default();
    if history.library.schema.shares() {
        history.readings.iter().for_each(|reading| groups.note(reading, &history.library.schema));
    }
    let mut place: BTreeMap<usize, usize> = BTreeMap::new();
    let count = shares.len();
    let mut share_of = |subject: &Subject| {
        let next = place.len();
        *place.entry(groups.of(subject)).or_insert(next) % count
    };
    for reading in history.readings {
        shares[share_of(&reading.subject)].readings.push(reading);
    }
    for change in history.profiles {
        shares[share_of(&change.subject)].profiles.push(change);
    }
    let library = &history.library;
    let parts: Vec<(Vec<Finding>, Duration)> = std::thread::scope(|scope| {
        let running: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || share.run(library, now))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let engine_time = parts.iter().map(|(_, took)| *took).max().unwrap_or_default();
    let mut findings: Vec<Finding> = parts.into_iter().flat_map(|(findings, _)| findings).collect();
    findings.sort_by(|a, b| (&a.subject, &a.rule, a.onset, a.id).cmp(&(&b.subject, &b.rule, b.onset, b.id)));
    Outcome { findings, readings, days, engine_time }
}

fn days(history: &History) -> BTreeMap<Subject, BTreeSet<i64>> {
    let mut days: BTreeMap<Subject, BTreeSet<i64>> = BTreeMap::new();
    for reading in &history.readings {
        let (Some(content), Some(at)) = (&reading.content, instant(reading)) else { continue };
        let day = at.0.div_euclid(Span::days(1).0);
        for subject in content.further_subjects(&history.library.schema).into_iter().chain([reading.subject.clone()]) {
            days.entry(subject).or_default().insert(day);
        }
    }
    days
}

#[derive(Default)]
struct Share {
    readings: Vec<Reading>,
    profiles: Vec<ProfileChange>,
}

impl Share {
    fn run(self, library: &Arc<Library>, now: Time) -> (Vec<Finding>, Duration) {
        let (engine, took) = self.engine(library, now);
        (engine.findings(), took)
    }

    /// The engine at the end, and how long it took.
    fn engine(mut self, library: &Arc<Library>, now: Time) -> (Engine, Duration) {
        backtest_order(&mut self.readings);
        let began = Instant::now();
        let mut engine = Engine::new();
        let mut effects = Vec::new();
        let mut offset = 0;
        let mut step = |arrival: Time, input: EngineInput<'_>| {
            engine.step(offset, arrival, input, &mut effects);
            effects.clear();
            offset += 1;
        };
        step(Time::MIN, EngineInput::Library { effective: Time::MIN, library: library.clone() });
        for change in &self.profiles {
            step(Time::MIN, EngineInput::Profile(change));
        }
        for reading in &self.readings {
            step(instant(reading).unwrap_or(now).min(now), EngineInput::Reading(reading));
        }
        step(now, EngineInput::Tick);
        let took = began.elapsed();
        (engine, took)
    }
}

/// One engine over a whole history, at its end.
pub fn engine(history: History) -> Engine {
    let last = history.readings.iter().filter_map(instant).max();
    let now = history.now.or(last).unwrap_or(Time(0));
    Share { readings: history.readings, profiles: history.profiles }.engine(&history.library, now).0
}

fn instant(reading: &Reading) -> Option<Time> {
    let when = reading.content.as_ref()?.when;
    Some(when.instant().unwrap_or_else(|| when.start()))
}
