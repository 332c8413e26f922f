//! What an episode's condition asks of the number that a reading says itself, whatever else there is: where late readings and those that see them say others, nothing goes on.
//!
//! INVARIANT (claims): where each reading says a number, the condition is true of none that says one outside of the claim's band, whatever windows show.

use vitalog_elog::StreamIx;

use super::{Case, Sight};
use crate::decide::rests::Band;
use crate::plan::RuleKind;

/// What must be said by one of the readings from a late one on, so far as decisions see that, for an episode to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub band: Band,
    /// How long after a reading's instant decisions may see it; it is decided upon itself in any case.
    pub reach: i64,
}

impl Case<'_> {
    /// That of an episode that is decided upon a stream, from one instant to another, in which the profile says one thing.
    pub fn claim(&self, stream: StreamIx, from: i64, to: i64) -> Option<Claim> {
        let RuleKind::Episode(episode) = &self.version.terms.rule.kind else { return None };
        let scope = &self.version.scope;
        let sight = scope.windows.iter().find(|(s, _)| *s == stream).map_or(Sight::default(), |(_, sight)| *sight);
        if episode.driver != stream || self.version.asks_for(stream) || sight.before > 0 {
            return None;
        }
        let band = scope.when.as_ref()?.claims(self, stream, from, to)?;
        Some(Claim { band, reach: sight.after.max(0) })
    }
}
