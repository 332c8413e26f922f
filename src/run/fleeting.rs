//! What is said within one moment and overtaken there: it was there for nobody, so it is left out.

use std::collections::BTreeSet;

use vitalog_elog::{Change, Effect, Effects, FindingChange};

/// Drops from the effects of one group's inputs, in their order, what was there for nobody.
pub fn forget<'e>(all: impl Iterator<Item = &'e mut Effects>) {
    // Of most inputs nothing is said of any finding.
    let mut said: Vec<&mut Effects> = all.filter(|of| of.iter().any(|effect| change(effect).is_some())).collect();
    forget_the_fleeting(&mut said);
    forget_the_passing(&mut said);
}

fn change(effect: &Effect) -> Option<&FindingChange> {
    if let Effect::Finding(change) = effect { Some(change) } else { None }
}

/// Drops all that is said of findings that first opened and were rescinded in these effects.
fn forget_the_fleeting(said: &mut [&mut Effects]) {
    let mut born = BTreeSet::new();
    let mut fleeting = BTreeSet::new();
    for change in said.iter().flat_map(|of| of.iter()).filter_map(change) {
        let id = change.finding.id;
        if change.finding.revision == 1 {
            born.insert(id);
        }
        match change.change {
            Change::Rescinded if born.contains(&id) => fleeting.insert(id),
            _ => fleeting.remove(&id),
        };
    }
    if fleeting.is_empty() {
        return;
    }
    for of in said {
        of.retain(|effect| !change(effect).is_some_and(|change| fleeting.contains(&change.finding.id)));
    }
}

/// Drops amendments that a later change of the same finding in these effects overtakes: each reading of a backfill moves the silence that has been open since,
/// and only where it comes to lie is worth a row.
fn forget_the_passing(said: &mut [&mut Effects]) {
    let mut overtaken = BTreeSet::new();
    for of in said.iter_mut().rev() {
        let mut passing: BTreeSet<usize> = BTreeSet::new();
        for (place, effect) in of.iter().enumerate().rev() {
            let Some(change) = change(effect) else { continue };
            if !overtaken.insert(change.finding.id) && change.change == Change::Amended {
                passing.insert(place);
            }
        }
        if passing.is_empty() {
            continue;
        }
        let mut place = 0..;
        of.retain(|_| !place.next().is_some_and(|place| passing.contains(&place)));
    }
}
