//! Patterns of readings: a tree of steps, what must not come between, and which of all choices are matches.
//!
//! A *choice* gives each step the instants it binds, as many as its count says; at each of them all readings that fit, and serve no step before it, are bound
//! together. Steps are numbered as they are written. See `docs/language.md` for which choices are matches.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Span, StreamIx};

use super::expr::Expr;

/// `match …`: the steps, the tree they stand in, and what is asked of the whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// In the order in which they are written; the tree names them by their places.
    pub steps: Vec<Step>,
    pub tree: Node,
    /// None of these lies strictly between the first and the last reading.
    pub absences: Vec<Absence>,
    pub around: Vec<Around>,
    /// `last.at - first.at < within`. `None` only where the tree itself is bounded.
    pub within: Option<Span>,
    pub select: Select,
}

/// Which of the choices from one start are matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Select {
    /// Every start has its own: the one that completes earliest; of those the first by the order of its decisions, step by step as written: the first
    /// alternative, the most repeats, the earliest instants.
    #[default]
    Each,
    /// Every choice.
    All,
    /// Of what `Each` gives, the earliest completed (of equals the earliest start), then only what starts after its last reading.
    Disjoint,
}

/// How steps stand to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Node {
    /// The step of that number. No two leaves name the same.
    Step(u8),
    /// One after the other.
    Sequence {
        first: Box<Node>,
        rest: Vec<Part>,
    },
    /// All of them, in any order, at one instant too.
    And(Vec<Node>),
    /// One of them; alternatives that are single readings bind together what fits at the instant.
    Or(Vec<Node>),
    Group(Box<Group>),
    /// So many times, each strictly later than the one before.
    Repeat {
        node: Box<Node>,
        count: u16,
    },
}

/// What follows in a sequence. It begins after the end of what is before it: its last reading, or the deadline of a `then no`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// Strictly later.
    Then(Node),
    /// At the first later instant with a reading of any stream named in the steps.
    Next(Node),
    ThenNo(Quiet),
}

/// `then no S or T for D`: with t the end of what is before it, nothing lies in the open interval (t, t + D); it ends at t + D.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quiet {
    pub absences: Vec<Absence>,
    pub span: Span,
}

/// A part in parentheses with bounds of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub node: Node,
    pub absences: Vec<Absence>,
    pub around: Vec<Around>,
    pub within: Option<Span>,
}

/// `S{n..m} in a row as x where …`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub stream: StreamIx,
    pub edge: Edge,
    /// Asked of each reading as `Ref::Candidate`; may refer to earlier steps, to windows, and to `Ref::First` (of the first repeat: the candidate itself).
    pub filter: Option<Expr>,
    /// Asked as well from the second repeat on; may also refer to `Ref::Previous`.
    pub again: Option<Expr>,
    /// At how many instants at least, 1 or more.
    pub count: u16,
    /// At how many at most; `None`: any number.
    pub most: Option<u16>,
    /// No other reading of the stream, fitting or not, strictly between the step's first and last.
    pub in_a_row: bool,
}

/// At which instant of a reading a step binds it. An instant is its own start and end; a finding has three: its onset, that which opened it, and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Edge {
    /// Of an interval `S starts`, also while it goes on; of a finding its onset.
    Start,
    /// Of a finding the instant that opened it.
    #[default]
    End,
    /// `R ends`: of a finding its end, which one that goes on has not. Of a reading the same as `End`.
    Close,
}

/// `without S where …`; the condition is asked of the reading as `Ref::Candidate`, and may refer to the steps. The match's own readings are not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absence {
    pub stream: StreamIx,
    pub filter: Option<Expr>,
}

/// `with no S where … from A before n to B after n`: nothing lies in the open interval (n.at + from, n.at + to), n.at the step's last instant; the match
/// completes no earlier than at its end. Not asked where the step bound nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Around {
    pub absence: Absence,
    pub step: u8,
    pub from: Span,
    pub to: Span,
}

impl Pattern {
    /// `S then T then … within D`.
    pub fn sequence(steps: Vec<Step>, within: Option<Span>) -> Pattern {
        let rest = (1..steps.len()).map(|i| Part::Then(Node::Step(i as u8))).collect();
        let tree = Node::Sequence { first: Box::new(Node::Step(0)), rest };
        Pattern { steps, tree, absences: Vec::new(), around: Vec::new(), within, select: Select::Each }
    }

    /// Within which span, exclusive, all its readings lie; `None`: they may be any time apart.
    pub fn reach(&self) -> Option<Span> {
        self.within.or_else(|| self.tree.reach(&self.steps))
    }

    /// All its absences, wherever they stand.
    pub fn absences(&self) -> Vec<&Absence> {
        let mut all: Vec<&Absence> = self.absences.iter().chain(self.around.iter().map(|a| &a.absence)).collect();
        self.tree.absences(&mut all);
        all
    }
}

impl Step {
    /// One reading.
    pub fn once(stream: StreamIx, filter: Option<Expr>) -> Step {
        Step { stream, edge: Edge::End, filter, again: None, count: 1, most: Some(1), in_a_row: false }
    }

    /// `S{n}`.
    pub fn repeated(stream: StreamIx, filter: Option<Expr>, count: u16, in_a_row: bool) -> Step {
        Step { count, most: Some(count), in_a_row, ..Step::once(stream, filter) }
    }

    /// Whether it binds one instant.
    pub fn is_single(&self) -> bool {
        self.count <= 1 && self.most == Some(1)
    }
}

impl Node {
    /// The nodes right below.
    pub fn children(&self) -> Vec<&Node> {
        match self {
            Node::Step(_) => Vec::new(),
            Node::Sequence { first, rest } => std::iter::once(&**first).chain(rest.iter().filter_map(Part::node)).collect(),
            Node::And(all) | Node::Or(all) => all.iter().collect(),
            Node::Group(group) => vec![&group.node],
            Node::Repeat { node, .. } => vec![node],
        }
    }

    /// As [`Pattern::reach`], of a part without the bounds of the whole.
    fn reach(&self, steps: &[Step]) -> Option<Span> {
        match self {
            Node::Step(i) => steps[usize::from(*i)].is_single().then_some(Span(1)),
            Node::Sequence { first, rest } => {
                rest.iter().all(|p| matches!(p, Part::ThenNo(_))).then(|| first.reach(steps)).flatten()
            }
            Node::And(_) => None,
            Node::Or(all) => all.iter().try_fold(Span(1), |most, n| n.reach(steps).map(|n| n.max(most))),
            Node::Group(group) => match (group.within, group.node.reach(steps)) {
                (Some(within), Some(inner)) => Some(within.min(inner)),
                (within, inner) => within.or(inner),
            },
            Node::Repeat { node, count } => {
                if *count <= 1 {
                    node.reach(steps)
                } else {
                    None
                }
            }
        }
    }

    fn absences<'n>(&'n self, all: &mut Vec<&'n Absence>) {
        if let Node::Group(group) = self {
            all.extend(group.absences.iter().chain(group.around.iter().map(|a| &a.absence)));
        }
        if let Node::Sequence { rest, .. } = self {
            all.extend(rest.iter().filter_map(|p| if let Part::ThenNo(q) = p { Some(&q.absences) } else { None }).flatten());
        }
        self.children().into_iter().for_each(|n| n.absences(all));
    }
}

impl Part {
    pub fn node(&self) -> Option<&Node> {
        match self {
            Part::Then(node) | Part::Next(node) => Some(node),
            Part::ThenNo(_) => None,
        }
    }
}
