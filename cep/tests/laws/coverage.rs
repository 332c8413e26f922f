//! The random scripts are worth trying: enough of them find something, in every kind and state and at every severity.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_cep::plan::{Edge, Node, Part, Pattern, Rule, RuleKind, Select};
use vitalog_elog::{Change, Severity};

use crate::draw;
use crate::oracle::SHAPES;
use crate::oracle::derived::uses;
use crate::world::drive;
use crate::world::script::{Given, Line, expected};

#[test]
fn random_scripts_find_things() {
    let mut shapes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut severities: BTreeMap<Severity, usize> = BTreeMap::new();
    let (mut finding, mut readings, mut above, mut idle) = (0, 0, 0, 0);
    const CASES: u64 = 2_000;
    for seed in 0..CASES {
        let lines = draw::script(seed);
        readings += draw::readings(&lines);
        let standing = expected(&lines);
        finding += usize::from(!standing.is_empty());
        for rule in lines.iter().flat_map(rules_of).filter(|r| !uses(r).is_empty()) {
            let found = standing.iter().any(|s| s.rule == *rule.name);
            above += usize::from(found);
            idle += usize::from(!found);
        }
        for s in standing {
            *shapes.entry((s.kind, s.state)).or_default() += 1;
            *severities.entry(s.severity).or_default() += 1;
        }
    }
    println!("{finding} of {CASES} scripts ({readings} readings) find something: {shapes:?} {severities:?}");
    println!("rules that look at rules: {above} find something, {idle} nothing");
    assert!(
        above > CASES as usize / 20 && idle > CASES as usize / 20,
        "{above} rules above others find something, {idle} nothing"
    );
    assert!(finding * 9 > CASES as usize * 4, "only {finding} of {CASES} scripts find anything");
    for (kind, state) in SHAPES {
        let seen = shapes.get(&(kind.name(), state.name())).copied().unwrap_or(0);
        assert!(seen > CASES as usize / 50, "{seen} findings are {kind:?} {state:?}");
    }
    assert_eq!(severities.len(), Severity::ALL.len());
}

fn rules_of(line: &Line) -> Vec<Arc<Rule>> {
    match &line.input {
        Given::Library { library, .. } => library.rules.clone(),
        _ => vec![],
    }
}

/// Every reason to disturb nobody occurs, and most findings have none.
#[test]
fn random_findings_are_told_and_quiet() {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..1_500 {
        let (_, effects) = drive::run(&draw::script(seed));
        for change in effects.iter().flat_map(|e| drive::changes(e)).filter(|c| c.change == Change::Opened) {
            *reasons.entry(format!("{:?}", change.finding.quiet)).or_default() += 1;
        }
    }
    println!("{reasons:?}");
    assert!(reasons.len() == 5 && reasons.values().all(|n| *n > 10), "{reasons:?}");
}

/// The forms of a pattern, by the words they are written with.
fn forms(p: &Pattern) -> Vec<&'static str> {
    let mut all = Vec::new();
    of_node(&p.tree, &mut all);
    all.extend(p.around.iter().map(|_| "with no"));
    all.extend(match p.select {
        Select::Each => None,
        Select::All => Some("match all"),
        Select::Disjoint => Some("match disjoint"),
    });
    for step in &p.steps {
        let found = step.stream.derived().is_some();
        all.extend((step.edge == Edge::Start).then_some(if found { "a finding starts" } else { "starts" }));
        all.extend((step.edge == Edge::Close).then_some("a finding ends"));
        all.extend(step.most.is_none().then_some("{n..}"));
        all.extend(step.most.is_some_and(|most| most > step.count).then_some("{n..m}"));
        all.extend(step.in_a_row.then_some("in a row"));
        all.extend(step.again.is_some().then_some("previous"));
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn of_node(node: &Node, all: &mut Vec<&'static str>) {
    match node {
        Node::Step(_) => {}
        Node::Sequence { rest, .. } => all.extend(rest.iter().map(|p| match p {
            Part::Then(_) => "then",
            Part::Next(_) => "next",
            Part::ThenNo(_) => "then no",
        })),
        Node::And(_) => all.push("and"),
        Node::Or(_) => all.push("or"),
        Node::Group(group) => {
            all.push("group");
            all.extend(group.within.map(|_| "group within"));
            all.extend(group.absences.iter().map(|_| "group without"));
            all.extend(group.around.iter().map(|_| "with no"));
        }
        Node::Repeat { .. } => all.push("(P){n}"),
    }
    node.children().into_iter().for_each(|n| of_node(n, all));
}

#[test]
fn every_form_of_a_pattern_is_found_and_not_found() {
    const FORMS: [&str; 19] = [
        "(P){n}",
        "and",
        "group",
        "group within",
        "group without",
        "in a row",
        "match all",
        "match disjoint",
        "next",
        "or",
        "previous",
        "starts",
        "a finding starts",
        "a finding ends",
        "then",
        "then no",
        "with no",
        "{n..m}",
        "{n..}",
    ];
    let mut seen: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut by_clock, mut grown) = (0, 0);
    for seed in 0..6_000 {
        let lines = draw::script(seed);
        let standing = expected(&lines);
        let libraries =
            lines.iter().filter_map(|l| if let Given::Library { library, .. } = &l.input { Some(library) } else { None });
        for rule in libraries.flat_map(|l| &l.rules) {
            let RuleKind::Match(p) = &rule.kind else { continue };
            let found: Vec<_> = standing.iter().filter(|s| s.version == rule.meaning).collect();
            by_clock += found.iter().filter(|s| Some(s.at) > s.end).count();
            grown += found.iter().filter(|s| Some(s.at) < s.end).count();
            for form in forms(p) {
                let (with, without) = seen.entry(form).or_default();
                *(if found.is_empty() { without } else { with }) += 1;
            }
        }
    }
    println!("{by_clock} by the clock, {grown} grown; found and not found: {seen:?}");
    assert!(by_clock > 50 && grown > 50, "{by_clock} findings by the clock, {grown} that grew");
    for form in FORMS {
        let (found, not) = seen.get(form).copied().unwrap_or_default();
        assert!(found >= 20 && not >= 20, "{form}: found by {found} rules, not by {not}");
    }
}
