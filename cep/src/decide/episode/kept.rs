//! What an episode told when it opened, where it opens there again: a late reading makes many openings doubtful, and most come out as they did.

use super::{Entry, Opened, State};
use crate::decide::version::Case;
use crate::newest::first_not;
use crate::plan::Episode;
use crate::timeline::Touch;

/// The log as it was, and what came or went since.
#[derive(Clone, Copy)]
pub struct Kept<'l> {
    pub log: &'l [Entry],
    pub touches: &'l [Touch],
}

impl<'l> Kept<'l> {
    /// What was told of the opening at an instant of the run since `onset`, if what came or went is neither one of its readings nor anything that is told.
    pub fn opening(&self, case: &Case<'_>, episode: &Episode, onset: i64, at: i64) -> Option<&'l Opened> {
        let is_other = |t: &Touch| !case.version.tells_of(t.stream) && (t.stream != episode.driver || t.at != Some(at));
        let entry = self.log.get(first_not(self.log, |e| e.at < at)).filter(|e| e.at == at)?;
        let State::Open { what, .. } = &entry.state else { return None };
        ((what.onset, what.at) == (onset, at) && self.touches.iter().all(is_other)).then_some(what)
    }
}
