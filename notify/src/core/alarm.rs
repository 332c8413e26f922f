//! One alarm: where telling people of one finding stands.
//!
//! ```text
//!              found, by the clock
//!   (nothing) ────────────────────> settling ── stands for `settle` ──┐
//!       │ found, by a reading                                         v
//!       ├───────────────────────────────────────────────────────> told <── graver ──┐
//!       │ found, quiet                                              │               │
//!       └────────────> open ── graver ──────────────────────────────┘        acknowledged, dismissed
//!
//!   any of them ── resolved, lapsed ──> over        any ── rescinded ──> rescinded       either ── stands again ──> as if found
//! ```
//!
//! A finding that was over before anybody was told is told to nobody. Acknowledging and dismissing silence a finding until it becomes
//! graver than it was.
//!
//! | what happens | the steps of its policy |
//! |---|---|
//! | it is told, and was not before, or was acknowledged or dismissed since | begin, by the policy in force |
//! | it is graver, and nobody has acknowledged it | go on: becoming worse makes nobody hear later |
//! | it is quiet now, or says something else | go on, and say what is so by then |
//! | acknowledged | go on without those `unless acknowledged`, and without repeats `until acknowledged` |
//! | dismissed, resolved, lapsed, rescinded | fall away |

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::input::Action;
use vitalog_elog::policy::Policy;
use vitalog_elog::{Finding, FindingState, Severity, Span, Time};

use super::heard::{Heard, Standing};
use super::ladder::{Answered, Ladder};
use crate::roles::Roles;

/// What is known of telling one finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// As it was last reported, without its evidence, which no message carries.
    pub finding: Finding,
    pub stage: Stage,
    /// The gravest at which it was to be told since it last began to stand, or was acknowledged or dismissed.
    pub gravest: Option<Severity>,
    /// By the name of the endpoint: what it was told last.
    pub heard: BTreeMap<Arc<str>, Heard>,
    /// Its policy being carried out, from when it was told until it ends or is dismissed.
    pub ladder: Option<Ladder>,
    /// The arrival of its last change.
    pub changed: Time,
}

/// Where an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It stands, and nobody is to be disturbed by it.
    Open,
    /// The clock opened it; it is told if it still stands at `due`.
    Settling { due: Time },
    /// It stands, and was told to whoever wants to hear of it.
    Told,
    /// Someone has taken it on.
    Acknowledged,
    /// Someone has said that it needs nothing.
    Dismissed,
    /// The episode or silence ended.
    Over,
    /// It was never so.
    Rescinded,
}

/// What there may be to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Nothing but that it ended, to those who were told that it began.
    Ending,
    /// It stands, and did not before or is graver than it was.
    News,
    Acknowledged,
    Dismissed,
    /// A step of its policy is due.
    Step,
    None,
}

impl Alarm {
    /// Before anything was known of the finding.
    pub(super) fn unheard_of(finding: Finding, now: Time) -> Alarm {
        Alarm { finding, stage: Stage::Rescinded, gravest: None, heard: BTreeMap::new(), ladder: None, changed: now }
    }

    /// The finding changed, and is noted as it is now.
    pub(super) fn change(&mut self, now: Time, settle: Span) -> Occasion {
        let finding = &self.finding;
        self.changed = now;
        if finding.state != FindingState::Open {
            self.stage = if finding.state == FindingState::Rescinded { Stage::Rescinded } else { Stage::Over };
            // What was dismissed ends with this: if it ever stands again, that is news.
            self.heard.retain(|_, heard| heard.standing != Standing::Dismissed);
            self.ladder = None;
            return Occasion::Ending;
        }
        let enters = matches!(self.stage, Stage::Over | Stage::Rescinded);
        if enters {
            self.gravest = None;
        }
        let settling = matches!(self.stage, Stage::Settling { .. });
        if finding.quiet.is_some() {
            if enters || settling {
                self.stage = Stage::Open;
            }
            return Occasion::None;
        }
        let graver = self.gravest.is_none_or(|told| finding.severity > told);
        self.gravest = self.gravest.max(Some(finding.severity));
        if enters && finding.by_clock {
            self.stage = Stage::Settling { due: now + settle };
        }
        // Whatever settles says how grave it is when it is told.
        if matches!(self.stage, Stage::Settling { .. }) || !graver { Occasion::None } else { Occasion::News }
    }

    /// It has stood for long enough.
    pub(super) fn settled(&mut self) -> Occasion {
        self.stage = Stage::Told;
        // However grave it was while it settled: it is told as it is now.
        self.gravest = Some(self.finding.severity);
        Occasion::News
    }

    /// Someone did something about it; `None` where that changes nothing, since it is over or done already.
    pub(super) fn command(&mut self, action: Action, now: Time) -> Option<Occasion> {
        let (stage, occasion) = match (self.stage, action) {
            (Stage::Over | Stage::Rescinded | Stage::Dismissed, _) | (Stage::Acknowledged, Action::Acknowledge) => return None,
            (_, Action::Acknowledge) => (Stage::Acknowledged, Occasion::Acknowledged),
            (_, Action::Dismiss) => (Stage::Dismissed, Occasion::Dismissed),
        };
        self.stage = stage;
        if stage == Stage::Dismissed {
            self.ladder = None;
        }
        self.gravest = Some(self.finding.severity);
        self.changed = now;
        Some(occasion)
    }

    /// There is news: its policy begins, unless it is being carried out and nobody has answered yet.
    pub(super) fn begin(&mut self, policy: Option<&Arc<Policy>>, now: Time) {
        let climbing = self.stage == Stage::Told
            && self.ladder.as_ref().is_some_and(|ladder| policy.is_none_or(|policy| policy.name == ladder.policy.name));
        if !climbing {
            self.ladder = policy.map(|policy| Ladder::begin(policy.clone(), now));
        }
    }

    pub(super) fn answered(&self) -> Answered {
        Answered { acknowledged: self.stage == Stage::Acknowledged, point: self.finding.kind.is_point() }
    }

    /// When something is to be done about it.
    pub(super) fn due(&self, roles: &Roles) -> Option<Time> {
        if let Stage::Settling { due } = self.stage {
            return Some(due);
        }
        let ladder = self.ladder.as_ref().filter(|_| !roles.is_empty())?;
        let rungs = ladder.rungs(roles, &self.finding.subject);
        rungs.iter().filter_map(|rung| ladder.next(rung, self.answered())).map(|(due, _)| due).min()
    }

    /// What there was to tell has been told.
    pub(super) fn told(&mut self, occasion: Occasion) {
        if occasion == Occasion::News {
            self.stage = Stage::Told;
        }
    }

    /// Whether nothing more need come of it: it has ended, or is a match, which has no later end.
    pub(super) fn fades(&self) -> bool {
        matches!(self.stage, Stage::Over | Stage::Rescinded) || self.finding.kind.is_point()
    }
}

pub(super) fn without_evidence(finding: &Finding) -> Finding {
    Finding { evidence: Arc::default(), ..finding.clone() }
}
