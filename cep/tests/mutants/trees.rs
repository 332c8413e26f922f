//! What may be wrong with a tree of steps.

use vitalog_cep::plan::{Edge, Expr, Group, Node, Part, Pattern, Quiet, Select};
use vitalog_elog::Span;

use super::sites::{edited, nudged};

/// Patterns that differ by one node of the tree, `change` saying what may become of a node.
pub fn nodes(p: &Pattern, change: &dyn Fn(&Node) -> Vec<Node>) -> Vec<Pattern> {
    variants(&p.tree, change).into_iter().map(|tree| Pattern { tree, ..p.clone() }).collect()
}

fn variants(node: &Node, change: &dyn Fn(&Node) -> Vec<Node>) -> Vec<Node> {
    let mut all = change(node);
    let mut copy = node.clone();
    let count = children(&mut copy).len();
    for place in 0..count {
        let child = children(&mut copy)[place].clone();
        for variant in variants(&child, change) {
            let mut mutant = node.clone();
            *children(&mut mutant)[place] = variant;
            all.push(mutant);
        }
    }
    all
}

fn children(node: &mut Node) -> Vec<&mut Node> {
    match node {
        Node::Step(_) => vec![],
        Node::Sequence { first, rest } => {
            let rest = rest.iter_mut().filter_map(|p| match p {
                Part::Then(n) | Part::Next(n) => Some(n),
                Part::ThenNo(_) => None,
            });
            std::iter::once(&mut **first).chain(rest).collect()
        }
        Node::And(all) | Node::Or(all) => all.iter_mut().collect(),
        Node::Group(group) => vec![&mut group.node],
        Node::Repeat { node, .. } => vec![node],
    }
}

/// The conditions of what must be absent, wherever it stands in the tree.
pub fn absences<'n>(node: &'n mut Node, all: &mut Vec<&'n mut Expr>) {
    match node {
        Node::Step(_) => {}
        Node::Sequence { first, rest } => {
            absences(first, all);
            for part in rest {
                match part {
                    Part::Then(n) | Part::Next(n) => absences(n, all),
                    Part::ThenNo(q) => all.extend(q.absences.iter_mut().filter_map(|a| a.filter.as_mut())),
                }
            }
        }
        Node::And(nodes) | Node::Or(nodes) => nodes.iter_mut().for_each(|n| absences(n, all)),
        Node::Group(group) => {
            let Group { node, absences: own, around, .. } = &mut **group;
            absences(node, all);
            all.extend(own.iter_mut().filter_map(|a| a.filter.as_mut()));
            all.extend(around.iter_mut().filter_map(|a| a.absence.filter.as_mut()));
        }
        Node::Repeat { node, .. } => absences(node, all),
    }
}

pub fn and_or(node: &Node) -> Vec<Node> {
    match node {
        // The other way round it would have no bound.
        Node::And(all) => vec![Node::Or(all.clone())],
        _ => vec![],
    }
}

/// Sequences with one part changed.
fn parts(node: &Node, change: &dyn Fn(&Part) -> Vec<Option<Part>>) -> Vec<Node> {
    let Node::Sequence { first, rest } = node else { return vec![] };
    let mut all = Vec::new();
    for (place, part) in rest.iter().enumerate() {
        for variant in change(part) {
            let mut rest = rest.clone();
            match variant {
                Some(part) => rest[place] = part,
                None => drop(rest.remove(place)),
            }
            all.push(Node::Sequence { first: first.clone(), rest });
        }
    }
    all
}

pub fn then_next(node: &Node) -> Vec<Node> {
    parts(node, &|part| match part {
        Part::Then(n) => vec![Some(Part::Next(n.clone()))],
        Part::Next(n) => vec![Some(Part::Then(n.clone()))],
        Part::ThenNo(_) => vec![],
    })
}

pub fn quiet_off(node: &Node) -> Vec<Node> {
    parts(node, &|part| match part {
        Part::ThenNo(q) => nudged(q.span).map(|span| Some(Part::ThenNo(Quiet { span, ..q.clone() }))).to_vec(),
        _ => vec![],
    })
}

pub fn quiet_dropped(node: &Node) -> Vec<Node> {
    parts(node, &|part| if let Part::ThenNo(_) = part { vec![None] } else { vec![] })
}

pub fn within_off(node: &Node) -> Vec<Node> {
    let Node::Group(group) = node else { return vec![] };
    let off = |within: Span| nudged(within).map(|w| Node::Group(Box::new(Group { within: Some(w), ..(**group).clone() })));
    group.within.map(|w| off(w).to_vec()).unwrap_or_default()
}

pub fn absence_dropped(node: &Node) -> Vec<Node> {
    let Node::Group(group) = node else { return vec![] };
    let fewer = (0..group.absences.len()).map(|i| edited(&**group, |g| drop(g.absences.remove(i))));
    fewer.map(|g| Node::Group(Box::new(g))).collect()
}

pub fn a_round_less(node: &Node) -> Vec<Node> {
    match node {
        Node::Repeat { node, count } if *count > 1 => vec![Node::Repeat { node: node.clone(), count: count - 1 }],
        _ => vec![],
    }
}

pub fn around_off(p: &Pattern) -> Vec<Pattern> {
    let mut all = Vec::new();
    for i in 0..p.around.len() {
        all.extend(nudged(p.around[i].from).map(|from| edited(p, |p| p.around[i].from = from)));
        all.extend(nudged(p.around[i].to).map(|to| edited(p, |p| p.around[i].to = to)));
    }
    all
}

pub fn selects(p: &Pattern) -> Vec<Pattern> {
    let closed = p.steps.iter().all(|s| s.most.is_some());
    let others = [Select::Each, Select::All, Select::Disjoint].into_iter().filter(|s| *s != p.select);
    others.filter(|s| closed || *s != Select::All).map(|select| Pattern { select, ..p.clone() }).collect()
}

pub fn most(p: &Pattern, i: usize) -> Vec<Pattern> {
    match p.steps[i].most {
        Some(most) if most > p.steps[i].count => vec![edited(p, |p| p.steps[i].most = Some(most - 1))],
        _ => vec![],
    }
}

/// A count that does not go on from its least.
pub fn closed(p: &Pattern, i: usize) -> Vec<Pattern> {
    let count = p.steps[i].count;
    if p.steps[i].most.is_none() { vec![edited(p, |p| p.steps[i].most = Some(count))] } else { vec![] }
}

pub fn edges(p: &Pattern, i: usize) -> Vec<Pattern> {
    let stream = p.steps[i].stream;
    let of_stream: &[Edge] = match stream.derived() {
        Some(_) => &[Edge::Start, Edge::End, Edge::Close],
        None if stream == crate::world::NAP => &[Edge::Start, Edge::End],
        None => &[],
    };
    let others = of_stream.iter().filter(|edge| **edge != p.steps[i].edge);
    others.map(|other| edited(p, |p| p.steps[i].edge = *other)).collect()
}
