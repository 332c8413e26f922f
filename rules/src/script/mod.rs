//! `test` blocks as plain data: what a script sends, and what it expects to stand.
//!
//! This crate cannot run them, for it does not know the engine; whoever does feeds each step to one and judges each expectation against the
//! findings there at that point, rescinded ones included.

mod clauses;
mod show;

use std::sync::Arc;

use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Finding, FindingState, Reading, Severity, Time};

pub use clauses::{Without, with_rule, without};
pub use show::{DAY_ONE, script_time, told};

/// One `test` block.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    /// The rule it is about.
    pub rule: Arc<str>,
    /// What it shows.
    pub name: Arc<str>,
    pub file: Arc<str>,
    /// The line of its first word, from 1.
    pub line: u32,
    /// In order; `at` never runs backwards.
    pub script: Vec<Step>,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The script's clock: when this arrives or is asked. The clock is moved here before.
    pub at: Time,
    /// From 1.
    pub line: u32,
    pub action: Action,
}

/// What a line does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A reading, an amendment or a removal arrives. Its instant may lie before the clock: it is late.
    Reading(Reading),
    /// The profile is changed.
    Profile(ProfileChange),
    /// Only time passes.
    Advance,
    Expect(Expectation),
}

/// `expect [no] RULE …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub rule: Arc<str>,
    /// `expect no`: no finding as described may be there.
    pub absent: bool,
    pub onset: Option<Time>,
    pub at: Option<Time>,
    pub until: Option<Time>,
    pub severity: Option<Severity>,
    /// `None`: any but rescinded.
    pub state: Option<FindingState>,
    /// As it is written.
    pub text: Arc<str>,
}

impl TestCase {
    /// The subject of every script.
    pub const SUBJECT: &'static str = "test";
}

impl Expectation {
    /// Whether a finding is as described.
    pub fn describes(&self, finding: &Finding) -> bool {
        *finding.rule == *self.rule
            && self.state.map_or(finding.state != FindingState::Rescinded, |s| finding.state == s)
            && self.onset.is_none_or(|t| finding.onset == t)
            && self.at.is_none_or(|t| finding.at == t)
            && self.until.is_none_or(|t| finding.end == Some(t))
            && self.severity.is_none_or(|s| finding.severity == s)
    }

    /// Judges the findings of the subject, each in its latest revision, rescinded ones included.
    ///
    /// # Errors
    /// A sentence that says what was expected and what was found instead.
    pub fn judge(&self, findings: &[Finding]) -> Result<(), String> {
        let found = findings.iter().any(|f| self.describes(f));
        if found != self.absent {
            return Ok(());
        }
        let mut text = format!("`{}` does not hold", self.text);
        let mut near = findings.iter().filter(|f| *f.rule == *self.rule).peekable();
        if near.peek().is_none() {
            text.push_str(&format!(": nothing was found by `{}`", self.rule));
        }
        for finding in near {
            text.push_str(&format!("\n  found: {}", told(finding)));
        }
        Err(text)
    }
}
