//! One subject: its timeline, and what each rule found on it.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Cause, Effect, Subject, Time};

use super::book::{Book, Desk};
use super::rulebook::{Revision, Rulebook};
use crate::decide::{Case, State, earlier};
use crate::timeline::{Timeline, Touch};

/// Everything known about one subject.
#[derive(Debug, Serialize, Deserialize)]
pub struct Person {
    pub name: Subject,
    pub line: Timeline,
    /// By version.
    pub states: Vec<State>,
    /// By rule name.
    books: Vec<Book>,
    /// Versions whose facts changed in this step.
    #[serde(skip)]
    changed: Vec<u32>,
}

impl Person {
    pub fn new(name: Subject, rules: &Rulebook) -> Person {
        let mut person = Person { name, line: Timeline::default(), states: Vec::new(), books: Vec::new(), changed: Vec::new() };
        person.make_room(rules);
        person
    }

    /// Brings all rules to what the changed timeline says. `enrolled` is the enrolment before the change. Returns when the clock alone will decide
    /// something about it, as far as this change had a part in it.
    #[inline]
    pub fn touched(&mut self, rules: &Rulebook, clock: i64, touches: &[Touch], enrolled: Option<i64>) -> Option<i64> {
        let mut due = None;
        if let [one] = touches {
            for &version in rules.concerned(one.stream) {
                due = earlier(due, self.touch(rules, clock, version, touches));
            }
        } else {
            for version in 0..rules.versions.len() as u32 {
                due = earlier(due, self.touch(rules, clock, version, touches));
            }
        }
        if self.line.enrolled() != enrolled {
            let bounds = [enrolled, self.line.enrolled()];
            let from = if bounds.contains(&None) { i64::MIN } else { bounds[0].min(bounds[1]).unwrap_or(i64::MIN) };
            let to = bounds[0].max(bounds[1]).unwrap_or(i64::MAX);
            self.each(rules, clock, |state, case| state.enrolled(case, from, to));
            due = earlier(due, self.next_due(rules, clock));
        }
        due
    }

    /// A profile field changed at `at`.
    pub fn profile_changed(&mut self, rules: &Rulebook, clock: i64, field: u16, at: i64) {
        self.each(rules, clock, |state, case| case.version.scope.profile.contains(&field) && state.again(case, at, i64::MAX));
    }

    /// Other rules are in force.
    pub fn rules_changed(&mut self, rules: &Rulebook, clock: i64, revision: &Revision) {
        self.make_room(rules);
        for &place in &revision.ended {
            self.one(rules, clock, place, |state, case| state.again(case, revision.from, i64::MAX));
        }
        for place in revision.new..rules.versions.len() {
            self.one(rules, clock, place, |state, case| state.again(case, i64::MIN, i64::MAX));
        }
    }

    /// The clock reached something.
    pub fn tick(&mut self, rules: &Rulebook, clock: i64) {
        self.each(rules, clock, |state, case| state.tick(case));
    }

    /// When the clock alone will decide something about it.
    pub fn next_due(&self, rules: &Rulebook, clock: i64) -> Option<i64> {
        let versions = rules.versions.iter().zip(&self.states);
        let dues = versions.filter_map(|(version, state)| state.next_due(&Case { line: &self.line, version, clock }));
        dues.chain(self.line.next_joining()).min()
    }

    /// Tells what changed since the last time, in the order of the rules.
    #[inline]
    pub fn tell(&mut self, rules: &Rulebook, clock: i64, cause: Cause, effects: &mut Vec<Effect>) {
        if self.changed.is_empty() {
            return;
        }
        let mut names: Vec<u32> = self.changed.drain(..).map(|version| rules.name_of[version as usize]).collect();
        names.sort_unstable();
        names.dedup();
        for place in names {
            let (name, group) = &rules.names[place as usize];
            let desk = Desk {
                name,
                subject: &self.name,
                group,
                versions: &rules.versions,
                states: &mut self.states,
                book: &mut self.books[place as usize],
                cause,
                clock: Time(clock),
            };
            desk.settle(effects);
        }
    }

    #[inline]
    fn touch(&mut self, rules: &Rulebook, clock: i64, place: u32, touches: &[Touch]) -> Option<i64> {
        let case = Case { line: &self.line, version: &rules.versions[place as usize], clock };
        let seen = self.states[place as usize].touched(&case, touches);
        if seen.changed {
            self.changed.push(place);
        }
        seen.due
    }

    fn each(&mut self, rules: &Rulebook, clock: i64, f: impl Fn(&mut State, &Case<'_>) -> bool) {
        for place in 0..rules.versions.len() {
            self.one(rules, clock, place, &f);
        }
    }

    fn one(&mut self, rules: &Rulebook, clock: i64, place: usize, f: impl Fn(&mut State, &Case<'_>) -> bool) {
        let case = Case { line: &self.line, version: &rules.versions[place], clock };
        if f(&mut self.states[place], &case) {
            self.changed.push(place as u32);
        }
    }

    fn make_room(&mut self, rules: &Rulebook) {
        self.states.extend(rules.versions[self.states.len()..].iter().map(|v| State::new(&v.terms.rule)));
        self.books.resize_with(rules.names.len(), Book::default);
        for &(stream, field) in &rules.sums {
            self.line.keep_sums(stream, field);
        }
        for &stream in &rules.starts {
            self.line.keep_starts(stream);
        }
    }
}
