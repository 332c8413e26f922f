//! From a walk to the matches of its start: the preferred choice that completes earliest, what it grows by, or all choices.

use vitalog_elog::Severity;

use super::cluster::Match;
use super::program::Op;
use super::state::{Cursor, Move, State};
use super::walk::Walk;
use crate::decide::fact::evidence;
use crate::eval::{Scope, Words, render, said};
use crate::plan::Select;
use crate::timeline::Said;

/// Matches of one start with `match all`; beyond them none is told (see the limits in the manual).
const MOST_OF_ALL: usize = 10_000;

/// What a start comes to.
#[derive(Debug, Default)]
pub struct Found {
    pub matches: Vec<Match>,
    /// When the clock alone will decide something about it.
    pub due: Option<i64>,
    /// It takes further readings, or other choices may follow.
    pub is_open: bool,
}

/// What is known of a match while it grows.
struct Told {
    severity: Severity,
    words: Words,
    said: Said,
}

impl Walk<'_> {
    pub fn found(&mut self) -> Found {
        let Some(begin) = self.begin() else { return Found::default() };
        if self.pattern.select == Select::All {
            return self.all(&begin);
        }
        match self.best(&begin) {
            Some(at) if at <= self.case.clock => self.read_off(begin, at).unwrap_or_default(),
            due => Found { due: due.filter(|due| self.case.version.owns(*due)), ..Found::default() },
        }
    }

    /// The preferred choice that completes at `at`, and what it grows by.
    fn read_off(&mut self, begin: State, at: i64) -> Option<Found> {
        let mut state = begin;
        let mut before_end = None;
        while state.pc < self.program.ops.len() {
            if let Op::Step(step) = &self.program.ops[state.pc]
                && state.target.is_none()
            {
                state.target = self.most(&state, *step, at);
            }
            let choice = self.preferred(&state, at)?;
            if matches!(choice, Move::Finish) {
                before_end = Some(state.clone());
            }
            state = self.apply(&state, &choice)?;
        }
        let first = self.told(at);
        if !self.case.version.owns(at) {
            return Some(Found::default());
        }
        let mut found = Found { is_open: self.program.growing.is_some(), ..Found::default() };
        let told = match (self.program.growing, before_end) {
            (Some(step), Some(end)) => self.grow(step, end, first, &mut found),
            _ => first,
        };
        found.matches.push(self.matched(at, told));
        Some(found)
    }

    /// How many repeats of a step at most still lead to a completion at `at`; `None` where its count leaves no choice.
    fn most(&mut self, state: &State, step: usize, at: i64) -> Option<u32> {
        let this = &self.pattern.steps[step];
        let least = u32::from(this.count.max(1));
        if this.most == Some(this.count) || self.program.growing == Some(step) {
            return None;
        }
        let there = self.case.line.edge(this.stream, this.edge).map_or(0, |t| {
            let until = self.start.saturating_add(self.program.reach);
            t.from(until).saturating_sub(t.from(self.start)) as u32
        });
        let most = this.most.map_or(there, |most| there.min(u32::from(most)));
        if !self.program.free[state.pc] {
            return (least..=most).rev().find(|target| self.best(&state.with(*target)) == Some(at));
        }
        // The fewer, the sooner what follows may begin: those that lead there are neighbours of the least.
        let (mut leads, mut not) = (least, most.saturating_add(1));
        while not.saturating_sub(leads) > 1 {
            let target = leads + (not - leads) / 2;
            if self.best(&state.with(target)) == Some(at) { leads = target } else { not = target }
        }
        Some(leads)
    }

    /// The first choice that still leads to a completion at `at`.
    fn preferred(&mut self, state: &State, at: i64) -> Option<Move> {
        let mut from = None;
        while let Some((choice, next)) = self.choice_after(state, from) {
            if self.after(state, &choice, |walk, state| walk.best(state)).flatten() == Some(at) {
                return Some(choice);
            }
            from = Some(next);
        }
        None
    }

    /// Takes further instants of the last step, each while all holds with it.
    fn grow(&mut self, step: usize, end: State, first: Told, found: &mut Found) -> Told {
        let mut told = first;
        let mut state = end;
        let most = self.pattern.steps[step].most.map_or(u32::MAX, u32::from);
        while state.taken < most {
            let Some((choice, _)) = self.take(&state, step, None) else { return told };
            let Some(longer) = self.apply(&state, &choice) else { return told };
            let end = longer.with(longer.taken);
            let done = self.after(&end, &Move::Finish, |walk, end| walk.accept(end)).flatten();
            match done {
                Some(done) if done <= self.case.clock => {
                    if self.severity(done) > told.severity {
                        // Its fields are those with which it opened.
                        told = Told { said: told.said, ..self.told(done) };
                    }
                    state = longer;
                }
                due => {
                    found.due = due;
                    self.take_back(&choice);
                    return told;
                }
            }
        }
        found.is_open = false;
        told
    }

    /// Every choice, in the order in which they complete.
    fn all(&mut self, begin: &State) -> Found {
        let mut found = Found { is_open: true, ..Found::default() };
        self.each(begin, &mut found);
        found.matches.sort_by_key(|m| m.at);
        found
    }

    fn each(&mut self, state: &State, found: &mut Found) {
        if found.matches.len() >= MOST_OF_ALL {
            return;
        }
        if state.pc == self.program.ops.len() {
            match self.accept(state) {
                Some(at) if at > self.case.clock && self.case.version.owns(at) => {
                    found.due = Some(found.due.map_or(at, |due| due.min(at)))
                }
                Some(at) if at <= self.case.clock && self.case.version.owns(at) => {
                    let told = self.told(at);
                    found.matches.push(self.matched(at, told));
                }
                _ => {}
            }
            return;
        }
        if let Op::Step(step) = &self.program.ops[state.pc]
            && state.target.is_none()
        {
            let this = &self.pattern.steps[*step];
            let least = u32::from(this.count.max(1));
            for target in (least..=this.most.map_or(least, u32::from).max(least)).rev() {
                self.each(&state.with(target), found);
            }
            return;
        }
        let mut from: Option<Cursor> = None;
        while let Some((choice, next)) = self.choice_after(state, from) {
            self.after(state, &choice, |walk, state| {
                if walk.best(state).is_some() {
                    walk.each(state, found);
                }
            });
            from = Some(next);
        }
    }

    /// What is said of the choice at hand, decided at `done`.
    fn told(&self, done: i64) -> Told {
        let scope = Scope { bound: &self.bound, ..self.case.scope(done, self.start) };
        Told { severity: scope.severity(), words: render(&scope), said: said(&scope) }
    }

    fn severity(&self, done: i64) -> Severity {
        Scope { bound: &self.bound, ..self.case.scope(done, self.start) }.severity()
    }

    fn matched(&self, at: i64, told: Told) -> Match {
        let (mut last, mut ids) = (self.start, Vec::new());
        for binding in &self.bound {
            let Some(table) = binding.table(self.case.line) else { continue };
            last = binding.last_rows().first().map_or(last, |row| last.max(table.at(*row)));
            ids.extend(binding.rows.iter().flat_map(|row| table.evidence(*row)).copied());
        }
        let Told { severity, words, said } = told;
        Match { first: self.start, at, last, severity, words, said, evidence: evidence(ids) }
    }
}
