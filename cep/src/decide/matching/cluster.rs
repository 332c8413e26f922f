//! Matches whose spans share an instant, transitively, stand together as one finding.
//!
//! Sorted by first instant, the matches of a cluster are neighbours, and clusters do not overlap. So a change of some matches regroups only the clusters that
//! the changed spans touch.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FindingState, ReadingId, Severity};

use crate::decide::fact::{Fact, Facts, evidence};
use crate::eval::Words;
use crate::newest::first_not;
use crate::timeline::Said;

/// One match: its first and last instants, when it completed, and what was decided then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    pub first: i64,
    /// By the clock it may complete after its last reading; one that grows completes before it.
    pub at: i64,
    pub last: i64,
    pub severity: Severity,
    pub words: Words,
    pub said: Said,
    pub evidence: Arc<[ReadingId]>,
}

/// The matches of one version of a rule for one subject, and their clusters as facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Clusters {
    /// By `first`.
    matches: Vec<Match>,
    pub facts: Facts,
}

impl Clusters {
    /// None.
    pub const NONE: Clusters = Clusters { matches: Vec::new(), facts: Facts::NONE };

    pub fn is_empty(&self) -> bool {
        self.matches.is_empty() && self.facts.list().is_empty()
    }

    pub fn matches_mut(&mut self) -> &mut Vec<Match> {
        &mut self.matches
    }

    pub fn has(&self, start: i64) -> bool {
        self.matches.binary_search_by_key(&start, |m| m.first).is_ok()
    }

    /// The matches that begin in `[first, last]`.
    pub fn between(&self, first: i64, last: i64) -> &[Match] {
        &self.matches[first_not(&self.matches, |m| m.first < first)..first_not(&self.matches, |m| m.first <= last)]
    }

    /// Puts `new` in the place of all matches that begin in `(after, to]`. Returns whether anything changed.
    pub fn replace(&mut self, after: i64, to: i64, new: Vec<Match>, disjoint: bool) -> bool {
        let range = first_not(&self.matches, |m| m.first <= after)..first_not(&self.matches, |m| m.first <= to);
        let old = &self.matches[range.clone()];
        if old == new {
            return false;
        }
        let both = || old.iter().chain(&new);
        if disjoint {
            let at = both().map(|m| m.at).min().unwrap_or(to);
            self.matches.splice(range, new);
            self.take_disjoint(at);
            return true;
        }
        let mut low = both().map(|m| m.first).min().unwrap_or(to);
        let mut high = both().map(|m| m.last).max().unwrap_or(to);
        let list = self.facts.list();
        let touched = first_not(list, |f| f.end.unwrap_or(f.onset) < low)..first_not(list, |f| f.onset <= high);
        for fact in &list[touched.clone()] {
            low = low.min(fact.onset);
            high = high.max(fact.end.unwrap_or(fact.onset));
        }
        self.matches.splice(range, new);
        let regrouped = first_not(&self.matches, |m| m.first < low)..first_not(&self.matches, |m| m.first <= high);
        self.facts.replace(touched, grouped(&self.matches[regrouped]));
        true
    }
}

impl Clusters {
    /// Puts a match behind all others, where it neither meets one of them nor has to wait its turn: as nearly all that are found in order. Gives it back otherwise.
    pub fn append(&mut self, new: Match) -> Option<Match> {
        let reached = self.facts.list().last().map(|f| f.end.unwrap_or(f.onset).max(f.at));
        let behind = self.matches.last().is_none_or(|m| m.first < new.first && m.at < new.at);
        if !behind || reached.is_some_and(|reached| reached >= new.first) {
            return Some(new);
        }
        self.facts.push(alone(&new));
        self.matches.push(new);
        None
    }

    /// Takes again, from what completes at `from` on: the earliest completed (of equals the earliest start), then only what starts after its end.
    fn take_disjoint(&mut self, from: i64) {
        // INVARIANT (in turn): those taken are in the order of their completions, and of their starts.
        let kept = first_not(self.facts.list(), |f| f.at < from);
        let mut end = kept.checked_sub(1).and_then(|last| self.facts.list()[last].end);
        let rest = end.map_or(0, |end| first_not(&self.matches, |m| m.first <= end));
        let mut waiting: Vec<&Match> = self.matches[rest..].iter().collect();
        waiting.sort_by_key(|m| (m.at, m.first));
        let mut taken = Vec::new();
        for m in waiting {
            if end.is_none_or(|end| m.first > end) {
                end = Some(m.last);
                taken.extend(fact(std::slice::from_ref(m), m.last));
            }
        }
        self.facts.replace(kept..self.facts.list().len(), taken);
    }
}

/// The clusters of neighbouring matches.
fn grouped(matches: &[Match]) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut rest = matches;
    while let Some(first) = rest.first() {
        let mut end = first.last;
        let mut count = 1;
        while let Some(next) = rest.get(count).filter(|m| m.first <= end) {
            end = end.max(next.last);
            count += 1;
        }
        facts.extend(fact(&rest[..count], end));
        rest = &rest[count..];
    }
    facts
}

fn fact(cluster: &[Match], end: i64) -> Option<Fact> {
    let told = cluster.iter().min_by_key(|m| (m.at, m.first))?;
    let evidence = match cluster {
        [one] => one.evidence.clone(),
        many => evidence(many.iter().flat_map(|m| m.evidence.iter().copied()).collect()),
    };
    let (onset, severity) = (cluster.first()?.first, cluster.iter().map(|m| m.severity).max()?);
    Some(Fact { onset, end: Some(end), severity, evidence, ..alone(told) })
}

/// The fact of one match that stands alone.
#[inline]
fn alone(told: &Match) -> Fact {
    Fact {
        onset: told.first,
        at: told.at,
        end: Some(told.last),
        resolved: None,
        state: FindingState::Open,
        severity: told.severity,
        evidence: told.evidence.clone(),
        words: told.words.clone(),
        said: told.said.clone(),
        fed: false,
        ended: false,
        known: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m(first: i64, last: i64) -> Match {
        let evidence = evidence(vec![ReadingId(first as u128), ReadingId(last as u128)]);
        let words = Words { text: Arc::from(""), wordings: None };
        Match { first, at: last, last, severity: Severity::Info, words, said: None, evidence }
    }

    fn spans(clusters: &Clusters) -> Vec<(i64, i64, i64)> {
        clusters.facts.list().iter().map(|f| (f.onset, f.at, f.end.unwrap_or(-1))).collect()
    }

    #[test]
    fn a_match_that_bridges_two_clusters_joins_them_and_leaves_them_apart_again() {
        let mut clusters = Clusters::default();
        clusters.replace(0, 100, vec![m(1, 5), m(10, 12), m(20, 30)], false);
        assert_eq!(spans(&clusters), [(1, 5, 5), (10, 12, 12), (20, 30, 30)]);
        clusters.replace(4, 5, vec![m(5, 10)], false);
        assert_eq!(spans(&clusters), [(1, 5, 12), (20, 30, 30)]);
        assert!(!clusters.replace(4, 5, vec![m(5, 10)], false));
        clusters.replace(4, 5, vec![], false);
        assert_eq!(spans(&clusters), [(1, 5, 5), (10, 12, 12), (20, 30, 30)]);
    }

    #[test]
    fn a_long_match_takes_in_what_begins_inside_it() {
        let mut clusters = Clusters::default();
        clusters.replace(0, 100, vec![m(1, 50), m(2, 3), m(40, 41), m(51, 52)], false);
        assert_eq!(spans(&clusters), [(1, 3, 50), (51, 52, 52)]);
    }
}
