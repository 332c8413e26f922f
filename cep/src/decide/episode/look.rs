//! What an episode's rule was at: its log, read.

use std::ops::Range;

use super::{Decision, Episodes, State, gap};
use crate::decide::version::Case;
use crate::newest::first_not;
use crate::plan::Episode;
use crate::timeline::Table;

/// What it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Idle,
    Run {
        from: i64,
    },
    /// `calm`: since when the condition of its end holds.
    Open {
        onset: i64,
        at: i64,
        calm: Option<i64>,
    },
}

/// A decision, with what was before and after it.
pub struct Look<'a> {
    pub table: &'a Table,
    pub at: i64,
    pub rows: Range<usize>,
    pub before: Phase,
    pub after: Phase,
    /// The onset with which it was asked.
    pub onset: i64,
}

impl Episodes {
    /// What it is at, at an instant.
    pub fn phase(&self, t: i64) -> Phase {
        self.phase_before(t.saturating_add(1))
    }

    fn phase_before(&self, t: i64) -> Phase {
        match self.state_before(first_not(&self.past.log, |e| e.at < t)) {
            State::Idle => Phase::Idle,
            State::Run { from } => Phase::Run { from: *from },
            State::Open { what, calm } => Phase::Open { onset: what.onset, at: what.at, calm: *calm },
        }
    }

    /// The last decision at `t` or before.
    pub fn look<'a>(&self, case: &Case<'a>, episode: &Episode, t: i64) -> Option<Look<'a>> {
        let table = case.line.table(episode.driver)?;
        let at = table.at(table.after(t).checked_sub(1)?);
        let rows = table.rows_at(at);
        let previous = rows.start.checked_sub(1).map(|row| table.at(row));
        let decision = Decision { table, at, rows: rows.clone(), previous };
        let before = self.phase_before(at);
        let onset = match before {
            Phase::Run { from } if !gap(episode.hold.map(|h| h.gap.0), &decision) => from,
            Phase::Open { onset, .. } => onset,
            _ => at,
        };
        Some(Look { table, at, rows, before, after: self.phase(at), onset })
    }
}
