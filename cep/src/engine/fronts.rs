//! How late a reading may be that is still in order for all rules that its stream concerns.
//!
//! A gateway hears of devices when they send, and a phone sends what it gathered for an hour: readings of one stream come in order, behind what another stream has said or the
//! clock has passed. That is late only for who has decided something since that may hang on it.
//!
//! INVARIANT (fronts): of a reading after the front of its stream, and after all readings of that stream, only those decide otherwise who decide upon it or who heed it whenever
//! they decided; and those at rest go on resting as if nothing had come later. A front may be too late, never too early: then rules are asked one by one how far they are.

use vitalog_elog::StreamIx;

/// By stream; `i64::MIN` where nobody decided anything.
#[derive(Debug, Default)]
pub struct Fronts(Vec<i64>);

impl Fronts {
    #[inline]
    pub fn of(&self, stream: StreamIx) -> i64 {
        self.0.get(usize::from(stream.0)).copied().unwrap_or(i64::MIN)
    }

    /// See [`super::foresee`].
    pub fn glance(&self) -> u64 {
        self.0.len() as u64
    }

    /// Somebody who hangs on these streams has decided what lies at an instant or before.
    #[inline]
    pub fn raise(&mut self, streams: &[StreamIx], to: i64) {
        for stream in streams.iter().filter(|stream| stream.derived().is_none()) {
            let place = usize::from(stream.0);
            if self.0.len() <= place {
                self.0.reserve_exact(place + 1 - self.0.len());
                self.0.resize(place + 1, i64::MIN);
            }
            self.0[place] = self.0[place].max(to);
        }
    }
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
        fronts.raise(&[StreamIx(0), StreamIx(2), Derived::stream(3)], 7);
        fronts.raise(&[StreamIx(2)], 5);
        assert_eq!(of(&fronts), [7, i64::MIN, 7, i64::MIN]);
        assert_eq!(fronts.0.len(), 3, "what rules find has no front");
    }
}
