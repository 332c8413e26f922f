//! The stream of effects is the whole truth: folding it by id gives exactly what the engine says stands, revisions count up by one, nothing
//! opens twice, and a change says what it changed.

use std::collections::BTreeMap;

use vitalog_elog::{Change, Finding, FindingChange, FindingState, MatchId};

use super::for_scripts;
use crate::world::drive;

#[test]
fn effects_fold_to_what_stands() {
    for_scripts("the fold", 3_000, &|_, lines| {
        let mut engine = vitalog_cep::Engine::new();
        let mut records: BTreeMap<MatchId, Finding> = BTreeMap::new();
        for (i, line) in lines.iter().enumerate() {
            let effects = drive::step(&mut engine, i, line);
            for change in drive::changes(&effects) {
                apply(&mut records, change).map_err(|e| format!("input {i}: {e}\n{change:#?}"))?;
                if change.decided_at != engine.clock() {
                    return Err(format!("input {i}: decided at {}, the clock is at {}", change.decided_at, engine.clock()));
                }
            }
            let mut standing = engine.findings();
            standing.sort_by_key(|f| f.id);
            let folded: Vec<Finding> = records.values().filter(|f| f.state != FindingState::Rescinded).cloned().collect();
            if folded != standing {
                return Err(format!("input {i}: the effects fold to\n{folded:#?}\nbut this stands\n{standing:#?}"));
            }
        }
        Ok(())
    });
}

fn apply(records: &mut BTreeMap<MatchId, Finding>, change: &FindingChange) -> Result<(), &'static str> {
    let new = &change.finding;
    let was = records.insert(new.id, new.clone());
    let stood = was.as_ref().is_some_and(|w| w.state != FindingState::Rescinded);
    if new.revision != was.as_ref().map_or(1, |w| w.revision + 1) {
        return Err("the revision does not follow");
    }
    if was.as_ref().is_some_and(|w| (&w.rule, &w.subject) != (&new.rule, &new.subject)) {
        return Err("an id of another rule or subject");
    }
    match change.change {
        Change::Opened if stood => Err("opened, though it stood"),
        Change::Opened if new.state == FindingState::Rescinded => Err("opened as rescinded"),
        Change::Opened => Ok(()),
        _ if !stood => Err("changed, though nothing stood"),
        Change::Rescinded if new.state != FindingState::Rescinded => Err("rescinded in word only"),
        Change::Rescinded if !same_but_state(was.as_ref(), new) => Err("rescinded, and otherwise changed"),
        Change::Rescinded => Ok(()),
        _ if new.state == FindingState::Rescinded => Err("rescinded, and not said so"),
        Change::Resolved | Change::Lapsed if was.as_ref().is_some_and(|w| w.state != FindingState::Open) => {
            Err("ended what was not open")
        }
        Change::Resolved if new.state != FindingState::Resolved => Err("resolved in word only"),
        Change::Lapsed if new.state != FindingState::Lapsed => Err("lapsed in word only"),
        Change::Resolved | Change::Lapsed => Ok(()),
        Change::Amended if was.as_ref().is_some_and(|w| w.state == FindingState::Open) && new.state != FindingState::Open => {
            Err("amended, though it ended")
        }
        Change::Amended if was.is_some_and(|w| same_content(&w, new)) => Err("amended without a change"),
        Change::Amended => Ok(()),
    }
}

fn same_but_state(was: Option<&Finding>, now: &Finding) -> bool {
    was.is_some_and(|was| Finding { revision: now.revision, state: now.state, ..was.clone() } == *now)
}

fn same_content(was: &Finding, now: &Finding) -> bool {
    Finding { revision: now.revision, ..was.clone() } == *now
}
