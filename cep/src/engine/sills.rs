//! The bounds of one stream's rules that are the same for all subjects, in their order.
//!
//! A number that moves past some of them concerns the rules between its old and its new place: they lie side by side here, and no subject keeps an order of its own for them.

use vitalog_elog::FieldIx;

use crate::decide::Sill;

/// Of all fields of a stream.
#[derive(Debug, Default)]
pub struct Sills {
    fields: Vec<OfField>,
}

/// Of one field, ascending.
#[derive(Debug)]
pub struct OfField {
    pub field: FieldIx,
    /// The last number before each turns.
    lasts: Vec<i64>,
    versions: Vec<u32>,
}

/// Of so many neighbours it is looked whether they rest; beyond, any bound will do.
const FAR: usize = 8;

impl Sills {
    /// Of versions with theirs.
    pub fn of(all: impl Iterator<Item = (u32, Sill)>) -> Sills {
        let mut all: Vec<(FieldIx, i64, u32)> = all.map(|(version, sill)| (sill.field, sill.last, version)).collect();
        all.sort_unstable();
        let mut fields: Vec<OfField> = Vec::new();
        for (field, last, version) in all {
            if fields.last().is_none_or(|of| of.field != field) {
                fields.push(OfField { field, lasts: Vec::new(), versions: Vec::new() });
            }
            if let Some(of) = fields.last_mut() {
                of.lasts.push(last);
                of.versions.push(version);
            }
        }
        Sills { fields }
    }

    /// By field.
    #[inline]
    pub fn fields(&self) -> &[OfField] {
        &self.fields
    }
}

impl OfField {
    /// All of them.
    pub fn versions(&self) -> &[u32] {
        &self.versions
    }

    /// Those that one of two numbers is before and the other behind.
    #[inline]
    pub fn between(&self, a: i64, b: i64) -> &[u32] {
        let (from, to) = (self.place(a.min(b)), self.place(a.max(b)));
        &self.versions[from..to]
    }

    /// From which number to which one that moves from `number` passes none that counts; it may pass one that does not. `None`: none counts.
    pub fn room(&self, number: i64, counts: impl Fn(u32) -> bool) -> Option<(i64, i64)> {
        let place = self.place(number);
        let near = |at: &usize| counts(self.versions[*at]);
        let below = (0..place).rev().take(FAR).find(near).or_else(|| place.checked_sub(FAR + 1));
        let above =
            (place..self.lasts.len()).take(FAR).find(near).or_else(|| Some(place + FAR).filter(|at| *at < self.lasts.len()));
        // Of the last number before one there is a next.
        let low = below.map_or(i64::MIN, |at| self.lasts[at].saturating_add(1));
        let high = above.map_or(i64::MAX, |at| self.lasts[at]);
        (below.is_some() || above.is_some()).then_some((low, high))
    }

    /// How many are behind a number.
    #[inline]
    fn place(&self, number: i64) -> usize {
        self.lasts.partition_point(|last| *last < number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sill(field: u16, below: i64) -> Sill {
        Sill::below(FieldIx(field), below)
    }

    #[test]
    fn those_between_two_numbers_are_those_of_which_they_say_otherwise() {
        let mut dice = 11_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % n
        };
        let (mut passed, mut kept) = (0, 0);
        for _ in 0..500 {
            let all: Vec<(u32, Sill)> = (0..below(60) as u32).map(|v| (v, sill(below(2) as u16, below(90) as i64))).collect();
            let sills = Sills::of(all.iter().copied());
            for of in sills.fields() {
                let ours = || all.iter().filter(|(_, sill)| sill.field == of.field);
                assert_eq!(of.versions().len(), ours().count());
                let (a, b) = (below(100) as i64, below(100) as i64);
                let mut between = of.between(a, b).to_vec();
                between.sort_unstable();
                let wanted: Vec<u32> = ours().filter(|(_, sill)| sill.holds(a) != sill.holds(b)).map(|(v, _)| *v).collect();
                assert_eq!(between, wanted);
                passed += wanted.len();
                let counts = |version: u32| version.is_multiple_of(7);
                let moves = |to: i64| ours().any(|(v, sill)| counts(*v) && sill.holds(a) != sill.holds(to));
                match of.room(a, counts) {
                    Some((low, high)) => {
                        assert!(low <= a && a <= high);
                        assert!((low.max(-1)..=high.min(101)).all(|to| !moves(to)), "{a}: {low} to {high}");
                        kept += usize::from(high > low);
                    }
                    None => assert!((-1..102).all(|to| !moves(to))),
                }
            }
        }
        assert!(passed > 1_000 && kept > 100, "{passed} {kept}");
    }
}
