//! How late a reading may be that is still in order for all rules that its stream concerns.
//!
//! A gateway hears of devices when they send, and a phone sends what it gathered for an hour: readings of one stream come in order, behind what another stream has said or the
//! clock has passed. That is late only for who has decided something since that may hang on it.
//!
//! INVARIANT (fronts): of a reading after the front of its stream, and after all readings of that stream, only those decide otherwise who decide upon it or who heed it whenever
//! they decided; and those at rest go on resting as if nothing had come later. A front may be too late, never too early: then rules are asked one by one how far they are.

use vitalog_elog::StreamIx;

/// By stream.
#[derive(Debug)]
pub struct Fronts {
    /// No front is before it.
    floor: i64,
    /// `i64::MIN` where nobody decided anything.
    of: Vec<i64>,
}

impl Default for Fronts {
    fn default() -> Fronts {
        Fronts { floor: i64::MIN, of: Vec::new() }
    }
}

impl Fronts {
    #[inline]
    pub fn of(&self, stream: StreamIx) -> i64 {
        self.of.get(usize::from(stream.0)).map_or(self.floor, |front| self.floor.max(*front))
    }

    /// Somebody who hangs on these streams has decided what lies at an instant or before.
    #[inline]
    pub fn raise(&mut self, streams: &[StreamIx], to: i64) {
        for stream in streams.iter().filter(|stream| stream.derived().is_none()) {
            let place = usize::from(stream.0);
            if self.of.len() <= place {
                self.of.reserve_exact(place + 1 - self.of.len());
                self.of.resize(place + 1, i64::MIN);
            }
            self.of[place] = self.of[place].max(to);
        }
    }

    /// Anybody may have.
    pub fn raise_all(&mut self, to: i64) {
        self.floor = self.floor.max(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Derived;

    #[test]
    fn each_stream_has_its_own_and_none_is_before_the_floor() {
        let mut fronts = Fronts::default();
        let of = |fronts: &Fronts| [0, 1, 2, 9].map(|stream| fronts.of(StreamIx(stream)));
        assert_eq!(of(&fronts), [i64::MIN; 4]);
        fronts.raise(&[StreamIx(0), StreamIx(2), Derived::stream(3)], 7);
        fronts.raise(&[StreamIx(2)], 5);
        assert_eq!(of(&fronts), [7, i64::MIN, 7, i64::MIN]);
        fronts.raise_all(6);
        assert_eq!(of(&fronts), [7, 6, 7, 6]);
        assert_eq!(fronts.of.len(), 3, "what rules find has no front");
    }
}
