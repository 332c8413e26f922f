//! The random scripts are worth trying: enough of them find something, in every kind and state and at every severity.

use std::collections::BTreeMap;

use vitalog_elog::Severity;

use crate::draw;
use crate::oracle::SHAPES;
use crate::world::script::expected;

#[test]
fn random_scripts_find_things() {
    let mut shapes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut severities: BTreeMap<Severity, usize> = BTreeMap::new();
    let (mut finding, mut readings) = (0, 0);
    const CASES: u64 = 2_000;
    for seed in 0..CASES {
        let lines = draw::script(seed);
        readings += draw::readings(&lines);
        let standing = expected(&lines);
        finding += usize::from(!standing.is_empty());
        for s in standing {
            *shapes.entry((s.kind, s.state)).or_default() += 1;
            *severities.entry(s.severity).or_default() += 1;
        }
    }
    println!("{finding} of {CASES} scripts ({readings} readings) find something: {shapes:?} {severities:?}");
    assert!(finding * 9 > CASES as usize * 4, "only {finding} of {CASES} scripts find anything");
    for (kind, state) in SHAPES {
        let seen = shapes.get(&(kind.name(), state.name())).copied().unwrap_or(0);
        assert!(seen > CASES as usize / 50, "{seen} findings are {kind:?} {state:?}");
    }
    assert_eq!(severities.len(), Severity::ALL.len());
}
