//! What a version found, without what lies before a horizon.
//!
//! As long as nothing before an instant is touched, the greater part of what was found is only kept to be told again some day. From where on it is needed
//! follows from what the version may decide again; what lies before goes where the readings go.

use serde::{Deserialize, Serialize};

use super::episode::ColdEpisodes;
use super::fact::Fact;
use super::matching::Match;
use super::silence;
use super::version::Case;
use super::{Facts, State};
use crate::plan::RuleKind;
use crate::timeline::Floors;

/// What was taken off a state at once.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ColdState {
    pub facts: Vec<Fact>,
    pub log: ColdEpisodes,
    pub matches: Vec<Match>,
    pub firings: Vec<i64>,
    /// Of a pattern: its cut before.
    pub cut: Option<i64>,
    /// It is a pattern, whose cut is another now.
    pub is_cut: bool,
}

impl State {
    /// The first instant that it may look at or change when something changes at `since` or later; single readings that it asks for, wherever they lie, are
    /// pinned.
    pub fn anchor(&self, case: &Case<'_>, since: i64, floors: &mut Floors) -> i64 {
        let again = case.version.again_from(case.line, since);
        match (self, &case.version.terms.rule.kind) {
            (State::Episode(state), _) => state.began(again),
            (State::Silence(_), RuleKind::Silence(silence)) => {
                silence::pin_last(case, silence, again.saturating_sub(silence.span.0), floors)
            }
            (State::Match(_), _) => again.saturating_sub(case.version.span()),
            _ => again,
        }
    }

    /// The onset of the first finding that may change when what is decided from `anchor` on does.
    pub fn first_open(&self, anchor: i64) -> i64 {
        let open = self.facts().list().iter().find(|f| is_hot(f, anchor));
        open.map_or(anchor, |f| f.onset.min(anchor))
    }

    /// Takes off what is over before `floor`; decided again is what is at `anchor` or later.
    pub fn part(&mut self, anchor: i64, floor: i64) -> ColdState {
        let mut cold = ColdState::default();
        if let State::Match(state) = self {
            return state.part(anchor, floor);
        }
        cold.facts = self.facts_mut().part(floor);
        match self {
            State::Episode(state) => cold.log = state.part(anchor),
            State::Schedule(state) => cold.firings = state.part(anchor),
            State::Silence(_) | State::Match(_) => {}
        }
        cold
    }

    /// Puts back what was taken off last.
    pub fn unite(&mut self, cold: ColdState) {
        let ColdState { facts, log, matches, firings, cut, is_cut: _ } = cold;
        if !facts.is_empty() {
            self.facts_mut().unite(facts);
        }
        match self {
            State::Episode(state) => state.unite(log),
            State::Match(state) => state.unite(matches, cut),
            State::Schedule(state) => state.unite(firings),
            State::Silence(_) => {}
        }
    }
}

impl ColdState {
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.log.is_empty() && self.matches.is_empty() && self.firings.is_empty() && !self.is_cut
    }
}

/// Whether a finding goes on at an instant, or after it.
pub fn is_hot(fact: &Fact, from: i64) -> bool {
    fact.end.is_none_or(|end| end.max(fact.at).max(fact.resolved.unwrap_or(i64::MIN)) >= from)
}

impl Facts {
    /// Takes off those before the first that goes on at `floor` or later; one more is left, for those who ask what came last.
    pub fn part(&mut self, floor: i64) -> Vec<Fact> {
        let hot = self.list().iter().position(|f| is_hot(f, floor)).unwrap_or(self.list().len());
        self.part_first(hot.saturating_sub(1))
    }
}
