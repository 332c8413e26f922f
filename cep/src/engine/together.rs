//! Many readings in one call, subject by subject.
//!
//! A subject lies in many places of memory, and of more subjects than the caches hold each place is waited for whenever another had its turn. Subjects do not hang on each other, so
//! each is stepped over all of its readings while it is at hand, with the clock of each as it stands there. What is said is told by the input it belongs to.
//!
//! INVARIANT (in turn): what is told, input by input, and the state in the end are those of [`Engine::step`] over one after the other.

use vitalog_elog::{Cause, Effect, Outcome, Reading, Time};

use super::{Engine, EngineInput, FORESIGHT, NotThatLayer, Want};

/// What was said of many readings.
#[derive(Debug, Default)]
pub struct Told {
    inputs: usize,
    /// Outcomes other than new, by input.
    outcomes: Vec<(u32, Outcome)>,
    /// What else was said, as it was decided.
    rest: Vec<Effect>,
    /// Its parts, in the order in which they are told.
    parts: Vec<Part>,
    by_subject: bool,
}

/// Which of what else was said was said at an input: first what follows from it, then what the clock decided, by subject.
#[derive(Clone, Copy, Debug)]
struct Part {
    input: u32,
    /// `None`: it follows from the input.
    by_clock: Option<u32>,
    from: usize,
    to: usize,
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
        self.inputs = inputs;
        self.outcomes.clear();
        self.rest.clear();
        self.parts.clear();
    }

    #[inline]
    fn put(&mut self, input: u32, by_clock: Option<u32>, effects: &mut Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        let from = self.rest.len();
        for effect in effects.drain(..) {
            match effect {
                Effect::Reading(Outcome::New) => {}
                Effect::Reading(outcome) => self.outcomes.push((input, outcome)),
                effect => self.rest.push(effect),
            }
        }
        let to = self.rest.len();
        if from < to {
            self.parts.push(Part { input, by_clock, from, to });
        }
    }

    /// Brings what was decided subject by subject into the order of the inputs.
    fn sort(&mut self) {
        self.outcomes.sort_unstable_by_key(|(input, _)| *input);
        self.parts.sort_unstable_by_key(|part| (part.input, part.by_clock, part.from));
    }

    /// What followed at each input, in their order: for each reading its outcome, then all else, as [`Engine::step`] appends it.
    pub fn take(&mut self) -> impl Iterator<Item = (usize, Effect)> + '_ {
        let Told { inputs, outcomes, rest, parts, .. } = self;
        let (mut outcomes, mut parts) = (outcomes.drain(..).peekable(), parts.drain(..).peekable());
        let (mut inputs, mut of, mut places) = (0..*inputs, 0, 0..0);
        std::iter::from_fn(move || {
            loop {
                if let Some(place) = places.next() {
                    return Some((of, std::mem::replace(&mut rest[place], Effect::Reading(Outcome::New))));
                }
                let Some(part) = parts.next_if(|part| (part.input as usize) < inputs.start) else { break };
                (of, places) = (part.input as usize, part.from..part.to);
            }
            let input = inputs.next()?;
            let outcome = outcomes.next_if(|(of, _)| *of as usize == input).map_or(Outcome::New, |(_, outcome)| outcome);
            Some((input, Effect::Reading(outcome)))
        })
    }

    /// Whether they were gone through subject by subject, and not in turn.
    pub fn is_by_subject(&self) -> bool {
        self.by_subject
    }

    /// What followed besides the readings' outcomes, in the order of the inputs.
    pub fn changes(&self) -> impl Iterator<Item = &Effect> {
        self.parts.iter().flat_map(|part| &self.rest[part.from..part.to])
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
        some.iter()
            .flat_map(|place| {
                let first = self.ends[*place as usize].0;
                [first, self.next[first as usize]]
            })
            .filter(|input| *input != NONE)
    }

    /// The inputs of a subject from one on.
    #[inline]
    fn chain(&self, from: u32) -> impl Iterator<Item = u32> {
        let some = |input: u32| (input != NONE).then_some(input);
        std::iter::successors(some(from), move |input| some(self.next[*input as usize]))
    }

    /// What comes after some inputs of a subject, and the last of them.
    #[inline]
    fn beyond(&self, from: u32, many: usize) -> (u32, u32) {
        let last = self.chain(from).nth(many - 1).unwrap_or(from);
        (self.next[last as usize], last)
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

/// The shelves of an engine that keeps all: nothing is asked for.
///
/// # Errors
/// Where something is, for it is not there.
pub fn nothing_cut(want: &Want) -> Result<Vec<Vec<u8>>, NotThatLayer> {
    Err(NotThatLayer { id: want.layers.first().copied() })
}

/// Where layers are read from that were cut off.
pub type Shelves<'s, E> = &'s mut dyn FnMut(&Want) -> Result<Vec<Vec<u8>>, E>;

/// What many readings are gone through with.
struct Going<'g, 's, E> {
    readings: &'g [(Time, &'g Reading)],
    /// The clock before them.
    begun: i64,
    run: Together,
    told: &'g mut Told,
    shelves: Shelves<'s, E>,
}

impl<'g, E> Going<'g, '_, E> {
    /// A subject's readings from an input on, each with the clock.
    #[inline]
    fn from(&self, input: u32) -> impl Iterator<Item = (i64, &'g Reading)> {
        self.run.chain(input).map(|input| (self.run.clocks[input as usize], self.readings[input as usize].1))
    }
}

impl Engine {
    /// Takes many journaled readings, each with its arrival, as if they were stepped over in turn; what follows is in `told`. `shelves` gives what they [want](Engine::wants).
    ///
    /// # Errors
    /// Where `shelves` can't give a layer, or what it gives is not what was cut off. Some of the readings were taken then, so the engine is of no more use.
    pub fn step_all<E: From<NotThatLayer>>(
        &mut self,
        readings: &[(Time, &Reading)],
        told: &mut Told,
        shelves: Shelves<'_, E>,
    ) -> Result<(), E> {
        told.begin(readings.len());
        let mut run = std::mem::take(&mut self.together);
        run.begin(self.clock, readings);
        if !self.rules.more {
            self.slice.renew();
        }
        told.by_subject = self.go_together(&run);
        let begun = self.clock.0;
        let mut going = Going { readings, begun, run, told, shelves };
        if going.told.by_subject {
            self.go_by_subject(&mut going)?;
            going.told.sort();
        } else {
            self.go_in_turn(&mut going)?;
        }
        self.together = going.run;
        Ok(())
    }

    /// Whether no subject hangs on another: nobody is seen under several, nothing is cut off before the moment is over, and whom the clock decides does not hang on how many were
    /// decided before.
    fn go_together(&self, run: &Together) -> bool {
        let clock = self.clock.0;
        let is_still = || run.clocks.last().is_none_or(|last| *last == clock);
        let nobody_is_due = || !self.alarms.borrow().is_any_due(clock);
        let is_spent = self.rules.more && self.slice.is_spent();
        !self.rules.shares
            && (!self.horizons.is_set() || self.slice.is_limited() && self.rules.more)
            && !self.horizons.is_short_of_any()
            && (!self.slice.is_limited() || is_spent || is_still() && nobody_is_due())
    }

    fn go_in_turn<E: From<NotThatLayer>>(&mut self, going: &mut Going<'_, '_, E>) -> Result<(), E> {
        for (input, (arrival, reading)) in (0..).zip(going.readings) {
            self.want_before(input, going)?;
            self.step_or_leave(*arrival, EngineInput::Reading(reading), &mut going.run.effects, None);
            going.told.put(input, None, &mut going.run.effects);
            self.want_after(input, going)?;
        }
        Ok(())
    }

    fn go_by_subject<E: From<NotThatLayer>>(&mut self, going: &mut Going<'_, '_, E>) -> Result<(), E> {
        for (input, (_, reading)) in (0..).zip(going.readings) {
            going.run.note(self.place(&reading.subject), input);
        }
        for i in 0..going.run.places.len() {
            if i % AHEAD == 0 && self.has_foresight() {
                self.foresee(going.run.firsts(i).map(|input| going.readings[input as usize].1));
            }
            self.go_over_one(going.run.places[i], going)?;
        }
        let clock = going.run.clocks.last().map_or(going.begun, |last| *last);
        while !self.slice.is_limited()
            && let Some((noted, place)) = self.alarms.get_mut().take_due(clock)
        {
            self.alarms.get_mut().set(place, noted);
            let last = going.run.ends.get(place as usize).map_or(NONE, |(_, last)| *last);
            self.fall_due(place, clock, if last == NONE { 0 } else { last }, going);
        }
        self.clock = Time(clock);
        going.run.end();
        Ok(())
    }

    /// One subject's readings, and what fell due for it before each.
    fn go_over_one<E: From<NotThatLayer>>(&mut self, place: u32, going: &mut Going<'_, '_, E>) -> Result<(), E> {
        let (mut input, mut last) = (going.run.ends[place as usize].0, 0);
        while input != NONE {
            let i = input as usize;
            let before = if i == 0 { going.begun } else { going.run.clocks[i - 1] };
            if !self.slice.is_limited() && self.alarms.get_mut().is_due(place, before) {
                self.fall_due(place, before, last, going);
            }
            self.before = before;
            self.clock = Time(before);
            self.want_before(input, going)?;
            self.clock = Time(going.run.clocks[i]);
            // Of a slice that is spent nobody else is decided, and nobody owes anything where it is not.
            self.catch_up(place, &mut going.run.effects);
            // With layers cut off each has to be asked what it wants.
            let at_most = if self.people[place as usize].is_cold() { 1 } else { usize::MAX };
            let taken = self.take_quietly(place, going.from(input).take(at_most));
            if taken == 0 {
                let reading = going.readings[i].1;
                self.reading(reading, place, Cause::Reading(reading.id), &mut going.run.effects);
            }
            // Nobody who owed something is taken quietly: there is nothing to tell then.
            going.told.put(input, None, &mut going.run.effects);
            (input, last) = going.run.beyond(input, taken.max(1));
            self.want_after(last, going)?;
        }
        Ok(())
    }

    /// Decides what fell due for one subject up to a clock, each at the first input that reached it, from one on.
    fn fall_due<E>(&mut self, place: u32, until: i64, from: u32, going: &mut Going<'_, '_, E>) {
        while let Some(noted) = self.alarms.get_mut().take_due_of(place, until) {
            let input = going.run.reaching(noted).max(from);
            let clock = going.run.clocks[input as usize];
            self.clock = Time(clock);
            match self.people.unmarked(place as usize).put_right(&self.rules, clock) {
                Some(due) if due <= noted => {
                    self.touched.clear();
                    self.reached(place, self.people[place as usize].line.enrolled(), clock);
                    self.told(place, Cause::Clock, &mut going.run.effects);
                    going.told.put(input, Some(place), &mut going.run.effects);
                }
                Some(due) => self.alarms.get_mut().set(place, due),
                None => {}
            }
        }
    }

    /// Gives what a reading wants before it is taken.
    #[inline]
    fn want_before<E: From<NotThatLayer>>(&mut self, input: u32, going: &mut Going<'_, '_, E>) -> Result<(), E> {
        if !self.horizons.is_set() {
            return Ok(());
        }
        let (arrival, reading) = going.readings[input as usize];
        while let Some(want) = self.wants(arrival, &EngineInput::Reading(reading)) {
            self.give_from(&want, input, going)?;
        }
        Ok(())
    }

    /// Gives what is wanted by who looked too far.
    #[inline]
    fn want_after<E: From<NotThatLayer>>(&mut self, input: u32, going: &mut Going<'_, '_, E>) -> Result<(), E> {
        while let Some(want) = self.wants_again() {
            self.give_from(&want, input, going)?;
        }
        Ok(())
    }

    fn give_from<E: From<NotThatLayer>>(&mut self, want: &Want, input: u32, going: &mut Going<'_, '_, E>) -> Result<(), E> {
        let layers = (going.shelves)(want)?;
        self.give(want, &layers, &mut going.run.effects)?;
        going.told.put(input, None, &mut going.run.effects);
        Ok(())
    }
}
