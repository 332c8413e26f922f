//! The walk through a pattern's program from one start: what may be chosen at each place, and what follows from it.
//!
//! A state is a place in the program with what the rest hangs on: where the next reading may lie, the frames that are open, and of what was bound that part
//! which is still asked for. The earliest completion that a state leads to is found once for each state; the match is then read off by taking, place by
//! place, the preferred choice that still leads to it. So the work grows with the number of states, not with that of half-done matches.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::forbidden::Obstacle;
use super::program::{Need, Op, Program};
use super::state::{Entry, Frame, Move, State};
use crate::decide::version::Case;
use crate::eval::Binding;
use crate::plan::Pattern;

/// Choices looked at for one start; beyond them it has no match (see the limits in the manual).
const MOST_CHOICES: u32 = 250_000;
/// Instants that one search binds, what grows afterwards not counted.
const MOST_DEPTH: u32 = 2_000;

/// A walk from one start.
pub struct Walk<'a> {
    pub case: Case<'a>,
    pub pattern: &'a Pattern,
    pub program: &'a Program,
    pub start: i64,
    /// By step; what the choices so far bound.
    pub bound: Vec<Binding>,
    /// The last instant for all that plain absences of the whole say.
    pub barrier: i64,
    known: BTreeMap<Vec<i64>, Option<i64>>,
    pub fitting: BTreeMap<(usize, i64), Vec<usize>>,
    choices: u32,
    depth: u32,
    /// The last instant of which something was decided.
    pub decided: Cell<i64>,
    /// Why the last choice led nowhere, for explanations.
    pub obstacle: Option<Obstacle<'a>>,
}

impl<'a> Walk<'a> {
    pub fn new(case: Case<'a>, pattern: &'a Pattern, program: &'a Program, start: i64) -> Walk<'a> {
        let bound = pattern.steps.iter().map(|s| Binding { edge: s.edge, ..Binding::none(s.stream) }).collect();
        let (known, fitting) = (BTreeMap::new(), BTreeMap::new());
        let (barrier, decided, obstacle) = (i64::MAX, Cell::new(i64::MIN), None);
        let mut walk =
            Walk { case, pattern, program, start, bound, barrier, known, fitting, choices: 0, depth: 0, decided, obstacle };
        walk.barrier = walk.find_barrier();
        walk
    }

    /// The first place at which something is chosen.
    pub fn begin(&mut self) -> Option<State> {
        if !self.program.required.iter().all(|step| self.comes(*step)) {
            return None;
        }
        self.first_place()
    }

    /// The same, whether or not what every match needs comes in time.
    pub fn first_place(&mut self) -> Option<State> {
        self.bound.iter_mut().for_each(Binding::clear);
        let entry = Entry::At(self.start);
        let frame = Frame { entry, within: self.program.reach, first: i64::MAX, last: i64::MIN, end: i64::MIN };
        let (frames, around) = (vec![frame], (0..self.pattern.around.len()).collect());
        self.run(State { pc: 0, taken: 0, target: None, round: 0, entry, frames, done: i64::MIN, around, waiting: Vec::new() })
    }

    /// The earliest completion that a state leads to.
    pub fn best(&mut self, state: &State) -> Option<i64> {
        if state.pc == self.program.ops.len() {
            return self.accept(state);
        }
        let key = self.key(state);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        if self.depth >= MOST_DEPTH {
            return None;
        }
        self.depth += 1;
        let mut best: Option<i64> = None;
        let is_free = self.program.free[state.pc];
        let mut from = None;
        while let Some((choice, next)) = self.choice_after(state, from) {
            // Nothing completes before its last reading.
            if let (Move::Take { at, .. }, Some(best)) = (&choice, best)
                && best <= *at
            {
                break;
            }
            self.choices += 1;
            if self.choices > MOST_CHOICES {
                best = None;
                break;
            }
            if let Some(found) = self.after(state, &choice, |walk, state| walk.best(state)).flatten() {
                best = Some(best.map_or(found, |b| b.min(found)));
            }
            if is_free {
                break;
            }
            from = Some(next);
        }
        self.depth -= 1;
        self.known.insert(key, best);
        best
    }

    /// Does something in the state that a choice leads to, if it leads anywhere, and takes the choice back.
    pub fn after<T>(&mut self, state: &State, choice: &Move, then: impl FnOnce(&mut Self, &State) -> T) -> Option<T> {
        let next = self.apply(state, choice);
        let result = next.map(|next| then(self, &next));
        self.take_back(choice);
        result
    }

    /// Makes a choice; what follows of itself is done too.
    pub fn apply(&mut self, state: &State, choice: &Move) -> Option<State> {
        let mut next = state.clone();
        match choice {
            Move::Finish => {
                next.pc += 1;
                (next.taken, next.target) = (0, None);
                self.run(next)
            }
            Move::Alternative(pc) => {
                next.pc = *pc;
                self.run(next)
            }
            Move::Take { at, rows } => {
                for (step, rows) in rows {
                    let binding = &mut self.bound[*step];
                    if state.taken == 0 {
                        next.round = binding.instants.len();
                    }
                    binding.instants.push(binding.rows.len());
                    binding.rows.extend(rows);
                }
                next.taken += 1;
                next.entry = Entry::After(*at);
                next.done = next.done.max(*at);
                let frame = next.frames.last_mut()?;
                frame.first = frame.first.min(*at);
                frame.last = frame.last.max(*at);
                frame.end = frame.end.max(*at);
                if let Op::Together(_) = self.program.ops[next.pc] {
                    next.pc += 1;
                    next.taken = 0;
                    return self.run(next);
                }
                Some(next)
            }
        }
    }

    pub fn take_back(&mut self, choice: &Move) {
        let Move::Take { rows, .. } = choice else { return };
        for (step, _) in rows {
            let binding = &mut self.bound[*step];
            if let Some(from) = binding.instants.pop() {
                binding.rows.truncate(from);
            }
        }
    }

    /// Runs through operations at which nothing is chosen; `None` if it leads nowhere.
    fn run(&mut self, mut state: State) -> Option<State> {
        loop {
            let Some(op) = self.program.ops.get(state.pc) else { return Some(state) };
            match op {
                Op::Step(_) | Op::Together(_) | Op::Or(_) => return Some(state),
                Op::Jump(to) => {
                    state.pc = *to;
                    continue;
                }
                Op::Begin { within } => {
                    let (entry, within) = (state.entry, *within);
                    state.frames.push(Frame { entry, within, first: i64::MAX, last: i64::MIN, end: i64::MIN });
                }
                Op::Part => {
                    let entry = state.frames.last()?.entry;
                    state.entry = if let Entry::At(t) = entry { Entry::From(t) } else { entry };
                }
                Op::Close { check, around } => {
                    state.around.extend(around.clone());
                    let frame = state.frames.pop()?;
                    if !frame.entry.allows(frame.first) || frame.last.saturating_sub(frame.first) >= frame.within {
                        self.obstacle = Some(Obstacle::Late { first: frame.first, last: frame.last, within: frame.within });
                        return None;
                    }
                    let outer = state.frames.last_mut()?;
                    outer.first = outer.first.min(frame.first);
                    outer.last = outer.last.max(frame.last);
                    outer.end = outer.end.max(frame.end);
                    if let Some(check) = check {
                        let checked = self.check(&mut state, *check, frame.first, frame.last);
                        self.no_obstacle(checked)?;
                    }
                }
                Op::Then => state.entry = Entry::After(state.frames.last()?.end),
                Op::Next => state.entry = Entry::At(self.next_instant(state.frames.last()?.end)?),
                Op::Quiet { check, span } => {
                    let from = state.frames.last()?.end;
                    let to = from.checked_add(*span)?;
                    state.frames.last_mut()?.end = to;
                    state.done = state.done.max(to);
                    let checked = self.check(&mut state, *check, from, to);
                    self.no_obstacle(checked)?;
                }
            }
            state.pc += 1;
        }
    }

    fn no_obstacle(&mut self, checked: Result<(), Obstacle<'a>>) -> Option<()> {
        self.obstacle = checked.err();
        self.obstacle.is_none().then_some(())
    }

    /// The first instant after `t` of any step's stream.
    fn next_instant(&self, t: i64) -> Option<i64> {
        self.pattern.steps.iter().filter_map(|s| self.case.line.edge(s.stream, s.edge)?.next(t)).min()
    }

    /// What the rest hangs on.
    fn key(&self, state: &State) -> Vec<i64> {
        let mut key = vec![state.pc as i64, state.target.map_or(-1, i64::from), state.done];
        let needs = &self.program.needs[state.pc];
        if let Op::Step(step) = &self.program.ops[state.pc] {
            let this = &self.pattern.steps[*step];
            let open = state.target.is_none() && this.most.is_none();
            let enough = u32::from(this.count.max(1));
            key.push(i64::from(if open { state.taken.min(enough) } else { state.taken }));
            // Whether it is the first of a row, and what its conditions ask of the repeats before.
            if state.taken > 0 && (this.in_a_row || !self.program.alone[*step]) {
                key.push(i64::from(state.taken.min(2)));
                let binding = &self.bound[*step];
                key.extend(binding.rows_of(state.round).iter().map(|r| *r as i64));
                key.push(-1);
                key.extend(binding.last_rows().iter().map(|r| *r as i64));
            }
        }
        key.push(-2);
        match state.entry {
            Entry::After(t) => key.extend([0, t]),
            Entry::From(t) => key.extend([1, t]),
            Entry::At(t) => key.extend([2, t]),
        }
        for f in &state.frames {
            let entry = match f.entry {
                Entry::After(t) | Entry::From(t) | Entry::At(t) => t,
            };
            key.extend([entry, f.first, f.last, f.end]);
        }
        key.extend(state.around.iter().map(|i| *i as i64));
        for (check, from, to) in &state.waiting {
            key.extend([*check as i64, *from, *to]);
        }
        for (i, need) in needs.iter().enumerate() {
            let binding = &self.bound[i];
            key.push(-3);
            match need {
                Need::Nothing => {}
                Need::Last => key.extend(binding.last_rows().iter().map(|r| *r as i64)),
                Need::All => {
                    key.extend(binding.rows.iter().map(|r| *r as i64));
                    key.push(-4);
                    key.extend(binding.instants.iter().map(|r| *r as i64));
                }
            }
        }
        key
    }
}
