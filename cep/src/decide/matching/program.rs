//! A pattern's tree as a list of operations in the order in which its steps are written, and what the search may know before any reading.
//!
//! Each part that has a first and a last of its own runs in a frame: `and`, groups, and sequences that do not stand in one already.

use std::ops::Range;

use vitalog_elog::StreamIx;

use super::forbidden::Form;
use super::needs::{is_free, needs, settle, shares};
use super::shape::stands_alone;
use super::writer::Writer;
use crate::plan::{Absence, Around, Edge, Expr, Node, Part, Pattern, Ref, Rule, Select, Step};

/// One operation.
#[derive(Clone, Debug)]
pub enum Op {
    /// A frame begins where the entry allows; its readings lie less than this apart.
    Begin {
        within: i64,
    },
    /// The next part of an `and` begins where the frame does.
    Part,
    /// The frame is over; its first and last bound a check. From here on these of `around` are asked for.
    Close {
        check: Option<usize>,
        around: Range<usize>,
    },
    /// What follows begins after the end of the frame so far.
    Then,
    /// What follows begins at the next instant of any step's stream.
    Next,
    /// Nothing for a while after the end of the frame so far.
    Quiet {
        check: usize,
        span: i64,
    },
    Step(usize),
    /// Single steps of which those that fit at an instant bind together.
    Together(Vec<usize>),
    /// One of the alternatives that begin there.
    Or(Vec<usize>),
    Jump(usize),
}

/// Something that must be absent between two instants that a choice fixes.
#[derive(Clone, Debug)]
pub struct Check {
    pub absences: Vec<Absence>,
    /// It hangs on nothing that is chosen later: it is asked at once, else when all is chosen.
    pub at_once: bool,
    pub form: Form,
}

/// How much of what a step bound is still asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    Nothing,
    Last,
    All,
}

/// A pattern, ready to be searched for.
#[derive(Debug)]
pub struct Program {
    pub ops: Vec<Op>,
    pub checks: Vec<Check>,
    /// Those of the whole first.
    pub around: Vec<Around>,
    /// Steps, and how long after them the match is decided no earlier.
    pub waits: Vec<(u8, i64)>,
    /// For each operation, and for the end, what is needed there and later of each step.
    pub needs: Vec<Vec<Need>>,
    /// For each operation that is a step: the earliest choice is as good as any.
    pub free: Vec<bool>,
    /// Steps that may be asked for the same reading.
    pub shares: bool,
    /// Per step: its condition hangs on nothing that is chosen.
    pub alone: Vec<bool>,
    /// Per absence of the whole: one reading of it ends all starts before it.
    pub plain: Vec<bool>,
    /// Steps that may be the first.
    pub opening: Vec<usize>,
    /// The step that is bound where a match begins, and nowhere else.
    pub once: Option<usize>,
    /// Steps of which one binds the reading at which a match completes; `None`: the clock may complete it, too.
    pub closing: Option<Vec<usize>>,
    /// Steps that every match binds, as far as their conditions hang on nothing that is chosen.
    pub required: Vec<usize>,
    /// The step that ends the pattern and takes further readings.
    pub growing: Option<usize>,
    /// Last minus first is less than this.
    pub reach: i64,
    /// It completes less than this after its start.
    pub horizon: i64,
    /// How far before its start a reading may be forbidden.
    pub before: i64,
    /// Streams whose intervals matter before they end.
    pub spanning: Vec<StreamIx>,
    /// Rules whose findings are bound where they begin or end: one that comes is news of the past.
    pub edged: Vec<StreamIx>,
}

impl Program {
    /// The program of a pattern that is no plain sequence; `None` for one that the quicker search can do.
    pub fn of(rule: &Rule, pattern: &Pattern) -> Option<Program> {
        let waits: Vec<(u8, i64)> = rule.waits().into_iter().map(|(step, span)| (step, span.0)).collect();
        if is_plain(pattern) && waits.is_empty() { None } else { Some(Program::write(rule, pattern, waits)) }
    }

    /// The program of any pattern.
    pub fn of_any(rule: &Rule, pattern: &Pattern) -> Program {
        Program::write(rule, pattern, rule.waits().into_iter().map(|(step, span)| (step, span.0)).collect())
    }

    fn write(rule: &Rule, pattern: &Pattern, waits: Vec<(u8, i64)>) -> Program {
        let mut writer = Writer { pattern, ops: Vec::new(), checks: Vec::new(), around: pattern.around.clone() };
        writer.node(&pattern.tree, true);
        let Writer { ops, mut checks, around, .. } = writer;
        settle(pattern, &ops, &mut checks);
        let shares = shares(pattern);
        let mut needs = needs(rule, pattern, &ops, &checks, &around, shares);
        for (step, _) in &waits {
            let last = |need: &mut Vec<Need>| need.get_mut(usize::from(*step)).into_iter().for_each(|n| *n = Need::Last.max(*n));
            needs.iter_mut().for_each(last);
        }
        let own = |stream: StreamIx| pattern.steps.iter().any(|s| s.stream == stream);
        let plain: Vec<bool> =
            pattern.absences.iter().map(|a| !own(a.stream) && a.filter.as_ref().is_none_or(stands_alone)).collect();
        let bare = rule.filter.is_none() && around.is_empty() && waits.is_empty() && plain.iter().all(|p| *p);
        let free = (0..ops.len()).map(|pc| is_free(pattern, &ops, &needs, pc, bare)).collect();
        let alone = pattern.steps.iter().map(|s| s.again.is_none() && s.filter.as_ref().is_none_or(stands_alone));
        let alone: Vec<bool> = alone.collect();
        let mut required = Vec::new();
        on_all_ways(&pattern.tree, &mut required);
        required.retain(|i| alone[*i]);
        let reach = pattern.reach().map_or(i64::MAX, |r| r.0).max(1);
        let quiets = ops.iter().filter_map(|op| if let Op::Quiet { span, .. } = op { Some(*span) } else { None });
        let after = around.iter().map(|a| a.to.0).chain(waits.iter().map(|(_, span)| *span)).max().unwrap_or(0).max(0);
        let tail = quiets.fold(after, i64::saturating_add);
        let mut opening = Vec::new();
        firsts(&pattern.tree, &mut opening);
        let absent = pattern.absences().into_iter().map(|a| a.stream);
        let begun = pattern.steps.iter().filter(|s| s.edge == Edge::Start).map(|s| s.stream);
        let edged = pattern.steps.iter().filter(|s| s.edge != Edge::End && s.stream.derived().is_some()).map(|s| s.stream);
        Program {
            needs,
            free,
            shares,
            alone,
            required,
            plain,
            once: begins_with(&pattern.tree).filter(|i| pattern.steps[*i].most == Some(1)),
            opening,
            closing: (!is_by_clock(rule, pattern)).then(|| lasts(&pattern.tree)),
            growing: growing(pattern),
            reach,
            horizon: reach.saturating_add(tail),
            before: around.iter().map(|a| a.from.0.saturating_neg()).max().unwrap_or(0).max(0),
            spanning: absent.chain(begun).collect(),
            edged: edged.collect(),
            ops,
            checks,
            around,
            waits,
        }
    }
}

/// Whether matches of the rule may complete by the clock alone.
fn is_by_clock(rule: &Rule, pattern: &Pattern) -> bool {
    fn quiet(node: &Node) -> bool {
        match node {
            Node::Sequence { rest, .. } if rest.iter().any(|p| matches!(p, Part::ThenNo(_))) => true,
            Node::Group(g) if !g.around.is_empty() => true,
            _ => node.children().into_iter().any(quiet),
        }
    }
    !pattern.around.is_empty() || quiet(&pattern.tree) || !rule.waits().is_empty()
}

/// `S{n} then T …`, each start for itself: what the quicker search is for. Which of the matches found are taken is another question.
fn is_plain(pattern: &Pattern) -> bool {
    let plain = |s: &Step| s.edge == Edge::End && s.again.is_none() && s.most == Some(s.count) && !names_first(s);
    let Node::Sequence { first, rest } = &pattern.tree else { return false };
    let nodes = std::iter::once(Some(&**first)).chain(rest.iter().map(|p| match p {
        Part::Then(node) => Some(node),
        Part::Next(_) | Part::ThenNo(_) => None,
    }));
    let in_turn = nodes.enumerate().all(|(i, node)| matches!(node, Some(Node::Step(s)) if usize::from(*s) == i));
    in_turn
        && rest.len() + 1 == pattern.steps.len()
        && pattern.select != Select::All
        && pattern.around.is_empty()
        && pattern.steps.iter().all(plain)
}

pub fn names_first(step: &Step) -> bool {
    let mut found = false;
    for e in step.filter.iter().chain(&step.again) {
        e.walk(&mut |e| found |= matches!(e, Expr::Get { of: Ref::First | Ref::Previous, .. }));
    }
    found
}

/// The steps that an operation binds.
pub fn bound_by(op: &Op) -> &[usize] {
    match op {
        Op::Step(i) => std::slice::from_ref(i),
        Op::Together(all) => all,
        _ => &[],
    }
}

fn on_all_ways(node: &Node, all: &mut Vec<usize>) {
    match node {
        Node::Step(i) => all.push(usize::from(*i)),
        Node::Or(_) => {}
        _ => node.children().into_iter().for_each(|n| on_all_ways(n, all)),
    }
}

fn firsts(node: &Node, all: &mut Vec<usize>) {
    match node {
        Node::Step(i) => all.push(usize::from(*i)),
        Node::Sequence { first, .. } => firsts(first, all),
        Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|n| firsts(n, all)),
        Node::Group(group) => firsts(&group.node, all),
        Node::Repeat { node, .. } => firsts(node, all),
    }
}

/// The step that alone stands at the beginning, if there is one.
fn begins_with(node: &Node) -> Option<usize> {
    match node {
        Node::Step(i) => Some(usize::from(*i)),
        Node::Sequence { first, .. } => begins_with(first),
        Node::Group(group) => begins_with(&group.node),
        Node::And(_) | Node::Or(_) | Node::Repeat { .. } => None,
    }
}

/// The steps that may bind the last reading, where no `then no` stands.
fn lasts(node: &Node) -> Vec<usize> {
    match node {
        Node::Step(i) => vec![usize::from(*i)],
        Node::Sequence { first, rest } => lasts(rest.last().and_then(Part::node).unwrap_or(first)),
        Node::And(parts) | Node::Or(parts) => parts.iter().flat_map(lasts).collect(),
        Node::Group(group) => lasts(&group.node),
        Node::Repeat { node, .. } => lasts(node),
    }
}

fn growing(pattern: &Pattern) -> Option<usize> {
    fn last(node: &Node) -> Option<usize> {
        match node {
            Node::Step(i) => Some(usize::from(*i)),
            Node::Sequence { first, rest } => match rest.last() {
                None => last(first),
                Some(Part::Then(node) | Part::Next(node)) => last(node),
                Some(Part::ThenNo(_)) => None,
            },
            Node::Group(group) => last(&group.node),
            Node::And(_) | Node::Or(_) | Node::Repeat { .. } => None,
        }
    }
    let step = last(&pattern.tree).filter(|_| pattern.select != Select::All)?;
    (pattern.steps[step].most != Some(pattern.steps[step].count)).then_some(step)
}
