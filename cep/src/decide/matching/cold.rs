//! The matches of a pattern rule without those before a horizon.

use super::{Match, Matches};
use crate::decide::cold::{ColdState, is_hot};
use crate::newest::first_not;

impl Matches {
    /// Takes off what is over before `floor`, and cannot be grouped with what begins at `anchor` or later.
    pub fn part(&mut self, anchor: i64, floor: i64) -> ColdState {
        let cut = self.cut.replace(anchor);
        if self.past.clusters.is_empty() {
            return ColdState { cut, is_cut: true, ..ColdState::default() };
        }
        let list = self.facts().list();
        let hot = list.iter().position(|f| is_hot(f, floor.min(anchor))).unwrap_or(list.len());
        let many = hot.saturating_sub(1);
        // A finding that is left keeps all its matches, and whatever was not taken because of it.
        let first = list.get(many).map_or(anchor, |f| f.onset.min(anchor));
        let facts = self.facts_mut().part_first(many);
        let matches = self.past.clusters.part(first);
        ColdState { facts, matches, cut, is_cut: true, ..ColdState::default() }
    }

    /// Puts matches back that were taken off; `cut` is what it was before.
    pub fn unite(&mut self, cold: Vec<Match>, cut: Option<i64>) {
        self.cut = cut;
        if !cold.is_empty() {
            self.past.clusters.unite(cold);
        }
    }
}

impl super::Clusters {
    /// Takes the matches off that begin before an instant.
    fn part(&mut self, before: i64) -> Vec<Match> {
        let matches = self.matches_mut();
        let many = first_not(matches, |m| m.first < before);
        let cold = matches.drain(..many).collect();
        matches.shrink_to_fit();
        cold
    }

    fn unite(&mut self, mut cold: Vec<Match>) {
        let matches = self.matches_mut();
        cold.append(matches);
        *matches = cold;
    }
}
