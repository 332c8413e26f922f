//! The subjects of an engine, and which of them changed since the last snapshot.
//!
//! INVARIANT (marked): a person is taken in hand to be changed through [`IndexMut`] alone, which marks it. So no increment can leave a change out, whoever makes
//! it. A mark too many costs a few bytes.

use std::ops::{Deref, Index, IndexMut};

use super::subject::Person;

/// By their places, in the order in which they were first seen.
#[derive(Debug, Default)]
pub struct People {
    list: Vec<Person>,
    /// A bit for each place.
    changed: Vec<u64>,
    /// How many the last snapshot has.
    known: usize,
}

impl People {
    /// As a snapshot has them.
    pub fn restored(list: Vec<Person>) -> People {
        People { changed: vec![0; list.len().div_ceil(64)], known: list.len(), list }
    }

    pub fn push(&mut self, person: Person) {
        let place = self.list.len();
        self.list.push(person);
        self.changed.resize(self.list.len().div_ceil(64), 0);
        self.mark(place);
    }

    /// How many the last snapshot has.
    pub fn known(&self) -> usize {
        self.known
    }

    /// There is no last snapshot.
    pub fn forget_known(&mut self) {
        self.known = 0;
        (0..self.list.len()).for_each(|place| self.mark(place));
    }

    /// The places of those that changed, ascending; from now on they count as unchanged.
    pub fn take_changed(&mut self) -> Vec<u32> {
        self.known = self.list.len();
        let mut places = Vec::new();
        for (word, bits) in (0_u32..).zip(&mut self.changed) {
            while *bits != 0 {
                places.push(word * 64 + bits.trailing_zeros());
                *bits &= *bits - 1;
            }
        }
        places
    }

    /// For bringing them into the form in which they are written, which changes nothing that a snapshot would say of them.
    pub fn unmarked(&mut self, place: usize) -> &mut Person {
        &mut self.list[place]
    }

    #[inline]
    fn mark(&mut self, place: usize) {
        self.changed[place / 64] |= 1 << (place % 64);
    }
}

impl Deref for People {
    type Target = [Person];

    fn deref(&self) -> &[Person] {
        &self.list
    }
}

impl Index<usize> for People {
    type Output = Person;

    #[inline]
    fn index(&self, place: usize) -> &Person {
        &self.list[place]
    }
}

impl IndexMut<usize> for People {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut Person {
        self.mark(place);
        &mut self.list[place]
    }
}
