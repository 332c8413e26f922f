//! The walk through a pattern's program from one start: what may be chosen at each place, and what follows from it.
//!
//! A state is a place in the program with what the rest hangs on: where the next reading may lie, the frames that are open, and of what was bound that part
//! which is still asked for. The earliest completion that a state leads to is found once for each state; the match is then read off by taking, place by
//! place, the preferred choice that still leads to it. So the work grows with the number of states, not with that of half-done matches.

use std::collections::BTreeMap;

use super::program::{Check, Need, Op, Program};
use crate::decide::version::Case;
use crate::eval::{Binding, Repeats, Rows, Scope};
use crate::plan::{Absence, Pattern};
use crate::timeline::Table;

/// Choices looked at for one start; beyond them it has no match (see the limits in the manual).
const MOST_CHOICES: u32 = 1_000_000;
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
    barrier: i64,
    known: BTreeMap<Vec<i64>, Option<i64>>,
    fitting: BTreeMap<(usize, i64), Vec<usize>>,
    choices: u32,
    depth: u32,
}

/// Where a reading may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    After(i64),
    From(i64),
    At(i64),
}

/// A part with a first and a last of its own.
#[derive(Clone, Debug)]
struct Frame {
    entry: Entry,
    within: i64,
    first: i64,
    last: i64,
    end: i64,
}

/// A place in the program, and what leads there.
#[derive(Clone, Debug)]
pub struct State {
    pub pc: usize,
    /// Instants that the step at hand bound in this round.
    pub taken: u32,
    /// How many it is to bind, once that is settled.
    pub target: Option<u32>,
    /// The first instant of its binding that belongs to this round.
    round: usize,
    entry: Entry,
    frames: Vec<Frame>,
    /// The last instant at which something of it is decided.
    done: i64,
    /// Which `with no` are asked for at the end.
    around: Vec<usize>,
    /// Checks that wait for the end, with the open intervals they are about.
    waiting: Vec<(usize, i64, i64)>,
}

/// One choice at a place.
#[derive(Clone, Debug)]
pub enum Move {
    /// These rows of these steps, at an instant.
    Take {
        at: i64,
        rows: Vec<(usize, Vec<usize>)>,
    },
    /// The step has enough.
    Finish,
    Alternative(usize),
}

/// The choice at a place that was looked at last.
#[derive(Clone, Copy, Debug)]
pub enum Cursor {
    Finished,
    At(i64),
    Alternative(usize),
}

impl<'a> Walk<'a> {
    pub fn new(case: Case<'a>, pattern: &'a Pattern, program: &'a Program, start: i64) -> Walk<'a> {
        let bound = pattern.steps.iter().map(|s| Binding { edge: s.edge, ..Binding::none(s.stream) }).collect();
        let (known, fitting) = (BTreeMap::new(), BTreeMap::new());
        let mut walk = Walk { case, pattern, program, start, bound, barrier: i64::MAX, known, fitting, choices: 0, depth: 0 };
        walk.barrier = walk.find_barrier();
        walk
    }

    /// The first place at which something is chosen.
    pub fn begin(&mut self) -> Option<State> {
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
                        return None;
                    }
                    let outer = state.frames.last_mut()?;
                    outer.first = outer.first.min(frame.first);
                    outer.last = outer.last.max(frame.last);
                    outer.end = outer.end.max(frame.end);
                    if let Some(check) = check {
                        self.check(&mut state, *check, frame.first, frame.last)?;
                    }
                }
                Op::Then => state.entry = Entry::After(state.frames.last()?.end),
                Op::Next => state.entry = Entry::At(self.next_instant(state.frames.last()?.end)?),
                Op::Quiet { check, span } => {
                    let from = state.frames.last()?.end;
                    let to = from.checked_add(*span)?;
                    state.frames.last_mut()?.end = to;
                    state.done = state.done.max(to);
                    self.check(&mut state, *check, from, to)?;
                }
            }
            state.pc += 1;
        }
    }

    /// The first instant after `t` of any step's stream.
    fn next_instant(&self, t: i64) -> Option<i64> {
        self.pattern.steps.iter().filter_map(|s| self.case.line.edge(s.stream, s.edge)?.next(t)).min()
    }

    /// The choice that comes after `from` in the order of preference (`None`: the first), and where to go on from it.
    pub fn choice_after(&mut self, state: &State, from: Option<Cursor>) -> Option<(Move, Cursor)> {
        match &self.program.ops[state.pc] {
            Op::Or(targets) => {
                let place = if let Some(Cursor::Alternative(place)) = from { place + 1 } else { 0 };
                Some((Move::Alternative(*targets.get(place)?), Cursor::Alternative(place)))
            }
            Op::Together(steps) => self.together(state, steps, from),
            Op::Step(step) => {
                let enough = self.has_enough(state, *step);
                if enough && from.is_none() {
                    return Some((Move::Finish, Cursor::Finished));
                }
                if enough && (self.program.free[state.pc] || !self.may_take_more(state, *step)) {
                    return None;
                }
                self.take(state, *step, from)
            }
            _ => None,
        }
    }

    /// Whether the step at hand may end here.
    fn has_enough(&self, state: &State, step: usize) -> bool {
        let least = u32::from(self.pattern.steps[step].count.max(1));
        state.target.map_or(state.taken >= least, |target| state.taken >= target)
    }

    fn may_take_more(&self, state: &State, step: usize) -> bool {
        let growing = self.program.growing == Some(step);
        let most = if growing { Some(self.pattern.steps[step].count.max(1)) } else { self.pattern.steps[step].most };
        state.target.map_or(most.is_none_or(|most| state.taken < u32::from(most)), |target| state.taken < target)
    }

    /// The next instant that a step may take.
    pub fn take(&mut self, state: &State, step: usize, from: Option<Cursor>) -> Option<(Move, Cursor)> {
        let this = &self.pattern.steps[step];
        let table = self.case.line.edge(this.stream, this.edge)?;
        let in_row = this.in_a_row && state.taken > 0;
        if in_row && (matches!(from, Some(Cursor::At(_))) || !self.is_whole(state, step, table)) {
            return None;
        }
        let mut row = first_row(table, state.entry, from);
        let limit = self.limit(state);
        while row < table.len() {
            let (at, tie) = (table.at(row), table.tie(row));
            if !self.reaches(state, limit, at) {
                return None;
            }
            row = tie.end;
            let rows = self.fit(state, step, table, tie);
            if !rows.is_empty() {
                return Some((Move::Take { at, rows: vec![(step, rows)] }, Cursor::At(at)));
            }
            if in_row {
                return None;
            }
        }
        None
    }

    /// Whether the step bound all readings at its last instant, unless that is the first of its row.
    fn is_whole(&self, state: &State, step: usize, table: &Table) -> bool {
        let last = self.bound[step].last_rows();
        state.taken <= 1 || last.first().is_none_or(|row| table.rows_at(table.at(*row)).len() == last.len())
    }

    fn together(&mut self, state: &State, steps: &'a [usize], from: Option<Cursor>) -> Option<(Move, Cursor)> {
        let limit = self.limit(state);
        let mut from = from;
        loop {
            let tables = steps.iter().filter_map(|s| {
                let this = &self.pattern.steps[*s];
                let table = self.case.line.edge(this.stream, this.edge)?;
                let row = first_row(table, state.entry, from);
                (row < table.len()).then(|| table.at(row))
            });
            let at = tables.min()?;
            if !self.reaches(state, limit, at) {
                return None;
            }
            let mut rows: Vec<(usize, Vec<usize>)> = Vec::new();
            for &step in steps {
                let this = &self.pattern.steps[step];
                let Some(table) = self.case.line.edge(this.stream, this.edge) else { continue };
                let mut fits = self.fit(state, step, table, table.rows_at(at));
                fits.retain(|row| !rows.iter().any(|(other, taken)| self.is_same(*other, taken, step, *row)));
                if !fits.is_empty() {
                    rows.push((step, fits));
                }
            }
            if !rows.is_empty() {
                return Some((Move::Take { at, rows }, Cursor::At(at)));
            }
            from = Some(Cursor::At(at));
        }
    }

    /// Whether a row of one step is a reading that another takes.
    fn is_same(&self, other: usize, taken: &[usize], step: usize, row: usize) -> bool {
        let (a, b) = (&self.pattern.steps[other], &self.pattern.steps[step]);
        let (Some(own), Some(table)) = (self.case.line.edge(a.stream, a.edge), self.case.line.edge(b.stream, b.edge)) else {
            return false;
        };
        a.stream == b.stream && taken.iter().any(|r| own.mark(*r).id == table.mark(row).id)
    }

    /// The last instant, exclusive, for all that open frames say.
    fn limit(&self, state: &State) -> i64 {
        let mut limit = self.start.saturating_add(self.program.reach);
        for frame in state.frames.iter().filter(|f| f.first < i64::MAX) {
            limit = limit.min(frame.first.saturating_add(frame.within));
        }
        limit
    }

    fn reaches(&self, state: &State, limit: i64, at: i64) -> bool {
        let entry = if let Entry::At(t) = state.entry { at <= t } else { true };
        entry && at < limit && at <= self.barrier.max(self.start)
    }

    /// The rows of an instant that fit a step.
    fn fit(&mut self, state: &State, step: usize, table: &'a Table, tie: std::ops::Range<usize>) -> Vec<usize> {
        let alone = self.program.alone[step];
        let Some(at) = (!tie.is_empty()).then(|| table.at(tie.start)) else { return Vec::new() };
        let mut rows = match self.fitting.get(&(step, at)).filter(|_| alone) {
            Some(rows) => rows.clone(),
            None => {
                let rows = self.ask(state, step, table, tie, at);
                if alone {
                    self.fitting.insert((step, at), rows.clone());
                }
                rows
            }
        };
        if self.program.shares {
            rows.retain(|row| !self.serves(table, step, *row));
        }
        rows
    }

    fn ask(&self, state: &State, step: usize, table: &'a Table, tie: std::ops::Range<usize>, at: i64) -> Vec<usize> {
        let this = &self.pattern.steps[step];
        let from = if state.taken > 0 { state.round } else { self.bound[step].instants.len() };
        let scope = Scope {
            bound: &self.bound,
            repeats: Some(Repeats { binding: &self.bound[step], from }),
            ..self.case.scope(at, self.start)
        };
        let again = this.again.as_ref().filter(|_| state.taken > 0);
        tie.filter(|&row| {
            let scope = scope.with_candidate(Rows::one(table, row), at);
            this.filter.iter().chain(again).all(|f| scope.holds(f))
        })
        .collect()
    }

    /// Whether a reading is bound already.
    fn serves(&self, table: &Table, step: usize, row: usize) -> bool {
        let stream = self.pattern.steps[step].stream;
        self.bound.iter().any(|b| b.stream == stream && b.has_reading(self.case.line, table, row))
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

    /// When a choice that is whole completes, if all that is asked of it holds.
    pub fn accept(&self, state: &State) -> Option<i64> {
        let frame = state.frames.first()?;
        if frame.last.saturating_sub(frame.first) >= self.program.reach {
            return None;
        }
        let mut done = state.done;
        for around in state.around.iter().map(|i| &self.program.around[*i]) {
            let binding = &self.bound[usize::from(around.step)];
            let (Some(table), Some(row)) = (binding.table(self.case.line), binding.last_rows().first()) else { continue };
            let at = table.at(*row);
            let (from, to) = (at.saturating_add(around.from.0), at.checked_add(around.to.0)?);
            done = done.max(to);
            if self.is_broken(&around.absence, from, to) {
                return None;
            }
        }
        for (step, span) in &self.program.waits {
            let Some(binding) = self.bound.get(usize::from(*step)) else { continue };
            if let (Some(table), Some(row)) = (binding.table(self.case.line), binding.last_rows().first()) {
                done = done.max(table.at(*row).checked_add(*span)?);
            }
        }
        let whole = self.pattern.absences.iter().zip(&self.program.plain).filter(|(_, plain)| !**plain);
        let mut all = whole.map(|(absence, _)| (absence, frame.first, frame.last)).chain(
            state.waiting.iter().flat_map(|(c, from, to)| self.program.checks[*c].absences.iter().map(move |a| (a, *from, *to))),
        );
        if all.any(|(absence, from, to)| self.is_broken(absence, from, to)) {
            return None;
        }
        let scope = Scope { bound: &self.bound, ..self.case.scope(done, self.start) };
        self.case.version.terms.rule.filter.as_ref().is_none_or(|f| scope.holds(f)).then_some(done)
    }

    /// Asks a check, now or at the end.
    fn check(&self, state: &mut State, check: usize, from: i64, to: i64) -> Option<()> {
        let Check { absences, at_once } = &self.program.checks[check];
        if !at_once {
            state.waiting.push((check, from, to));
            return Some(());
        }
        (!absences.iter().any(|a| self.is_broken(a, from, to))).then_some(())
    }

    /// Whether something that an absence forbids lies in the open interval, and is not the match's own.
    fn is_broken(&self, absence: &'a Absence, from: i64, to: i64) -> bool {
        let mut broken = false;
        between(&self.case, absence, from, to, |rows| {
            let own =
                || self.bound.iter().any(|b| b.stream == absence.stream && b.has_reading(self.case.line, rows.table, rows.row()));
            broken = broken || (self.forbids(absence, rows) && !own());
        });
        broken
    }

    fn forbids(&self, absence: &'a Absence, rows: Rows<'a>) -> bool {
        let Some(filter) = &absence.filter else { return true };
        let at = rows.table.at(rows.row());
        let scope = Scope { bound: &self.bound, ..self.case.scope(at, self.start) };
        scope.with_candidate(rows, at).holds(filter)
    }

    fn find_barrier(&self) -> i64 {
        let limit = self.start.saturating_add(self.program.reach);
        let mut barrier = i64::MAX;
        for (absence, _) in self.pattern.absences.iter().zip(&self.program.plain).filter(|(_, plain)| **plain) {
            between(&self.case, absence, self.start, limit, |rows| {
                if self.forbids(absence, rows) {
                    // Between first and last lies what begins before the last and ends after the first.
                    barrier = barrier.min(rows.table.start(rows.row()));
                }
            });
        }
        barrier
    }
}

impl State {
    /// The same, where the step at hand is to bind so many instants.
    pub fn with(&self, target: u32) -> State {
        State { target: Some(target), ..self.clone() }
    }
}

impl Entry {
    fn allows(self, t: i64) -> bool {
        match self {
            Entry::After(e) => t > e,
            Entry::From(e) => t >= e,
            Entry::At(e) => t == e,
        }
    }
}

/// Where to look for the first instant that an entry allows and that lies after `from`.
fn first_row(table: &Table, entry: Entry, from: Option<Cursor>) -> usize {
    let row = match entry {
        Entry::After(t) => table.after(t),
        Entry::From(t) | Entry::At(t) => table.from(t),
    };
    if let Some(Cursor::At(t)) = from { row.max(table.after(t)) } else { row }
}

/// Calls `f` with each reading of an absence's stream that lies in an open interval.
pub fn between<'a>(case: &Case<'a>, absence: &Absence, from: i64, to: i64, mut f: impl FnMut(Rows<'a>)) {
    if to <= from {
        return;
    }
    if let Some(table) = case.line.table(absence.stream) {
        for row in table.overlapping(from, to) {
            f(Rows::one(table, row));
        }
    }
    if let Some(table) = case.line.endless(absence.stream) {
        for row in 0..table.from(to) {
            f(Rows { endless: true, ..Rows::one(table, row) });
        }
    }
}
