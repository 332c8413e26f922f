//! A test shown to people: times as a script writes them, what it sent, and what stood instead of what was expected.

use std::fmt::Write as _;

use vitalog_cep::why::Why;
use vitalog_elog::{Finding, FindingState, Quiet, ReadingId, Span, Time};

use super::{Action, Expectation, Step, TestCase};
use crate::why::{Names, in_short};

/// 2026-01-05T00:00:00Z, a Monday: where day 1 of every script begins.
pub const DAY_ONE: Time = Time(1_767_571_200_000_000);

/// A time as a script writes it: `02:15`, `day 2 02:15:30`; in full before day 1 and after day 3660.
pub fn script_time(t: Time) -> String {
    let since = t.since(DAY_ONE).0;
    let (day, rest) = (since.div_euclid(Span::days(1).0), since.rem_euclid(Span::days(1).0));
    if !(0..3660).contains(&day) || rest % 1_000_000 != 0 {
        return t.to_string();
    }
    let seconds = rest / 1_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let second = if second == 0 { String::new() } else { format!(":{second:02}") };
    let day = if day == 0 { String::new() } else { format!("day {} ", day + 1) };
    format!("{day}{hour:02}:{minute:02}{second}")
}

/// A finding as an expectation would describe it.
pub fn told(it: &Finding) -> String {
    let mut out = format!("{} from {} at {}", it.rule, script_time(it.onset), script_time(it.at));
    if let Some(end) = it.end {
        let _ = write!(out, " until {}", script_time(end));
    }
    let _ = write!(out, " severity {} {}", it.severity, it.state);
    out
}

impl Expectation {
    /// In what a finding of the rule is not as described.
    pub fn differences(&self, finding: &Finding) -> Vec<String> {
        let mut found = Vec::new();
        let mut time = |what: &str, wanted: Option<Time>, is: Option<Time>| {
            if let Some(wanted) = wanted.filter(|w| is != Some(*w)) {
                let is = is.map_or_else(|| "not known".to_owned(), script_time);
                found.push(format!("its {what} is {is}, not {}", script_time(wanted)));
            }
        };
        time("onset", self.onset, Some(finding.onset));
        time("opening", self.at, Some(finding.at));
        time("end", self.until, finding.end);
        if let Some(wanted) = self.severity.filter(|w| *w != finding.severity) {
            found.push(format!("its severity is {}, not {wanted}", finding.severity));
        }
        match self.state {
            Some(wanted) if wanted != finding.state => found.push(format!("it is {}, not {wanted}", finding.state)),
            None if finding.state == FindingState::Rescinded => found.push("it was taken back".to_owned()),
            _ => {}
        }
        found
    }
}

impl TestCase {
    /// What a failing expectation is about: the script up to its line, what stood there, and why. `text` is the file that holds the test, `findings` are those of the
    /// subject at that point, each in its latest revision.
    pub fn story(&self, text: &str, line: u32, findings: &[Finding], why: Option<&Why>) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let source = |n: u32| lines.get(n as usize - 1).map_or("", |l| l.trim());
        let mut out = String::from("the timeline, by the script's clock\n");
        let mut clock: Option<Time> = None;
        for step in self.script.iter().filter(|s| s.line <= line) {
            let mark = if step.line == line { '>' } else { ' ' };
            let late = match &step.action {
                Action::Reading(r) => {
                    let at = r.content.as_ref().and_then(|c| c.when.instant());
                    at.zip(clock).is_some_and(|(at, clock)| at < clock)
                }
                _ => false,
            };
            let late = if late { "  (late)" } else { "" };
            let _ = writeln!(out, "{mark} {:<12} {}{late}", script_time(step.at), source(step.line));
            clock = Some(step.at);
        }
        let Some(expected) = self.script.iter().find(|s| s.line == line).and_then(|s| match &s.action {
            Action::Expect(e) => Some(e),
            _ => None,
        }) else {
            return out;
        };
        out.push_str("what stood\n");
        let here: Vec<&Finding> = findings.iter().filter(|f| *f.rule == *expected.rule).collect();
        if here.is_empty() {
            let _ = writeln!(out, "  nothing: `{}` has found nothing up to here", expected.rule);
        }
        for finding in here {
            let _ = writeln!(out, "  {}", told(finding));
            let differences = expected.differences(finding);
            if !expected.absent && !differences.is_empty() {
                let _ = writeln!(out, "    {}", differences.join("; "));
            }
            self.grounds(finding, line, &source, &mut out);
        }
        if let Some(why) = why {
            let _ = writeln!(out, "why, at {}", script_time(why.at));
            for line in self.reasons(why) {
                let _ = writeln!(out, "  {line}");
            }
        }
        out
    }

    /// What the engine says of why, in the script's own times, readings by their lines.
    fn reasons(&self, why: &Why) -> Vec<String> {
        let line = |id: ReadingId| {
            let sends = |s: &&Step| matches!(&s.action, Action::Reading(r) if r.id == id);
            self.script.iter().rev().find(sends).map_or_else(|| id.to_string(), |s| format!("line {}", s.line))
        };
        in_short(why, &Names { time: &script_time, reading: &line })
    }

    /// What people were told, and the lines it rests on.
    fn grounds<'t>(&self, finding: &Finding, until: u32, source: &dyn Fn(u32) -> &'t str, out: &mut String) {
        let _ = writeln!(out, "    it says: {}", finding.text);
        match finding.quiet {
            Some(Quiet::Stale) => out.push_str("    quiet: it was found long after it happened\n"),
            Some(Quiet::SpokeLately) => out.push_str("    quiet: the rule spoke a short while before\n"),
            Some(Quiet::Shadow) => out.push_str("    quiet: the rule is on trial\n"),
            Some(Quiet::OtherOpen) => out.push_str("    quiet: a rule that it keeps quiet for was open\n"),
            None => {}
        }
        for step in self.script.iter().filter(|s| s.line <= until) {
            if let Action::Reading(r) = &step.action
                && finding.evidence.contains(&r.id)
            {
                let _ = writeln!(out, "    it rests on line {}: {}", step.line, source(step.line));
            }
        }
    }
}
