//! What each kind of rule decides about one timeline.
//!
//! INVARIANT (a function of the timeline): after every update the facts of a rule are what evaluating the whole visible timeline anew would give.

mod calm;
mod cold;
mod elsewhere;
pub mod episode;
mod fact;
mod few;
mod firings;
mod guard;
mod lasting;
pub mod matching;
mod mean;
mod outlast;
mod pace;
mod range;
#[cfg(test)]
mod rest_laws;
mod rests;
pub mod schedule;
mod sieve;
mod sift;
pub mod silence;
mod sill;
mod strip;
mod swing;
mod version;

use serde::{Deserialize, Serialize};

pub use cold::ColdState;
use episode::Episodes;
pub use fact::{Fact, Facts, Known};
use matching::Matches;
pub use pace::pace;
pub use rests::{Band, Rest};
use schedule::Schedules;
use silence::Silences;
pub use sill::{Sill, Stay};
pub use version::{Case, Claim, Version};

use crate::plan::{Rule, RuleKind};
use crate::timeline::Touch;

/// One version of a rule for one subject.
#[derive(Debug, Serialize, Deserialize)]
pub enum State {
    Episode(Episodes),
    Silence(Silences),
    Match(Matches),
    Schedule(Box<Schedules>),
}

/// What a touched timeline means to a rule.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// A fact changed.
    pub changed: bool,
    /// When the clock alone will decide something about it.
    pub due: Option<i64>,
}

/// The earlier of two deadlines.
#[inline]
pub fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}

impl State {
    pub fn new(rule: &Rule) -> State {
        match &rule.kind {
            RuleKind::Episode(_) => State::Episode(Episodes::default()),
            RuleKind::Silence(_) => State::Silence(Silences::default()),
            RuleKind::Match(_) => State::Match(Matches::default()),
            RuleKind::Schedule(_) => State::Schedule(Box::default()),
        }
    }

    /// Looks at itself, for whoever comes next; see `engine::foresee`.
    pub fn glance(&self) -> u64 {
        match self {
            State::Episode(state) => state.decided_until() as u64,
            State::Match(state) => state.decided_until() as u64,
            State::Silence(_) | State::Schedule(_) => 0,
        }
    }

    /// The same, one level further.
    pub fn glance_within(&self) -> u64 {
        match self {
            State::Episode(state) => state.glance(),
            State::Match(state) => state.facts().list().len() as u64,
            State::Silence(_) | State::Schedule(_) => 0,
        }
    }

    /// The same, at what it found last.
    pub fn glance_at_last(&self) -> u64 {
        let of = |fact: &Fact| (fact.onset ^ fact.resolved.unwrap_or(0)) as u64 ^ u64::from(fact.known.is_some());
        let last = self.facts().list().last().map_or(0, of);
        if let State::Episode(state) = self { last ^ state.glance_at_last() } else { last }
    }

    /// The same, at what goes on.
    pub fn glance_at_going(&self) -> u64 {
        if let State::Episode(state) = self { state.onset().unwrap_or(0) as u64 } else { 0 }
    }

    pub fn facts(&self) -> &Facts {
        match self {
            State::Episode(e) => e.facts(),
            State::Silence(s) => &s.facts,
            State::Match(m) => m.facts(),
            State::Schedule(s) => &s.facts,
        }
    }

    pub fn facts_mut(&mut self) -> &mut Facts {
        match self {
            State::Episode(e) => e.facts_mut(),
            State::Silence(s) => &mut s.facts,
            State::Match(m) => m.facts_mut(),
            State::Schedule(s) => &mut s.facts,
        }
    }

    /// The quick way of an episode that is decided upon the newest reading; see [`Episodes::decides`]. Whether its pose is another comes with it. `None` says nothing, and nothing
    /// is changed then.
    #[inline]
    pub fn decides(&mut self, case: &Case<'_>, touches: &[Touch]) -> Option<(Seen, bool)> {
        match (self, &case.version.terms.rule.kind, touches) {
            (State::Episode(state), RuleKind::Episode(episode), [one]) if one.came => state.decides(case, episode, one),
            _ => None,
        }
    }

    /// Readings came or went. `None`: nothing is another, no fact, nothing that goes on and no deadline.
    #[inline]
    pub fn touched(&mut self, case: &Case<'_>, touches: &[Touch]) -> Option<Seen> {
        let rule = &*case.version.terms.rule;
        if let [one] = touches
            && one.came
            && let (State::Silence(state), RuleKind::Silence(silence)) = (&mut *self, &rule.kind)
            && let Some(due) = state.goes_on(case, silence, one)
        {
            return Some(Seen { changed: false, due });
        }
        let alone = touches.len() == 1;
        // Each of them, whether or not one before changed something.
        let any = |told: &mut dyn Iterator<Item = bool>| told.filter(|changed| *changed).count() > 0;
        let changed = match (&mut *self, &rule.kind) {
            (State::Episode(state), RuleKind::Episode(episode)) => state.touched(case, episode, touches)?,
            (State::Silence(state), RuleKind::Silence(silence)) => {
                any(&mut touches.iter().map(|t| state.touched(case, silence, t, alone)))
            }
            (State::Match(state), RuleKind::Match(pattern)) => {
                if let [one] = touches
                    && state.stands(case, pattern, one)
                {
                    return None;
                }
                let ours = touches.iter().filter(|t| alone || case.version.scope.streams.contains(&t.stream));
                match (&case.version.scope.program, &case.version.scope.shape) {
                    (Some(program), _) => any(&mut ours.map(|t| state.touched_tree(case, pattern, program, t, alone))),
                    (None, Some(shape)) => any(&mut ours.map(|t| state.touched(case, pattern, shape, t, alone))),
                    (None, None) => false,
                }
            }
            (State::Schedule(state), RuleKind::Schedule(schedule)) => {
                any(&mut touches.iter().map(|t| state.touched(case, schedule, t, alone)))
            }
            _ => false,
        };
        Some(Seen { changed, due: self.next_due(case) })
    }

    /// What is decided at `from` or later may come out otherwise, up to `until`: the profile, the rules or the enrolment changed.
    pub fn again(&mut self, case: &Case<'_>, from: i64, until: i64) -> bool {
        match (self, &case.version.terms.rule.kind) {
            (State::Episode(state), RuleKind::Episode(episode)) => state.replay(case, episode, from, until),
            (State::Silence(state), RuleKind::Silence(silence)) => state.doubted(case, silence, from, until),
            (State::Match(state), RuleKind::Match(pattern)) => match (&case.version.scope.program, &case.version.scope.shape) {
                (Some(program), _) => state.again_tree(case, pattern, program, from, until),
                (None, Some(shape)) => state.again(case, pattern, shape, from, until),
                (None, None) => false,
            },
            (State::Schedule(state), RuleKind::Schedule(schedule)) => state.again(case, schedule, from),
            _ => false,
        }
    }

    /// The first visible reading of the subject is another: of what counts from it, all in `[from, to]` is judged again.
    pub fn enrolled(&mut self, case: &Case<'_>, from: i64, to: i64) -> bool {
        match (self, &case.version.terms.rule.kind) {
            (State::Silence(state), RuleKind::Silence(silence)) => state.judge(case, silence, from, to),
            (State::Schedule(state), RuleKind::Schedule(schedule)) => state.again(case, schedule, from),
            _ => false,
        }
    }

    /// The clock moved.
    pub fn tick(&mut self, case: &Case<'_>) -> bool {
        match (self, &case.version.terms.rule.kind) {
            (State::Episode(state), RuleKind::Episode(episode)) => state.tick(case, episode),
            (State::Silence(state), RuleKind::Silence(silence)) => state.tick(case, silence),
            (State::Match(state), RuleKind::Match(pattern)) => match &case.version.scope.program {
                Some(program) => state.tick_tree(case, pattern, program),
                None => false,
            },
            (State::Schedule(state), RuleKind::Schedule(schedule)) => state.tick(case, schedule),
            _ => false,
        }
    }

    /// Whether a decision waits for what else comes at this moment.
    #[inline]
    pub fn waits(&self) -> bool {
        match self {
            State::Schedule(state) => state.waits(),
            State::Match(state) => state.waits(),
            State::Episode(_) | State::Silence(_) => false,
        }
    }

    /// The moment is over: what waited is decided.
    pub fn settle(&mut self, case: &Case<'_>) -> bool {
        match (self, &case.version.terms.rule.kind) {
            (State::Schedule(state), RuleKind::Schedule(schedule)) => state.settle(case, schedule),
            (State::Match(state), RuleKind::Match(pattern)) => state.settle(case, pattern),
            _ => false,
        }
    }

    /// Brings what does not show in the facts into the form that does not hang on the way there; whether it has any.
    pub fn settle_down(&mut self, case: &Case<'_>) -> bool {
        let (State::Match(state), RuleKind::Match(pattern)) = (self, &case.version.terms.rule.kind) else { return false };
        state.settle_down(case, pattern);
        true
    }

    /// When the clock alone will decide something: later than it is now.
    #[inline]
    pub fn next_due(&self, case: &Case<'_>) -> Option<i64> {
        match (self, &case.version.terms.rule.kind) {
            (State::Episode(state), RuleKind::Episode(episode)) => state.next_due(case, episode),
            (State::Silence(state), RuleKind::Silence(silence)) => state.next_due(case, silence),
            (State::Match(state), RuleKind::Match(_)) => state.due_tree(case),
            (State::Schedule(state), RuleKind::Schedule(_)) => state.next_due(case),
            _ => None,
        }
    }
}
