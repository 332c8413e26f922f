//! What was known when: a history taken in the order in which it came, not in that in which it happened.
//!
//! What was accepted together is one moment, as it is for a server, and the clock goes by the instants of acceptance; what falls due in between is decided then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Effect, Effects, FindingChange, Time};

use super::cut::Cut;
use crate::run::{Arrival, forget};

/// What came, and the rules that hold from the beginning.
pub struct Arrived {
    pub library: Arc<Library>,
    /// In the order in which they came.
    pub arrivals: Vec<Arrival>,
    pub profiles: Vec<ProfileChange>,
    /// What the clock says in the end: what came later is not known. That of the last arrival if `None`.
    pub now: Option<Time>,
}

/// All that was said, in the order in which it was; at one instant by subject.
///
/// `done` counts readings as they are decided.
pub fn run(arrived: Arrived, threads: usize, done: &AtomicU64) -> Vec<FindingChange> {
    let Arrived { library, mut arrivals, profiles, now } = arrived;
    let now = now.or_else(|| arrivals.last().map(|a| a.at)).unwrap_or(Time(0));
    arrivals.retain(|a| a.at <= now);
    let threads = threads.max(1);
    let mut cut = Cut::of(arrivals.iter().map(|a| &a.reading), &library.schema, threads);
    let mut shares: Vec<(Vec<Arrival>, Vec<ProfileChange>)> = (0..threads).map(|_| Default::default()).collect();
    for arrival in arrivals {
        let share = cut.share_of(&arrival.reading.subject);
        shares[share].0.push(arrival);
    }
    for change in profiles {
        let share = cut.share_of(&change.subject);
        shares[share].1.push(change);
    }
    let library = &library;
    let mut said: Vec<FindingChange> = std::thread::scope(|scope| {
        let running: Vec<_> = shares
            .into_iter()
            .map(|(arrivals, profiles)| scope.spawn(move || Replay::of(library).run(&arrivals, &profiles, now, done)))
            .collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    // The sort is stable: what is said of one subject at one instant keeps its order.
    said.sort_by(|a, b| (a.decided_at, &a.finding.subject).cmp(&(b.decided_at, &b.finding.subject)));
    said
}

/// One engine on its way.
struct Replay {
    engine: Engine,
    offset: u64,
    said: Vec<FindingChange>,
}

impl Replay {
    fn of(library: &Arc<Library>) -> Replay {
        let mut replay = Replay { engine: Engine::new(), offset: 0, said: Vec::new() };
        replay.moment(Time::MIN, &[EngineInput::Library { effective: Time::MIN, library: library.clone() }]);
        replay
    }

    fn run(mut self, arrivals: &[Arrival], profiles: &[ProfileChange], now: Time, done: &AtomicU64) -> Vec<FindingChange> {
        for change in profiles {
            self.moment(Time::MIN, &[EngineInput::Profile(change)]);
        }
        for group in arrivals.chunk_by(|a, b| a.group == b.group) {
            let Some(first) = group.first() else { continue };
            self.until(first.at);
            let inputs: Vec<EngineInput<'_>> = group.iter().map(|a| EngineInput::Reading(&a.reading)).collect();
            self.moment(first.at, &inputs);
            done.fetch_add(group.len() as u64, Ordering::Relaxed);
        }
        self.until(now);
        self.moment(now, &[EngineInput::Tick]);
        self.said
    }

    /// Decides what falls due before an instant, when it does.
    fn until(&mut self, arrival: Time) {
        let mut before = None;
        while let Some(due) = self.engine.next_due().filter(|due| *due < arrival && before != Some(*due)) {
            self.moment(due, &[EngineInput::Tick]);
            before = Some(due);
        }
    }

    /// Inputs that were accepted together.
    fn moment(&mut self, arrival: Time, inputs: &[EngineInput<'_>]) {
        let mut effects: Vec<Effects> = Vec::with_capacity(inputs.len());
        let mut room = Vec::new();
        self.engine.begin();
        for input in inputs {
            self.engine.step(self.offset, arrival, input.clone(), &mut room);
            self.offset += 1;
            effects.push(room.drain(..).collect());
        }
        self.engine.settle(&mut room);
        if let Some(last) = effects.last_mut() {
            last.extend(room);
        }
        forget(effects.iter_mut());
        self.said.extend(effects.into_iter().flatten().filter_map(|effect| match effect {
            Effect::Finding(change) => Some(*change),
            _ => None,
        }));
    }
}
