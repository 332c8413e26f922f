//! What a reading's revision was to the revisions before it.

use vitalog_elog::effect::Former;
use vitalog_elog::{Outcome, Reading};

/// `before`: all revisions received earlier, in any order.
pub fn outcome(before: &[Reading], now: &Reading) -> Outcome {
    let same_id: Vec<&Reading> = before.iter().filter(|r| r.subject == now.subject && r.id == now.id).collect();
    let Some(current) = same_id.iter().max_by_key(|r| r.revision()) else { return Outcome::New };
    if same_id.iter().any(|r| r.revision() == now.revision()) {
        return Outcome::Duplicate;
    }
    if now.revision() < current.revision() {
        return Outcome::Outdated;
    }
    let place = current.content.as_ref().map(|c| (c.stream, c.when.instant().unwrap_or(c.when.start())));
    Outcome::superseded(Former { rev: current.rev, hash: current.hash, place })
}
