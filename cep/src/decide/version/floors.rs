//! How far back that looks which a version may yet decide, or decide again.

use super::{Asked, Version};
use crate::plan::RuleKind;
use crate::timeline::{Floors, Timeline};

impl Version {
    /// The first instant of which it may decide again when something changes at `since` or later.
    pub fn again_from(&self, line: &Timeline, since: i64) -> i64 {
        if self.scope.covers.iter().any(|(_, asked)| *asked == Asked::Any) {
            // Of such intervals nobody can say which decisions see them.
            return i64::MIN;
        }
        let before = self.scope.windows.iter().map(|(_, sight)| sight.before).max().unwrap_or(0);
        since.saturating_sub(before).saturating_sub(self.longest_between(line))
    }

    /// Notes from where on it needs streams for what it decides, or begins, at `from` or later.
    pub fn needs(&self, from: i64, line: &Timeline, floors: &mut Floors) {
        let program = self.scope.program.as_ref();
        let mut first = from.saturating_sub(program.map_or(0, |p| p.before)).saturating_sub(1);
        // What lasts is forbidden by what held where it is asked.
        if let Some(asked) = self.asked_from(line, first) {
            first = first.min(asked.saturating_sub(1));
        }
        for stream in &self.scope.streams {
            floors.lower(*stream, first);
        }
        for (stream, sight) in &self.scope.windows {
            floors.lower(*stream, first.saturating_sub(sight.after));
        }
        // What is asked of intervals may be asked of where another begins, and of each reading in a window.
        let longest = self.scope.streams.iter().map(|stream| line.longest(*stream)).max().unwrap_or(0);
        let after = self.scope.windows.iter().map(|(_, sight)| sight.after).max().unwrap_or(0);
        for (stream, _) in &self.scope.covers {
            floors.lower(*stream, first.saturating_sub(longest).saturating_sub(after));
        }
    }

    /// How long after its first reading a match may complete, and be changed; 0 of what is no pattern.
    pub fn span(&self) -> i64 {
        match (&self.terms.rule.kind, &self.scope.program) {
            (RuleKind::Match(_), Some(program)) => program.horizon,
            (RuleKind::Match(pattern), None) => pattern.within.map_or(1, |w| w.0.max(1)),
            _ => 0,
        }
    }
}
