//! One subject: its timeline, and what each rule found on it.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Cause, Effect, ReadingId, Severity, Subject, Time};

use super::book::{Book, Desk};
use super::rulebook::{Revision, Rulebook};
use crate::decide::{Case, Fact, State, earlier};
use crate::timeline::{Datum, FoundRow, Timeline, Touch};

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
    /// Rows of derived streams that came or went while all rules are gone through.
    #[serde(skip)]
    fed: Vec<Touch>,
    /// A decision waits for what else comes at this moment.
    #[serde(skip)]
    pub waits: bool,
}

impl Person {
    pub fn new(name: Subject, rules: &Rulebook) -> Person {
        let mut person = Person {
            name,
            line: Timeline::default(),
            states: Vec::new(),
            books: Vec::new(),
            changed: Vec::new(),
            fed: Vec::new(),
            waits: false,
        };
        person.make_room(rules);
        person
    }

    /// Brings all rules to what the changed timeline says. `enrolled` is the enrolment before the change. Returns when the clock alone will decide
    /// something about it, as far as this change had a part in it.
    #[inline]
    pub fn touched(&mut self, rules: &Rulebook, clock: i64, touches: &[Touch], enrolled: Option<i64>) -> Option<i64> {
        let mut due = None;
        self.fed.clear();
        if let [one] = touches {
            for &version in rules.concerned(one.stream) {
                due = earlier(due, self.touch(rules, clock, version, touches));
            }
        } else {
            for &version in &rules.ranks.ground {
                due = earlier(due, self.touch(rules, clock, version, touches));
            }
        }
        for &version in &rules.ranks.above {
            due = earlier(due, self.touch_above(rules, clock, version, touches));
        }
        if self.line.enrolled() != enrolled {
            let bounds = [enrolled, self.line.enrolled()];
            let from = if bounds.contains(&None) { i64::MIN } else { bounds[0].min(bounds[1]).unwrap_or(i64::MIN) };
            let to = bounds[0].max(bounds[1]).unwrap_or(i64::MAX);
            self.each(rules, clock, |state, case, _| state.enrolled(case, from, to));
            due = earlier(due, self.next_due(rules, clock));
        }
        due
    }

    /// A profile field changed at `at`.
    pub fn profile_changed(&mut self, rules: &Rulebook, clock: i64, field: u16, at: i64) {
        self.each(rules, clock, |state, case, _| {
            case.version.doubted_from(field, at).is_some_and(|from| state.again(case, from, i64::MAX))
        });
    }

    /// Other rules are in force.
    pub fn rules_changed(&mut self, rules: &Rulebook, clock: i64, revision: &Revision) {
        self.make_room(rules);
        self.each(rules, clock, |state, case, place| {
            if place >= revision.new || revision.retold.contains(&place) {
                state.again(case, i64::MIN, i64::MAX)
            } else if revision.ended.contains(&place) {
                state.again(case, revision.from, i64::MAX)
            } else {
                false
            }
        });
    }

    /// Makes again what is not stored.
    pub fn restore(&mut self, rules: &Rulebook) {
        self.line.restore_index();
        self.make_room(rules);
        for place in 0..rules.versions.len() as u32 {
            self.feed(rules, place);
        }
        self.fed.clear();
    }

    /// The clock reached something.
    pub fn tick(&mut self, rules: &Rulebook, clock: i64) {
        self.each(rules, clock, |state, case, _| state.tick(case));
    }

    /// The moment is over: what waited is decided.
    pub fn settle(&mut self, rules: &Rulebook, clock: i64) {
        self.waits = false;
        self.each(rules, clock, |state, case, _| state.settle(case));
    }

    /// When the clock alone will decide something about it.
    pub fn next_due(&self, rules: &Rulebook, clock: i64) -> Option<i64> {
        let versions = rules.versions.iter().zip(&self.states);
        let dues =
            versions.filter_map(|(version, state)| state.next_due(&Case { line: &self.line, version, clock, more: false }));
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
                names: &rules.names,
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
        let case = Case { line: &self.line, version: &rules.versions[place as usize], clock, more: rules.more };
        let state = &mut self.states[place as usize];
        let seen = state.touched(&case, touches);
        self.waits |= rules.more && state.waits();
        if seen.changed {
            self.changed.push(place);
            self.feed(rules, place);
        }
        seen.due
    }

    /// A version that looks at other rules: what touches it, theirs included, all at once.
    fn touch_above(&mut self, rules: &Rulebook, clock: i64, place: u32, touches: &[Touch]) -> Option<i64> {
        let streams = &rules.versions[place as usize].scope.streams;
        let ours = |t: &&Touch| streams.binary_search(&t.stream).is_ok();
        let ours: Vec<Touch> = touches.iter().chain(&self.fed).filter(ours).copied().collect();
        if ours.is_empty() { None } else { self.touch(rules, clock, place, &ours) }
    }

    /// Does something with every version, and brings each to what those below it found then.
    fn each(&mut self, rules: &Rulebook, clock: i64, f: impl Fn(&mut State, &Case<'_>, usize) -> bool) {
        self.fed.clear();
        for &place in &rules.ranks.ground {
            self.one(rules, clock, place, &f);
        }
        for &place in &rules.ranks.above {
            self.touch_above(rules, clock, place, &[]);
            self.one(rules, clock, place, &f);
        }
    }

    fn one(&mut self, rules: &Rulebook, clock: i64, place: u32, f: impl Fn(&mut State, &Case<'_>, usize) -> bool) {
        let case = Case { line: &self.line, version: &rules.versions[place as usize], clock, more: rules.more };
        if f(&mut self.states[place as usize], &case, place as usize) {
            self.changed.push(place);
        }
        self.feed(rules, place);
    }

    /// Brings the derived stream of a version's rule to its facts, for the rules that look at it.
    #[inline]
    fn feed(&mut self, rules: &Rulebook, place: u32) {
        let Some(stream) = rules.ranks.feeds(place) else { return };
        let facts = self.states[place as usize].facts_mut();
        let Some((gone, fresh)) = facts.take_moves() else { return };
        let mut gone: Vec<FoundRow> = gone.iter().map(|fact| row(place, fact)).collect();
        let mut fresh: Vec<FoundRow> = fresh.into_iter().map(|i| row(place, &facts.list()[i])).collect();
        // What says the same as before touches nobody.
        gone.retain(|was| match fresh.iter().position(|now| now == was) {
            Some(i) => {
                fresh.remove(i);
                false
            }
            None => true,
        });
        for was in &gone {
            self.line.remove_found(stream, was, &mut self.fed);
        }
        for now in fresh {
            self.line.add_found(stream, now, &mut self.fed);
        }
    }

    fn make_room(&mut self, rules: &Rulebook) {
        self.states.extend(rules.versions[self.states.len()..].iter().map(|v| State::new(&v.terms.rule)));
        self.books.resize_with(rules.names.len(), Book::default);
        for &(stream, field) in &rules.sums {
            self.line.keep_sums(stream, field);
        }
        let edges = rules.edges.iter();
        let again: Vec<_> =
            edges.filter(|(stream, edge)| self.line.keep_edge(*stream, *edge)).map(|(stream, _)| *stream).collect();
        for (place, state) in self.states.iter_mut().enumerate() {
            if rules.ranks.feeds(place as u32).is_some() {
                state.facts_mut().start_feeding();
            }
        }
        for place in 0..self.states.len() as u32 {
            if rules.ranks.feeds(place).is_some_and(|stream| again.contains(&stream)) {
                self.states[place as usize].facts_mut().feed_again();
                self.feed(rules, place);
            }
        }
    }
}

/// A fact of a version as a row of its rule's derived stream.
fn row(version: u32, fact: &Fact) -> FoundRow {
    // Facts of one version have different onsets.
    let id = ReadingId(u128::from(version) << 64 | u128::from(fact.onset as u64));
    let severity = Severity::ALL.iter().position(|s| *s == fact.severity).unwrap_or(0);
    let mut values = vec![Datum::Enum(severity as u16)];
    for (field, datum) in fact.said.iter().flat_map(|said| said.iter()) {
        let field = usize::from(field.0);
        values.resize(values.len().max(field + 1), Datum::Unknown);
        values[field] = datum.clone();
    }
    FoundRow { id, at: fact.at, onset: fact.onset, end: fact.end, values, evidence: fact.evidence.clone() }
}
