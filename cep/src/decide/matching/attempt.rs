//! How far the search for the match of one start comes: the same walk, and the place where it gets no further.
//!
//! For explanations only. It looks at so many choices and no more, in the order of preference; what it finds beyond them is not told.

use super::forbidden::Obstacle;
use super::state::{Move, State};
use super::walk::Walk;
use crate::eval::Binding;

/// Below this a walk does not go.
const MOST_DEPTH: usize = 200;

/// The place where most readings are bound, and of those the last in the pattern.
pub struct Furthest<'a> {
    pub state: State,
    pub bound: Vec<Binding>,
    pub end: End<'a>,
    /// There were more choices than it looked at.
    pub is_bounded: bool,
    /// How many it looked at.
    pub choices: usize,
}

/// Why it goes no further.
#[derive(Clone, Copy)]
pub enum End<'a> {
    /// All that is asked holds.
    Whole,
    /// Nothing can be chosen.
    NoChoice,
    /// What was chosen leads nowhere.
    Obstacle(Option<Obstacle<'a>>),
}

/// An exploration under way.
struct Tour<'a> {
    left: usize,
    best: Option<(usize, usize, bool)>,
    found: Option<Furthest<'a>>,
}

impl<'a> Walk<'a> {
    /// How far this start comes with at most so many choices.
    pub fn furthest(&mut self, choices: usize) -> Option<Furthest<'a>> {
        let begin = self.first_place()?;
        let mut tour = Tour { left: choices, best: None, found: None };
        self.explore(&begin, 0, &mut tour);
        let mut found = tour.found?;
        found.is_bounded = tour.left == 0;
        found.choices = choices - tour.left;
        Some(found)
    }

    fn explore(&mut self, state: &State, depth: usize, tour: &mut Tour<'a>) {
        if state.pc == self.program.ops.len() {
            let end = self.judge(state).map_or_else(|o| End::Obstacle(Some(o)), |_| End::Whole);
            return self.note(state, end, tour);
        }
        if depth >= MOST_DEPTH {
            tour.left = 0;
            return;
        }
        let mut from = None;
        while let Some((choice, next)) = self.choice_after(state, from) {
            if tour.left == 0 || tour.best.is_some_and(|(_, _, whole)| whole) {
                return;
            }
            tour.left -= 1;
            self.obstacle = None;
            match self.apply(state, &choice) {
                Some(after) => self.explore(&after, depth + 1, tour),
                None => self.note(state, End::Obstacle(self.obstacle), tour),
            }
            self.take_back(&choice);
            // Where the earliest is as good as any, what fails after it fails after all.
            if self.program.free[state.pc] && matches!(choice, Move::Take { .. }) {
                return;
            }
            from = Some(next);
        }
        if from.is_none() {
            self.note(state, End::NoChoice, tour);
        }
    }

    fn note(&self, state: &State, end: End<'a>, tour: &mut Tour<'a>) {
        let bound: usize = self.bound.iter().map(|b| b.instants.len()).sum();
        let reached = (bound, state.pc, matches!(end, End::Whole));
        let is_whole = reached.2;
        if tour.best.is_none_or(|best| is_whole || (reached > best && !best.2)) {
            tour.best = Some(reached);
            let bound = self.bound.clone();
            tour.found = Some(Furthest { state: state.clone(), bound, end, is_bounded: false, choices: 0 });
        }
    }
}
