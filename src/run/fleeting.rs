//! What is said within one moment and overtaken there: it was there for nobody, so it is left out.

use std::collections::BTreeSet;

use vitalog_elog::{Change, Effect, FindingChange};

/// Drops from the effects of one group's inputs, in their order, what was there for nobody.
pub fn forget(mut effects: Vec<&mut Vec<Effect>>) {
    forget_the_fleeting(&mut effects);
    forget_the_passing(&mut effects);
}

fn changes<'e>(effects: &'e [&mut Vec<Effect>]) -> impl Iterator<Item = &'e FindingChange> {
    effects.iter().flat_map(|of| of.iter()).filter_map(|effect| match effect {
        Effect::Finding(change) => Some(&**change),
        _ => None,
    })
}

/// Drops all that is said of findings that first opened and were rescinded in these effects.
fn forget_the_fleeting(effects: &mut [&mut Vec<Effect>]) {
    let mut born = BTreeSet::new();
    let mut fleeting = BTreeSet::new();
    for change in changes(effects) {
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
    for of in effects {
        of.retain(|effect| !matches!(effect, Effect::Finding(change) if fleeting.contains(&change.finding.id)));
    }
}

/// Drops amendments that a later change of the same finding in these effects overtakes: each reading of a backfill moves the silence that has been open since,
/// and only where it comes to lie is worth a row.
fn forget_the_passing(effects: &mut [&mut Vec<Effect>]) {
    let mut overtaken = BTreeSet::new();
    for of in effects.iter_mut().rev() {
        let mut kept: Vec<Effect> = std::mem::take(*of);
        kept.reverse();
        kept.retain(|effect| match effect {
            Effect::Finding(change) => overtaken.insert(change.finding.id) || change.change != Change::Amended,
            _ => true,
        });
        kept.reverse();
        **of = kept;
    }
}
