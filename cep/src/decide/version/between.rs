//! What must not come between and lasts: its condition is asked where an interval ends, or where a finding opened, and that may lie far from the matches that it forbids.
//!
//! INVARIANT (between): a match that a reading may make another through the condition of what must not come between has an instant in what [`Version::between`] returns.

use vitalog_elog::StreamIx;

use super::Version;
use super::telling::looked_at;
use crate::plan::{Pattern, Rule};
use crate::timeline::{Table, Timeline, Touch};

/// What must not come between, with the streams that its condition looks at through windows, or for intervals; none of those whose conditions look at themselves alone.
pub fn of(rule: &Rule, pattern: &Pattern) -> Vec<(StreamIx, Vec<StreamIx>)> {
    let looks = |filter| {
        let mut streams = Vec::new();
        looked_at(filter, &rule.lets, &mut streams);
        streams
    };
    let all = pattern.absences().into_iter().filter_map(|a| Some((a.stream, looks(a.filter.as_ref()?))));
    all.filter(|(_, streams)| !streams.is_empty()).collect()
}

impl Version {
    /// Whether a condition of what must not come between looks at a stream.
    pub(super) fn asks_between(&self, stream: StreamIx) -> bool {
        self.scope.between.iter().any(|(_, streams)| streams.contains(&stream))
    }

    /// As [`Version::sight`], of matches: what they may have an instant in that see a reading.
    pub fn sight_of_matches(&self, line: &Timeline, touch: &Touch) -> Option<(i64, i64)> {
        Some(self.between(line, touch.stream, self.sight(touch)?))
    }

    /// From where to where matches have instants that hang on what is seen of a stream from one instant to another: there, or as long as something lasts that is asked there.
    pub(super) fn between(&self, line: &Timeline, stream: StreamIx, (from, to): (i64, i64)) -> (i64, i64) {
        let asked = self.scope.between.iter().filter(|(_, streams)| streams.contains(&stream));
        asked.fold((from, to), |seen, (absent, _)| {
            let rows = |table: &Table| table.from(from)..table.after(to);
            let ended =
                line.table(*absent).map(|table| rows(table).map(|row| (table.start(row), table.end(row).unwrap_or(i64::MAX))));
            // What goes on stands where it began.
            let endless = line.endless(*absent).map(|table| rows(table).map(|row| (table.at(row), i64::MAX)));
            let lasting = ended.into_iter().flatten().chain(endless.into_iter().flatten());
            lasting.fold(seen, |(from, to), (begins, ends)| (from.min(begins), to.max(ends)))
        })
    }

    /// How long what is asked at an instant may have lasted.
    pub(super) fn longest_between(&self, line: &Timeline) -> i64 {
        self.scope.between.iter().map(|(absent, _)| line.longest(*absent)).max().unwrap_or(0)
    }

    /// The first instant at which something is asked that lasts until an instant, or longer, and before which its condition may look: where an interval goes on, or a finding opened. Of an interval
    /// that has ended it is asked there.
    pub(super) fn asked_from(&self, line: &Timeline, until: i64) -> Option<i64> {
        let asked = self.scope.between.iter().flat_map(|(absent, _)| {
            let found = line.table(*absent).filter(|_| absent.derived().is_some());
            let opened = found.and_then(|table| table.meeting(until, i64::MAX).map(|row| table.at(row)).min());
            [opened, line.endless(*absent).and_then(Table::first)]
        });
        asked.flatten().min()
    }
}
