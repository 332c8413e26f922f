//! The log of an episode rule without what lies before a horizon.

use serde::{Deserialize, Serialize};

use super::{Entry, Episodes, State};
use crate::newest::first_not;

/// The entries that were taken off at once.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ColdEpisodes {
    log: Vec<Entry>,
}

impl ColdEpisodes {
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }
}

impl Episodes {
    /// Since when that goes on which goes on at `from`, or `from`.
    pub fn began(&self, from: i64) -> i64 {
        let before = first_not(&self.past.log, |e| e.at < from);
        match before.checked_sub(1).map(|last| &self.past.log[last].state) {
            Some(State::Run { from: began }) => from.min(*began),
            Some(State::Open { what, .. }) => from.min(what.onset),
            Some(State::Idle) | None => from,
        }
    }

    /// Takes the entries off before the one that says what goes on at `from`.
    pub fn part(&mut self, from: i64) -> ColdEpisodes {
        let before = first_not(&self.past.log, |e| e.at < from);
        let Some(many) = before.checked_sub(1).filter(|many| *many > 0) else { return ColdEpisodes::default() };
        let log = self.past.log.drain(..many).collect();
        self.past.log.shrink_to_fit();
        ColdEpisodes { log }
    }

    /// Puts those back that were taken off last.
    pub fn unite(&mut self, mut cold: ColdEpisodes) {
        if !cold.log.is_empty() {
            cold.log.append(&mut self.past.log);
            self.past.log = cold.log;
        }
    }
}
