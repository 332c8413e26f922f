//! When the clock alone decides something, for which subject.
//!
//! A subject has one entry that counts, never later than its next deadline. Readings in order only move deadlines away, so they cost nothing here: an entry
//! that turns out to be early is put back.
//!
//! Rules that rest count on being looked at when they noted it, though there may be nothing to decide by then. So an entry stays until the clock reaches it; whoever asks what is next of all is answered by
//! entries beside these, which are moved to where the next deadline is as they come up.
//!
//! INVARIANT (alarmed): a subject's entry is for no later than the first of what its rules noted.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// So many entries from the top of the heap are looked at for what is soon.
const SOON: usize = 15;

/// Deadlines of subjects by their places.
#[derive(Debug, Default)]
pub struct Alarms {
    entries: Entries,
    /// No later than what is decided next.
    next: Entries,
}

/// Instants by subject, the first on top.
#[derive(Debug, Default)]
struct Entries {
    heap: BinaryHeap<Reverse<(i64, u32)>>,
    /// For each subject the entry that counts.
    set: Vec<Option<i64>>,
    /// How many have one.
    count: usize,
}

impl Alarms {
    /// The subject is to be looked at when the clock reaches `due`, unless it is before that anyway.
    #[inline]
    pub fn set(&mut self, subject: u32, due: i64) {
        self.entries.set(subject, due);
        self.next.set(subject, due);
    }

    /// How many subjects have an entry.
    pub fn len(&self) -> usize {
        self.entries.count
    }

    /// Whether the clock reached the subject's entry.
    #[inline]
    pub fn is_due(&self, subject: u32, clock: i64) -> bool {
        self.entries.set.get(subject as usize).is_some_and(|due| due.is_some_and(|due| due <= clock))
    }

    /// What a subject's entry is for; the end of time where there is none.
    #[inline]
    pub fn of(&self, subject: u32) -> i64 {
        self.entries.set.get(subject as usize).copied().flatten().unwrap_or(i64::MAX)
    }

    /// Some of the subjects whose entries are for `until` or earlier: nearly all of those that are next.
    pub fn soon(&self, until: i64) -> impl Iterator<Item = u32> {
        let first = self.entries.heap.as_slice().iter().take(SOON);
        first.filter(move |Reverse((due, _))| *due <= until).map(|Reverse((_, subject))| *subject)
    }

    /// Whether the clock reached any entry, or one that counts no more.
    #[inline]
    pub fn is_any_due(&self, clock: i64) -> bool {
        self.entries.heap.peek().is_some_and(|Reverse((due, _))| *due <= clock)
    }

    /// The subjects whose entries the clock reached, ascending.
    pub fn all_due(&self, clock: i64) -> Vec<u32> {
        if !self.is_any_due(clock) {
            return Vec::new();
        }
        (0..self.entries.set.len() as u32).filter(|subject| self.is_due(*subject, clock)).collect()
    }

    /// Takes the earliest entry out if the clock reached it, with the instant it is set for.
    #[inline]
    pub fn take_due(&mut self, clock: i64) -> Option<(i64, u32)> {
        while let Some(&Reverse((due, subject))) = self.entries.heap.peek() {
            if due > clock {
                return None;
            }
            self.entries.heap.pop();
            if self.entries.forget(due, subject) {
                return Some((due, subject));
            }
        }
        None
    }

    /// Takes a subject's entry out if it is for `until` or earlier: the instant it is set for.
    #[inline]
    pub fn take_due_of(&mut self, subject: u32, until: i64) -> Option<i64> {
        let due = Some(self.of(subject)).filter(|due| *due <= until)?;
        self.entries.forget(due, subject).then_some(due)
    }

    /// The first instant at which something is decided; `exact` tells it of a subject.
    pub fn earliest(&mut self, exact: impl Fn(u32) -> Option<i64>) -> Option<i64> {
        loop {
            let &Reverse((due, subject)) = self.next.heap.peek()?;
            let counts = self.next.set[subject as usize] == Some(due);
            let known = exact(subject);
            if counts && known == Some(due) {
                return Some(due);
            }
            self.next.heap.pop();
            if self.next.forget(due, subject)
                && let Some(known) = known
            {
                self.next.set(subject, known);
            }
        }
    }
}

impl Entries {
    #[inline]
    fn set(&mut self, subject: u32, due: i64) {
        let place = subject as usize;
        if self.set.len() <= place {
            self.set.resize(place + 1, None);
        }
        if self.set[place].is_none_or(|known| due < known) {
            self.count += usize::from(self.set[place].is_none());
            self.set[place] = Some(due);
            self.heap.push(Reverse((due, subject)));
        }
    }

    fn forget(&mut self, due: i64, subject: u32) -> bool {
        let counts = self.set[subject as usize] == Some(due);
        if counts {
            self.set[subject as usize] = None;
            self.count -= 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_was_early_is_put_back_where_it_belongs() {
        let mut alarms = Alarms::default();
        alarms.set(0, 10);
        alarms.set(1, 12);
        alarms.set(0, 20); // later: the entry at 10 stays
        assert_eq!(alarms.len(), 2);
        assert_eq!(alarms.earliest(|s| Some(if s == 0 { 20 } else { 12 })), Some(12));
        assert_eq!((alarms.all_due(9), alarms.all_due(10)), (vec![], vec![0]), "whoever counts on it is looked at by then");
        assert_eq!(alarms.earliest(|s| (s == 1).then_some(30)), Some(30));
        assert_eq!(alarms.all_due(12), [0, 1]);
        alarms.set(0, 5);
        assert_eq!(alarms.earliest(|s| Some(if s == 0 { 7 } else { 30 })), Some(7));
        assert_eq!((alarms.take_due(4), alarms.all_due(4)), (None, vec![]));
        assert_eq!((alarms.all_due(5), alarms.all_due(12)), (vec![0], vec![0, 1]));
        assert_eq!(alarms.take_due(15), Some((5, 0)));
        assert_eq!(alarms.take_due(15), Some((12, 1)));
        assert_eq!(alarms.take_due(i64::MAX), None);
        assert_eq!(alarms.len(), 0);
    }
}
