//! Random patterns: sequences mostly, and every form of tree.

use vitalog_cep::plan::{Absence, Around, Edge, Group, Node, Part, Pattern, Quiet, Ref, RuleKind, Select, Step};
use vitalog_elog::{Span, StreamIx};

use super::conditions::{condition, threshold};
use super::dice::Dice;
use super::rules::stream_of;
use super::terms::{CELL, Repeats, Sight, any_stream, span};
use crate::world::{LAB, MEAL, NAP, SUGAR};

/// What is drawn so far. The oracle tries every choice, so there are few instants to choose.
struct Drawing<'d> {
    dice: &'d mut Dice,
    steps: Vec<Step>,
    streams: Vec<StreamIx>,
    /// Streams of the findings of rules before.
    found: Vec<StreamIx>,
    /// Instants that may still be asked for.
    left: u16,
    /// Only what is in order, each step at its end.
    plain: bool,
    /// A count without an end was drawn.
    open: bool,
}

pub fn pattern(dice: &mut Dice, found: &[StreamIx]) -> (RuleKind, Sight) {
    let plain = dice.chance(35);
    let mut drawing = Drawing { dice, steps: vec![], streams: vec![], found: found.to_vec(), left: 4, plain, open: false };
    let tree = if plain { drawing.sequence(3) } else { drawing.tree() };
    let Drawing { dice, steps, streams, open, .. } = drawing;
    let absences = (0..*dice.pick(&[0, 0, 0, 1, 1, 2])).map(|_| absence(dice, &streams, found)).collect();
    let around = if !plain && dice.chance(15) { vec![around(dice, &streams, found)] } else { vec![] };
    let is_bounded = is_single(&steps, &tree);
    let most = if open { 5 } else { 8 };
    let within = (!is_bounded || dice.chance(30)).then(|| span(dice, most).max(span(dice, 5)));
    let sight = Sight { steps: streams, onset: true, found: found.to_vec(), ..Sight::default() };
    let select = match dice.below(20) {
        _ if plain && dice.chance(80) => Select::Each,
        0..=2 if steps.iter().all(|s| s.most.is_some()) => Select::All,
        3..=5 => Select::Disjoint,
        _ => Select::Each,
    };
    (RuleKind::Match(Pattern { steps, tree, absences, around, within, select }), sight)
}

fn is_single(steps: &[Step], tree: &Node) -> bool {
    match tree {
        Node::Step(i) => steps[usize::from(*i)].is_single(),
        Node::Sequence { first, rest } => rest.iter().all(|p| matches!(p, Part::ThenNo(_))) && is_single(steps, first),
        Node::Or(all) => all.iter().all(|n| is_single(steps, n)),
        Node::Group(group) => group.within.is_some() || is_single(steps, &group.node),
        Node::Repeat { node, count } => *count == 1 && is_single(steps, node),
        Node::And(_) => false,
    }
}

impl Drawing<'_> {
    fn tree(&mut self) -> Node {
        let tree = self.node(2);
        // What most patterns end in.
        match tree {
            Node::Sequence { first, mut rest } if self.dice.chance(35) => {
                rest.push(Part::ThenNo(self.quiet()));
                Node::Sequence { first, rest }
            }
            other => other,
        }
    }

    fn node(&mut self, depth: u8) -> Node {
        match self.dice.below(if depth == 0 { 3 } else { 11 }) {
            0 | 1 => self.step(),
            2..=4 => self.sequence(3),
            5 => Node::And(self.some(depth)),
            6 | 7 => Node::Or(self.some(depth)),
            8 => {
                let node = Box::new(self.node(depth - 1));
                // Its steps are there once more.
                let count = if self.left >= 2 && !self.open { 2 } else { 1 };
                self.left = self.left.saturating_sub(2);
                Node::Repeat { node, count }
            }
            _ => self.group(depth),
        }
    }

    fn some(&mut self, depth: u8) -> Vec<Node> {
        let count = *self.dice.pick(&[2, 2, 3]);
        let mut all = vec![self.node(depth - 1)];
        while all.len() < count && self.left > 0 {
            all.push(if self.dice.chance(60) { self.step() } else { self.node(depth - 1) });
        }
        all
    }

    fn group(&mut self, depth: u8) -> Node {
        let node = self.node(depth - 1);
        let absences = (0..*self.dice.pick(&[0, 0, 1])).map(|_| absence(self.dice, &self.streams, &self.found)).collect();
        let around = if self.dice.chance(10) { vec![around(self.dice, &self.streams, &self.found)] } else { vec![] };
        let within = self.dice.chance(70).then(|| span(self.dice, 4));
        Node::Group(Box::new(Group { node, absences, around, within }))
    }

    fn sequence(&mut self, most: usize) -> Node {
        let first = Box::new(self.step());
        let mut rest = Vec::new();
        for _ in 1..=self.dice.below(most) {
            if !self.plain && self.dice.chance(20) {
                rest.push(Part::ThenNo(self.quiet()));
            }
            if self.left == 0 {
                break;
            }
            let node = if !self.plain && self.dice.chance(25) { self.node(1) } else { self.step() };
            rest.push(if !self.plain && self.dice.chance(40) { Part::Next(node) } else { Part::Then(node) });
        }
        Node::Sequence { first, rest }
    }

    fn quiet(&mut self) -> Quiet {
        let absences = (0..*self.dice.pick(&[1, 1, 2])).map(|_| absence(self.dice, &self.streams, &self.found)).collect();
        Quiet { absences, span: span(self.dice, 3) }
    }

    fn step(&mut self) -> Node {
        let stream = stream_of(self.dice, &[SUGAR, SUGAR, SUGAR, SUGAR, MEAL, LAB, NAP], &self.found);
        let count = (*self.dice.pick(&[1, 1, 1, 2, 2, 3])).min(self.left).max(1);
        self.left = self.left.saturating_sub(count);
        let most = match self.dice.below(10) {
            0 | 1 if !self.plain && !self.open => {
                self.open = true;
                self.left = self.left.min(1);
                None
            }
            2 if !self.plain && self.left > 0 => {
                self.left -= 1;
                Some(count + 1)
            }
            _ => Some(count),
        };
        let repeats = if self.plain || most == Some(1) { Repeats::None } else { Repeats::First };
        let (steps, found) = (self.streams.clone(), self.found.clone());
        let sight = Sight { candidate: Some(stream), steps, repeats, onset: true, found, ..Sight::default() };
        let filter = match self.dice.below(10) {
            0..=3 => None,
            4..=8 => Some(threshold(self.dice, Ref::Candidate, stream)),
            _ => Some(condition(self.dice, &sight, 2)),
        };
        let again = (repeats != Repeats::None && self.dice.chance(30)).then(|| {
            let sight = Sight { repeats: Repeats::Both, ..sight.clone() };
            let named = *self.dice.pick(&[Ref::Previous, Ref::Previous, Ref::First]);
            if self.dice.chance(70) { rising(self.dice, named) } else { condition(self.dice, &sight, 1) }
        });
        let edge = match stream.derived() {
            _ if self.plain => Edge::End,
            Some(_) => *self.dice.pick(&[Edge::End, Edge::Start, Edge::Close, Edge::Close]),
            None if stream == NAP && self.dice.chance(50) => Edge::Start,
            None => Edge::End,
        };
        let in_a_row = most != Some(1) && self.dice.chance(40);
        self.steps.push(Step { stream, edge, filter, again, count, most, in_a_row });
        self.streams.push(stream);
        Node::Step(self.steps.len() as u8 - 1)
    }
}

/// `each.f < previous.f`.
fn rising(dice: &mut Dice, named: Ref) -> vitalog_cep::plan::Expr {
    use vitalog_cep::plan::{Compare, Expr, Measure};
    let first = |of| Box::new(Expr::Get { of, what: Measure::Field(crate::world::F0) });
    let op = *dice.pick(&[Compare::Lt, Compare::Le, Compare::Gt, Compare::Ne]);
    Expr::Compare { op, left: first(Ref::Candidate), right: first(named) }
}

fn absence(dice: &mut Dice, steps: &[StreamIx], found: &[StreamIx]) -> Absence {
    let stream = any_stream(dice, found);
    let sight = Sight { candidate: Some(stream), steps: steps.to_vec(), onset: true, found: found.to_vec(), ..Sight::default() };
    let filter = match dice.below(4) {
        0 => None,
        1 | 2 => Some(threshold(dice, Ref::Candidate, stream)),
        _ => Some(condition(dice, &sight, 1)),
    };
    Absence { stream, filter }
}

fn around(dice: &mut Dice, steps: &[StreamIx], found: &[StreamIx]) -> Around {
    let step = dice.below(steps.len()) as u8;
    let from = dice.between(-3, 1) * CELL;
    let to = from + span(dice, 4).0;
    Around { absence: absence(dice, steps, found), step, from: Span(from), to: Span(to) }
}
