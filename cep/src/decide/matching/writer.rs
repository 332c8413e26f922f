//! From a pattern's tree to the operations of its program.

use super::forbidden::Form;
use super::program::{Check, Op};
use crate::plan::{Absence, Around, Node, Part, Pattern};

pub struct Writer<'p> {
    pub pattern: &'p Pattern,
    pub ops: Vec<Op>,
    pub checks: Vec<Check>,
    pub around: Vec<Around>,
}

impl Writer<'_> {
    /// `in_turn`: the frame at hand is a sequence, its end so far that of what is before.
    pub fn node(&mut self, node: &Node, in_turn: bool) {
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
                let check = (!group.absences.is_empty()).then(|| self.check(&group.absences, Form::Without));
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
                let check = self.check(&quiet.absences, Form::ThenNo);
                self.ops.push(Op::Quiet { check, span: quiet.span.0 });
            }
        }
    }

    fn check(&mut self, absences: &[Absence], form: Form) -> usize {
        self.checks.push(Check { absences: absences.to_vec(), at_once: false, form });
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
