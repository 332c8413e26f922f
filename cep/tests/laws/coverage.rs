//! The random scripts are worth trying: enough of them find something, in every kind and state and at every severity.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_cep::plan::Rule;
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
    assert!(reasons.len() == 4 && reasons.values().all(|n| *n > 10), "{reasons:?}");
}
