//! The answer to why, with what was said before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use vitalog_cep::Unknown;
use vitalog_cep::why::{Verdict, Why};
use vitalog_elog::{Cause, Change, Finding, ReadingId, Subject, Time};
use vitalog_rules::why::{Names, answer, finding_json, json as why_json};

use super::backtest::{History, engine};
use crate::failure::Failure;
use crate::run::{Past, STATE_ANEW, Told};

/// What came out.
pub struct Answer {
    pub why: Why,
    /// The findings that the instant ever belonged to, each with all that was said of it; `None` where nothing is known of what was said.
    pub told: Option<Vec<Told>>,
    names: BTreeMap<ReadingId, Arc<str>>,
}

/// Over a history in the order of its instants. Nothing is ever taken back there, so nothing is known of what was said before.
///
/// # Errors
/// Where there is no such rule or subject.
pub fn of_history(history: History, rule: &str, subject: &Subject, at: Time) -> Result<Answer, Failure> {
    let ours = history.readings.iter().filter(|r| r.subject == *subject);
    let names = ours.filter_map(|r| Some((r.id, r.given.clone()?))).collect();
    let why = engine(history).why(rule, subject, at).map_err(|u| unknown(u, rule, subject))?;
    Ok(Answer { why, told: None, names })
}

/// Over the journal of a data directory.
///
/// # Errors
/// Where it can't be replayed, or there is no such rule or subject.
pub fn of_directory(data: &Path, rule: &str, subject: &Subject, at: Time) -> Result<Answer, Failure> {
    let Past { mind, mut told, names } = Past::of(data, rule, subject)?;
    let why = mind.why(rule, subject, at)?.map_err(|u| unknown(u, rule, subject))?;
    let ids: Vec<_> = told.iter().filter(|t| belongs(&t.change.finding, at)).map(|t| t.change.finding.id).collect();
    told.retain(|t| ids.contains(&t.change.finding.id));
    Ok(Answer { why, told: Some(told), names })
}

/// Whether an instant belongs to a finding as it was said.
fn belongs(f: &Finding, at: Time) -> bool {
    let over = f.end.is_some_and(|end| if f.kind.is_point() { end.max(f.at) < at } else { end <= at });
    f.at == at || (f.onset <= at && !over)
}

/// What is not known, and what to do about it.
pub fn unknown(unknown: Unknown, rule: &str, subject: &Subject) -> Failure {
    match unknown {
        Unknown::Rule => Failure::new(format!("there is no rule `{rule}`, and never was"))
            .hint("`vitalog check` names what is wrong with rule files; `GET /v1/rules` the rules in force"),
        Unknown::Subject => Failure::new(format!("nothing was ever heard of the subject `{subject}`"))
            .hint("subjects are written exactly as in their readings"),
        Unknown::Layers => Failure::new("what lies before the subject's horizon cannot be read").hint(STATE_ANEW),
    }
}

impl Answer {
    /// The last word on what was said and taken back, where nothing stands there now.
    fn rescinded(&self) -> Option<&Told> {
        if matches!(self.why.verdict, Verdict::Fired | Verdict::Quiet | Verdict::Pending) {
            return None;
        }
        let last = self.told.as_ref()?.iter().rev().find(|t| belongs(&t.change.finding, self.why.at))?;
        (last.change.change == Change::Rescinded).then_some(last)
    }

    /// For people.
    pub fn text(&self) -> String {
        let reading = |id: ReadingId| self.names.get(&id).map_or_else(|| id.to_string(), ToString::to_string);
        let names = Names { time: &|t| t.to_string(), reading: &reading };
        let mut out = String::new();
        if let Some(told) = self.rescinded() {
            let f = &told.change.finding;
            out.push_str(&format!(
                "rescinded: it was found, and taken back at {} by {}\n",
                told.change.decided_at,
                cause(told, &reading)
            ));
            out.push_str(&format!("  it said: {}\n  from {}, decided at {}\nas the readings are now\n", f.text, f.onset, f.at));
        }
        out.push_str(&answer(&self.why, &names));
        let Some(told) = &self.told else { return out };
        if !told.is_empty() {
            out.push_str("\nwhat was said\n");
        }
        for it in told {
            let f = &it.change.finding;
            let end = f.end.map_or_else(String::new, |t| format!(" until {t}"));
            let by = cause(it, &reading);
            let line = format!(
                "  {}  {:<9} {:<8} from {}{end}, decided at {}; by {by}\n",
                it.change.decided_at,
                it.change.change.name(),
                f.severity,
                f.onset,
                f.at
            );
            out.push_str(&line);
        }
        out
    }

    /// For programs. `verdict` is `rescinded` where something was said and taken back; `now` is the verdict as the readings are now.
    pub fn json(&self) -> Value {
        let mut out = why_json(&self.why);
        out["now"] = out["verdict"].clone();
        if self.rescinded().is_some() {
            out["verdict"] = json!("rescinded");
        }
        out["told"] = match &self.told {
            None => Value::Null,
            Some(told) => told.iter().map(told_json).collect(),
        };
        out
    }
}

fn told_json(told: &Told) -> Value {
    let by = told
        .by
        .as_ref()
        .map(|r| json!({"id": r.id.to_string(), "given": r.given.as_deref(), "rev": r.rev, "removed": r.content.is_none()}));
    json!({
        "change": told.change.change.name(),
        "decided_at": told.change.decided_at.to_string(),
        "finding": finding_json(&told.change.finding),
        "cause": match told.change.cause {
            Cause::Reading(_) => "reading",
            Cause::Profile => "profile",
            Cause::Rules => "rules",
            Cause::Clock => "clock",
        },
        "by": by,
    })
}

/// What made the engine look again.
fn cause(told: &Told, reading: &dyn Fn(ReadingId) -> String) -> String {
    match (told.change.cause, &told.by) {
        (Cause::Reading(id), Some(by)) => {
            let what = if by.content.is_none() { "the removal of reading" } else { "reading" };
            let rev = if by.rev > 1 { format!(" (revision {})", by.rev) } else { String::new() };
            format!("{what} {}{rev}", reading(id))
        }
        (Cause::Reading(id), None) => format!("reading {}", reading(id)),
        (Cause::Profile, _) => "a change of the profile".to_owned(),
        (Cause::Rules, _) => "a change of the rules".to_owned(),
        (Cause::Clock, _) => "the clock".to_owned(),
    }
}
