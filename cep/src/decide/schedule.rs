//! Schedules: decided by the clock at times of the subject's day.
//!
//! At which instants a schedule fires hangs on the enrolment and the profile alone; these are kept, so that a reading finds those that see it without asking
//! the calendar. What is found at each is judged by itself.
//!
//! A window of weeks before each firing sees thousands of readings. Where many of them come at one moment the firings that they put into doubt wait for the last
//! of them, and are judged once.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use vitalog_elog::FindingState;

use super::fact::{Fact, Facts, evidence};
use super::firings::Firings;
use super::range::hangs_on_no_reading;
use super::version::Case;
use crate::eval::{Lets, Scope, Value, covered_at_most, holds, render, said, value};
use crate::newest::first_not;
use crate::plan::{Compare, Expr, Func, Measure, Schedule};
use crate::timeline::Touch;

/// One schedule rule for one subject.
#[derive(Debug, Serialize, Deserialize)]
pub struct Schedules {
    pub facts: Facts,
    /// The instants at which it fired, ascending.
    firings: Vec<i64>,
    /// All up to here are among them.
    known: i64,
    /// The first after that.
    next: Option<i64>,
    /// From where to where firings wait to be judged. Nothing waits when a moment is over.
    #[serde(skip)]
    doubted: Option<(i64, i64)>,
}

impl Default for Schedules {
    fn default() -> Schedules {
        Schedules { facts: Facts::default(), firings: Vec::new(), known: i64::MIN, next: None, doubted: None }
    }
}

impl Schedules {
    /// A reading came or went; `alone`: nothing else did. Returns whether a fact changed.
    pub fn touched(&mut self, case: &Case<'_>, schedule: &Schedule, touch: &Touch, alone: bool) -> bool {
        let fired = |(from, to): &(i64, i64)| {
            let (firings, facts) = self.between(*from, *to);
            !(firings.is_empty() && facts.is_empty())
        };
        let Some(_) = case.version.sight(touch).filter(fired) else { return false };
        let Some((from, to)) = case.version.glimpse(case, touch, alone) else { return false };
        if !case.more {
            return self.judge(case, schedule, from, to);
        }
        let (firings, facts) = self.between(from, to);
        if !(firings.is_empty() && facts.is_empty()) {
            let (first, last) = self.doubted.unwrap_or((from, to));
            self.doubted = Some((first.min(from), last.max(to)));
        }
        false
    }

    pub fn waits(&self) -> bool {
        self.doubted.is_some()
    }

    /// When it fired last.
    pub fn decided_until(&self) -> i64 {
        self.firings.last().copied().unwrap_or(i64::MIN)
    }

    /// The moment is over.
    pub fn settle(&mut self, case: &Case<'_>, schedule: &Schedule) -> bool {
        self.doubted.take().is_some_and(|(from, to)| self.judge(case, schedule, from, to))
    }

    /// The clock moved.
    pub fn tick(&mut self, case: &Case<'_>, schedule: &Schedule) -> bool {
        self.next.is_some_and(|next| next <= case.clock) && self.again(case, schedule, i64::MAX)
    }

    pub fn next_due(&self, case: &Case<'_>) -> Option<i64> {
        self.next.filter(|next| *next > case.clock)
    }

    /// The last firing at `t` or before, and the first after it, as far as they are known.
    pub fn around(&self, t: i64) -> (Option<i64>, Option<i64>) {
        let after = first_not(&self.firings, |f| *f <= t);
        (after.checked_sub(1).map(|i| self.firings[i]), self.firings.get(after).copied().or(self.next))
    }

    /// When it fires from `from` on may have changed, and what it finds there.
    pub fn again(&mut self, case: &Case<'_>, schedule: &Schedule, from: i64) -> bool {
        // What the clock has passed since is due as well.
        let from = from.min(self.known.saturating_add(1));
        let kept = first_not(&self.firings, |t| *t < from);
        self.firings.truncate(kept);
        let plan = Firings::of(case, schedule);
        self.firings.extend(plan.between(from, case.clock));
        self.known = case.clock;
        self.next = case.clock.checked_add(1).and_then(|next| plan.first_from(next));
        self.judge(case, schedule, from, i64::MAX)
    }

    /// Takes off the firings before an instant.
    pub fn part(&mut self, before: i64) -> Vec<i64> {
        let many = first_not(&self.firings, |t| *t < before);
        let cold = self.firings.drain(..many).collect();
        self.firings.shrink_to_fit();
        cold
    }

    /// Puts those back that were taken off.
    pub fn unite(&mut self, mut cold: Vec<i64>) {
        cold.append(&mut self.firings);
        self.firings = cold;
    }

    /// Judges all firings in `[from, to]` again.
    fn judge(&mut self, case: &Case<'_>, schedule: &Schedule, from: i64, to: i64) -> bool {
        let (firings, range) = self.between(from, to);
        if firings.is_empty() && range.is_empty() {
            return false;
        }
        let found: Vec<Fact> = self.firings[firings].iter().filter_map(|t| fires(case, schedule, *t)).collect();
        let changed = !range.is_empty() || !found.is_empty();
        self.facts.replace(range, found);
        changed
    }

    /// The firings and the facts in `[from, to]`, by their places.
    fn between(&self, from: i64, to: i64) -> (Range<usize>, Range<usize>) {
        let list = self.facts.list();
        let facts = first_not(list, |f| f.onset < from)..first_not(list, |f| f.onset <= to);
        (first_not(&self.firings, |t| *t < from)..first_not(&self.firings, |t| *t <= to), facts)
    }
}

/// What is found at a firing.
fn fires<'a>(case: &Case<'a>, schedule: &'a Schedule, t: i64) -> Option<Fact> {
    let scope = case.scope(t, t);
    let conditions = schedule.when.iter().chain(&case.version.terms.rule.filter);
    if conditions.clone().any(|c| lacks_readings(c, &scope)) {
        return None;
    }
    let lets = Lets::of(&scope);
    let scope = scope.with(&lets);
    conditions.into_iter().all(|c| scope.holds(c)).then(|| Fact {
        onset: t,
        at: t,
        end: Some(t),
        resolved: None,
        state: FindingState::Open,
        severity: scope.severity(),
        evidence: evidence(Vec::new()),
        words: render(&scope),
        said: said(&scope),
        fed: false,
        ended: false,
        known: None,
    })
}

/// Whether a condition is not true for how few readings there are, or because none says what is measured: they are counted, and none is looked at.
fn lacks_readings<'a>(condition: &'a Expr, scope: &Scope<'a, '_>) -> bool {
    match condition {
        Expr::And(all) => all.iter().any(|e| lacks_readings(e, scope)),
        Expr::Compare { left, right, .. } if is_unsaid(left, scope) || is_unsaid(right, scope) => true,
        Expr::Compare { op: op @ (Compare::Ge | Compare::Gt), left, right } => {
            let Expr::Window(w) = &**left else { return false };
            let bound = hangs_on_no_reading(right, &[]).then(|| value(right, scope));
            let (Some(Value::Number(bound)), Some(most)) = (bound, covered_at_most(w, scope)) else { return false };
            !holds(*op, most.compare(bound))
        }
        _ => false,
    }
}

/// Whether a number is unknown because no reading of its stream ever says what it measures.
fn is_unsaid(number: &Expr, scope: &Scope<'_, '_>) -> bool {
    match number {
        Expr::Arith { left, right, .. } => is_unsaid(left, scope) || is_unsaid(right, scope),
        Expr::Window(w) => match (w.func, w.what) {
            (Func::Avg | Func::First | Func::Last | Func::Delta | Func::Slope | Func::Forecast(_), Measure::Field(field)) => {
                scope.line.table(w.stream).is_none_or(|table| table.is_silent_in(field))
            }
            _ => false,
        },
        _ => false,
    }
}
