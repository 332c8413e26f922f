//! The engine's door: inputs in, effects out, and what stands.

mod alarm;
mod asked;
mod asking;
mod behind;
mod book;
mod calm;
mod claims;
mod cold;
mod coming;
mod dues;
mod foresee;
mod fronts;
mod heard;
mod horizon;
mod people;
mod quiet;
mod ranks;
mod resting;
mod rulebook;
mod shared;
mod sills;
mod slices;
mod snapshot;
mod spells;
mod still;
mod subject;
mod together;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Cause, Effect, Finding, Outcome, Reading, Schema, Subject, Time};

use alarm::Alarms;
pub use asked::Unknown;
pub use cold::{Horizon, LayerId, NotThatLayer};
pub use foresee::FORESIGHT;
use horizon::Horizons;
pub use horizon::{Parted, Want};
use people::People;
use rulebook::Rulebook;
pub use shared::Seen;
use slices::Slice;
pub use snapshot::SnapshotError;
use subject::Person;
use together::Together;
pub use together::{Told, nothing_cut};

use crate::decide::earlier;
use crate::plan::Library;
use crate::timeline::{ByName, Set, Touch};

/// One input, as the engine sees it: what was journaled, with rule texts compiled.
#[derive(Clone, Debug)]
pub enum EngineInput<'a> {
    Reading(&'a Reading),
    Profile(&'a ProfileChange),
    /// These rules are in force from `effective` on; they replace all former ones. An `effective` before that of the library before is taken as
    /// equal to it: what was decided under dated rules stays decided by them.
    Library {
        effective: Time,
        library: Arc<Library>,
    },
    /// Nothing but time passed.
    Tick,
}

/// All subjects of one partition, and the rules they are under.
///
/// It keeps every reading, or with a [`Horizon`] those of late and what is needed of the others.
#[derive(Debug)]
pub struct Engine {
    clock: Time,
    /// What it said before the step under way.
    before: i64,
    slice: Slice,
    rules: Rulebook,
    /// The rules are those of the last snapshot.
    rules_known: bool,
    people: People,
    places: ByName<Subject, u32>,
    /// In a cell, for to look at the next deadline is to put early entries right.
    alarms: RefCell<Alarms>,
    /// Changes of profile fields that no library declares yet.
    waiting: Vec<ProfileChange>,
    /// Room for one step.
    touched: Vec<Touch>,
    /// Subjects of whom a decision waits for the end of the moment, and what touched them last.
    waiting_for: BTreeMap<u32, Cause>,
    horizons: Horizons,
    /// Room for many readings.
    together: Together,
    /// How many readings nobody was asked about.
    quietly: u64,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    /// No subjects, no rules, the clock at [`Time::MIN`].
    pub fn new() -> Engine {
        Engine {
            clock: Time::MIN,
            before: i64::MIN,
            slice: Slice::default(),
            rules: Rulebook::default(),
            rules_known: false,
            people: People::default(),
            places: ByName::default(),
            alarms: RefCell::default(),
            waiting: Vec::new(),
            touched: Vec::new(),
            waiting_for: BTreeMap::new(),
            horizons: Horizons::default(),
            together: Together::default(),
            quietly: 0,
        }
    }

    /// Takes one journaled input, and appends what follows from it: of a reading first its outcome, then the changes of findings, by rule and onset; then
    /// what the clock decided about other subjects.
    ///
    /// The input is taken in first, then the clock moves to `arrival` (never back), then what is due is decided, or a slice of it ([`Engine::set_slice`]). What the input's own
    /// subject owed before is decided before the input.
    pub fn step(&mut self, _offset: u64, arrival: Time, input: EngineInput<'_>, effects: &mut Vec<Effect>) {
        self.step_or_leave(arrival, input, effects, None);
    }

    /// The same for an engine that has a part of the subjects only: what readings show to further subjects, who may be elsewhere, is left to [`Engine::see`].
    pub fn step_apart(
        &mut self,
        _offset: u64,
        arrival: Time,
        input: EngineInput<'_>,
        effects: &mut Vec<Effect>,
        seen: &mut Vec<Seen>,
    ) {
        self.step_or_leave(arrival, input, effects, Some(seen));
    }

    fn step_or_leave(&mut self, arrival: Time, input: EngineInput<'_>, effects: &mut Vec<Effect>, left: Option<&mut Vec<Seen>>) {
        self.before = self.clock.0;
        self.clock = self.clock.max(arrival);
        if !self.rules.more {
            self.slice.renew();
        }
        match input {
            EngineInput::Reading(reading) => self.accept(reading, effects, left),
            EngineInput::Profile(change) => self.profile(change, effects),
            EngineInput::Library { effective, library } => self.library(effective, library, effects),
            EngineInput::Tick => {}
        }
        self.due(effects);
        self.part_ripe();
    }

    fn accept(&mut self, reading: &Reading, effects: &mut Vec<Effect>, left: Option<&mut Vec<Seen>>) {
        let place = self.place(&reading.subject);
        let first = effects.len();
        self.catch_up(place, effects);
        let owed = effects.len() - first;
        if self.rules.shares {
            self.shared(reading, place, effects, left);
        } else if self.takes_quietly(reading, place) {
            effects.push(Effect::Reading(Outcome::New));
        } else {
            self.reading(reading, place, Cause::Reading(reading.id), effects);
        }
        if owed > 0 {
            // Its outcome comes first.
            effects[first..=first + owed].rotate_right(1);
        }
    }

    /// The inputs that follow, up to [`Engine::settle`], were accepted at one moment: what a late reading puts into doubt far from itself may wait until all of
    /// them are there. It changes what is said in between, not what stands in the end; no snapshot is to be taken before.
    pub fn begin(&mut self) {
        self.rules.more = true;
        self.slice.renew();
    }

    /// The moment is over: what waited is decided, subject by subject in the order in which they were first seen.
    pub fn settle(&mut self, effects: &mut Vec<Effect>) {
        self.rules.more = false;
        self.before = self.clock.0;
        for (place, cause) in std::mem::take(&mut self.waiting_for) {
            self.catch_up(place, effects);
            // What it owed may have noted it once more.
            self.waiting_for.remove(&place);
            self.people[place as usize].settle(&self.rules, self.clock.0);
            self.told(place, cause, effects);
        }
        self.part_ripe();
    }

    /// Takes what a reading shows to a further subject: after all inputs of its moment, before [`Engine::settle`].
    pub fn see(&mut self, seen: &Seen, effects: &mut Vec<Effect>) {
        self.before = self.clock.0;
        self.show(seen, effects);
        self.due(effects);
    }

    /// The next instant at which the clock alone decides something. Where it lies before the clock, or is what that says, something is owed, and each step pays a slice of it.
    pub fn next_due(&self) -> Option<Time> {
        let exact = |place: u32| self.people[place as usize].next_due(&self.rules);
        self.alarms.borrow_mut().earliest(exact).map(Time)
    }

    /// How many subjects it knows.
    pub fn subjects(&self) -> usize {
        self.people.len()
    }

    /// How many of them have a deadline noted: the clock alone will concern them, or at least look at them.
    pub fn deadlines(&self) -> usize {
        self.alarms.borrow().len()
    }

    /// How many readings were taken in that nobody needed to be asked about, since it was made or restored.
    pub fn taken_quietly(&self) -> u64 {
        self.quietly
    }

    /// The greatest arrival seen.
    pub fn clock(&self) -> Time {
        self.clock
    }

    /// What stands (all but the rescinded), by rule, subject, onset and version.
    pub fn findings(&self) -> Vec<Finding> {
        let mut all = Vec::new();
        for person in self.people.iter() {
            for (version, state) in self.rules.versions.iter().zip(&person.states) {
                all.extend(state.facts().list().iter().map(|fact| book::finding(version, &person.name, fact)));
            }
        }
        all.sort_by(|a, b| (&a.rule, &a.subject, a.onset, a.at, a.version).cmp(&(&b.rule, &b.subject, b.onset, b.at, b.version)));
        all
    }

    /// The whole state, as bytes that [`Engine::restore`] reads: the same state gives the same bytes. What hangs on the way to the state, and
    /// not on it, is brought into one form first, which changes nothing that is seen.
    pub fn snapshot(&mut self) -> Vec<u8> {
        let all: Vec<u32> = (0..self.people.len() as u32).collect();
        self.written(&all, 0, false)
    }

    /// What changed since the last increment (or since the engine was new, or restored), for [`Engine::restore_all`] and [`Engine::merge`]. The first of a new engine
    /// is the whole. It costs by who was touched meanwhile, and by the rules if they changed.
    pub fn increment(&mut self) -> Vec<u8> {
        let known = self.people.known();
        let changed = self.people.take_changed();
        let bytes = self.written(&changed, known, self.rules_known);
        self.rules_known = true;
        bytes
    }

    /// The next increment is the whole again: the last one was lost.
    pub fn start_anew(&mut self) {
        self.people.forget_known();
        self.rules_known = false;
    }

    fn written(&mut self, places: &[u32], known: usize, rules_known: bool) -> Vec<u8> {
        for &place in places {
            let until = self.decided_until(place);
            self.people.unmarked(place as usize).settle_down(&self.rules, until);
        }
        let owed = self.owed();
        let Engine { clock, rules, people, waiting, .. } = self;
        let rules = (!rules_known).then_some(&*rules);
        let state = snapshot::Written { clock: *clock, rules, waiting, owed, known, count: people.len() };
        snapshot::write(&state, places.iter().map(|place| (*place, &people[*place as usize])))
    }

    /// # Errors
    /// What [`SnapshotError`] says.
    pub fn restore(bytes: &[u8]) -> Result<Engine, SnapshotError> {
        Engine::restore_all(&[bytes])
    }

    /// From a whole snapshot and the increments upon it, in their order. It goes on from there: the next increment is upon the last.
    ///
    /// # Errors
    /// What [`SnapshotError`] says of any of them.
    pub fn restore_all(snapshots: &[&[u8]]) -> Result<Engine, SnapshotError> {
        let snapshot::Read { clock, mut rules, mut people, waiting, owed } = snapshot::read(snapshots)?;
        rules.restore();
        let mut places = ByName::default();
        let mut alarms = Alarms::default();
        let horizons = Horizons::default();
        for (place, person) in (0_u32..).zip(&mut people) {
            let owes = owed.binary_search_by_key(&place, |(place, _)| *place).ok();
            person.restore(&rules, owes.map_or(clock.0, |i| owed[i].1.saturating_sub(1)));
            person.watch(&horizons.missed);
            places.set(person.name.clone(), place);
            if let Some(due) = person.next_due(&rules) {
                alarms.set(place, due);
            }
        }
        Ok(Engine {
            clock,
            before: clock.0,
            slice: Slice::default(),
            rules,
            rules_known: true,
            people: People::restored(people),
            places,
            alarms: RefCell::new(alarms),
            waiting,
            touched: Vec::new(),
            waiting_for: BTreeMap::new(),
            horizons,
            together: Together::default(),
            quietly: 0,
        })
    }

    /// One whole snapshot of a whole one and the increments upon it, in their order: the bytes that [`Engine::snapshot`] would have given instead of the last. No
    /// engine is made for it.
    ///
    /// # Errors
    /// What [`SnapshotError`] says of any of them.
    pub fn merge(snapshots: &[&[u8]]) -> Result<Vec<u8>, SnapshotError> {
        snapshot::merge(snapshots)
    }

    /// The same, as if of these subjects nothing had ever come: byte for byte what an engine would have given that never heard of them, as long as no reading is seen
    /// under several subjects ([`Schema::shares`]): then what they showed to others is theirs, too, and only a replay without them tells what would stand.
    ///
    /// # Errors
    /// What [`SnapshotError`] says of any of them.
    pub fn without(snapshots: &[&[u8]], subjects: &[Subject]) -> Result<Vec<u8>, SnapshotError> {
        snapshot::without(snapshots, subjects)
    }

    /// The streams as the newest library declares them.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.rules.library.schema
    }

    /// What a subject's timeline makes of a reading, and what follows.
    fn reading(&mut self, reading: &Reading, place: u32, cause: Cause, effects: &mut Vec<Effect>) {
        let clock = self.clock.0;
        debug_assert!(self.is_alarmed(place), "an entry is for no later than what is noted");
        let person = &mut self.people[place as usize];
        let enrolled = person.line.enrolled();
        self.touched.clear();
        effects.push(Effect::Reading(person.line.put(reading, clock, &mut self.touched)));
        if self.alarms.get_mut().is_due(place, clock) {
            // What is noted brings it by here, and hangs on more than the state: what waits is told for who touched it.
            let waits_for = if self.touched.is_empty() { Cause::Clock } else { cause };
            self.reached(place, enrolled, clock);
            self.note_waiting(place, waits_for);
            return self.tell(place, cause, effects);
        }
        let mut due = person.line.next_joining();
        if !self.touched.is_empty() {
            due = earlier(due, person.touched(&self.rules, clock, &self.touched, enrolled, false));
            self.note_waiting(place, cause);
            self.people[place as usize].tell(&self.rules, clock, cause, effects);
        }
        if let Some(due) = due {
            self.alarms.get_mut().set(place, due);
        }
        self.look_after(place);
    }

    /// Whether the clock will bring a subject by when its rules noted it.
    fn is_alarmed(&self, place: u32) -> bool {
        self.people[place as usize].noted_due().is_none_or(|noted| self.alarms.borrow().of(place) <= noted)
    }

    fn profile(&mut self, change: &ProfileChange, effects: &mut Vec<Effect>) {
        let fields = &self.rules.library.profile;
        let Some(field) = fields.iter().position(|f| f.name == change.field) else {
            self.waiting.push(change.clone());
            return;
        };
        let place = self.place(&change.subject);
        self.catch_up(place, effects);
        let person = &mut self.people[place as usize];
        person.line.change_profile(field as u16, change.at.0, change.value.as_ref().map(Set::of));
        if self.horizons.lacks(place) {
            // Of a field that the rules declare from now on: who waits for layers is decided with all of them.
            return self.horizons.is_short_of_all(place);
        }
        let person = &mut self.people[place as usize];
        person.profile_changed(&self.rules, self.clock.0, field as u16, change.at.0);
        self.touched.clear();
        self.reached(place, self.people[place as usize].line.enrolled(), self.clock.0);
        self.told(place, Cause::Profile, effects);
    }

    fn library(&mut self, effective: Time, library: Arc<Library>, effects: &mut Vec<Effect>) {
        self.catch_up_all(effects);
        self.rules_known = false;
        let revision = Arc::new(self.rules.revise(effective, library));
        let waiting = std::mem::take(&mut self.waiting);
        for place in 0..self.people.len() as u32 {
            if self.people[place as usize].is_cold() {
                // A new version has to see all there was.
                self.people[place as usize].make_room(&self.rules);
                self.horizons.is_short(place, &revision);
                continue;
            }
            self.people[place as usize].rules_changed(&self.rules, self.clock.0, &revision);
            self.touched.clear();
            self.reached(place, self.people[place as usize].line.enrolled(), self.clock.0);
            self.told(place, Cause::Rules, effects);
        }
        for change in waiting {
            self.profile(&change, effects);
        }
    }

    /// Brings a subject to a clock: what waited for it joins what was touched, and what is due is decided. `enrolled` is the enrolment before the step.
    fn reached(&mut self, place: u32, enrolled: Option<i64>, clock: i64) {
        let person = &mut self.people[place as usize];
        person.line.join(clock, &mut self.touched);
        if !self.touched.is_empty() {
            person.touched(&self.rules, clock, &self.touched, enrolled, true);
        }
        person.tick(&self.rules, clock);
    }

    fn told(&mut self, place: u32, cause: Cause, effects: &mut Vec<Effect>) {
        self.note_waiting(place, cause);
        self.tell(place, cause, effects);
    }

    fn tell(&mut self, place: u32, cause: Cause, effects: &mut Vec<Effect>) {
        let person = &mut self.people[place as usize];
        person.tell(&self.rules, self.clock.0, cause, effects);
        if let Some(due) = person.noted_due() {
            self.alarms.get_mut().set(place, due);
        }
        self.look_after(place);
    }

    /// A subject of whom a decision waits is told of when the moment is over, for the last that touched it. The clock gives way: an early note of a deadline brings it by where
    /// nothing is due, and a restart notes otherwise.
    fn note_waiting(&mut self, place: u32, cause: Cause) {
        if self.people[place as usize].waits {
            let known = self.waiting_for.entry(place).or_insert(cause);
            if cause != Cause::Clock {
                *known = cause;
            }
        }
    }

    fn place(&mut self, subject: &Subject) -> u32 {
        if let Some(place) = self.places.get(subject) {
            return place;
        }
        let place = self.people.len() as u32;
        self.places.set(subject.clone(), place);
        self.people.push(Person::new(subject.clone(), &self.rules));
        place
    }
}
