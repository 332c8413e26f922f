//! When the clock is to look at which rule, for one subject.
//!
//! A note is never later than the rule's next deadline, and mostly earlier, for readings move deadlines away. A tick takes the notes that it reached from the top of a heap, so it
//! costs by these, not by how many rules there are.
//!
//! INVARIANT (noted): an entry of the heap counts if its rule is noted for that instant; the one on top counts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// By version.
#[derive(Debug, Default)]
pub struct Dues {
    /// `i64::MAX` where there is none.
    noted: Vec<i64>,
    heap: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Dues {
    /// Of so many versions.
    pub fn make_room(&mut self, versions: usize) {
        self.noted.resize(versions, i64::MAX);
    }

    /// When a version is to be looked at; `i64::MAX`: never.
    #[inline]
    pub fn of(&self, version: u32) -> i64 {
        self.noted[version as usize]
    }

    #[inline]
    pub fn is_noted(&self, version: u32) -> bool {
        self.of(version) < i64::MAX
    }

    /// See [`super::foresee`].
    pub fn glance(&self) -> u64 {
        (self.noted.len() ^ self.heap.len()) as u64
    }

    /// The first of all.
    pub fn first(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    /// Some of the versions whose notes are the first.
    pub fn soon(&self) -> impl Iterator<Item = u32> {
        self.heap.as_slice().iter().take(3).map(|Reverse((_, version))| *version)
    }

    /// A version is to be looked at by then, or before if that is noted.
    #[inline]
    pub fn advance(&mut self, version: u32, due: i64) {
        if due < self.of(version) {
            self.note(version, Some(due));
        }
    }

    /// A version is to be looked at then, whatever was noted.
    pub fn note(&mut self, version: u32, due: Option<i64>) {
        let due = due.unwrap_or(i64::MAX);
        self.noted[version as usize] = due;
        if due < i64::MAX {
            self.heap.push(Reverse((due, version)));
        }
        // Notes that were moved away come up by and by, unless they are far off.
        if self.heap.len() > 2 * self.noted.len() {
            let noted = &self.noted;
            let mut left: Vec<_> = self.heap.drain().filter(|Reverse((due, version))| noted[*version as usize] == *due).collect();
            left.sort_unstable();
            left.dedup();
            self.heap = left.into();
        }
        self.tidy();
    }

    /// Takes out the versions noted for earlier than an instant, ascending, each once. What is noted of them stays, but is not found here any more: each is to be noted again.
    pub fn take(&mut self, before: i64) -> Vec<u32> {
        let mut taken = Vec::new();
        while let Some(Reverse((due, version))) = self.heap.peek().copied().filter(|Reverse((due, _))| *due < before) {
            self.heap.pop();
            if self.of(version) == due {
                taken.push(version);
            }
        }
        self.tidy();
        taken.sort_unstable();
        taken.dedup();
        taken
    }

    /// The versions that are noted for an instant or earlier, ascending, each once.
    pub fn reached(&self, until: i64) -> impl Iterator<Item = u32> {
        let noted = self.heap.iter().filter(|Reverse((due, version))| *due <= until && self.of(*version) == *due);
        let mut all: Vec<u32> = noted.map(|Reverse((_, version))| *version).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }

    fn tidy(&mut self) {
        while let Some(Reverse((due, version))) = self.heap.peek()
            && self.noted[*version as usize] != *due
        {
            self.heap.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_finds_what_a_walk_over_all_would() {
        let mut dice = 3_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % n
        };
        let mut dues = Dues::default();
        dues.make_room(12);
        let mut meant = [i64::MAX; 12];
        for step in 0..20_000 {
            let (version, due) = (below(12) as u32, step + below(300) as i64);
            match below(5) {
                0 => {
                    dues.note(version, None);
                    meant[version as usize] = i64::MAX;
                }
                1 => {
                    dues.note(version, Some(due));
                    meant[version as usize] = due;
                }
                2 => {
                    let taken = dues.take(step);
                    let reached: Vec<u32> = (0..12).filter(|v| meant[*v as usize] < step).collect();
                    assert_eq!(taken, reached, "step {step}");
                    for version in taken {
                        dues.note(version, Some(step + 50));
                        meant[version as usize] = step + 50;
                    }
                }
                _ => {
                    dues.advance(version, due);
                    meant[version as usize] = meant[version as usize].min(due);
                }
            }
            assert_eq!(dues.first(), meant.iter().copied().filter(|due| *due < i64::MAX).min(), "step {step}");
            let reached: Vec<u32> = (0..12).filter(|v| meant[*v as usize] <= step + 100).collect();
            assert!(dues.reached(step + 100).eq(reached), "step {step}");
            assert!((0..12).all(|v| dues.of(v) == meant[v as usize]) && dues.heap.len() <= 24, "step {step}");
        }
    }
}
