//! What one version of a rule found on one timeline: the content of a finding, and under which name people know it.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FindingState, MatchId, Quiet, ReadingId, Severity};

use crate::eval::Words;
use crate::newest::first_not;
use crate::timeline::Said;

/// Something that stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fact {
    pub onset: i64,
    pub at: i64,
    pub end: Option<i64>,
    pub resolved: Option<i64>,
    pub state: FindingState,
    pub severity: Severity,
    /// Sorted by id, each once.
    pub evidence: Arc<[ReadingId]>,
    pub words: Words,
    /// What other rules ask of it.
    pub said: Said,
    /// It is a row of its rule's derived stream.
    #[serde(skip)]
    pub fed: bool,
    /// `None` only within a step: found, not yet told.
    pub known: Option<Known>,
}

/// The history of a fact: under which name it is known, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub id: MatchId,
    pub revision: u32,
    pub quiet: Option<Quiet>,
}

/// The facts of one version of a rule for one subject, sorted by onset.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    list: Vec<Fact>,
    /// What changed in this step.
    #[serde(skip)]
    changes: Option<Box<Changes>>,
    /// What changed for the rules that look at them, if there are any.
    #[serde(skip)]
    moves: Option<Box<Moves>>,
}

/// What became of facts in one step.
#[derive(Debug)]
pub struct Changes {
    /// Known facts that a decision took away.
    pub gone: Vec<Fact>,
    /// No fact before this place is new.
    pub fresh: usize,
}

/// What became of the rows that facts are.
#[derive(Debug, Default)]
pub struct Moves {
    /// Facts that were rows.
    pub gone: Vec<Fact>,
    /// All facts before this place are rows.
    pub fresh: usize,
}

impl Fact {
    /// Whether they say the same.
    pub fn same(&self, other: &Fact) -> bool {
        let key = |f: &Fact| (f.onset, f.at, f.end, f.resolved, f.state, f.severity);
        key(self) == key(other) && self.evidence == other.evidence && self.words == other.words
    }
}

impl Facts {
    /// None.
    pub const NONE: Facts = Facts { list: Vec::new(), changes: None, moves: None };

    pub fn list(&self) -> &[Fact] {
        &self.list
    }

    /// Those that begin in `[first, last]`.
    pub fn beginning_in(&self, first: i64, last: i64) -> &[Fact] {
        &self.list[first_not(&self.list, |f| f.onset < first)..first_not(&self.list, |f| f.onset <= last)]
    }

    /// Puts `new` in the place of a range.
    pub fn replace(&mut self, range: Range<usize>, new: Vec<Fact>) {
        if range.is_empty() && new.is_empty() {
            return;
        }
        let changes = self.changes.get_or_insert_with(|| Box::new(Changes { gone: Vec::new(), fresh: range.start }));
        changes.fresh = changes.fresh.min(range.start);
        if let Some(moves) = &mut self.moves {
            moves.fresh = moves.fresh.min(range.start);
            moves.gone.extend(self.list[range.clone()].iter().filter(|f| f.fed).cloned());
        }
        changes.gone.extend(self.list.splice(range, new).filter(|f| f.known.is_some()));
    }

    /// Puts a fact behind all others, or `instead` of the last of them.
    pub fn put_last(&mut self, instead: bool, new: Option<Fact>) {
        let was = if instead { self.list.pop() } else { None };
        let from = self.list.len();
        let changes = self.changes.get_or_insert_with(|| Box::new(Changes { gone: Vec::new(), fresh: from }));
        changes.fresh = changes.fresh.min(from);
        if let Some(moves) = &mut self.moves {
            moves.fresh = moves.fresh.min(from);
            moves.gone.extend(was.iter().filter(|f| f.fed).cloned());
        }
        if let Some(was) = was.filter(|f| f.known.is_some()) {
            changes.gone.reserve_exact(1);
            changes.gone.push(was);
        }
        self.list.extend(new);
    }

    /// From now on other rules look at them: all are to become rows.
    pub fn start_feeding(&mut self) {
        if self.moves.is_none() {
            self.moves = Some(Box::default());
        }
    }

    /// Their rows are gone, though nothing changed: all are to become rows again.
    pub fn feed_again(&mut self) {
        self.list.iter_mut().for_each(|f| f.fed = false);
        if let Some(moves) = &mut self.moves {
            **moves = Moves::default();
        }
    }

    /// What is to be done to the rows, as places of facts that are none yet and facts that were rows; all facts are rows then.
    pub fn take_moves(&mut self) -> Option<(Vec<Fact>, Vec<usize>)> {
        let end = self.list.len();
        let moves = self.moves.as_mut().filter(|m| m.fresh < end || !m.gone.is_empty())?;
        let gone = std::mem::take(&mut moves.gone);
        let from = std::mem::replace(&mut moves.fresh, usize::MAX).min(end);
        let mut fresh = Vec::new();
        for (i, fact) in self.list.iter_mut().enumerate().skip(from) {
            if !std::mem::replace(&mut fact.fed, true) {
                fresh.push(i);
            }
        }
        Some((gone, fresh))
    }

    /// What changed since the last time.
    pub fn take_changes(&mut self) -> Option<Box<Changes>> {
        self.changes.take()
    }

    pub fn has_changed(&self) -> bool {
        self.changes.is_some()
    }

    /// The same, if of the known one fact went at most, and one alone may be new.
    pub fn take_single_change(&mut self) -> Option<Box<Changes>> {
        let end = self.list.len();
        self.changes.take_if(|changes| changes.gone.len() <= 1 && end <= changes.fresh.saturating_add(1))
    }

    /// Takes the first so many off; nothing waits to be told.
    pub fn part_first(&mut self, many: usize) -> Vec<Fact> {
        let gone = self.list.drain(..many).collect();
        if many > 0 {
            self.list.shrink_to_fit();
        }
        gone
    }

    /// Puts those back that were taken off. They are no rows.
    pub fn unite(&mut self, mut cold: Vec<Fact>) {
        cold.append(&mut self.list);
        self.list = cold;
        if let Some(moves) = &mut self.moves {
            moves.fresh = 0;
        }
    }

    pub fn at_mut(&mut self, place: usize) -> &mut Fact {
        &mut self.list[place]
    }
}

/// Ids in the form evidence has.
pub fn evidence(mut ids: Vec<ReadingId>) -> Arc<[ReadingId]> {
    ids.sort_unstable();
    ids.dedup();
    Arc::from(ids)
}
