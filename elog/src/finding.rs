//! What a rule found about a subject, and how that changed.
//!
//! Which findings stand, and what they say, is a function of the timeline, the dated rules and the clock. Under which [`MatchId`] people
//! know a finding, how often it was revised, and whether it was told quietly, is history.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{MatchId, ReadingId, Subject};
use crate::time::Time;

/// One finding, at one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub id: MatchId,
    /// 1 when it opened; each change adds one. Views are keyed by (`id`, `revision`).
    pub revision: u32,
    pub rule: Arc<str>,
    /// The meaning of the rule that decided it: a changed meaning is another number.
    pub version: u64,
    /// What the rule is called for people.
    pub title: Arc<str>,
    pub subject: Subject,
    pub kind: FindingKind,
    pub state: FindingState,
    pub severity: Severity,
    /// First instant of what was found: the start of an episode's run, the first reading of a match.
    pub onset: Time,
    /// The instant whose decision opened it.
    pub at: Time,
    /// End of the episode (excluded), or the last reading of the match; `None` while an episode goes on.
    pub end: Option<Time>,
    /// When the end was known, in event time.
    pub resolved_at: Option<Time>,
    /// The readings it rests on, sorted by id.
    pub evidence: Arc<[ReadingId]>,
    /// What people are told.
    pub text: Arc<str>,
    /// What some roles are told instead, by role; each role once.
    pub wordings: Vec<Wording>,
    /// The policy that tells them.
    pub notify: Option<Arc<str>>,
    /// Where the rule comes from.
    pub cite: Option<Arc<str>>,
    /// Why nobody is disturbed by it, if so.
    pub quiet: Option<Quiet>,
    /// Opened by the clock rather than by a reading: told only after things have settled.
    pub by_clock: bool,
}

/// What a role of policies (`caretaker`, `on_call`) is told in place of the finding's text, which is the patient's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    pub to: Arc<str>,
    pub text: Arc<str>,
}

/// Which kind of rule found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingKind {
    /// A condition that holds for a while.
    Episode,
    /// Nothing heard for a while.
    Silence,
    /// A pattern of readings, complete at its last one.
    Match,
    /// Decided by the clock on the subject's wall, at an instant of a schedule.
    Schedule,
}

/// Where a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// It stands. A match that stands is open: it has no later end to reach.
    Open,
    /// The episode or silence is over.
    Resolved,
    /// The driver fell silent: whether it goes on is unknown since `end`.
    Lapsed,
    /// The timeline changed, and it was never so.
    Rescinded,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Advisory,
    Warning,
    Urgent,
    Critical,
}

/// Why a finding disturbs nobody. It stands all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quiet {
    /// It was found long after it happened.
    Stale,
    /// The rule spoke a short while ago (`at most once per`).
    SpokeLately,
    /// A finding of another rule went on (`quiet while`).
    OtherOpen,
    /// Its rule was on trial (`shadow`); otherwise it would have been told.
    Shadow,
}

/// What happened to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Opened,
    Amended,
    Resolved,
    Lapsed,
    Rescinded,
}

/// What made the engine look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// A reading that came, was amended or was removed.
    Reading(ReadingId),
    Profile,
    Rules,
    Clock,
}

/// A finding after a change of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingChange {
    pub change: Change,
    /// The whole record as it is now.
    pub finding: Finding,
    pub cause: Cause,
    /// The engine's clock when this was decided.
    pub decided_at: Time,
}

impl Severity {
    pub const ALL: [Severity; 5] = [Severity::Info, Severity::Advisory, Severity::Warning, Severity::Urgent, Severity::Critical];

    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Advisory => "advisory",
            Severity::Warning => "warning",
            Severity::Urgent => "urgent",
            Severity::Critical => "critical",
        }
    }
}

impl Finding {
    /// What a role is told: its own wording, or else what the patient is.
    pub fn text_for(&self, role: &str) -> &str {
        self.wordings.iter().find(|w| *w.to == *role).map_or(&*self.text, |w| &*w.text)
    }
}

impl FindingState {
    pub fn name(self) -> &'static str {
        match self {
            FindingState::Open => "open",
            FindingState::Resolved => "resolved",
            FindingState::Lapsed => "lapsed",
            FindingState::Rescinded => "rescinded",
        }
    }
}

impl FindingKind {
    /// Whether it is about an instant or a span that is over when it is found: there is no later end to wait for.
    pub fn is_point(self) -> bool {
        matches!(self, FindingKind::Match | FindingKind::Schedule)
    }

    pub fn name(self) -> &'static str {
        match self {
            FindingKind::Episode => "episode",
            FindingKind::Silence => "silence",
            FindingKind::Match => "match",
            FindingKind::Schedule => "schedule",
        }
    }
}

impl Change {
    pub fn name(self) -> &'static str {
        match self {
            Change::Opened => "opened",
            Change::Amended => "amended",
            Change::Resolved => "resolved",
            Change::Lapsed => "lapsed",
            Change::Rescinded => "rescinded",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for FindingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
