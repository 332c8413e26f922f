//! The search for the match of one start.
//!
//! For each instant at which it could complete, earliest first, steps are filled depth first, earliest readings first: what is found first is the match.
//! A step on whose choice nothing later hangs keeps its earliest choice (see [`Shape`]); where conditions tie steps together, the number of choices is
//! bounded only by the readings inside `within`.

use super::shape::Shape;
use crate::decide::version::Case;
use crate::eval::{Binding, Lets, Rows, Scope};
use crate::plan::{Absence, Pattern, Step};
use crate::timeline::Table;

/// A search for one start.
pub struct Search<'a> {
    case: Case<'a>,
    pattern: &'a Pattern,
    shape: &'a Shape,
    start: i64,
    completion: i64,
    bound: Vec<Binding>,
    /// Plain absences are settled by the barrier.
    barred: bool,
    /// Whether what the rule's condition asks of the start alone is true. `None`: it was not asked.
    settled: Option<bool>,
}

/// How filling a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Found,
    /// No choice completes then.
    Failed,
    /// The row of readings that the step at hand must be is broken.
    Broken,
}

impl<'a> Search<'a> {
    pub fn new(case: Case<'a>, pattern: &'a Pattern, shape: &'a Shape, start: i64) -> Search<'a> {
        Search { case, pattern, shape, start, completion: start, bound: Vec::new(), barred: false, settled: Some(true) }
    }

    /// The same for a start that may be one that never completes, for what lies before it.
    pub fn unsettled(self) -> Search<'a> {
        Search { settled: None, ..self }
    }

    /// What it bound; of use after [`Outcome::Found`].
    pub fn bound(&self) -> &[Binding] {
        &self.bound
    }

    /// The earliest completion from `from` to `until`, if there is one.
    pub fn earliest(&mut self, from: i64, until: i64) -> Option<i64> {
        let last = self.pattern.steps.last()?;
        let table = self.case.line.table(last.stream)?;
        self.barred = true;
        let limit = limit(self.pattern, self.start).min(self.barrier().saturating_add(1)).min(until.saturating_add(1));
        // What bars it may lie before the start, where nobody looks.
        let (mut row, end) = (table.from(self.start.max(from)), table.left_from(limit));
        loop {
            row = self.case.may_fit(self.pattern.steps.len() - 1, table, row..end);
            if row >= end {
                break;
            }
            let rows = table.tie(table.from(table.at(row)));
            row = rows.end;
            if rows.clone().any(|row| may_complete(&self.case, self.shape, table, row))
                && self.at(table.at(rows.start)) == Outcome::Found
            {
                return Some(self.completion);
            }
            if self.settled == Some(false) {
                break;
            }
        }
        None
    }

    /// Whether it completes at `completion`.
    pub fn at(&mut self, completion: i64) -> Outcome {
        self.completion = completion;
        self.bound.clear();
        self.fill(0, 0, self.start.saturating_sub(1))
    }

    /// The last instant at which the start can complete for all that plain absences say.
    fn barrier(&self) -> i64 {
        if is_point(self.pattern) {
            return i64::MAX;
        }
        let plain = self.pattern.absences.iter().zip(&self.shape.plain).filter(|(_, plain)| **plain);
        plain.map(|(absence, _)| self.barrier_of(absence)).min().unwrap_or(i64::MAX)
    }

    fn barrier_of(&self, absence: &'a Absence) -> i64 {
        let limit = limit(self.pattern, self.start);
        let mut barrier = i64::MAX;
        self.between(absence, limit, |rows| {
            if self.forbids(absence, rows) {
                // Between first and last lies what begins before the last and ends after the first.
                barrier = barrier.min(rows.table.start(rows.row()));
            }
        });
        barrier
    }

    /// Calls `f` with each reading of an absence's stream that lies in the open interval from the start to `end`.
    fn between(&self, absence: &Absence, end: i64, mut f: impl FnMut(Rows<'a>)) {
        if end <= self.start {
            return;
        }
        if let Some(table) = self.case.line.table(absence.stream) {
            table.overlapping(self.start, end).for_each(|row| f(Rows::one(table, row)));
        }
        if let Some(table) = self.case.line.endless(absence.stream) {
            for row in 0..table.from(end) {
                f(Rows { endless: true, ..Rows::one(table, row) });
            }
        }
    }

    fn forbids(&self, absence: &'a Absence, rows: Rows<'a>) -> bool {
        let Some(filter) = &absence.filter else { return true };
        self.scope(self.completion).with_candidate(rows, rows.table.at(rows.row())).holds(filter)
    }

    fn scope(&self, now: i64) -> Scope<'a, '_> {
        Scope { bound: &self.bound, ..self.case.scope(now, self.start) }
    }

    /// Fills repeat `repeat` of step `step` and all that follow, with instants later than `after`.
    fn fill(&mut self, step: usize, repeat: u16, after: i64) -> Outcome {
        let (pattern, shape) = (self.pattern, self.shape);
        let Some(this) = pattern.steps.get(step) else { return self.accept() };
        let Some(table) = self.case.line.table(this.stream) else { return Outcome::Failed };
        let last_repeat = repeat + 1 >= this.count;
        let last = last_repeat && step + 1 == pattern.steps.len();
        let forced = this.in_a_row && repeat > 0;
        let first = step == 0 && repeat == 0;
        let mut row = table.after(after);
        while row < table.len() {
            let (at, tie) = (table.at(row), table.tie(row));
            if at > self.completion || (at == self.completion && !last) || (first && at > self.start) {
                break;
            }
            row = tie.end;
            if last && at < self.completion {
                if forced {
                    return Outcome::Broken;
                }
                row = table.from(self.completion);
                continue;
            }
            if !last && !forced && !first {
                // Those up to this one do not fit.
                let next = self.case.may_fit(step, table, tie.start..table.from(self.completion).max(tie.end));
                if next >= tie.end {
                    row = if next < table.len() { table.from(table.at(next)) } else { next };
                    continue;
                }
            }
            let width = tie.len();
            let fits = self.bind(step, repeat, this, table, tie.start, tie.end);
            if fits == 0 || (forced && !last_repeat && fits < width) {
                self.unbind(step, repeat, fits);
                if forced {
                    return Outcome::Broken;
                }
                continue;
            }
            let outcome = if last_repeat { self.fill(step + 1, 0, at) } else { self.fill(step, repeat + 1, at) };
            if outcome == Outcome::Found {
                return outcome;
            }
            self.unbind(step, repeat, fits);
            // Whether the row broke here or only what follows it failed.
            let broken = outcome == Outcome::Broken && !last_repeat;
            if forced || first {
                return if broken { Outcome::Broken } else { Outcome::Failed };
            }
            if shape.free[step] && !broken {
                return Outcome::Failed;
            }
        }
        Outcome::Failed
    }

    /// Binds the readings of one instant that fit; how many they are.
    fn bind(&mut self, step: usize, repeat: u16, this: &'a Step, table: &'a Table, from: usize, to: usize) -> usize {
        let at = table.at(from);
        if to - from == 1 {
            let fits = self.fits(step, this, table, from, at);
            return if fits { self.put(step, repeat, this, &[from]) } else { 0 };
        }
        let fitting: Vec<usize> = (from..to).filter(|row| self.fits(step, this, table, *row, at)).collect();
        if fitting.is_empty() { 0 } else { self.put(step, repeat, this, &fitting) }
    }

    /// Whether a reading fits a step, with what the steps before bound.
    fn fits(&self, step: usize, this: &'a Step, table: &'a Table, row: usize, at: i64) -> bool {
        let Some(filter) = &this.filter else { return true };
        self.case.tells_step(step, table, row).unwrap_or_else(|| {
            // The step's own binding is not there yet when its condition is asked.
            let scope = Scope { bound: &self.bound[..step.min(self.bound.len())], ..self.case.scope(at, self.start) };
            scope.with_candidate(Rows::one(table, row), at).holds(filter)
        })
    }

    fn put(&mut self, step: usize, repeat: u16, this: &Step, rows: &[usize]) -> usize {
        if repeat == 0 {
            self.bound.truncate(step);
            self.bound.push(Binding::none(this.stream));
        }
        let binding = &mut self.bound[step];
        binding.instants.push(binding.rows.len());
        binding.rows.extend(rows);
        rows.len()
    }

    fn unbind(&mut self, step: usize, repeat: u16, rows: usize) {
        if rows == 0 {
            return;
        }
        self.bound.truncate(step + 1);
        let binding = &mut self.bound[step];
        binding.rows.truncate(binding.rows.len() - rows);
        binding.instants.pop();
        if repeat == 0 {
            self.bound.truncate(step);
        }
    }

    /// All steps are filled: whether nothing forbidden came between, and the rule's condition holds.
    fn accept(&mut self) -> Outcome {
        let settled = self.settled.unwrap_or_else(|| is_settled(&self.case, self.shape, &self.bound[..1], self.start));
        self.settled = Some(settled);
        if !settled {
            return Outcome::Failed;
        }
        let judged = self.pattern.absences.iter().zip(&self.shape.plain).filter(|(_, plain)| !(**plain && self.barred));
        for (absence, _) in judged {
            let mut forbidden = false;
            self.between(absence, self.completion, |rows| {
                forbidden |= !self.is_bound(absence, rows) && self.forbids(absence, rows);
            });
            if forbidden {
                return Outcome::Failed;
            }
        }
        match &self.case.version.terms.rule.filter {
            Some(filter) if !self.scope(self.completion).holds(filter) => Outcome::Failed,
            _ => Outcome::Found,
        }
    }

    fn is_bound(&self, absence: &Absence, rows: Rows<'_>) -> bool {
        !rows.endless && self.bound.iter().any(|b| b.stream == absence.stream && b.rows.binary_search(&rows.row()).is_ok())
    }
}

/// Whether a reading of the last step's stream passes what can be asked of it before anything is bound.
pub fn may_complete<'a>(case: &Case<'a>, shape: &'a Shape, table: &'a Table, row: usize) -> bool {
    let at = table.at(row);
    let scope = case.scope(at, at).with_candidate(Rows::one(table, row), at);
    shape.prefilter.iter().all(|e| scope.holds(e))
}

/// Whether what a rule's condition asks of nothing but where a match begins is true: of what is bound there.
pub fn is_settled<'a>(case: &Case<'a>, shape: &'a Shape, first: &[Binding], start: i64) -> bool {
    if shape.settled.is_empty() {
        return true;
    }
    let scope = Scope { bound: first, ..case.scope(start, start) };
    let lets = Lets::of(&scope);
    let scope = scope.with(&lets);
    shape.settled.iter().all(|e| scope.holds(e))
}

/// The first instant at which a start can no longer complete.
pub fn limit(pattern: &Pattern, start: i64) -> i64 {
    match pattern.within {
        Some(within) => start.saturating_add(within.0),
        None if is_point(pattern) => start.saturating_add(1),
        None => i64::MAX,
    }
}

/// Whether it completes where it starts.
pub fn is_point(pattern: &Pattern) -> bool {
    pattern.steps.len() == 1 && pattern.steps[0].count <= 1
}
