//! What one version of a rule found on one timeline: the content of a finding, and under which name people know it.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FindingState, MatchId, Quiet, ReadingId, Severity};

use crate::eval::Words;
use crate::newest::first_not;
use crate::timeline::{Said, Timeline};

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
    /// It was told while it went on, and ended in this step: nobody was told yet, and nothing else of it is another.
    #[serde(skip)]
    pub ended: bool,
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
    /// What changed in this step, but for facts that were only put behind all others: those have no name yet.
    #[serde(skip)]
    changes: Option<Box<Changes>>,
    /// What changed for the rules that look at them, if there are any.
    #[serde(skip)]
    moves: Option<Box<Moves>>,
}

/// What became of facts in one step.
#[derive(Debug)]
pub struct Changes {
    /// The first of the known facts that a decision took away: mostly the only one.
    first: Option<Box<Fact>>,
    more: Vec<Fact>,
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

impl Changes {
    fn from(fresh: usize) -> Box<Changes> {
        Box::new(Changes { first: None, more: Vec::new(), fresh })
    }

    fn lose(&mut self, fact: Fact) {
        match self.first {
            None => self.first = Some(Box::new(fact)),
            Some(_) => self.more.push(fact),
        }
    }

    /// The known facts that a decision took away.
    pub fn gone(self) -> impl Iterator<Item = Box<Fact>> {
        self.first.into_iter().chain(self.more.into_iter().map(Box::new))
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
        self.part_ended();
        let from = range.start.min(self.first_unnamed());
        let changes = self.changes.get_or_insert_with(|| Changes::from(from));
        changes.fresh = changes.fresh.min(from);
        if let Some(moves) = &mut self.moves {
            moves.fresh = moves.fresh.min(range.start);
            moves.gone.extend(self.list[range.clone()].iter().filter(|f| f.fed).cloned());
        }
        self.list.splice(range, new).filter(|f| f.known.is_some()).for_each(|was| changes.lose(was));
    }

    /// Puts a fact behind all others, or `instead` of the last of them.
    pub fn put_last(&mut self, instead: bool, new: Option<Fact>) {
        self.part_ended();
        let from = self.list.len().saturating_sub(usize::from(instead)).min(self.first_unnamed());
        let was = match (self.list.last_mut().filter(|_| instead), new) {
            (Some(last), Some(new)) => Some(std::mem::replace(last, new)),
            (Some(_), None) => self.list.pop(),
            (None, new) => {
                self.list.extend(new);
                None
            }
        };
        if instead || self.changes.is_some() {
            let changes = self.changes.get_or_insert_with(|| Changes::from(from));
            changes.fresh = changes.fresh.min(from);
        }
        if let Some(moves) = &mut self.moves {
            moves.fresh = moves.fresh.min(from);
            moves.gone.extend(was.iter().filter(|f| f.fed).cloned());
        }
        if let (Some(was), Some(changes)) = (was.filter(|f| f.known.is_some()), &mut self.changes) {
            changes.lose(was);
        }
    }

    /// Puts a fact behind all others: it is new.
    #[inline]
    pub fn push(&mut self, new: Fact) {
        if self.moves.is_some() || self.ended().is_some() {
            return self.put_last(false, Some(new));
        }
        self.list.push(new);
    }

    /// The last one is over, and nothing else of it is another: it stays where it is, and what it was need not be kept. `false`: it can't be done so, and nothing is.
    #[inline]
    pub fn end_last(&mut self, end: i64, resolved: i64) -> bool {
        let Some(last) = self.list.last_mut().filter(|_| self.moves.is_none() && self.changes.is_none()) else { return false };
        if last.known.is_none() || last.state != FindingState::Open || last.ended {
            return false;
        }
        (last.end, last.resolved, last.state) = (Some(end), Some(resolved), FindingState::Resolved);
        last.ended = true;
        true
    }

    /// The last one, if it ended where it is.
    #[inline]
    fn ended(&self) -> Option<&Fact> {
        self.list.last().filter(|last| last.ended)
    }

    /// The place of the only fact that changed, if all that did is that it ended: nothing is left to be told then.
    #[inline]
    pub fn take_ended(&mut self) -> Option<usize> {
        let place = self.list.len().checked_sub(1)?;
        std::mem::take(&mut self.list[place].ended).then_some(place)
    }

    /// What ended where it is becomes a new fact in the place of one that went.
    fn part_ended(&mut self) {
        let Some(last) = self.list.last_mut().filter(|last| last.ended) else { return };
        last.ended = false;
        let was = Fact { end: None, resolved: None, state: FindingState::Open, ..last.clone() };
        last.known = None;
        let mut changes = Changes::from(self.list.len() - 1);
        changes.lose(was);
        self.changes = Some(changes);
    }

    /// From where on none has a name: they are new.
    fn first_unnamed(&self) -> usize {
        self.list.len() - self.list.iter().rev().take_while(|f| f.known.is_none()).count()
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
        self.part_ended();
        let fresh = self.first_unnamed();
        self.changes.take().or_else(|| (fresh < self.list.len()).then(|| Changes::from(fresh)))
    }

    pub fn has_changed(&self) -> bool {
        self.changes.is_some() || self.list.last().is_some_and(|f| f.known.is_none() || f.ended)
    }

    /// The same, if of the known one fact went at most, and one alone may be new: which went, and where that is.
    pub fn take_single_change(&mut self) -> Option<(Option<Box<Fact>>, usize)> {
        self.part_ended();
        let end = self.list.len();
        if self.changes.is_none() {
            return Some((None, self.first_unnamed())).filter(|(_, fresh)| fresh + 1 == end);
        }
        let changes = self.changes.take_if(|changes| changes.more.is_empty() && end <= changes.fresh.saturating_add(1))?;
        Some((changes.first, changes.fresh))
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

/// So many are gathered without a list on the heap.
const FEW: usize = 16;

/// The same of readings of a subject. Many rules quote the same ones at once, and share the list of them then.
pub fn quoted(line: &Timeline, ids: impl Iterator<Item = ReadingId>) -> Arc<[ReadingId]> {
    let (mut few, mut many, mut len) = ([ReadingId(0); FEW], Vec::new(), 0);
    ids.for_each(|id| {
        match few.get_mut(len) {
            Some(place) => *place = id,
            None => many.push(id),
        }
        len += 1;
    });
    if len > FEW {
        many.extend(few);
        return evidence(many);
    }
    let few = &mut few[..len];
    few.sort_unstable();
    if few.windows(2).any(|pair| pair[0] == pair[1]) {
        return evidence(few.to_vec());
    }
    line.quoted(few)
}

/// The same of ids that lie side by side, each once.
pub fn quoted_side_by_side(line: &Timeline, ids: &[ReadingId]) -> Arc<[ReadingId]> {
    if ids.len() > FEW {
        return evidence(ids.to_vec());
    }
    line.quoted_again(ids).unwrap_or_else(|| {
        let list = quoted(line, ids.iter().copied());
        line.note_quoted(ids);
        list
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_sorted_and_each_once_and_the_same_list_where_it_is_the_same() {
        let line = Timeline::default();
        for len in 0..40_u128 {
            let ids: Vec<ReadingId> = (0..len).map(|i| ReadingId(i * 7 % 23)).collect();
            let (once, wanted) = (quoted(&line, ids.iter().copied()), evidence(ids.clone()));
            assert_eq!(once, wanted, "{len}");
            let again = quoted(&line, ids.iter().rev().copied());
            assert_eq!(again, wanted, "{len}");
            assert_eq!(Arc::ptr_eq(&once, &again), len <= FEW as u128, "{len}");
        }
    }

    #[test]
    fn what_lies_side_by_side_is_quoted_as_if_it_did_not() {
        let line = Timeline::default();
        let ids = |of: &[u128]| -> Vec<ReadingId> { of.iter().map(|id| ReadingId(*id)).collect() };
        let mut lists = Vec::new();
        // Twice, the same otherwise, something else, what was before that, and less and more of it.
        for of in [&[5, 3, 9][..], &[5, 3, 9], &[9, 5, 3], &[4], &[9, 5, 3], &[9, 5], &[9, 5, 3, 7]] {
            let list = quoted_side_by_side(&line, &ids(of));
            assert_eq!(list, evidence(ids(of)), "{of:?}");
            lists.push(list);
        }
        assert!(Arc::ptr_eq(&lists[0], &lists[1]) && Arc::ptr_eq(&lists[1], &lists[2]));
        // Quoted in between by another way.
        quoted(&line, ids(&[1, 2]).into_iter());
        assert_eq!(quoted_side_by_side(&line, &ids(&[9, 5, 3, 7])), evidence(ids(&[3, 5, 7, 9])));
        let many: Vec<u128> = (0..20).rev().collect();
        assert_eq!(quoted_side_by_side(&line, &ids(&many)), evidence(ids(&many)));
    }

    fn fact(onset: i64, id: Option<u128>) -> Fact {
        Fact {
            onset,
            at: onset,
            end: None,
            resolved: None,
            state: FindingState::Open,
            severity: Severity::Info,
            evidence: Arc::from([]),
            words: Words { text: Arc::from(""), wordings: None },
            said: None,
            fed: false,
            ended: false,
            known: id.map(|id| Known { id: MatchId(id), revision: 1, quiet: None }),
        }
    }

    /// Of those that are as they were told.
    fn names(facts: &[Fact]) -> Vec<u128> {
        facts.iter().filter(|f| !f.ended).filter_map(|f| f.known).map(|known| known.id.0).collect()
    }

    #[test]
    fn what_went_and_what_is_new_is_known_however_it_came_about() {
        let mut dice = 3_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % n
        };
        let (mut facts, mut last, mut single, mut several, mut ended) = (Facts::default(), 0, 0, 0, 0);
        for step in 0..5_000_i64 {
            let before = names(facts.list());
            let mut times = below(3);
            while times > 0 {
                times -= 1;
                match below(6) {
                    0 => {
                        let (from, len) = (below(facts.list().len() as u64 + 1) as usize, below(3) as usize);
                        let to = facts.list().len().min(from + below(3) as usize);
                        facts.replace(from..to, (0..len).map(|_| fact(step, None)).collect());
                    }
                    1 if !facts.list().is_empty() => facts.put_last(true, (below(3) > 0).then(|| fact(step, None))),
                    2 | 3 => {
                        let was = facts.list().last().cloned();
                        if facts.end_last(step, step + 1) {
                            let (was, now) = (was.expect("there is one"), facts.list().last().expect("it stays"));
                            assert_eq!((now.end, now.resolved, now.state), (Some(step), Some(step + 1), FindingState::Resolved));
                            assert!(was.state == FindingState::Open && was.known == now.known && was.onset == now.onset);
                        }
                    }
                    4 => facts.push(fact(step, None)),
                    _ => facts.put_last(false, Some(fact(step, None))),
                }
            }
            let now = names(facts.list());
            let mut wanted: Vec<u128> = before.into_iter().filter(|id| !now.contains(id)).collect();
            let is_fresh = |i: &usize| facts.list()[*i].known.is_none() || facts.list()[*i].ended;
            let fresh: Vec<usize> = (0..facts.list().len()).filter(is_fresh).collect();
            let has_changed = facts.has_changed();
            assert!(has_changed || (wanted.is_empty() && fresh.is_empty()), "step {step}");
            if let Some(place) = Some(()).filter(|_| below(3) > 0).and_then(|()| facts.take_ended()) {
                assert_eq!((fresh.as_slice(), wanted), (&[place][..], names(&facts.list()[place..])), "step {step}");
                assert!(facts.list()[place].known.is_some(), "step {step}");
                ended += 1;
            } else if let Some((gone, place)) = Some(()).filter(|_| has_changed).and_then(|()| facts.take_single_change()) {
                if let Some(now) = facts.list().get(place).filter(|now| now.resolved == Some(step + 1)) {
                    let was = gone.as_ref().expect("it was told");
                    assert_eq!((was.onset, was.end, was.resolved, was.state), (now.onset, None, None, FindingState::Open));
                }
                assert_eq!(names(&gone.into_iter().map(|was| *was).collect::<Vec<_>>()), wanted, "step {step}");
                assert!(fresh.iter().all(|i| *i == place), "step {step}: {fresh:?} {place}");
                single += 1;
            } else if let Some(changes) = facts.take_changes() {
                assert!(fresh.iter().all(|i| changes.fresh <= *i), "step {step}");
                let mut gone = names(&changes.gone().map(|was| *was).collect::<Vec<_>>());
                gone.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(gone, wanted, "step {step}");
                several += 1;
            }
            for i in fresh {
                last += 1;
                facts.at_mut(i).known = Some(Known { id: MatchId(last), revision: 1, quiet: None });
            }
            assert!(!facts.has_changed(), "step {step}");
        }
        assert!(single > 500 && several > 500 && ended > 300, "{single} {several} {ended}");
    }
}
