//! Silences: nothing heard for a while.
//!
//! Whether one stands after an instant hangs only on the next instant, the clock, and the decision when the time is over. So each is judged by itself, and a
//! change of the timeline judges again those around it.

use serde::{Deserialize, Serialize};
use vitalog_elog::FindingState;

use super::fact::{Fact, Facts, evidence};
use super::version::Case;
use crate::eval::{render, said};
use crate::plan::Silence;
use crate::timeline::{Table, Touch};

/// One silence rule for one subject.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Silences {
    pub facts: Facts,
}

impl Silences {
    /// A reading came or went. Returns whether a fact changed.
    pub fn touched(&mut self, case: &Case<'_>, silence: &Silence, touch: &Touch) -> bool {
        let mut changed = false;
        if let Some(t) = touch.at.filter(|_| silence.streams.contains(&touch.stream)) {
            let from = before(case, silence, t).unwrap_or(i64::MIN);
            changed |= self.judge(case, silence, from, t);
        }
        if let (Some(t), Some(reach)) = (touch.at, case.version.reach(touch.stream)) {
            let span = silence.span.0;
            changed |= self.judge(case, silence, t.saturating_sub(span), t.saturating_add(reach).saturating_sub(span));
        }
        changed
    }

    /// Judges all silences again that count from an instant in `[from, to]`.
    pub fn judge(&mut self, case: &Case<'_>, silence: &Silence, from: i64, to: i64) -> bool {
        if from > to {
            return false;
        }
        let found: Vec<Fact> =
            beginnings(case, silence, from, to).into_iter().filter_map(|p| silent_since(case, silence, p)).collect();
        let list = self.facts.list();
        let range = list.partition_point(|f| f.onset < from)..list.partition_point(|f| f.onset <= to);
        let changed = !range.is_empty() || !found.is_empty();
        self.facts.replace(range, found);
        changed
    }

    /// The clock moved: the newest silence may have begun.
    pub fn tick(&mut self, case: &Case<'_>, silence: &Silence) -> bool {
        let Some(p) = newest(case, silence) else { return false };
        let told = self.facts.list().last().is_some_and(|f| f.onset == p);
        !told && p.checked_add(silence.span.0).is_some_and(|due| due <= case.clock) && self.judge(case, silence, p, p)
    }

    pub fn next_due(&self, case: &Case<'_>, silence: &Silence) -> Option<i64> {
        let due = newest(case, silence)?.checked_add(silence.span.0)?;
        (due > case.clock && case.version.owns(due)).then_some(due)
    }

    /// The quick way: the newest reading of the only stream came soon after the one before. Then it neither ends a silence nor shows one, and the next
    /// would open at the instant returned, if it belongs to the version. `None` says nothing.
    #[inline]
    pub fn goes_on(&self, case: &Case<'_>, silence: &Silence, touch: &Touch) -> Option<Option<i64>> {
        let [stream] = silence.streams[..] else { return None };
        if touch.stream != stream || case.version.reach(stream).is_some() {
            return None;
        }
        let table = case.line.table(stream)?;
        let last = table.len().checked_sub(1)?;
        let (t, previous) = (table.at(last), table.at(last.checked_sub(1)?));
        let due = t.checked_add(silence.span.0)?;
        let quiet = touch.at == Some(t) && t.saturating_sub(previous) <= silence.span.0 && due > case.clock;
        // A silence that counts from the reading before would be the last fact.
        let told = self.facts.list().last().is_some_and(|f| f.onset >= previous);
        (quiet && !told).then_some(case.version.owns(due).then_some(due))
    }
}

/// The silence that counts from `p`, if it stands.
fn silent_since(case: &Case<'_>, silence: &Silence, p: i64) -> Option<Fact> {
    let due = p.checked_add(silence.span.0)?;
    let heard = tables(case, silence).filter_map(|t| t.next(p)).min();
    if due > case.clock || heard.is_some_and(|q| q <= due) || !case.version.owns(due) {
        return None;
    }
    let scope = case.scope(due, p);
    if case.version.terms.rule.filter.as_ref().is_some_and(|f| !scope.holds(f)) {
        return None;
    }
    let last = tables(case, silence).flat_map(|t| t.rows_at(p).flat_map(|row| t.evidence(row))).copied().collect();
    Some(Fact {
        onset: p,
        at: due,
        end: heard,
        resolved: heard,
        state: if heard.is_some() { FindingState::Resolved } else { FindingState::Open },
        severity: scope.severity(),
        evidence: evidence(last),
        text: render(&scope),
        said: said(&scope),
        fed: false,
        known: None,
    })
}

/// The instants in `[from, to]` that a silence may count from, ascending.
fn beginnings(case: &Case<'_>, silence: &Silence, from: i64, to: i64) -> Vec<i64> {
    let mut all: Vec<i64> = tables(case, silence).flat_map(|t| (t.from(from)..t.after(to)).map(|row| t.at(row))).collect();
    all.extend(enrolment(case, silence).filter(|e| (from..=to).contains(e)));
    all.sort_unstable();
    all.dedup();
    all
}

/// The last instant that a silence may count from.
fn newest(case: &Case<'_>, silence: &Silence) -> Option<i64> {
    tables(case, silence).filter_map(Table::last).max().or(case.line.enrolled())
}

/// The last instant before `t` that a silence may count from.
fn before(case: &Case<'_>, silence: &Silence, t: i64) -> Option<i64> {
    tables(case, silence).filter_map(|table| table.before(t)).max().or_else(|| case.line.enrolled().filter(|e| *e < t))
}

/// The enrolment, if no reading was there before.
fn enrolment(case: &Case<'_>, silence: &Silence) -> Option<i64> {
    let first = tables(case, silence).filter_map(Table::first).min();
    case.line.enrolled().filter(|e| first.is_none_or(|first| first > *e))
}

fn tables<'a>(case: &Case<'a>, silence: &'a Silence) -> impl Iterator<Item = &'a Table> {
    let line = case.line;
    silence.streams.iter().filter_map(move |s| line.table(*s))
}
