//! Makes a failing script small: whatever can be left out while it still fails is left out.

use std::sync::Arc;

use vitalog_cep::plan::{Expr, Library, Node, Pattern, Rule, RuleKind};

use crate::mutants::trees;
use crate::world::script::{Given, Line};

type EpisodeEdit = fn(&mut vitalog_cep::plan::Episode);

/// Drops inputs, then rules and parts of rules, as long as something more can go.
pub fn shrink(mut lines: Vec<Line>, fails: &dyn Fn(&[Line]) -> bool) -> Vec<Line> {
    loop {
        let before = size(&lines);
        lines = without_lines(lines, fails);
        lines = with_smaller_rules(lines, fails);
        if size(&lines) == before {
            return lines;
        }
    }
}

fn size(lines: &[Line]) -> (usize, usize) {
    let rules = lines.iter().filter_map(|l| if let Given::Library { library, .. } = &l.input { Some(library) } else { None });
    (lines.len(), rules.map(|library| format!("{:?}", library.rules).len()).sum())
}

fn without_lines(mut lines: Vec<Line>, fails: &dyn Fn(&[Line]) -> bool) -> Vec<Line> {
    let mut i = lines.len();
    while i > 0 {
        i -= 1;
        let mut fewer = lines.clone();
        fewer.remove(i);
        if fails(&fewer) {
            lines = fewer;
        }
    }
    lines
}

fn with_smaller_rules(mut lines: Vec<Line>, fails: &dyn Fn(&[Line]) -> bool) -> Vec<Line> {
    for i in 0..lines.len() {
        let mut tried = 0;
        while let Given::Library { effective, library } = &lines[i].input {
            let Some(smaller) = libraries(library).into_iter().nth(tried) else { break };
            let input = Given::Library { effective: *effective, library: Arc::new(smaller) };
            let mut candidate = lines.clone();
            candidate[i].input = input;
            if fails(&candidate) {
                lines = candidate;
                tried = 0;
            } else {
                tried += 1;
            }
        }
    }
    lines
}

/// Libraries with a rule less, or one rule simpler.
fn libraries(library: &Library) -> Vec<Library> {
    let mut all = Vec::new();
    for i in 0..library.rules.len() {
        let mut fewer = library.clone();
        fewer.rules.remove(i);
        all.push(fewer);
        for rule in simpler(&library.rules[i]) {
            let mut changed = library.clone();
            changed.rules[i] = Arc::new(rule);
            all.push(changed);
        }
    }
    all
}

fn simpler(rule: &Rule) -> Vec<Rule> {
    let mut all = Vec::new();
    let mut offer = |changed: bool, edit: &dyn Fn(&mut Rule)| {
        if changed {
            let mut rule = rule.clone();
            edit(&mut rule);
            all.push(rule);
        }
    };
    offer(rule.filter.is_some(), &|r| r.filter = None);
    offer(rule.grades.len() > 1, &|r| r.grades.truncate(1));
    offer(rule.grades.len() > 2, &|r| drop(r.grades.remove(1)));
    offer(!rule.say.is_empty(), &|r| r.say.clear());
    offer(!rule.wordings.is_empty(), &|r| r.wordings.clear());
    for i in 0..rule.say.len() {
        offer(true, &|r| drop(r.say.remove(i)));
    }
    let uses_lets = rule.exprs().iter().any(|e| uses_let(e));
    offer(!rule.lets.is_empty() && !uses_lets, &|r| r.lets.clear());
    for i in 0..rule.outputs.len() {
        offer(true, &|r| drop(r.outputs.remove(i)));
    }
    offer(rule.once_per.is_some(), &|r| r.once_per = None);
    match &rule.kind {
        RuleKind::Episode(e) => {
            let edits: [(bool, EpisodeEdit); 5] = [
                (e.until.is_some(), |e| e.until = None),
                (e.hold.is_some(), |e| e.hold = None),
                (e.until_hold.is_some(), |e| e.until_hold = None),
                (e.lapse.is_some(), |e| e.lapse = None),
                (e.when != Expr::Bool(true), |e| e.when = Expr::Bool(true)),
            ];
            for (changed, edit) in edits {
                offer(changed, &|r| {
                    if let RuleKind::Episode(e) = &mut r.kind {
                        edit(e);
                    }
                });
            }
        }
        RuleKind::Match(p) => simpler_pattern(p, &mut offer),
        RuleKind::Schedule(s) => {
            for i in 0..s.at.len() {
                offer(s.at.len() > 1, &|r| {
                    if let RuleKind::Schedule(s) = &mut r.kind {
                        s.at.remove(i);
                    }
                });
            }
        }
        RuleKind::Silence(s) => offer(s.streams.len() > 1, &|r| {
            if let RuleKind::Silence(s) = &mut r.kind {
                s.streams.truncate(1);
            }
        }),
    }
    all
}

type Offer<'a> = dyn FnMut(bool, &dyn Fn(&mut Rule)) + 'a;

fn simpler_pattern(p: &Pattern, offer: &mut Offer<'_>) {
    for i in 0..p.absences.len() {
        offer(true, &|r| if_match(r, |p| drop(p.absences.remove(i))));
        offer(p.absences[i].filter.is_some(), &|r| if_match(r, |p| p.absences[i].filter = None));
    }
    for i in 0..p.steps.len() {
        offer(p.steps[i].filter.is_some(), &|r| if_match(r, |p| p.steps[i].filter = None));
        offer(p.steps[i].in_a_row, &|r| if_match(r, |p| p.steps[i].in_a_row = false));
        offer(p.steps[i].count > 1, &|r| {
            if_match(r, |p| {
                p.steps[i].count -= 1;
                p.steps[i].most = p.steps[i].most.map(|m| m - 1);
            });
        });
        let closed = Some(p.steps[i].count);
        offer(p.steps[i].most != closed, &|r| if_match(r, |p| p.steps[i].most = closed));
        offer(p.steps[i].again.is_some(), &|r| if_match(r, |p| p.steps[i].again = None));
    }
    for i in 0..p.around.len() {
        offer(true, &|r| if_match(r, |p| drop(p.around.remove(i))));
    }
    for smaller in trees::nodes(p, &smaller_nodes) {
        offer(true, &|r| if_match(r, |p| *p = smaller.clone()));
    }
}

fn smaller_nodes(node: &Node) -> Vec<Node> {
    let mut all: Vec<Node> = node.children().into_iter().cloned().collect();
    let without = |nodes: &[Node], i: usize| {
        let mut fewer = nodes.to_vec();
        fewer.remove(i);
        fewer
    };
    match node {
        Node::Sequence { first, rest } => {
            for i in 0..rest.len() {
                let mut rest = rest.clone();
                rest.remove(i);
                all.push(Node::Sequence { first: first.clone(), rest });
            }
        }
        Node::And(nodes) if nodes.len() > 2 => all.extend((0..nodes.len()).map(|i| Node::And(without(nodes, i)))),
        Node::Or(nodes) if nodes.len() > 2 => all.extend((0..nodes.len()).map(|i| Node::Or(without(nodes, i)))),
        _ => {}
    }
    all
}

fn if_match(rule: &mut Rule, edit: impl Fn(&mut vitalog_cep::plan::Pattern)) {
    if let RuleKind::Match(p) = &mut rule.kind {
        edit(p);
    }
}

fn uses_let(e: &Expr) -> bool {
    let mut found = false;
    e.walk(&mut |e| found |= matches!(e, Expr::Let(_)));
    found
}
