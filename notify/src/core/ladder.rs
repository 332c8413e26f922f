//! A policy being carried out for one alarm: which steps fall due when.
//!
//! A step with the delay `a` is due `a` after the alarm was told first; with `repeat every D` also `D`, `2 D`, … after that. When each falls due is a
//! function of policy and beginning, so all there is to remember is up to when it was attended to:
//!
//! ```text
//!   since            through                        first due after `through`
//!     │── step 1 ── step 2 ─┤· · · · · step 3 ── step 1, repeat 1 ── step 2, repeat 1 ──>
//! ```
//!
//! INVARIANT (one text): a ladder is climbed by the policy as it was when it began. Going over to another text half way could lose a step that both
//! texts have, or tell it twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::policy::{Policy, PolicyStep, RepeatUntil};
use vitalog_elog::{Span, Subject, Time};

use crate::roles::Roles;

/// Where carrying out a policy stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    pub policy: Arc<Policy>,
    /// When the alarm was told first.
    pub since: Time,
    /// What was due until then has been told, or left out.
    pub through: Time,
}

/// One step, for one subject.
#[derive(Debug)]
pub(super) struct Rung<'a> {
    pub step: &'a PolicyStep,
    /// From 1 on.
    pub number: u32,
    /// After the beginning of the ladder.
    pub after: Span,
    /// The endpoints it goes to, by their place in the configuration.
    pub carriers: BTreeSet<usize>,
}

/// What the alarm is like, as far as it says which steps are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub acknowledged: bool,
    /// It is about something that was over when it was found: nothing resolves it later.
    pub point: bool,
}

impl Ladder {
    /// Its first steps are due at once, and not attended to yet.
    pub(super) fn begin(policy: Arc<Policy>, now: Time) -> Ladder {
        Ladder { policy, since: now, through: Time(now.0.saturating_sub(1)) }
    }

    /// The steps in their order.
    ///
    /// Until somebody has heard of it nobody can acknowledge it, so there is nothing to wait for: where nobody is configured for the first steps, the
    /// first that somebody carries is due at once.
    pub(super) fn rungs(&self, roles: &Roles, subject: &Subject) -> Vec<Rung<'_>> {
        let numbered = self.policy.steps.iter().zip(1..);
        let mut rungs: Vec<Rung<'_>> = numbered
            .map(|(step, number)| Rung { step, number, after: step.after, carriers: roles.carriers(step, subject) })
            .collect();
        let first = rungs.iter().filter(|rung| !rung.carriers.is_empty()).map(|rung| rung.after).min().unwrap_or(Span::ZERO);
        for rung in rungs.iter_mut().filter(|rung| rung.after <= first) {
            rung.after = Span::ZERO;
        }
        rungs
    }

    /// When a step falls due next, and in which repetition.
    pub(super) fn next(&self, rung: &Rung<'_>, answered: Answered) -> Option<(Time, u32)> {
        if answered.acknowledged && rung.step.unless_acknowledged {
            return None;
        }
        let first = self.since + rung.after;
        if first > self.through {
            return Some((first, 0));
        }
        // That there is nobody is said once.
        let every = self.every(answered).filter(|_| !rung.carriers.is_empty())?;
        let passed = self.through.since(first).0 / every.0 + 1;
        let due = first.0.checked_add(every.0.checked_mul(passed)?)?;
        Some((Time(due), u32::try_from(passed).unwrap_or(u32::MAX)))
    }

    fn every(&self, answered: Answered) -> Option<Span> {
        let repeat = self.policy.repeat.filter(|repeat| repeat.every > Span::ZERO)?;
        let ended = answered.acknowledged && (repeat.until == RepeatUntil::Acknowledged || answered.point);
        (!ended).then_some(repeat.every)
    }
}
