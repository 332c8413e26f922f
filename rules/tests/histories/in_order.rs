//! The course of a backtest: rules and profiles first, then what is current in the end, each reading as it happened.
//!
//! Law 6 holds on it: nothing is withdrawn. Left out are rules that look at other rules' findings, which may have changed since, and rules that look at intervals:
//! when one ends it is news of the past. So are instants of several readings, which are one to the rules and come one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitalog_cep::plan::{Library, Rule};
use vitalog_cep::{Engine, EngineInput};
use vitalog_elog::{Change, FindingChange, FindingKind, FindingState, Time};

use super::course::Course;
use super::laws::{current, input};
use super::rulebooks::Rulebooks;
use super::{Given, History};
use crate::oracle::derived::streams;

pub fn run(books: &Rulebooks, history: &History) -> Result<Engine, String> {
    let readings = current(history);
    let excused: BTreeSet<Arc<str>> = books.all.iter().flat_map(|library| learns_late(library)).collect();
    let mut course = Course::default();
    for entry in history.entries.iter().filter(|e| matches!(e.given, Given::Rules { .. })) {
        course.step(Time::MIN, input(books, &entry.given));
    }
    for entry in history.entries.iter().filter(|e| matches!(e.given, Given::Profile(_))) {
        course.step(Time::MIN, input(books, &entry.given));
    }
    let mut judged = 0;
    for reading in &readings {
        let Some(content) = &reading.content else { continue };
        let at = content.when.instant().unwrap_or_else(|| content.when.start()).min(history.end);
        // What is due at this very instant is decided with the reading.
        course.until(Time(at.0 - 1))?;
        judge(&course, &mut judged, &excused)?;
        // Not what another reading of this instant had the clock decide, be it somebody else's.
        let is_reached = course.engine.clock() >= at;
        course.step(at, EngineInput::Reading(reading));
        if is_reached || at == history.end {
            judged = course.changes.len();
        }
        judge(&course, &mut judged, &excused)?;
    }
    course.until(history.end)?;
    course.step(history.end, EngineInput::Tick);
    Ok(course.engine)
}

fn learns_late(library: &Library) -> Vec<Arc<str>> {
    let late = |rule: &Rule| {
        let mut streams = streams(rule).into_iter();
        streams.any(|s| s.derived().is_some() || library.schema.get(s).is_interval())
    };
    library.rules.iter().filter(|r| late(r)).map(|r| r.name.clone()).collect()
}

/// No change since the last time withdraws anything, nor changes what was over.
fn judge(course: &Course, judged: &mut usize, excused: &BTreeSet<Arc<str>>) -> Result<(), String> {
    let fresh = &course.changes[*judged..];
    *judged = course.changes.len();
    for change in fresh.iter().filter(|c| !excused.contains(&c.finding.rule)) {
        let gone = &change.finding;
        let grown =
            |c: &&FindingChange| c.finding.onset <= gone.onset && c.finding.end >= gone.end && c.finding.rule == gone.rule;
        let joined = gone.kind == FindingKind::Match && fresh.iter().any(|c| c.change != Change::Rescinded && grown(&c));
        if change.change == Change::Rescinded && !joined {
            return Err(format!("in order, this is withdrawn:\n{change:#?}"));
        }
        if change.change == Change::Amended && gone.state != FindingState::Open {
            return Err(format!("in order, this was over and is amended:\n{change:#?}"));
        }
    }
    Ok(())
}
