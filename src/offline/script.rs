//! Runs the `test` blocks of rule files on the engine, and tells which clauses they notice.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_cep::plan::Library;
use vitalog_cep::why::Why;
use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::{Effect, Finding, MatchId, Subject, Time};
use vitalog_rules::script::{with_rule, without};
use vitalog_rules::{Action, Expectation, TestCase};

/// What a test block came to: nothing, or the lines whose expectation did not hold.
pub struct Verdict<'t> {
    pub case: &'t TestCase,
    pub failures: Vec<Failed>,
}

/// One expectation that did not hold.
pub struct Failed {
    pub line: u32,
    pub at: Time,
    pub why: String,
    /// What was there at that point, each in its latest revision.
    pub findings: Vec<Finding>,
    /// What the engine says of why, at the instant that the expectation is about.
    pub reason: Option<Why>,
}

/// Plays one script from an empty engine, under rules that were always in force.
pub fn play<'t>(case: &'t TestCase, library: &Arc<Library>) -> Verdict<'t> {
    let mut stage = Stage { engine: Engine::new(), offset: 0, findings: BTreeMap::new() };
    let start = case.script.first().map_or(Time(0), |s| s.at);
    stage.step(start, EngineInput::Library { effective: Time::MIN, library: library.clone() });
    let mut failures = Vec::new();
    for step in &case.script {
        stage.pass_until(step.at);
        match &step.action {
            Action::Reading(reading) => stage.step(step.at, EngineInput::Reading(reading)),
            Action::Profile(change) => stage.step(step.at, EngineInput::Profile(change)),
            Action::Advance => {}
            Action::Expect(expectation) => {
                let findings: Vec<Finding> = stage.findings.values().cloned().collect();
                if let Err(why) = expectation.judge(&findings) {
                    let reason = stage.reason(expectation, step.at, &findings);
                    failures.push(Failed { line: step.line, at: step.at, why, findings, reason });
                }
            }
        }
    }
    Verdict { case, failures }
}

/// Which clauses of a rule its tests notice.
pub struct Coverage {
    pub rule: Arc<str>,
    pub clauses: usize,
    /// Those without which every test of the rule still passes.
    pub unnoticed: Vec<String>,
    /// How many tests are about it, and pass.
    pub tests: usize,
}

/// The coverage of each rule that one of these tests is about, or that stands in `of`.
pub fn coverage(cases: &[TestCase], library: &Arc<Library>, of: impl Fn(&str) -> bool) -> Vec<Coverage> {
    let mut found = Vec::new();
    for rule in library.rules.iter().filter(|r| of(&r.name)) {
        // A test that fails anyway notices nothing.
        let passes = |case: &TestCase| play(case, library).failures.is_empty();
        let about: Vec<&TestCase> = cases.iter().filter(|c| *c.rule == *rule.name && passes(c)).collect();
        let all = without(rule, library);
        let clauses = all.len();
        let notices = |library: &Arc<Library>| about.iter().any(|case| !play(case, library).failures.is_empty());
        let unnoticed = all.into_iter().filter(|w| !notices(&Arc::new(with_rule(library, &w.rule)))).map(|w| w.clause).collect();
        found.push(Coverage { rule: rule.name.clone(), clauses, unnoticed, tests: about.len() });
    }
    found
}

struct Stage {
    engine: Engine,
    offset: u64,
    /// Each in its latest revision.
    findings: BTreeMap<MatchId, Finding>,
}

impl Stage {
    fn step(&mut self, at: Time, input: EngineInput<'_>) {
        let mut effects = Vec::new();
        self.engine.step(self.offset, at, input, &mut effects);
        self.offset += 1;
        for effect in effects {
            if let Effect::Finding(change) = effect {
                self.findings.insert(change.finding.id, change.finding);
            }
        }
    }

    /// Why there is nothing where something was expected, or something where nothing was.
    fn reason(&self, expected: &Expectation, now: Time, findings: &[Finding]) -> Option<Why> {
        let unwanted = findings.iter().find(|f| expected.absent && expected.describes(f)).map(|f| f.at);
        let at = unwanted.or(expected.at).unwrap_or(now);
        self.engine.why(&expected.rule, &Subject::new(TestCase::SUBJECT), at).ok()
    }

    /// Lets time pass as a server would: a tick at each deadline, and one at the end.
    fn pass_until(&mut self, at: Time) {
        while let Some(due) = self.engine.next_due().filter(|due| *due <= at && *due > self.engine.clock()) {
            self.step(due, EngineInput::Tick);
        }
        self.step(at, EngineInput::Tick);
    }
}
