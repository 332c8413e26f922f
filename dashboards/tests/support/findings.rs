//! Findings of the test's own making.

#![allow(dead_code, reason = "the example finds by judging")]

use vitalog_elog::{Cause, Change, Finding, FindingChange, FindingKind, FindingState, MatchId, Severity, Subject, Time, Wording};

pub fn open(rule: &str, subject: &str, onset: Time, severity: Severity) -> Finding {
    let subject = Subject::new(subject);
    Finding {
        id: MatchId::new(rule, &subject, onset),
        revision: 1,
        rule: rule.into(),
        version: 1,
        title: "Low glucose".into(),
        subject,
        kind: FindingKind::Episode,
        state: FindingState::Open,
        severity,
        onset,
        at: onset,
        end: None,
        resolved_at: None,
        evidence: [].into(),
        text: "Glucose is low.".into(),
        wordings: vec![Wording { to: "caretaker".into(), text: "Theirs is low.".into() }],
        notify: None,
        cite: None,
        quiet: None,
        by_clock: false,
    }
}

pub fn change(finding: &Finding, change: Change, at: Time) -> FindingChange {
    FindingChange { change, finding: finding.clone(), cause: Cause::Clock, decided_at: at }
}
