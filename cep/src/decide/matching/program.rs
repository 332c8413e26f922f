//! A pattern's tree as a list of operations in the order in which its steps are written, and what the search may know before any reading.
//!
//! Each part that has a first and a last of its own runs in a frame: `and`, groups, and sequences that do not stand in one already.

use std::ops::Range;

use vitalog_elog::StreamIx;

use super::shape::{refers, stands_alone};
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
}

impl Program {
    /// The program of a pattern that is no plain sequence; `None` for one that the quicker search can do.
    pub fn of(rule: &Rule, pattern: &Pattern) -> Option<Program> {
        let waits: Vec<(u8, i64)> = rule.waits().into_iter().map(|(step, span)| (step, span.0)).collect();
        if is_plain(pattern) && waits.is_empty() {
            return None;
        }
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
        let reach = pattern.reach().map_or(i64::MAX, |r| r.0).max(1);
        let quiets = ops.iter().filter_map(|op| if let Op::Quiet { span, .. } = op { Some(*span) } else { None });
        let after = around.iter().map(|a| a.to.0).chain(waits.iter().map(|(_, span)| *span)).max().unwrap_or(0).max(0);
        let tail = quiets.fold(after, i64::saturating_add);
        let mut opening = Vec::new();
        firsts(&pattern.tree, &mut opening);
        let absent = pattern.absences().into_iter().map(|a| a.stream);
        let begun = pattern.steps.iter().filter(|s| s.edge == Edge::Start).map(|s| s.stream);
        Some(Program {
            needs,
            free,
            shares,
            alone: alone.collect(),
            plain,
            opening,
            growing: growing(pattern),
            reach,
            horizon: reach.saturating_add(tail),
            before: around.iter().map(|a| a.from.0.saturating_neg()).max().unwrap_or(0).max(0),
            spanning: absent.chain(begun).collect(),
            ops,
            checks,
            around,
            waits,
        })
    }
}

/// Whether matches of the rule may complete by the clock alone.
pub fn is_by_clock(rule: &Rule, pattern: &Pattern) -> bool {
    fn quiet(node: &Node) -> bool {
        match node {
            Node::Sequence { rest, .. } if rest.iter().any(|p| matches!(p, Part::ThenNo(_))) => true,
            Node::Group(g) if !g.around.is_empty() => true,
            _ => node.children().into_iter().any(quiet),
        }
    }
    !pattern.around.is_empty() || quiet(&pattern.tree) || !rule.waits().is_empty()
}

/// `S{n} then T …`, each start for itself: what the quicker search is for.
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
        && pattern.select != Select::Disjoint
        && pattern.around.is_empty()
        && pattern.steps.iter().all(plain)
}

fn names_first(step: &Step) -> bool {
    let mut found = false;
    for e in step.filter.iter().chain(&step.again) {
        e.walk(&mut |e| found |= matches!(e, Expr::Get { of: Ref::First | Ref::Previous, .. }));
    }
    found
}

struct Writer<'p> {
    pattern: &'p Pattern,
    ops: Vec<Op>,
    checks: Vec<Check>,
    around: Vec<Around>,
}

impl Writer<'_> {
    /// `in_turn`: the frame at hand is a sequence, its end so far that of what is before.
    fn node(&mut self, node: &Node, in_turn: bool) {
        match node {
            Node::Step(i) => self.ops.push(Op::Step(usize::from(*i))),
            Node::Sequence { first, rest } => self.framed(in_turn, |w| {
                w.node(first, true);
                rest.iter().for_each(|part| w.part(part));
            }),
            Node::And(parts) => {
                self.ops.push(Op::Begin { within: i64::MAX });
                for part in parts {
                    self.ops.push(Op::Part);
                    self.node(part, false);
                }
                self.ops.push(Op::Close { check: None, around: 0..0 });
            }
            Node::Or(alternatives) => self.or(alternatives, in_turn),
            Node::Group(group) => {
                self.ops.push(Op::Begin { within: group.within.map_or(i64::MAX, |w| w.0) });
                self.node(&group.node, true);
                let before = self.around.len();
                self.around.extend(group.around.iter().cloned());
                let check = (!group.absences.is_empty()).then(|| self.check(&group.absences));
                self.ops.push(Op::Close { check, around: before..self.around.len() });
            }
            Node::Repeat { node, count } => self.framed(in_turn, |w| {
                w.node(node, true);
                for _ in 1..*count {
                    w.ops.push(Op::Then);
                    w.node(node, true);
                }
            }),
        }
    }

    fn framed(&mut self, in_turn: bool, inside: impl FnOnce(&mut Self)) {
        if !in_turn {
            self.ops.push(Op::Begin { within: i64::MAX });
        }
        inside(self);
        if !in_turn {
            self.ops.push(Op::Close { check: None, around: 0..0 });
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Then(node) => {
                self.ops.push(Op::Then);
                self.node(node, true);
            }
            Part::Next(node) => {
                self.ops.push(Op::Next);
                self.node(node, true);
            }
            Part::ThenNo(quiet) => {
                let check = self.check(&quiet.absences);
                self.ops.push(Op::Quiet { check, span: quiet.span.0 });
            }
        }
    }

    fn check(&mut self, absences: &[Absence]) -> usize {
        self.checks.push(Check { absences: absences.to_vec(), at_once: false });
        self.checks.len() - 1
    }

    fn or(&mut self, alternatives: &[Node], in_turn: bool) {
        let single = |n: &Node| match n {
            Node::Step(i) if self.pattern.steps[usize::from(*i)].is_single() => Some(usize::from(*i)),
            _ => None,
        };
        let singles: Vec<usize> = alternatives.iter().filter_map(single).collect();
        let first_single = alternatives.iter().position(|n| single(n).is_some());
        let kept: Vec<usize> =
            (0..alternatives.len()).filter(|i| single(&alternatives[*i]).is_none() || Some(*i) == first_single).collect();
        let fork = self.ops.len();
        self.ops.push(Op::Or(Vec::new()));
        let (mut targets, mut leaps) = (Vec::new(), Vec::new());
        for i in kept {
            targets.push(self.ops.len());
            if Some(i) == first_single {
                self.ops.push(Op::Together(singles.clone()));
            } else {
                self.node(&alternatives[i], in_turn);
            }
            leaps.push(self.ops.len());
            self.ops.push(Op::Jump(0));
        }
        let end = self.ops.len();
        leaps.into_iter().for_each(|leap| self.ops[leap] = Op::Jump(end));
        self.ops[fork] = Op::Or(targets);
    }
}

/// The steps that an operation binds.
pub fn bound_by(op: &Op) -> &[usize] {
    match op {
        Op::Step(i) => std::slice::from_ref(i),
        Op::Together(all) => all,
        _ => &[],
    }
}

/// Finds out which checks can be asked at once: no later operation binds a step that they name, or a reading of their streams.
fn settle(pattern: &Pattern, ops: &[Op], checks: &mut [Check]) {
    for (pc, op) in ops.iter().enumerate() {
        let (Op::Close { check: Some(check), .. } | Op::Quiet { check, .. }) = op else { continue };
        let later: Vec<usize> = ops[pc + 1..].iter().flat_map(|op| bound_by(op).iter().copied()).collect();
        let names = |a: &Absence, i: usize| {
            pattern.steps[i].stream == a.stream || a.filter.as_ref().is_some_and(|f| refers(f, None, i as u8) || !in_itself(f))
        };
        let absences = &checks[*check].absences;
        checks[*check].at_once = absences.iter().all(|a| !later.iter().any(|i| names(a, *i)));
    }
}

/// Whether it asks for no `let`: those are the rule's, and may name any step.
fn in_itself(expr: &Expr) -> bool {
    let mut own = true;
    expr.walk(&mut |e| own &= !matches!(e, Expr::Let(_)));
    own
}

/// Whether two steps may be asked for one reading: of one stream, and not one after the other at the same edge.
fn shares(pattern: &Pattern) -> bool {
    fn is_ordered(node: &Node) -> bool {
        !matches!(node, Node::And(_) | Node::Or(_)) && node.children().into_iter().all(is_ordered)
    }
    let steps = &pattern.steps;
    let twice = (0..steps.len()).any(|i| steps[..i].iter().any(|s| s.stream == steps[i].stream));
    let edges = (0..steps.len()).any(|i| steps[..i].iter().any(|s| s.stream == steps[i].stream && s.edge != steps[i].edge));
    edges || (twice && !is_ordered(&pattern.tree))
}

fn need_of(rule: &Rule, pattern: &Pattern, expr: &Expr, step: usize) -> Need {
    let mut need = Need::Nothing;
    let mut note = |e: &Expr| {
        need =
            need.max(match e {
                Expr::Get { of: Ref::Step(s), .. } if usize::from(*s) == step => Need::Last,
                Expr::Bound { step: s, .. } if usize::from(*s) == step => Need::All,
                Expr::Window(w) if refers(&Expr::Window(w.clone()), None, step as u8) => {
                    if w.stream == pattern.steps[step].stream { Need::All } else { Need::Last }
                }
                _ => Need::Nothing,
            });
    };
    let mut asked = Vec::new();
    expr.walk(&mut |e| {
        note(e);
        if let Expr::Let(i) = e {
            asked.push(usize::from(*i));
        }
    });
    for e in rule.lets.iter().take(asked.into_iter().max().map_or(0, |i| i + 1)) {
        e.walk(&mut note);
    }
    need
}

/// What is asked at each operation and later of what each step bound.
fn needs(rule: &Rule, pattern: &Pattern, ops: &[Op], checks: &[Check], around: &[Around], shares: bool) -> Vec<Vec<Need>> {
    let steps = 0..pattern.steps.len();
    let of = |expr: &Expr, i: usize| need_of(rule, pattern, expr, i);
    let absence = |a: &Absence, i: usize| {
        if a.stream == pattern.steps[i].stream { Need::All } else { a.filter.as_ref().map_or(Need::Nothing, |f| of(f, i)) }
    };
    let list = |all: &[Absence], i: usize| all.iter().map(|a| absence(a, i)).max().unwrap_or(Need::Nothing);
    let last = steps.clone().map(|i| {
        let mut need = rule.filter.as_ref().map_or(Need::Nothing, |f| of(f, i)).max(list(&pattern.absences, i));
        for a in around {
            need = need.max(absence(&a.absence, i)).max(if usize::from(a.step) == i { Need::Last } else { Need::Nothing });
        }
        checks.iter().filter(|c| !c.at_once).map(|c| list(&c.absences, i)).fold(need, Need::max)
    });
    let mut all = vec![last.collect::<Vec<Need>>()];
    for op in ops.iter().rev() {
        let mut here = all[all.len() - 1].clone();
        for i in steps.clone() {
            for j in bound_by(op) {
                let step = &pattern.steps[*j];
                let asked = step.filter.iter().chain(&step.again).map(|e| of(e, i)).max().unwrap_or(Need::Nothing);
                let shared = if shares && step.stream == pattern.steps[i].stream { Need::All } else { Need::Nothing };
                here[i] = here[i].max(asked).max(shared);
            }
            if let Op::Close { check: Some(check), .. } | Op::Quiet { check, .. } = op {
                here[i] = here[i].max(list(&checks[*check].absences, i));
            }
        }
        all.push(here);
    }
    all.reverse();
    all
}

/// Whether the earliest choice at a step is as good as any: nothing that follows asks what it bound, and all that follows only begins the earlier.
fn is_free(pattern: &Pattern, ops: &[Op], needs: &[Vec<Need>], pc: usize, bare: bool) -> bool {
    let Op::Step(i) = &ops[pc] else { return false };
    let step = &pattern.steps[*i];
    let framed = ops[..pc].iter().fold(0, |open, op| match op {
        Op::Begin { .. } => open + 1,
        Op::Close { .. } => open - 1,
        _ => open,
    });
    let is_last = pc + 1 == ops.len();
    framed == 0
        && step.again.is_none()
        && !step.in_a_row
        && !names_first(step)
        && needs[pc + 1][*i] == Need::Nothing
        && ops[pc + 1..].iter().all(|op| matches!(op, Op::Then | Op::Step(_)))
        && (!is_last || bare)
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
