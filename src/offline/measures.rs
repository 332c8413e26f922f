//! What becomes of alarms: whether something was done about them, or they passed; and how long before it became worse they spoke.
//!
//! Each number is counted where it is known: an alarm about which nothing is known yet, for the history ends before its time is over, is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use vitalog_elog::{Finding, FindingState, Reading, Schema, Span, StreamIx, Subject, Time};

use super::backtest::Outcome;

/// In which time something is done about an alarm, or it passes. Practice: a low is treated and measured again after 15 minutes, and once more
/// after another 15.
const FOLLOWED_WITHIN: Span = Span::minutes(30);

/// What is measured.
#[derive(Default)]
pub struct Measuring {
    /// A reading of these streams says that somebody did something.
    pub actions: Vec<StreamIx>,
    /// The rule whose finding is what the others warn of; a finding's own rise where there is none.
    pub lead_to: Option<Arc<str>>,
    /// A warning longer before it is none.
    pub lead_within: Span,
}

/// When somebody did something, by subject, in order.
pub type Acts = BTreeMap<Subject, Vec<Time>>;

/// What became of the told alarms of a rule.
#[derive(Clone, Copy, Default)]
pub struct Followed {
    /// Of how many it is known.
    pub of: usize,
    pub by_action: usize,
    pub by_recovery: usize,
    pub by_either: usize,
}

/// How long before it became worse a rule spoke.
#[derive(Clone, Default)]
pub struct Lead {
    /// Of how many findings it could be said.
    pub of: usize,
    /// One for each after which it became worse.
    pub spans: Vec<Span>,
}

/// When readings of these streams stand, where they are known: an interval counts from its start, for then it was decided on.
pub fn acts(readings: &[Reading], schema: &Schema, actions: &[StreamIx]) -> Acts {
    let mut acts = Acts::new();
    for reading in readings {
        let Some(content) = reading.content.as_ref().filter(|c| actions.contains(&c.stream)) else { continue };
        for subject in content.further_subjects(schema).into_iter().chain([reading.subject.clone()]) {
            acts.entry(subject).or_default().push(content.when.start());
        }
    }
    acts.values_mut().for_each(|times| times.sort_unstable());
    acts
}

impl Followed {
    /// Notes an alarm that was told.
    pub fn note(&mut self, alarm: &Finding, acts: &Acts, now: Time) {
        let end = alarm.at + FOLLOWED_WITHIN;
        let in_time = |t: Time| alarm.at < t && t <= end;
        let by_action = acts.get(&alarm.subject).is_some_and(|times| {
            let next = times.partition_point(|t| *t <= alarm.at);
            times.get(next).is_some_and(|t| in_time(*t))
        });
        let by_recovery = alarm.state == FindingState::Resolved && alarm.resolved_at.is_some_and(in_time);
        if !by_action && !by_recovery && now < end {
            return;
        }
        self.of += 1;
        self.by_action += usize::from(by_action);
        self.by_recovery += usize::from(by_recovery);
        self.by_either += usize::from(by_action || by_recovery);
    }

    pub fn add(&mut self, other: Followed) {
        self.of += other.of;
        self.by_action += other.by_action;
        self.by_recovery += other.by_recovery;
        self.by_either += other.by_either;
    }

    pub fn text(&self) -> String {
        if self.of == 0 {
            return "-".to_owned();
        }
        format!("{} % of {}", (self.by_either * 100 + self.of / 2) / self.of, self.of)
    }

    pub fn json(&self) -> Value {
        json!({"of": self.of, "by_action": self.by_action, "by_recovery": self.by_recovery, "by_either": self.by_either})
    }
}

impl Lead {
    /// Notes a finding and when it became graver than it opened.
    pub fn rise(&mut self, finding: &Finding, risen: Option<Time>) {
        self.of += 1;
        self.spans.extend(risen.map(|t| t.since(finding.at)));
    }

    /// Notes a finding, and what it may have warned of: `worse` are the findings of the other rule about its subject, by the instant at which they opened.
    pub fn warning(&mut self, finding: &Finding, worse: &[&Finding], measuring: &Measuring, now: Time) {
        let (at, end) = (finding.at, finding.at + measuring.lead_within);
        // Whoever speaks of what is there already warns of nothing.
        if worse.iter().any(|w| w.at <= at && w.end.is_none_or(|end| at < end)) {
            return;
        }
        let first = worse.iter().map(|w| w.at).find(|t| at < *t && *t <= end);
        if first.is_none() && now < end {
            return;
        }
        self.of += 1;
        self.spans.extend(first.map(|t| t.since(at)));
    }

    /// Of an even number the mean of the two in the middle.
    pub fn median(&self) -> Option<Span> {
        let mut sorted = self.spans.clone();
        sorted.sort_unstable();
        let upper = sorted.get(sorted.len() / 2)?;
        let lower = sorted.get((sorted.len() - 1) / 2)?;
        Some(Span(lower.0 + (upper.0 - lower.0) / 2))
    }

    pub fn text(&self) -> String {
        let Some(median) = self.median() else { return "-".to_owned() };
        let minutes = (median.0 as f64 / Span::minutes(1).0 as f64).round();
        format!("{minutes} min ({} of {})", self.spans.len(), self.of)
    }

    pub fn json(&self) -> Value {
        let seconds = self.median().map(|m| m.0 / Span::seconds(1).0);
        json!({"median_seconds": seconds, "worse": self.spans.len(), "of": self.of})
    }
}

/// The findings of one rule by subject, each by the instant at which it opened.
pub fn of_rule<'o>(outcome: &'o Outcome, rule: &str) -> BTreeMap<&'o Subject, Vec<&'o Finding>> {
    let mut found: BTreeMap<&Subject, Vec<&Finding>> = BTreeMap::new();
    for finding in outcome.findings.iter().filter(|f| *f.rule == *rule) {
        found.entry(&finding.subject).or_default().push(finding);
    }
    found.values_mut().for_each(|all| all.sort_by_key(|f| f.at));
    found
}

/// Whether a policy tells somebody of it.
pub fn is_told(finding: &Finding) -> bool {
    finding.quiet.is_none() && finding.notify.is_some()
}
