//! Patterns as written.

use super::{Duration, Expr, Name};
use crate::source::Loc;

/// `match [all|disjoint] S then S … without S … within D`.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub select: Option<(Select, Loc)>,
    pub whole: Group,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    All,
    Disjoint,
}

/// Steps with the bounds that stand behind them.
#[derive(Clone, Debug)]
pub struct Group {
    pub node: Node,
    pub absences: Vec<Without>,
    pub around: Vec<Around>,
    pub within: Option<Duration>,
    pub loc: Loc,
}

#[derive(Clone, Debug)]
pub enum Node {
    Step(Box<Step>),
    Sequence {
        first: Box<Node>,
        rest: Vec<Part>,
    },
    /// Two or more.
    And(Vec<Node>),
    Or(Vec<Node>),
    /// In parentheses.
    Group(Box<Group>),
    /// `(P){n}`.
    Repeat {
        group: Box<Group>,
        count: u16,
    },
}

#[derive(Clone, Debug)]
pub enum Part {
    Then(Node),
    Next(Node),
    ThenNo(Quiet),
}

/// `no S or T for D`; a condition only where it is one stream.
#[derive(Clone, Debug)]
pub struct Quiet {
    pub absences: Vec<Without>,
    pub span: Duration,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub stream: Name,
    /// `starts` or `ends`.
    pub edge: Option<(Edge, Loc)>,
    /// `{n}`, `{n..m}`, `{n..}`; 1 and 1 where it says nothing.
    pub count: u16,
    pub most: Option<u16>,
    pub in_a_row: Option<Loc>,
    pub alias: Option<Name>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Starts,
    Ends,
}

/// `without S [where E]`.
#[derive(Clone, Debug)]
pub struct Without {
    pub stream: Name,
    pub filter: Option<Expr>,
}

/// `with no S [where E] from A before n to B after n`.
#[derive(Clone, Debug)]
pub struct Around {
    pub without: Without,
    pub from: Bound,
    pub to: Bound,
}

/// `A before n`, `A after n`, `n`.
#[derive(Clone, Debug)]
pub struct Bound {
    pub span: Option<Duration>,
    pub before: bool,
    pub step: Name,
}

impl Group {
    /// Its steps, in the order in which they are written.
    pub fn steps(&self) -> Vec<&Step> {
        let mut all = Vec::new();
        self.node.steps(&mut all);
        all
    }
}

impl Group {
    /// All that must be absent somewhere in it.
    pub fn absences(&self) -> Vec<&Without> {
        let mut all = Vec::new();
        self.absences_into(&mut all);
        all
    }

    fn absences_into<'n>(&'n self, all: &mut Vec<&'n Without>) {
        self.node.absences(all);
        all.extend(&self.absences);
        all.extend(self.around.iter().map(|a| &a.without));
    }
}

impl Node {
    fn absences<'n>(&'n self, all: &mut Vec<&'n Without>) {
        match self {
            Node::Step(_) => {}
            Node::Sequence { first, rest } => {
                first.absences(all);
                for part in rest {
                    match part {
                        Part::Then(node) | Part::Next(node) => node.absences(all),
                        Part::ThenNo(quiet) => all.extend(&quiet.absences),
                    }
                }
            }
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|n| n.absences(all)),
            Node::Group(group) | Node::Repeat { group, .. } => group.absences_into(all),
        }
    }

    fn steps<'n>(&'n self, all: &mut Vec<&'n Step>) {
        match self {
            Node::Step(step) => all.push(step),
            Node::Sequence { first, rest } => {
                first.steps(all);
                for part in rest {
                    if let Part::Then(node) | Part::Next(node) = part {
                        node.steps(all);
                    }
                }
            }
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|n| n.steps(all)),
            Node::Group(group) | Node::Repeat { group, .. } => group.node.steps(all),
        }
    }
}
