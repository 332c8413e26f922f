//! Many readings in one call, subject by subject.
//!
//! A subject lies in many places of memory, and of more subjects than the caches hold each place is waited for whenever another had its turn. Subjects do not hang on each other, so
//! each is stepped over all of its readings while it is at hand, with the clock of each as it stands there. What is said is told by the input it belongs to.
//!
//! INVARIANT (in turn): what is told, input by input, and the state in the end are those of [`Engine::step`] over one after the other.

use vitalog_elog::{Cause, Effect, Outcome, Reading, Time};

use super::{Engine, EngineInput, FORESIGHT};

/// What was said of many readings.
#[derive(Debug, Default)]
pub struct Told {
    outcomes: Vec<Outcome>,
    rest: Vec<Said>,
    by_subject: bool,
}

/// What else was said at an input: first what follows from it, then what the clock decided, by subject.
#[derive(Debug)]
struct Said {
    input: u32,
    /// `None`: it follows from the input.
    by_clock: Option<u32>,
    effect: Effect,
}

/// What one call has to remember.
#[derive(Debug, Default)]
pub struct Together {
    /// The clock at each input.
    clocks: Vec<i64>,
    /// By input the next one of its subject.
    next: Vec<u32>,
    /// By subject its first and its last input.
    ends: Vec<(u32, u32)>,
    /// The subjects, as they are seen first.
    places: Vec<u32>,
    /// Room for one input.
    effects: Vec<Effect>,
}

const NONE: u32 = u32::MAX;

/// Of so many subjects it is looked up together what they will look at.
const AHEAD: usize = FORESIGHT / 2;

impl Told {
    fn begin(&mut self, inputs: usize) {
        self.outcomes.clear();
        self.outcomes.resize(inputs, Outcome::New);
        self.rest.clear();
    }

    fn put(&mut self, input: u32, by_clock: Option<u32>, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Reading(outcome) => self.outcomes[input as usize] = outcome,
                effect => self.rest.push(Said { input, by_clock, effect }),
            }
        }
    }

    /// What followed at each input, in their order: for each reading its outcome, then all else, as [`Engine::step`] appends it.
    pub fn take(&mut self) -> impl Iterator<Item = (usize, Effect)> + '_ {
        let mut rest = self.rest.drain(..).peekable();
        let mut outcomes = self.outcomes.drain(..).enumerate().peekable();
        std::iter::from_fn(move || {
            let next = outcomes.peek().map_or(usize::MAX, |(input, _)| *input);
            if let Some(said) = rest.next_if(|said| (said.input as usize) < next) {
                return Some((said.input as usize, said.effect));
            }
            outcomes.next().map(|(input, outcome)| (input, Effect::Reading(outcome)))
        })
    }

    /// Whether they were gone through subject by subject, and not in turn.
    pub fn is_by_subject(&self) -> bool {
        self.by_subject
    }

    /// What followed besides the readings' outcomes, in the order of the inputs.
    pub fn changes(&self) -> impl Iterator<Item = &Effect> {
        self.rest.iter().map(|said| &said.effect)
    }
}

impl Together {
    fn begin(&mut self, clock: Time, readings: &[(Time, &Reading)]) {
        self.clocks.clear();
        let mut clock = clock;
        self.clocks.extend(readings.iter().map(|(arrival, _)| {
            clock = clock.max(*arrival);
            clock.0
        }));
        self.next.clear();
        self.next.resize(readings.len(), NONE);
    }

    fn note(&mut self, place: u32, input: u32) {
        let subject = place as usize;
        if self.ends.len() <= subject {
            self.ends.resize(subject + 1, (NONE, NONE));
        }
        let (first, last) = &mut self.ends[subject];
        if *first == NONE {
            *first = input;
            self.places.push(place);
        } else {
            self.next[*last as usize] = input;
        }
        *last = input;
    }

    /// The first two readings of some subjects from one on.
    fn firsts(&self, from: usize) -> impl Iterator<Item = u32> {
        let some = &self.places[from..self.places.len().min(from + AHEAD)];
        some.iter().flat_map(|place| {
            let first = self.ends[*place as usize].0;
            [first, self.next[first as usize]]
        }).filter(|input| *input != NONE)
    }

    /// The first input at which the clock has reached an instant.
    fn reaching(&self, at: i64) -> u32 {
        self.clocks.partition_point(|clock| *clock < at) as u32
    }

    fn end(&mut self) {
        for place in self.places.drain(..) {
            self.ends[place as usize] = (NONE, NONE);
        }
    }
}

impl Engine {
    /// Takes many journaled readings, each with its arrival, as if they were stepped over in turn; what follows is in `told`.
    pub fn step_all(&mut self, readings: &[(Time, &Reading)], told: &mut Told) {
        told.begin(readings.len());
        let mut run = std::mem::take(&mut self.together);
        run.begin(self.clock, readings);
        if !self.rules.more {
            self.slice.renew();
        }
        told.by_subject = self.go_together(&run);
        if told.by_subject {
            self.go_by_subject(readings, &mut run, told);
            told.rest.sort_by_key(|said| (said.input, said.by_clock));
        } else {
            self.go_in_turn(readings, &mut run, told);
        }
        self.together = run;
    }

    /// Whether no subject hangs on another: nobody is seen under several, nothing is to be put back, and whom the clock decides does not hang on how many were decided before.
    fn go_together(&self, run: &Together) -> bool {
        let clock = self.clock.0;
        let is_still = || run.clocks.last().is_none_or(|last| *last == clock);
        let nobody_is_due = || !self.alarms.borrow().is_any_due(clock);
        !self.rules.shares && self.horizons.keeps_all() && (!self.slice.is_limited() || is_still() && nobody_is_due())
    }

    fn go_in_turn(&mut self, readings: &[(Time, &Reading)], run: &mut Together, told: &mut Told) {
        for (input, (arrival, reading)) in (0..).zip(readings) {
            self.step_or_leave(*arrival, EngineInput::Reading(reading), &mut run.effects, None);
            told.put(input, None, &mut run.effects);
        }
    }

    fn go_by_subject(&mut self, readings: &[(Time, &Reading)], run: &mut Together, told: &mut Told) {
        let begun = self.clock;
        for (input, (_, reading)) in (0..).zip(readings) {
            run.note(self.place(&reading.subject), input);
        }
        for i in 0..run.places.len() {
            if i % AHEAD == 0 && self.has_foresight() {
                self.foresee(run.firsts(i).map(|input| readings[input as usize].1));
            }
            self.go_over_one(run.places[i], begun, readings, run, told);
        }
        let clock = run.clocks.last().map_or(begun.0, |last| *last);
        while let Some((noted, place)) = self.alarms.get_mut().take_due(clock) {
            self.alarms.get_mut().set(place, noted);
            let last = run.ends.get(place as usize).map_or(NONE, |(_, last)| *last);
            self.fall_due(place, clock, if last == NONE { 0 } else { last }, run, told);
        }
        self.clock = Time(clock);
        run.end();
    }

    /// One subject's readings, and what fell due for it before each.
    fn go_over_one(&mut self, place: u32, begun: Time, readings: &[(Time, &Reading)], run: &mut Together, told: &mut Told) {
        let (mut input, mut last) = (run.ends[place as usize].0, 0);
        while input != NONE {
            let i = input as usize;
            let before = if i == 0 { begun.0 } else { run.clocks[i - 1] };
            if self.alarms.get_mut().is_due(place, before) {
                self.fall_due(place, before, last, run, told);
            }
            self.before = before;
            self.clock = Time(run.clocks[i]);
            let reading = readings[i].1;
            if self.takes_quietly(reading, place) {
                told.outcomes[i] = Outcome::New;
            } else {
                self.reading(reading, place, Cause::Reading(reading.id), &mut run.effects);
                told.put(input, None, &mut run.effects);
            }
            (input, last) = (run.next[i], input);
        }
    }

    /// Decides what fell due for one subject up to a clock, each at the first input that reached it, from one on.
    fn fall_due(&mut self, place: u32, until: i64, from: u32, run: &mut Together, told: &mut Told) {
        while let Some(noted) = self.alarms.get_mut().take_due_of(place, until) {
            let input = run.reaching(noted).max(from);
            let clock = run.clocks[input as usize];
            self.clock = Time(clock);
            match self.people.unmarked(place as usize).put_right(&self.rules, clock) {
                Some(due) if due <= noted => {
                    self.touched.clear();
                    self.reached(place, self.people[place as usize].line.enrolled(), clock);
                    self.told(place, Cause::Clock, &mut run.effects);
                    told.put(input, Some(place), &mut run.effects);
                }
                Some(due) => self.alarms.get_mut().set(place, due),
                None => {}
            }
        }
    }
}
