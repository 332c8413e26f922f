//! How late a reading may be that is still in order for all rules that its stream concerns.
//!
//! A gateway hears of devices when they send, and a phone sends what it gathered for an hour: readings of one stream come in order, behind what another stream has said or the
//! clock has passed. That is late only for who has decided something since that may hang on it.
//!
//! INVARIANT (fronts): of a reading after the front of its stream, and after all readings of that stream, only those decide otherwise who decide upon it or who heed it whenever
//! they decided; and those at rest go on resting as if nothing had come later, but for those who told that its stream is to be unheard. A front may be too late, never too early: then those rules are asked how far they are whose own front is not before the reading.

use vitalog_elog::StreamIx;

/// `i64::MIN` where nothing was decided.
#[derive(Debug, Default)]
pub struct Fronts {
    /// By stream, of all whom it concerns.
    streams: Vec<i64>,
    /// By version, how far it is itself.
    versions: Vec<i64>,
}

impl Fronts {
    /// Of so many versions.
    pub fn make_room(&mut self, versions: usize) {
        self.versions.reserve_exact(versions.saturating_sub(self.versions.len()));
    }

    #[inline]
    pub fn of(&self, stream: StreamIx) -> i64 {
        self.streams.get(usize::from(stream.0)).copied().unwrap_or(i64::MIN)
    }

    /// How far a version is at most.
    #[inline]
    pub fn of_version(&self, version: u32) -> i64 {
        self.versions.get(version as usize).copied().unwrap_or(i64::MIN)
    }

    /// See [`super::foresee`].
    pub fn glance(&self) -> u64 {
        (self.streams.len() ^ self.versions.len()) as u64
    }

    /// A version that hangs on these streams has decided what lies at an instant or before.
    #[inline]
    pub fn raise(&mut self, version: u32, streams: &[StreamIx], to: i64) {
        if to > self.of_version(version) {
            self.raise_to(version, streams, to);
        }
    }

    fn raise_to(&mut self, version: u32, streams: &[StreamIx], to: i64) {
        *of(&mut self.versions, version as usize) = to;
        for stream in streams.iter().filter(|stream| stream.derived().is_none()) {
            let known = of(&mut self.streams, usize::from(stream.0));
            *known = (*known).max(to);
        }
    }
}

/// The place in a list that is as long as it has to be.
#[inline]
fn of(list: &mut Vec<i64>, place: usize) -> &mut i64 {
    if list.len() <= place {
        list.reserve_exact(place + 1 - list.len());
        list.resize(place + 1, i64::MIN);
    }
    &mut list[place]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Derived;

    #[test]
    fn each_stream_has_its_own() {
        let mut fronts = Fronts::default();
        let of = |fronts: &Fronts| [0, 1, 2, 9].map(|stream| fronts.of(StreamIx(stream)));
        assert_eq!(of(&fronts), [i64::MIN; 4]);
        fronts.raise(4, &[StreamIx(0), StreamIx(2), Derived::stream(3)], 7);
        fronts.raise(1, &[StreamIx(2)], 5);
        assert_eq!(of(&fronts), [7, i64::MIN, 7, i64::MIN]);
        assert_eq!(fronts.streams.len(), 3, "what rules find has no front");
        assert_eq!([0, 1, 4, 9].map(|version| fronts.of_version(version)), [i64::MIN, 5, 7, i64::MIN]);
        fronts.raise(1, &[StreamIx(2)], 4);
        fronts.raise(1, &[StreamIx(2)], 9);
        assert_eq!(of(&fronts), [7, i64::MIN, 9, i64::MIN], "it is raised and never lowered");
    }
}
