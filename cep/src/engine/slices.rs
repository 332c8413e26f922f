//! What falls due for many at one instant is decided in slices, so that nobody's reading waits for everybody's report.
//!
//! Subjects are independent, so in which order and at which later input they are decided changes nothing of what is found, only where in the journal it is told. What a
//! subject *owes* is a part of the state: its next deadline, counted from where it was brought to last, has been passed by the clock. A slice takes so many of
//! those who owe something, by deadline, then by the order in which they were first seen. What is noted of deadlines is noted too early as often as not, and otherwise after a restart;
//! so a note says only whom to look at, and nobody counts who owes nothing.
//!
//! INVARIANT (in its order): a subject that owes something is brought to the clock of the input before, before anything else happens to it.

use vitalog_elog::{Cause, Effect};

use super::Engine;

/// How much of what fell due is decided at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    /// So many subjects a moment, or a step outside of one.
    size: usize,
    /// So many are left of it.
    left: usize,
}

impl Default for Slice {
    fn default() -> Slice {
        Slice { size: usize::MAX, left: usize::MAX }
    }
}

impl Slice {
    /// Whether who is decided hangs on how many were.
    pub fn is_limited(&self) -> bool {
        self.size < usize::MAX
    }

    /// Nobody else is decided because the clock reached something, up to the end of the moment.
    pub fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Another moment begins.
    pub fn renew(&mut self) {
        self.left = self.size;
    }
}

impl Engine {
    /// From now on at most so many subjects are decided in one moment, or in one step outside of one, because the clock reached something; the others owe it, and
    /// [`Engine::next_due`] has passed as long as anybody does. `None`, as an engine begins: all of them, so that nobody ever owes anything. A size of zero counts as one.
    ///
    /// Whoever wants to replay what was said input by input keeps to one size.
    pub fn set_slice(&mut self, subjects: Option<usize>) {
        let size = subjects.map_or(usize::MAX, |size| size.max(1));
        self.slice = Slice { size, left: size };
    }

    /// Whether anybody owes something.
    pub fn owes(&self) -> bool {
        self.next_due().is_some_and(|due| due <= self.clock)
    }

    /// Decides a slice of what the clock has reached, subject by subject in the order in which they were first seen.
    #[inline]
    pub(super) fn due(&mut self, effects: &mut Vec<Effect>) {
        let clock = self.clock.0;
        if self.alarms.get_mut().is_any_due(clock) {
            self.decide_slice(clock, effects);
        }
    }

    fn decide_slice(&mut self, clock: i64, effects: &mut Vec<Effect>) {
        let mut places = Vec::new();
        let mut lacking = Vec::new();
        while places.len() < self.slice.left {
            let alarms = self.alarms.get_mut();
            let Some((noted, place)) = alarms.take_due(clock) else { break };
            if self.horizons.lacks(place) {
                lacking.push(place);
                continue;
            }
            match self.people.unmarked(place as usize).put_right(&self.rules, clock) {
                Some(due) if due <= noted => places.push(place),
                // Later, in its turn.
                Some(due) => alarms.set(place, due),
                None => {}
            }
        }
        self.slice.left -= places.len();
        // When it has what it lacks.
        lacking.into_iter().for_each(|place| self.alarms.get_mut().set(place, clock));
        places.sort_unstable();
        for place in places {
            self.touched.clear();
            self.reached(place, self.people[place as usize].line.enrolled(), clock);
            self.told(place, Cause::Clock, effects);
        }
    }

    /// Decides what a subject owes, up to the clock of the input before.
    #[inline]
    pub(super) fn catch_up(&mut self, place: u32, effects: &mut Vec<Effect>) {
        if self.alarms.get_mut().is_due(place, self.before) {
            self.catch_up_slowly(place, effects);
        }
    }

    #[cold]
    fn catch_up_slowly(&mut self, place: u32, effects: &mut Vec<Effect>) {
        let before = self.before;
        let due = self.people.unmarked(place as usize).put_right(&self.rules, before);
        if due.is_none_or(|due| due > before) || self.horizons.lacks(place) {
            return;
        }
        self.touched.clear();
        self.reached(place, self.people[place as usize].line.enrolled(), before);
        self.told(place, Cause::Clock, effects);
    }

    /// The same of everybody.
    pub(super) fn catch_up_all(&mut self, effects: &mut Vec<Effect>) {
        for place in self.alarms.get_mut().all_due(self.before) {
            self.catch_up(place, effects);
        }
    }

    /// Who owes something, and since when.
    pub(super) fn owed(&self) -> Vec<(u32, i64)> {
        let due = |place: u32| self.people[place as usize].next_due(&self.rules).filter(|due| *due <= self.clock.0);
        self.alarms.borrow().all_due(self.clock.0).into_iter().filter_map(|place| Some((place, due(place)?))).collect()
    }

    /// Until when all is decided about a subject: the clock, or what lies before what it owes.
    pub(super) fn decided_until(&self, place: u32) -> i64 {
        let clock = self.clock.0;
        let is_noted = self.alarms.borrow().is_due(place, clock);
        if is_noted { self.people[place as usize].decided_until(&self.rules, clock) } else { clock }
    }
}
