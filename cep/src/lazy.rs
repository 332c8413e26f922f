//! Room that is taken when something is put into it: most subjects have nothing to say to most rules, and there are millions of subjects.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What has a state in which it says nothing.
pub trait Blank: Default + 'static {
    /// One that says nothing, for all who have none.
    fn blank() -> &'static Self;

    fn is_blank(&self) -> bool;
}

/// A value that takes room from the first time that it is changed. In a snapshot one that says nothing is none, whatever happened to it.
#[derive(Debug)]
pub struct Lazy<T>(Option<Box<T>>);

impl<T> Default for Lazy<T> {
    fn default() -> Lazy<T> {
        Lazy(None)
    }
}

impl<T: Blank> Deref for Lazy<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => T::blank(),
        }
    }
}

impl<T: Blank> DerefMut for Lazy<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Blank + Serialize> Serialize for Lazy<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().filter(|value| !value.is_blank()).serialize(to)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lazy<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Lazy<T>, D::Error> {
        Option::deserialize(from).map(Lazy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Marks(Vec<u8>);

    impl Blank for Marks {
        fn blank() -> &'static Marks {
            static BLANK: Marks = Marks(Vec::new());
            &BLANK
        }

        fn is_blank(&self) -> bool {
            self.0.is_empty()
        }
    }

    #[test]
    fn what_says_nothing_leaves_no_trace() {
        let mut marks = Lazy::<Marks>::default();
        assert_eq!(*marks, Marks(Vec::new()));
        let fresh = postcard::to_allocvec(&marks).expect("it is written");
        marks.0.get_or_insert_default();
        assert_eq!(postcard::to_allocvec(&marks).expect("it is written"), fresh);
        marks.deref_mut().0.push(7);
        let written = postcard::to_allocvec(&marks).expect("it is written");
        assert_eq!(*postcard::from_bytes::<Lazy<Marks>>(&written).expect("it is read"), Marks(vec![7]));
    }
}
