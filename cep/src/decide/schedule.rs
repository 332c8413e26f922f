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
use super::range::hangs_on_no_reading;
use super::version::Case;
use crate::eval::{Calendar, DAY, Lets, Ratio, Scope, Value, covered_at_most, holds, render, said, value};
use crate::newest::first_not;
use crate::plan::{Compare, Expr, Func, Measure, Schedule};
use crate::timeline::Touch;

/// No schedule fires before 1970: a reading of a device whose clock was never set enrols nobody for ages.
const FIRST: i64 = 0;

/// Every day of the week, and with it every time of a schedule, comes within so many days, whatever a zone skips.
const WEEK: i64 = 9 * DAY;

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
        let plan = Firings { case, schedule };
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

/// When a schedule fires, by the enrolment and the profile.
struct Firings<'a, 'b> {
    case: &'b Case<'a>,
    schedule: &'a Schedule,
}

/// A stretch `[from, to)` in which the profile says nothing else.
struct Stretch {
    from: i64,
    to: i64,
    calendar: Calendar,
    /// Microseconds since midnight.
    times: Vec<i64>,
}

impl Firings<'_, '_> {
    /// All firings in `[from, to]`.
    fn between(&self, from: i64, to: i64) -> Vec<i64> {
        let mut all: Vec<i64> =
            self.stretches(from, to).iter().flat_map(|s| self.of_stretch(s, s.from, s.to.saturating_sub(1).min(to))).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The first firing at `from` or later.
    fn first_from(&self, from: i64) -> Option<i64> {
        let stretches = self.stretches(from, i64::MAX);
        // Most fire within a day, and a calendar is not asked about the others for nothing.
        let within = |s: &Stretch, span: i64| {
            let until = s.to.saturating_sub(1).min(s.from.saturating_add(span));
            self.of_stretch(s, s.from, until).into_iter().min()
        };
        stretches.iter().filter_map(|s| within(s, DAY).or_else(|| within(s, WEEK))).min()
    }

    /// What lies in `[from, to]`, cut where a field that counts changes, and to where the version decides.
    fn stretches(&self, from: i64, to: i64) -> Vec<Stretch> {
        let (line, version) = (self.case.line, self.case.version);
        let Some(enrolled) = line.enrolled() else { return Vec::new() };
        let from = from.max(enrolled.saturating_add(1)).max(version.from).max(FIRST);
        let to = to.min(version.to.saturating_sub(1));
        if from > to || self.schedule.days & Schedule::ALL_DAYS == 0 {
            return Vec::new();
        }
        let mut cuts = vec![from];
        for field in self.fields() {
            cuts.extend(line.profile.changes(field).filter(|t| from < *t && *t <= to));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let ends = cuts.iter().skip(1).copied().chain([to.saturating_add(1)]);
        cuts.iter().zip(ends).map(|(from, to)| self.stretch(*from, to)).collect()
    }

    /// The profile's fields that say when it fires.
    fn fields(&self) -> Vec<u16> {
        let mut fields: Vec<u16> = self.case.version.terms.zone.into_iter().collect();
        for at in &self.schedule.at {
            at.walk(&mut |e| {
                if let Expr::Profile(field) = e {
                    fields.push(*field);
                }
            });
        }
        fields
    }

    fn stretch(&self, from: i64, to: i64) -> Stretch {
        let scope = self.case.scope(from, from);
        let of_day = |at| value(at, &scope).as_number().map(Ratio::floor).map(|t| t.rem_euclid(i128::from(DAY)) as i64);
        Stretch { from, to, calendar: Calendar::of(&scope), times: self.schedule.at.iter().filter_map(of_day).collect() }
    }

    fn of_stretch(&self, stretch: &Stretch, from: i64, to: i64) -> Vec<i64> {
        let mut found = Vec::new();
        if from > to || stretch.times.is_empty() {
            return found;
        }
        // A skipped time may fire on the day after.
        let Some(mut day) = stretch.calendar.date(from.saturating_sub(2 * DAY)) else { return found };
        let last = stretch.calendar.date(to);
        loop {
            let weekday = day.weekday().to_monday_zero_offset();
            if self.schedule.days >> weekday & 1 == 1 {
                let instants = stretch.times.iter().filter_map(|t| stretch.calendar.first_at(day, *t));
                found.extend(instants.filter(|t| from <= *t && *t <= to));
            }
            match day.tomorrow() {
                Ok(next) if last.is_none_or(|last| day <= last) => day = next,
                _ => return found,
            }
        }
    }
}
