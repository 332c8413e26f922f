//! A place in a pattern's program, and what may be chosen there.

/// Where a reading may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    After(i64),
    From(i64),
    At(i64),
}

/// A part with a first and a last of its own.
#[derive(Clone, Debug)]
pub struct Frame {
    pub entry: Entry,
    pub within: i64,
    pub first: i64,
    pub last: i64,
    pub end: i64,
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
    pub round: usize,
    pub entry: Entry,
    pub frames: Vec<Frame>,
    /// The last instant at which something of it is decided.
    pub done: i64,
    /// Which `with no` are asked for at the end.
    pub around: Vec<usize>,
    /// Checks that wait for the end, with the open intervals they are about.
    pub waiting: Vec<(usize, i64, i64)>,
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

impl State {
    /// The same, where the step at hand is to bind so many instants.
    pub fn with(&self, target: u32) -> State {
        State { target: Some(target), ..self.clone() }
    }
}

impl Entry {
    pub fn allows(self, t: i64) -> bool {
        match self {
            Entry::After(e) => t > e,
            Entry::From(e) => t >= e,
            Entry::At(e) => t == e,
        }
    }
}
