//! What has to hold for a rule to rest: mostly one or two things, kept without a list on the heap, for it is asked at every tenth reading.

use vitalog_elog::{FieldIx, StreamIx};

/// As long as this holds of a reading that comes, a rule rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Within(Band),
    /// From the reading before the field's number moves so fast, by atoms an hour; see [`super::pace`].
    Paced(Band),
    /// It says nothing of this field.
    Without(FieldIx),
    /// It comes before this instant.
    Before(i64),
    /// It comes at least so long after the reading before it.
    Apart(i64),
    /// It comes at most so long after the reading before it.
    Near(i64),
    /// With it there are at most so many rows in its table.
    Rows(i64),
    /// Nothing comes in this other stream, nor goes.
    Unheard(StreamIx),
}

/// From `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    pub field: FieldIx,
    pub low: i64,
    pub high: i64,
}

/// Seldom more.
const FEW: usize = 4;

/// All that has to hold.
#[derive(Debug, Default)]
pub struct Rests {
    few: [Option<Rest>; FEW],
    more: Vec<Rest>,
}

impl Rests {
    pub fn push(&mut self, rest: Rest) {
        match self.few.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(rest),
            None => self.more.push(rest),
        }
    }
}

impl From<Rest> for Rests {
    fn from(rest: Rest) -> Rests {
        Rests { few: [Some(rest), None, None, None], more: Vec::new() }
    }
}

impl Extend<Rest> for Rests {
    fn extend<I: IntoIterator<Item = Rest>>(&mut self, rests: I) {
        rests.into_iter().for_each(|rest| self.push(rest));
    }
}

impl IntoIterator for Rests {
    type Item = Rest;
    type IntoIter = std::iter::Chain<std::iter::Flatten<std::array::IntoIter<Option<Rest>, FEW>>, std::vec::IntoIter<Rest>>;

    fn into_iter(self) -> Self::IntoIter {
        self.few.into_iter().flatten().chain(self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_kept_in_their_order() {
        let wanted: Vec<Rest> = (0..9).map(Rest::Before).collect();
        let mut rests = Rests::from(Rest::Before(0));
        rests.extend(wanted[1..].iter().copied());
        assert_eq!(rests.into_iter().collect::<Vec<_>>(), wanted);
        assert_eq!(Rests::default().into_iter().count(), 0);
    }
}
