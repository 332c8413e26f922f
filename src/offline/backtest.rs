//! What rules find in a history.
//!
//! Subjects that no reading joins are independent, so each thread takes a share of them, a few at a time to an engine of their own. Readings are fed in the order of their
//! instants and the clock follows them, as if each had arrived when it happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use vitalog_cep::Engine;
use vitalog_cep::plan::Library;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Finding, MatchId, Reading, Span, StreamIx, Subject, Time};

use super::cut::Cut;
use super::measures::{Acts, acts};
use super::share::{Part, Share, instant};

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
    /// When a finding first became graver than it opened, where it did.
    pub rises: BTreeMap<MatchId, Time>,
    pub readings: usize,
    /// The days (UTC) on which there is a reading of a subject, its own or one that is seen under it.
    pub days: BTreeMap<Subject, BTreeSet<i64>>,
    /// When somebody did something about anything.
    pub acts: Acts,
    /// What the clock says in the end.
    pub now: Time,
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

/// What the clock says at the end of these readings, where nothing else is said.
pub fn clock_at_end(now: Option<Time>, readings: &[Reading]) -> Time {
    let last = || readings.iter().filter_map(instant).max();
    now.or_else(last).unwrap_or(Time(0))
}

/// Runs a history on `threads` engines. `done` counts readings as they are decided.
///
/// `actions`: readings of these streams say that somebody did something.
pub fn run(history: History, actions: &[StreamIx], threads: usize, done: &AtomicU64) -> Outcome {
    let now = clock_at_end(history.now, &history.readings);
    let mut outcome = Outcome {
        findings: Vec::new(),
        rises: BTreeMap::new(),
        readings: history.readings.len(),
        days: days(&history),
        acts: acts(&history.readings, &history.library.schema, actions),
        now,
        engine_time: Duration::default(),
    };
    let library = history.library.clone();
    let shares = shares(history.readings, history.profiles, &library, threads);
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let library = &library;
        let running: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || share.run(library, now, done))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for part in parts {
        outcome.engine_time = outcome.engine_time.max(part.took);
        outcome.findings.extend(part.findings);
        outcome.rises.extend(part.rises);
    }
    outcome.findings.sort_by(|a, b| (&a.subject, &a.rule, a.onset, a.id).cmp(&(&b.subject, &b.rule, b.onset, b.id)));
    outcome
}

fn shares(readings: Vec<Reading>, profiles: Vec<ProfileChange>, library: &Library, count: usize) -> Vec<Share> {
    let mut cut = Cut::of(readings.iter(), &library.schema, count);
    let mut shares: Vec<Share> = (0..count.max(1)).map(|_| Share::default()).collect();
    for reading in readings {
        let share = cut.share_of(&reading.subject);
        shares[share].readings.push(reading);
    }
    for change in profiles {
        let share = cut.share_of(&change.subject);
        shares[share].profiles.push(change);
    }
    shares
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

/// One engine over a whole history, at its end.
pub fn engine(history: History) -> Engine {
    let now = clock_at_end(history.now, &history.readings);
    let share = Share { readings: history.readings, profiles: history.profiles };
    share.engine(&history.library, now, &AtomicU64::new(0), &mut |_| {}).0
}
