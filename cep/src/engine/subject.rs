//! One subject: its timeline, and what each rule found on it.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Cause, Effect, ReadingId, Severity, Subject, Time};

use super::book::{Book, Desk};
use super::calm::{Calms, Ranked};
use super::claims::Claims;
use super::cold::Cold;
use super::dues::Dues;
use super::fronts::Fronts;
use super::rulebook::{Revision, Rulebook};
use crate::decide::{Case, Fact, State, earlier};
use crate::lazy::Lazy;
use crate::timeline::{Datum, FoundRow, Timeline, Touch};

/// Everything known about one subject.
#[derive(Debug, Serialize, Deserialize)]
pub struct Person {
    pub name: Subject,
    pub line: Timeline,
    /// By version.
    pub states: Vec<State>,
    /// By rule name.
    pub(super) books: Vec<Lazy<Book>>,
    /// What was cut off.
    pub(super) cold: Lazy<Cold>,
    /// Versions whose facts changed in this step.
    #[serde(skip)]
    pub(super) changed: Vec<u32>,
    /// Rows of derived streams that came or went while all rules are gone through.
    #[serde(skip)]
    pub(super) fed: Vec<Touch>,
    /// A decision waits for what else comes at this moment.
    #[serde(skip)]
    pub waits: bool,
    /// How late readings may be that are late for nobody. Made again after a restore.
    #[serde(skip)]
    pub(super) fronts: Fronts,
    /// The clock that it was brought to last: what fell due since is not decided. A restored one has the clock of its snapshot, or what lies just before what it
    /// owed then: nothing fell due in between.
    #[serde(skip)]
    clock: i64,
    /// What the next readings concern.
    #[serde(skip)]
    pub(super) calms: Calms,
    /// When the clock is to look at which version.
    #[serde(skip)]
    pub(super) dues: Dues,
    /// What episodes ask of each reading.
    #[serde(skip)]
    pub(super) claims: Claims,
    /// Room for those that need not be asked of a reading.
    #[serde(skip)]
    pub(super) passed_over: Vec<u32>,
}

/// How soon a deadline is that is looked at again when another comes up, in microseconds.
const SOON: i64 = 600_000_000;

impl Person {
    pub fn new(name: Subject, rules: &Rulebook) -> Person {
        let mut person = Person {
            name,
            line: Timeline::default(),
            states: Vec::new(),
            books: Vec::new(),
            cold: Lazy::default(),
            changed: Vec::new(),
            fed: Vec::new(),
            waits: false,
            fronts: Fronts::default(),
            clock: i64::MIN,
            calms: Calms::default(),
            dues: Dues::default(),
            claims: Claims::default(),
            passed_over: Vec::new(),
        };
        person.make_room(rules);
        person
    }

    /// Brings all rules to what the changed timeline says. `enrolled` is the enrolment before the change. Returns when the clock alone will decide
    /// something about it, as far as this change had a part in it; `is_due`: it has to decide something now.
    #[inline]
    pub fn touched(
        &mut self,
        rules: &Rulebook,
        clock: i64,
        touches: &[Touch],
        enrolled: Option<i64>,
        is_due: bool,
    ) -> Option<i64> {
        self.clock = clock;
        self.fed.clear();
        self.hear(rules, clock, touches);
        if let [one] = touches
            && let Some(t) = one.at
            && one.came
            && self.line.enrolled() == enrolled
            && let Some(table) = self.line.table(one.stream)
            && table.is_newest(t)
        {
            return self.in_order(rules, clock, one, t, is_due);
        }
        self.late(rules, clock, touches, enrolled)
    }

    /// The newest reading of its stream concerns those alone that decide upon it, most of whom rest, and those that have decided later.
    #[inline]
    fn in_order(&mut self, rules: &Rulebook, clock: i64, one: &Touch, t: i64, is_due: bool) -> Option<i64> {
        let route = rules.route(one.stream)?;
        let overtaken = if t > self.fronts.of(one.stream) { Ranked::default() } else { self.overtaken(rules, clock, one, t) };
        if one.from == t
            && let Some(table) = self.line.table(one.stream)
            && let Some(mut calm) = self.calms.take(one.stream, t)
        {
            let mut is_old = calm.wake(table, &route.sills);
            if is_due {
                // The clock passed deadlines. Most would only be moved away by this reading; but where one is not, what follows is to be told in the order in which it is told where nobody rests.
                self.dues.reached(clock).for_each(|version| is_old |= calm.rouse(version));
            }
            self.calms.tell_awake(one.stream, overtaken.is_empty());
            let due = self.ask_also(rules, clock, one, &calm.awake, &overtaken);
            is_old |= self.calms.stir(&mut calm);
            if is_old {
                self.settle_calm(rules, clock, one.stream, &mut calm);
            }
            self.calms.keep(one.stream, calm);
            return due;
        }
        let due = self.ask_also(rules, clock, one, &route.newest, &overtaken);
        if one.from == t {
            let mut calm = self.calms.room(one.stream, self.line.profile.next_change(t).unwrap_or(i64::MAX));
            calm.awake.ground.extend(&route.newest.ground);
            calm.awake.above.extend(&route.newest.above);
            self.settle_calm(rules, clock, one.stream, &mut calm);
            self.calms.keep(one.stream, calm);
        }
        due
    }

    /// Those that have decided something at the instant of a reading or later which may hang on it.
    #[cold]
    fn overtaken(&self, rules: &Rulebook, clock: i64, one: &Touch, t: i64) -> Ranked {
        let Some(route) = rules.route(one.stream) else { return Ranked::default() };
        let is_ahead = |place: &&u32| {
            // Most are not.
            if self.fronts.of_version(**place) < t {
                return false;
            }
            let case = Case { line: &self.line, version: &rules.versions[**place as usize], clock, more: rules.more };
            self.states[**place as usize].decided_until(&case, Some(one.stream)) >= t
        };
        let those = |all: &[u32]| all.iter().filter(is_ahead).copied().collect();
        Ranked { ground: those(&route.all.ground), above: those(&route.all.above) }
    }

    /// It was brought to a clock, and nobody was asked.
    #[inline]
    pub(super) fn reach(&mut self, clock: i64) {
        self.clock = clock;
    }

    /// What was noted of those at rest is old.
    pub(super) fn unsettled(&mut self) {
        self.calms.forget();
    }

    /// All of it is decided again.
    pub fn all_again(&mut self, rules: &Rulebook, clock: i64) {
        self.each(rules, clock, |state, case, _| state.again(case, i64::MIN, i64::MAX));
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
    pub fn restore(&mut self, rules: &Rulebook, clock: i64) {
        self.clock = clock;
        self.line.restore_index();
        self.make_room(rules);
        self.unsettled();
        for place in 0..rules.versions.len() as u32 {
            self.feed(rules, place);
        }
        self.fed.clear();
        self.note_dues(rules, clock);
        self.raise_fronts(rules, clock);
    }

    /// The clock reached something.
    pub fn tick(&mut self, rules: &Rulebook, clock: i64) {
        self.clock = clock;
        self.fed.clear();
        let mut ripe = self.dues.take(clock.saturating_add(SOON));
        ripe.retain(|place| {
            let is_above = rules.ranks.is_above(*place);
            if !is_above {
                self.tick_or_note(rules, clock, *place);
            }
            is_above
        });
        if ripe.is_empty() && self.fed.is_empty() {
            return;
        }
        for &place in &rules.ranks.above {
            if !self.fed.is_empty() {
                self.touch_above(rules, clock, place, &[]);
            }
            if ripe.binary_search(&place).is_ok() {
                self.tick_or_note(rules, clock, place);
            }
        }
    }

    /// What is due is decided; what is noted for soon is noted anew.
    fn tick_or_note(&mut self, rules: &Rulebook, clock: i64, place: u32) {
        if self.dues.of(place) <= clock {
            self.tick_one(rules, clock, place);
        } else {
            self.note_again(rules, clock, place);
        }
    }

    /// Of what is noted for soon it is noted anew when it is due, for readings moved most deadlines away: else each came up by itself.
    fn note_again(&mut self, rules: &Rulebook, clock: i64, place: u32) {
        let state = &self.states[place as usize];
        let mut again = self.dues.of(place);
        if matches!(state, State::Episode(_) | State::Silence(_)) {
            let case = Case { line: &self.line, version: &rules.versions[place as usize], clock, more: rules.more };
            // Where there is none any more it comes up as it was noted.
            again = state.next_due(&case).unwrap_or(again);
        }
        self.dues.note(place, Some(again));
    }

    fn tick_one(&mut self, rules: &Rulebook, clock: i64, place: u32) {
        let index = place as usize;
        let case = Case { line: &self.line, version: &rules.versions[index], clock, more: rules.more };
        let state = &mut self.states[index];
        let is_over = is_over(state);
        let changed = state.tick(&case);
        let due = state.next_due(&case);
        self.dues.note(place, due);
        self.waits |= rules.more && state.waits();
        let moved = is_over || (!changed && only_moved(state, due));
        if !moved {
            self.fronts.raise(place, &case.version.scope.streams, state.decided_until(&case, None));
            self.calms.rouse(place, &case.version.scope.streams);
        }
        if changed {
            self.changed.push(place);
            self.feed(rules, place);
        }
    }

    /// The moment is over: what waited is decided, and what looks at it.
    pub fn settle(&mut self, rules: &Rulebook, clock: i64) {
        self.waits = false;
        self.clock = clock;
        self.fed.clear();
        for &place in &rules.ranks.ground {
            self.settle_one(rules, clock, place);
        }
        for &place in &rules.ranks.above {
            if !self.fed.is_empty() {
                self.touch_above(rules, clock, place, &[]);
            }
            self.settle_one(rules, clock, place);
        }
    }

    fn settle_one(&mut self, rules: &Rulebook, clock: i64, place: u32) {
        if !self.states[place as usize].waits() {
            return;
        }
        self.one(rules, clock, place, |state, case, _| state.settle(case));
        self.calms.rouse(place, &rules.versions[place as usize].scope.streams);
    }

    /// When it is to be looked at by the clock: never later than [`Person::next_due`].
    #[inline]
    pub fn noted_due(&self) -> Option<i64> {
        earlier(self.dues.first(), self.line.next_joining())
    }

    /// When the clock alone decides something about it: later than it is now, or what it owes. Exactly so, whatever is noted.
    pub fn next_due(&self, rules: &Rulebook) -> Option<i64> {
        let clock = self.clock;
        let joining = self.line.next_joining();
        let mut first = joining.unwrap_or(i64::MAX);
        // None is decided before it is noted; of those that are noted first some know an instant before which few others are.
        for place in self.dues.soon().chain(0..rules.versions.len() as u32) {
            if self.dues.of(place) < first {
                let case = Case { line: &self.line, version: &rules.versions[place as usize], clock, more: false };
                first = self.states[place as usize].next_due(&case).map_or(first, |due| due.min(first));
            }
        }
        // A reading may be of the end of time.
        (first < i64::MAX).then_some(first).or(joining)
    }

    /// Puts right what is noted for earlier than it is, by `clock` or soon after. When it is to be looked at next; if that is by `clock`, it owes what is due exactly then.
    pub fn put_right(&mut self, rules: &Rulebook, clock: i64) -> Option<i64> {
        for place in self.dues.take(clock.saturating_add(SOON)) {
            if self.dues.of(place) > clock {
                self.note_again(rules, clock, place);
                continue;
            }
            let (version, state) = (&rules.versions[place as usize], &self.states[place as usize]);
            let due = state.next_due(&Case { line: &self.line, version, clock: self.clock, more: false });
            self.dues.note(place, due);
            // Who rests may count on being looked at.
            if !(is_over(state) || only_moved(state, due)) {
                self.note_front(rules, self.clock, place, None);
                self.calms.rouse(place, &version.scope.streams);
            }
        }
        self.noted_due()
    }

    /// Until when all is decided about it, at the engine's clock: up to there, or to what it owes.
    pub fn decided_until(&self, rules: &Rulebook, clock: i64) -> i64 {
        self.next_due(rules).filter(|due| *due <= clock).map_or(clock, |due| due.saturating_sub(1))
    }

    /// What does not show in what stands is brought into the one form that does not hang on the way there.
    pub fn settle_down(&mut self, rules: &Rulebook, clock: i64) {
        for (place, (version, state)) in (0_u32..).zip(rules.versions.iter().zip(&mut self.states)) {
            let case = Case { line: &self.line, version, clock, more: false };
            if state.settle_down(&case) {
                self.fronts.raise(place, &version.scope.streams, state.decided_until(&case, None));
            }
        }
    }

    fn note_dues(&mut self, rules: &Rulebook, clock: i64) {
        for (place, (version, state)) in (0_u32..).zip(rules.versions.iter().zip(&self.states)) {
            self.dues.note(place, state.next_due(&Case { line: &self.line, version, clock, more: false }));
        }
    }

    /// Notes of all versions how far they have decided.
    pub(super) fn raise_fronts(&mut self, rules: &Rulebook, clock: i64) {
        for (place, (version, state)) in (0_u32..).zip(rules.versions.iter().zip(&self.states)) {
            let decided = state.decided_until(&Case { line: &self.line, version, clock, more: false }, None);
            self.fronts.raise(place, &version.scope.streams, decided);
        }
    }

    /// Tells what changed since the last time, in the order of the rules.
    #[inline]
    pub fn tell(&mut self, rules: &Rulebook, clock: i64, cause: Cause, effects: &mut Vec<Effect>) {
        if self.changed.is_empty() {
            return;
        }
        let mut names: Vec<u32> = self.changed.drain(..).map(|version| rules.name_of[version as usize]).collect();
        if names.len() > 1 {
            names.sort_unstable();
            names.dedup();
        }
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

    /// Does something with every version, and brings each to what those below it found then.
    pub(super) fn each(&mut self, rules: &Rulebook, clock: i64, f: impl Fn(&mut State, &Case<'_>, usize) -> bool) {
        self.clock = clock;
        self.unsettled();
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
        let state = &mut self.states[place as usize];
        if f(state, &case, place as usize) {
            self.changed.push(place);
        }
        self.fronts.raise(place, &case.version.scope.streams, state.decided_until(&case, None));
        let noted = self.dues.of(place);
        if noted > clock {
            let due = state.next_due(&case);
            if due != Some(noted) {
                self.dues.note(place, due);
            }
        }
        self.feed(rules, place);
    }

    /// Brings the derived stream of a version's rule to its facts, for the rules that look at it.
    #[inline]
    pub(super) fn feed(&mut self, rules: &Rulebook, place: u32) {
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

    /// Makes rows of findings that were put back: nobody is to decide anything for it.
    pub(super) fn feed_silently(&mut self, rules: &Rulebook, place: u32) {
        self.feed(rules, place);
        self.fed.clear();
    }

    pub fn make_room(&mut self, rules: &Rulebook) {
        self.claims.forget();
        self.states.extend(rules.versions[self.states.len()..].iter().map(|v| State::new(&v.terms.rule)));
        self.books.resize_with(rules.names.len(), Lazy::default);
        self.dues.make_room(self.states.len());
        self.fronts.make_room(self.states.len());
        let again = self.line.keep(&rules.wanted);
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

/// It is over that was to lapse: there is nothing to decide.
fn is_over(state: &State) -> bool {
    matches!(state, State::Episode(episodes) if episodes.is_idle())
}

/// Mostly a deadline only moved away since it was noted.
fn only_moved(state: &State, due: Option<i64>) -> bool {
    due.is_some() && matches!(state, State::Episode(_) | State::Silence(_))
}

/// A fact of a version as a row of its rule's derived stream.
pub(super) fn row(version: u32, fact: &Fact) -> FoundRow {
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
