//! A part of a history, and what engines that go through it said on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vitalog_cep::driver::backtest_order;
use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Change, Effect, Finding, FindingChange, MatchId, Reading, Severity, Subject, Time};

/// So many readings are counted together: whoever watches needs no more.
const COUNTED: usize = 256;

/// So many subjects share an engine: the rules are made ready once for all of them, and all of what one reading looks at stays in the nearest caches.
const FEW: usize = 4;

/// The part of a history that one thread takes.
#[derive(Default)]
pub struct Share {
    pub readings: Vec<Reading>,
    pub profiles: Vec<ProfileChange>,
}

/// What its engines came to.
pub struct Part {
    pub findings: Vec<Finding>,
    /// When a finding first became graver than it opened.
    pub rises: BTreeMap<MatchId, Time>,
    pub took: Duration,
}

impl Share {
    /// `done` counts readings as they are decided.
    ///
    /// Where nobody is seen under another's name a few subjects have an engine of their own, so that they are at hand from their first reading to their last.
    pub fn run(self, library: &Arc<Library>, now: Time, done: &AtomicU64) -> Part {
        let shares = if library.schema.shares() { vec![self] } else { self.by_subject(FEW) };
        let mut rises = Rises::default();
        let mut part = Part { findings: Vec::new(), rises: BTreeMap::new(), took: Duration::default() };
        for share in shares {
            let (engine, took) = share.engine(library, now, done, &mut |change| rises.note(change));
            part.findings.extend(engine.findings());
            part.took += took;
        }
        Part { rises: rises.at, ..part }
    }

    /// The same in shares of so many subjects: what each comes to hangs on its own readings alone.
    fn by_subject(self, many: usize) -> Vec<Share> {
        let mut places: BTreeMap<Subject, usize> = BTreeMap::new();
        let mut place = |subject: &Subject| {
            let next = places.len();
            *places.entry(subject.clone()).or_insert(next) / many
        };
        let mut shares: BTreeMap<usize, Share> = BTreeMap::new();
        for reading in self.readings {
            shares.entry(place(&reading.subject)).or_default().readings.push(reading);
        }
        for change in self.profiles {
            shares.entry(place(&change.subject)).or_default().profiles.push(change);
        }
        shares.into_values().collect()
    }

    /// The engine at the end, and how long it took. `tell` is told each change of a finding on the way.
    pub fn engine(
        mut self,
        library: &Arc<Library>,
        now: Time,
        done: &AtomicU64,
        tell: &mut dyn FnMut(&FindingChange),
    ) -> (Engine, Duration) {
        backtest_order(&mut self.readings);
        let began = Instant::now();
        let mut course = Course { engine: Engine::new(), offset: 0, effects: Vec::new(), tell };
        course.step(Time::MIN, EngineInput::Library { effective: Time::MIN, library: library.clone() });
        for change in &self.profiles {
            course.step(Time::MIN, EngineInput::Profile(change));
        }
        for some in self.readings.chunks(COUNTED) {
            for reading in some {
                let arrival = instant(reading).unwrap_or(now).min(now);
                course.until(arrival);
                course.step(arrival, EngineInput::Reading(reading));
            }
            done.fetch_add(some.len() as u64, Ordering::Relaxed);
        }
        course.until(now);
        course.step(now, EngineInput::Tick);
        (course.engine, began.elapsed())
    }
}

/// An engine on its way through a history.
struct Course<'t> {
    engine: Engine,
    offset: u64,
    effects: Vec<Effect>,
    tell: &'t mut dyn FnMut(&FindingChange),
}

impl Course<'_> {
    fn step(&mut self, arrival: Time, input: EngineInput<'_>) {
        self.engine.step(self.offset, arrival, input, &mut self.effects);
        for effect in self.effects.drain(..) {
            if let Effect::Finding(change) = effect {
                (self.tell)(&change);
            }
        }
        self.offset += 1;
    }

    /// Decides what falls due before an instant when it does, as a server would: whether a finding is quiet hangs on when it was found, and must not hang on
    /// whose readings come in between.
    fn until(&mut self, arrival: Time) {
        if arrival <= self.engine.clock() {
            return;
        }
        let mut before = None;
        while let Some(due) = self.engine.next_due().filter(|due| *due < arrival && before != Some(*due)) {
            self.step(due, EngineInput::Tick);
            before = Some(due);
        }
    }
}

/// Where a reading stands: an interval at its end, one that goes on at its start; a removal nowhere.
pub fn instant(reading: &Reading) -> Option<Time> {
    let when = reading.content.as_ref()?.when;
    Some(when.instant().unwrap_or_else(|| when.start()))
}

/// Follows how grave findings are.
#[derive(Default)]
struct Rises {
    opened: BTreeMap<MatchId, (Severity, Time)>,
    at: BTreeMap<MatchId, Time>,
}

impl Rises {
    fn note(&mut self, change: &FindingChange) {
        let (id, severity) = (change.finding.id, change.finding.severity);
        let opened = self.opened.entry(id).or_insert((severity, change.decided_at));
        // What is decided at the instant of the opening belongs to it.
        if change.change == Change::Opened || change.decided_at == opened.1 {
            *opened = (severity, change.decided_at);
            self.at.remove(&id);
        } else if severity > opened.0 {
            self.at.entry(id).or_insert(change.decided_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use vitalog_rules::{Source, compile};

    use super::*;
    use crate::demo::population::Population;
    use crate::demo::post::START;

    #[test]
    fn subjects_by_few_come_to_what_all_in_one_engine_come_to() {
        let sources: Vec<Source> = crate::files::shipped().iter().map(Source::from).collect();
        let library = Arc::new(compile(&sources, &Library::default()).library.expect("the shipped packs compile"));
        let mut population = Population::new(&library.schema, 11, 2, START, 7);
        let readings: Vec<Reading> = (0..72).flat_map(|_| population.next_hour()).map(|(_, reading)| reading).collect();
        let share = |readings: &[Reading]| Share { readings: readings.to_vec(), profiles: Vec::new() };
        let now = readings.iter().filter_map(instant).max().expect("there are readings");
        let done = AtomicU64::new(0);
        let mut rises = Rises::default();
        let (whole, _) = share(&readings).engine(&library, now, &done, &mut |change| rises.note(change));
        let part = share(&readings).run(&library, now, &done);
        let sorted = |mut all: Vec<Finding>| {
            all.sort_by_key(|finding| finding.id);
            all
        };
        assert!(part.findings.len() > 20 && share(&readings).by_subject(FEW).len() == 3);
        assert_eq!((sorted(part.findings), part.rises), (sorted(whole.findings()), rises.at));
    }
}
