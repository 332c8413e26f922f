//! What an episode's rule is at after a decision.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FindingState, ReadingId, Severity};

use crate::decide::fact::Fact;
use crate::decide::version::Case;
use crate::eval::Words;
use crate::timeline::Said;

/// Its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum State {
    Idle,
    /// The condition holds since `from`, not long enough yet.
    Run {
        from: i64,
    },
    /// `calm`: since when the condition of its end holds.
    Open {
        what: Arc<Opened>,
        calm: Option<i64>,
    },
}

/// An open episode, as told at its opening or at the last rise of its severity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub onset: i64,
    pub at: i64,
    pub severity: Severity,
    pub words: Words,
    pub said: Said,
    pub evidence: Arc<[ReadingId]>,
}

impl State {
    pub fn is_idle(&self) -> bool {
        matches!(self, State::Idle)
    }

    /// Whether the same becomes of both: they differ at most in what was told and by what evidence.
    ///
    /// INVARIANT (goes on alike): what a decision makes of a state does not hang on these.
    pub fn goes_on_as(&self, other: &State) -> bool {
        match (self, other) {
            (State::Open { what, calm }, State::Open { what: other, calm: others }) => {
                calm == others && (what.onset, what.at, what.severity) == (other.onset, other.at, other.severity)
            }
            _ => self == other,
        }
    }

    pub fn opened(&self) -> Option<&Opened> {
        match self {
            State::Open { what, .. } => Some(what),
            _ => None,
        }
    }
}

impl Opened {
    /// The fact, if it belongs to the version.
    pub fn fact(&self, case: &Case<'_>, over: Option<(i64, i64, FindingState)>) -> Option<Fact> {
        case.version.owns(self.at).then(|| Fact {
            end: over.map(|(end, _, _)| end),
            resolved: over.map(|(_, resolved, _)| resolved),
            state: over.map_or(FindingState::Open, |(_, _, state)| state),
            ..self.as_it_goes_on()
        })
    }

    /// The fact while it is not over.
    #[inline]
    pub fn as_it_goes_on(&self) -> Fact {
        Fact {
            onset: self.onset,
            at: self.at,
            end: None,
            resolved: None,
            state: FindingState::Open,
            severity: self.severity,
            evidence: self.evidence.clone(),
            words: self.words.clone(),
            said: self.said.clone(),
            fed: false,
            ended: false,
            known: None,
        }
    }
}
